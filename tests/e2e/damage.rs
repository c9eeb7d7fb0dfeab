//! A damaged key row is never served and never taken for "no key": whatever is changed under the
//! vault by SQL, the call is refused and nothing leaves, on neither key.
//!
//! Every case has a workspace of its own that no call has touched, so that the router has nothing
//! cached; the count of `ResolveKeys` shows it.

mod columns;
pub(crate) mod live;
mod swaps;

use std::collections::BTreeSet;

use keyway::Part;
use keyway_proto::Reason;
use keyway_proto::billing::v1::Source;
use tonic::Status;

use crate::harness::{Logs, Product, Tenant, ask, reason};
use columns::{Meaning, TABLES, Table};
use live::Live;

const OPENAI: &str = "openai/gpt-5-mini";
const ANTHROPIC: &str = "anthropic/claude-haiku-4-5";

#[tokio::test]
async fn every_column_has_a_meaning() {
    let product = Product::start().await;
    let live = Live::open(&product).await;
    for table in TABLES {
        let known: BTreeSet<String> = table
            .columns
            .iter()
            .map(|(name, _)| (*name).into())
            .collect();
        let there = live.columns(table.name).await;
        assert_eq!(
            there, known,
            "{}: say what damage to each column means",
            table.name
        );
    }
}

#[tokio::test]
async fn a_row_whose_guarded_columns_are_damaged_is_unreadable() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let mut bench = Bench::new(&product).await;
    for (table, column, meaning) in every_column() {
        let Meaning::Guarded(values) = meaning else {
            continue;
        };
        for value in *values {
            let what = format!("{}.{column} = {value}", table.name);
            let tenant = bench.stored().await;
            bench.live.set(table, &tenant.name, column, value).await;
            bench.refused(&tenant, OPENAI, &what).await;
        }
    }
    for column in ["keys.envelope", "data_keys.wrapped"] {
        for eighth in 0..=8 {
            let tenant = bench.stored().await;
            bench.live.flip(column, &tenant.name, eighth).await;
            bench
                .refused(&tenant, OPENAI, &format!("{column}, a bit at {eighth}/8"))
                .await;
        }
    }
    bench.nothing_left().await;
}

#[tokio::test]
async fn a_row_that_is_lost_or_brought_back_is_unreadable() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let mut bench = Bench::new(&product).await;
    for table in ["keys", "data_keys"] {
        let tenant = bench.stored().await;
        let sql = format!("DELETE FROM {table} WHERE owner = '{}'", tenant.name);
        bench.live.change(&sql).await;
        bench.refused(&tenant, OPENAI, &sql).await;
    }

    let tenant = bench.stored().await;
    let key = format!("{}/keys/openai/default", tenant.name);
    tenant.admin.delete_key(&key).await.unwrap();
    let sql = format!(
        "UPDATE keys SET deleted_at = NULL WHERE owner = '{}'",
        tenant.name
    );
    bench.live.change(&sql).await;
    bench
        .refused(&tenant, OPENAI, "a deleted row without its mark")
        .await;

    let tenant = bench.tenant().await;
    let sql = format!(
        "INSERT INTO key_pools (owner, provider, selection, live_count) VALUES ('{}', 'openai', '', 1)",
        tenant.name
    );
    bench.live.change(&sql).await;
    bench
        .refused(&tenant, OPENAI, "a pool that counts a row that never was")
        .await;
    bench.nothing_left().await;
}

#[tokio::test]
async fn damage_to_a_plain_column_never_leads_to_the_platforms_key() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let mut bench = Bench::new(&product).await;
    for (table, column, meaning) in every_column() {
        let Meaning::Plain(values) = meaning else {
            continue;
        };
        for value in *values {
            let tenant = bench.stored().await;
            bench.live.set(table, &tenant.name, column, value).await;
            if let Ok(answer) = tenant.caller.chat(ask(OPENAI)).await {
                for attempt in answer.receipt.expect("a receipt").attempts {
                    let what = format!("{}.{column} = {value}", table.name);
                    assert_eq!(attempt.source(), Source::Own, "{what}");
                }
            }
        }
    }
    let tenant = bench.stored().await;
    let sql = format!("DELETE FROM key_pools WHERE owner = '{}'", tenant.name);
    bench.live.change(&sql).await;
    let (attempt, _) = tenant.caller.chat_once(OPENAI).await;
    assert_eq!(attempt.source(), Source::Own, "a row that is there counts");
    for sent in product.simulator().journal().await {
        assert_eq!(sent["credential"]["last4"], "enai", "{sent}"); // SECRET-openai
    }
}

fn every_column() -> impl Iterator<Item = (&'static Table, &'static str, &'static Meaning)> {
    TABLES.iter().flat_map(|table| {
        let columns = table.columns.iter();
        columns.map(move |(column, meaning)| (table, *column, meaning))
    })
}

/// A product whose database is open for damage.
struct Bench<'a> {
    product: &'a Product,
    live: Live,
    tenants: u32,
    refused: u64,
}

impl<'a> Bench<'a> {
    async fn new(product: &'a Product) -> Self {
        let live = Live::open(product).await;
        Self {
            product,
            live,
            tenants: 0,
            refused: 0,
        }
    }

    /// A workspace without keys.
    async fn tenant(&mut self) -> Tenant {
        self.tenants += 1;
        self.product.tenant(&format!("case-{}", self.tenants)).await
    }

    /// A workspace with an `OpenAI` key.
    async fn stored(&mut self) -> Tenant {
        let tenant = self.tenant().await;
        let key = format!("{SECRET}-openai");
        tenant
            .admin
            .put_key(&tenant.name, "openai", &key)
            .await
            .unwrap();
        tenant
    }

    /// The first call of a workspace with a provider: refused because of its key.
    async fn refused(&mut self, tenant: &Tenant, model: &str, what: &str) {
        self.refused += 1;
        let answer = tenant.caller.chat(ask(model)).await;
        let refusal: Result<_, Status> = answer.map(|answer| answer.receipt);
        match refusal {
            Ok(receipt) => panic!("{what}: served, {receipt:?}"),
            Err(status) => {
                assert_eq!(
                    reason(&status),
                    Some(Reason::KeyUnreadable),
                    "{what}: {status:?}"
                );
            }
        }
    }

    /// All that was refused was resolved cold, no provider was asked, and without damage the same
    /// workspaces would have been served.
    async fn nothing_left(&mut self) {
        let router = self.product.counts(Part::Router).await;
        let resolved = router.sum("keyway_router_vault_rpcs_total", "rpc=\"ResolveKeys\"");
        assert!(resolved >= self.refused, "{resolved} < {}", self.refused);
        let journal = self.product.simulator().journal().await;
        assert!(journal.is_empty(), "{journal:?}");
        let whole = self.stored().await;
        let (attempt, _) = whole.caller.chat_once(OPENAI).await;
        assert_eq!(attempt.source(), Source::Own);
    }
}

const SECRET: &str = "sk-keyway-test-damage-0001";
