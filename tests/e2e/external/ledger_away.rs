//! The ledger's PostgreSQL dies or falls silent under a running router: no call is made that could not be
//! billed, who reads is told so within a bound, and all goes on without a restart.

use std::time::Duration;

use anyhow::Result;
use futures::future::join_all;
use keyway_proto::Reason;
use keyway_proto::billing::v1::{ListUsageRequest, SummarizeUsageRequest};
use keyway_test_servers::Postgres;
use tokio::process::Command;
use tokio::time::timeout;
use tonic::Status;

use crate::harness::{Logs, Product, Setup, VaultDatabase, Way, ask, reason, wait_for};
use crate::ledger_full::outage;

const MODEL: &str = "openai/gpt-5-mini";
/// Connect and statement take 2 s each at most.
const BOUND: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_ledger_that_is_killed_refuses_calls_and_keeps_what_is_under_way_until_it_is_back() {
    server_outage(Postgres::kill, Postgres::restart).await;
}

#[tokio::test]
async fn a_ledger_whose_server_takes_no_writes_refuses_calls_until_it_is_promoted() {
    let stand_by = |server: &Postgres| {
        server.crash()?;
        server.restart_as_standby()
    };
    server_outage(stand_by, Postgres::promote).await;
}

/// Takes the ledger's server away in one way and brings it back in another.
async fn server_outage(
    away: impl Fn(&Postgres) -> Result<()>,
    back: impl Fn(&Postgres) -> Result<()>,
) {
    let server = Postgres::start().expect("PostgreSQL");
    let database = VaultDatabase::ledger_on(&server, "outage").await;
    let product = Setup::new().ledger_on(&database).start().await;
    outage(product, async |_, gone| {
        let done = if gone { away(&server) } else { back(&server) };
        done.expect("done");
    })
    .await;
}

#[tokio::test]
async fn a_ledger_file_that_nobody_may_write_refuses_calls_until_it_may_be_written() {
    let product = Setup::new().start().await;
    outage(product, async |product, gone| {
        let flag = if gone { "+i" } else { "-i" };
        for name in ["ledger.db", "ledger.db-wal"] {
            let file = product.state().join(name);
            let done = Command::new("chattr").arg(flag).arg(&file).status().await;
            let done = done.expect("chattr is missing: Debian has it in e2fsprogs");
            assert!(
                done.success(),
                "chattr {flag} needs root and a file system that knows it"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_ledger_that_falls_silent_three_times_is_read_again_each_time_it_is_back() {
    let server = Postgres::start().expect("PostgreSQL");
    let database = VaultDatabase::ledger_on(&server, "silent").await;
    let way = Way::to(server.address()).await;
    let url = database.url_by(way.address());
    let setup = Setup::new()
        .with("KEYWAY_ROUTER__LEDGER__PATH", "")
        .with("KEYWAY_ROUTER__LEDGER__URL", &url)
        .with("KEYWAY_ROUTER__LEDGER__CONNECT_TIMEOUT", "2s")
        .with("KEYWAY_ROUTER__LEDGER__STATEMENT_TIMEOUT", "2s");
    let product = setup.start().await;
    let _logs = Logs(&product);
    product.caller().chat_once(MODEL).await;
    for round in 1..=3 {
        // In the middle of reading, on more connections than there are.
        let reading = (0..16).map(async |number| {
            let mut answers = 0;
            loop {
                if number == 0 && answers == 4 {
                    way.swallow();
                }
                match read(&product).await {
                    Ok(()) => answers += 1,
                    Err(status) => return status,
                }
            }
        });
        let told = timeout(BOUND, join_all(reading)).await;
        for status in told.expect("within the bound") {
            assert_eq!(
                reason(&status),
                Some(Reason::LedgerUnavailable),
                "{status:?}"
            );
        }
        way.mend();
        let again = async || read(&product).await.ok();
        let ((), took) = wait_for("the ledger read again", again).await;
        assert!(took < BOUND, "round {round}: {took:?}");
        let all = join_all((0..16).map(async |_| read(&product).await));
        for answer in timeout(BOUND, all).await.expect("in time") {
            answer.unwrap_or_else(|status| panic!("round {round}: {status:?}"));
        }
        let served = async || product.caller().chat(ask(MODEL)).await.ok();
        wait_for("a call", served).await;
    }
}

async fn read(product: &Product) -> Result<(), Status> {
    let mut billing = product.operator().router.billing();
    billing.list_usage(ListUsageRequest::default()).await?;
    let summary = SummarizeUsageRequest::default();
    billing.summarize_usage(summary).await.map(drop)
}
