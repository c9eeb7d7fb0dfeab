//! What the ledger costs under load: many callers at once, by the size of a group commit and by the kind
//! of key, beside the same calls at the simulator itself, where no ledger is.

use std::process::Command;
use std::time::Duration;

use futures::future::join_all;
use keyway_proto::billing::v1::Source;
use reqwest::Client;
use tokio::time::Instant;

use super::{latency, print};
use crate::harness::{DEMO, Product, Setup};

const MODEL: &str = "openai/gpt-5-mini";
/// A file system that is no disk.
const MEMORY: &str = "/dev/shm";
const CALLERS: usize = 32;
const CALLS: usize = 60;
/// Records that one commit may take at most.
const GROUPS: [&str; 3] = ["1", "16", "512"];

/// The same calls with the ledger's file in memory, where a sync costs nothing: what the ledger's own
/// work takes, without the disk.
pub(crate) async fn measure_in_memory() {
    let folder = tempfile::tempdir_in(MEMORY).expect("a folder in memory");
    let file = folder.path().join("ledger.db");
    let made = Command::new(env!("CARGO_BIN_EXE_keyway-tests"))
        .args(["--as", "migrate", "router", "--database"])
        .arg(&file)
        .status();
    assert!(made.expect("it runs").success());
    let file = file.to_str().expect("a path");
    let setup = Setup::new().with("KEYWAY_ROUTER__LEDGER__PATH", file);
    let product = setup.start().await;
    routed(&product, "SQLite in memory, hosted key").await;
    own_key(&product).await;
    routed(&product, "SQLite in memory, own key").await;
    drop(product.stop().await);
}

/// Measures with one way to make a setup, whose ledgers are new each time.
pub(crate) async fn measure(ledger: &str, setup: impl AsyncFn(usize) -> Setup) {
    for (at, group) in GROUPS.into_iter().enumerate() {
        let setup = setup(at).await.with("KEYWAY_ROUTER__LEDGER__GROUP", group);
        let product = setup.start().await;
        if at == 0 {
            print::disk_sync(product.state());
            let url = latency::url(&product);
            let client = Client::builder().no_proxy().build().expect("a client");
            many("no router, no ledger", async || {
                latency::ask_simulator(&client, &url).await;
            })
            .await;
        }
        let name = format!("{ledger}, groups of {group} at most, hosted key");
        routed(&product, &name).await;
        own_key(&product).await;
        let name = format!("{ledger}, groups of {group} at most, own key");
        routed(&product, &name).await;
        drop(product.stop().await);
    }
}

async fn own_key(product: &Product) {
    let secret = "sk-keyway-test-bench-ledger";
    let stored = product.admin().put_key(DEMO, "openai", secret).await;
    stored.expect("stored");
    product.until_served_by(MODEL, Source::Own).await;
}

async fn routed(product: &Product, what: &str) {
    let caller = product.caller();
    many(what, async || {
        caller.chat_once(MODEL).await;
    })
    .await;
}

/// So many at once, each call after the one before.
pub(super) async fn many(what: &str, call: impl AsyncFn()) {
    call().await;
    let began = Instant::now();
    let callers = (0..CALLERS).map(async |_| {
        let mut taken = Vec::new();
        for _ in 0..CALLS {
            let start = Instant::now();
            call().await;
            taken.push(start.elapsed());
        }
        taken
    });
    let taken: Vec<Duration> = join_all(callers).await.into_iter().flatten().collect();
    let count = u32::try_from(taken.len()).expect("a count");
    let rate = f64::from(count) / began.elapsed().as_secs_f64();
    println!("{what}: {rate:.0} calls/s by {CALLERS} callers");
    print::line(what, taken);
}
