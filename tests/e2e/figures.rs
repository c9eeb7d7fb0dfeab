//! Prints figures of the running product, beside the machine's own: how soon a change of a key
//! holds, what the router adds to a call, what a dead key beside it, a silent provider and hostile bytes do, what the ledger costs by its group commits, and what lists and resolving take over a million keys. Nothing here asserts a speed.
//!
//! `cargo bench -p keyway-tests` runs it, with `--features external` lists, resolving and the ledger on PostgreSQL too;
//! the figures are milliseconds. `KEYWAY_BENCH_ROWS` says another number of rows than a million.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench prints its figures and ends where something is wrong"
)]

mod bench;
#[expect(
    dead_code,
    unused_imports,
    reason = "the bench uses a part of the tests' harness"
)]
mod harness;

use bench::{changes, dead_key, deadline, hostile, latency, ledger, lists, print, spend};
use harness::Product;

#[tokio::main]
async fn main() {
    let mut product = Product::start().await;
    println!("milliseconds: least / median / 99 of 100 / most (count)");
    print::disk_sync(product.state());
    changes::measure(&product).await;
    latency::measure(&product).await;
    dead_key::measure(&product).await;
    deadline::measure(&product).await;
    hostile::measure(&product).await;
    spend::measure(&product).await;
    let database = format!(
        "sqlite://{}?mode=rw",
        product.state().join("vault.db").display()
    );
    lists::measure(&mut product, &database).await;
    drop(product.stop().await);
    ledger::measure("SQLite", async |_| harness::Setup::new()).await;
    ledger::measure_in_memory().await;
    #[cfg(feature = "external")]
    on_postgresql().await;
}

/// Lists and resolving again, with the vault on a private PostgreSQL of the same disk.
#[cfg(feature = "external")]
async fn on_postgresql() {
    let database = harness::VaultDatabase::migrated("bench").await;
    let mut product = harness::Setup::new().on(&database).start().await;
    println!("with the vault on PostgreSQL");
    print::disk_sync(product.state());
    lists::measure(&mut product, &database.url).await;
    drop(product.stop().await);
    let server = keyway_test_servers::Postgres::shared().expect("PostgreSQL");
    ledger::measure("PostgreSQL", async |at| {
        let name = ["bench_first", "bench_second", "bench_third"][at];
        let database = harness::VaultDatabase::ledger_on(server, name).await;
        harness::Setup::new().ledger_on(&database)
    })
    .await;
}
