//! The table of admin commands: `docs/admin.md` is made of it, and with grpcurl at hand that page is run.

mod page;
mod table;

use std::collections::BTreeSet;

use keyway_proto::{RPCS, Reason};

#[cfg(feature = "external")]
pub(crate) use self::page::BLOCK;
#[cfg(feature = "external")]
pub(crate) use self::table::Row;
pub(crate) use self::table::Table;
use crate::docs::is_current;

/// The page that is made of the table.
pub(crate) const PAGE: &str = "docs/admin.md";

#[test]
fn the_page_of_admin_commands_is_what_the_table_gives() {
    is_current(PAGE, &page::made_of(&Table::read()));
}

#[test]
fn every_rpc_has_a_command_or_a_word_why_people_do_not_call_it() {
    let table = Table::read();
    let answered = table.rows().filter(|row| row.fails.is_none());
    let shown: BTreeSet<_> = answered.map(|row| row.rpc.as_str()).collect();
    let left_out = |rpc: &str| {
        let (service, _method) = rpc.split_once('/').expect("a full name");
        table.left_out.iter().any(|left| left.service == service)
    };
    let missing: Vec<_> = RPCS
        .iter()
        .filter(|rpc| !shown.contains(*rpc) && !left_out(rpc))
        .collect();
    assert!(missing.is_empty(), "no row for {missing:?}");
    let unknown: Vec<_> = shown.iter().filter(|rpc| !RPCS.contains(rpc)).collect();
    assert!(unknown.is_empty(), "no such RPC: {unknown:?}");
}

#[test]
fn every_row_of_the_table_says_what_its_call_answers() {
    for row in Table::read().rows() {
        let either = row.fails.is_some() != row.answers.is_some();
        assert!(either, "{}: an answer or a failure", row.rpc);
        let reason = row.fails.as_ref().map(|fails| fails.reason.as_str());
        let known = |name| Reason::ALL.iter().any(|reason| reason.as_str() == name);
        assert!(reason.is_none_or(known), "{}: no such reason", row.rpc);
    }
}
