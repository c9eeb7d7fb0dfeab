//! Who may do what: one table, one pure decision, and everything that the table does not allow is
//! denied.
//!
//! [`TABLE`] has a row for every RPC of vault and router; a cell is one of the closed set [`Cell`].
//! [`decide`] reads the row, the caller's column and nothing else: no clock, no database, no
//! configuration. `table.md` is the same table for people, and a test holds the two together.
//!
//! Left to the services, because only they can see it:
//! - whether a workspace is suspended or deleted, whether a token has ended;
//! - what belongs to the caller, after [`Decision::AllowedSelf`];
//! - whether an admin token that an operator makes is the workspace's first (a reason is needed for
//!   any other), and whether a member that an operator removes is an admin;
//! - whether reflection is open: its rows hold where it is;
//! - which entries of the feed and which verdicts a router with an allow-list may see.

mod cell;
mod table;

pub use cell::Cell;
use keyway_words::{Act, Aim, Role, WorkspaceId};
pub use table::{Row, TABLE, row};

/// What the caller is, as authenticated.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// Its role; `None` without a credential.
    pub role: Option<Role>,
    /// Its workspace; `None` for operators, auditors and routers.
    pub workspace: Option<&'a WorkspaceId>,
    /// Accessor of its token; empty without one.
    pub accessor: &'a str,
    /// A router's allow-list; `None` means every workspace.
    pub listed: Option<&'a [WorkspaceId]>,
}

/// The answer. All but the first two are the same denial to the caller, in the same words.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It may.
    Allowed,
    /// It may, as far as its own tokens go: the service narrows to tokens of the caller's subject.
    AllowedSelf,
    /// It may not, or the workspace does not exist.
    Denied,
    /// The RPC has no row, so nobody may.
    NoRow,
}

/// Decides whether the caller may call `rpc` (full name) with a request that aims there and would
/// do that.
pub fn decide(caller: &Standing<'_>, rpc: &str, aim: &Aim, act: &Act) -> Decision {
    let Some(row) = row(rpc) else {
        return Decision::NoRow;
    };
    row.cell(caller.role).decide(caller, aim, act)
}

/// For which owners a grant holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The caller's own workspace.
    Own,
    /// Every workspace and the platform.
    All,
    /// The platform only.
    Platform,
}

/// What the table allows a role of the router's RPCs: full name and scope. The vault sends it with
/// its verdict on a caller; the router allows nothing else.
pub fn grants(role: Role) -> impl Iterator<Item = (&'static str, Scope)> {
    TABLE
        .iter()
        .filter(|row| {
            ROUTER_PACKAGES
                .iter()
                .any(|package| row.rpc.starts_with(package))
        })
        .filter_map(move |row| scope(row.cell(Some(role))).map(|scope| (row.rpc, scope)))
}

/// The cells that the router's rows use. Another one there would grant nothing, and a test would
/// tell.
fn scope(cell: Cell) -> Option<Scope> {
    match cell {
        Cell::Own => Some(Scope::Own),
        Cell::All => Some(Scope::All),
        Cell::Platform => Some(Scope::Platform),
        Cell::Empty
        | Cell::Yes
        | Cell::OwnPolicy
        | Cell::AllLimits
        | Cell::PlatformElsewhereDisable
        | Cell::SeatAdmin
        | Cell::UnseatAdmin
        | Cell::CreateOwn
        | Cell::CreateSystem
        | Cell::OwnTokens
        | Cell::RevokeSelf
        | Cell::Listed => None,
    }
}

const ROUTER_PACKAGES: [&str; 2] = ["keyway.router.v1.", "keyway.billing.v1."];

#[cfg(test)]
mod tests;
