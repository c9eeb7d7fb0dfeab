//! A ledger that has no more room, or is gone: nothing leaves that could not be billed, what is under way
//! waits for its place, memory stays bounded, and when there is room again all of it is there.

use futures::future::join_all;
use keyway::Part;
use keyway::ready::get;
use keyway_proto::Reason;
use keyway_proto::billing::v1::{Basis, Outcome, Source};
use rustix::process::Resource;
use serde_json::json;

use crate::exhausted::limit;
use crate::harness::{
    DEMO, Product, Setup, Speaker, ask, only_attempt, reason, resident, wait_for,
};

const HOSTED: &str = "openai/gpt-5-mini";
const OWN: &str = "anthropic/claude-haiku-4-5";
/// Not room for one page of the write-ahead log.
const DISK: u64 = 4 << 10;
/// Refused calls, each of which would be remembered by a ledger that queues without a bound.
const REFUSED: usize = 4_000;
/// Far more than a bounded ledger needs for them, bytes.
const GROWN: u64 = 64 << 20;

#[tokio::test]
async fn a_full_ledger_refuses_calls_and_keeps_what_is_under_way_until_there_is_room_again() {
    let setup = Setup::new().with("KEYWAY_ROUTER__LOG__LEVEL", "warn");
    let product = setup.start().await;
    outage(product, async |product, gone| {
        let most = gone.then_some(DISK);
        limit(product, Part::Router, Resource::Fsize, most);
    })
    .await;
}

#[tokio::test]
async fn a_ledger_at_its_largest_size_refuses_calls_until_there_is_room_in_its_file_again() {
    let setup = Setup::new().with("KEYWAY_ROUTER__LEDGER__MAX_SIZE", "1MiB");
    let product = setup.start().await;
    outage(product, async |product, full| {
        let statements: &[_] = if full {
            &[
                "CREATE TABLE others (bytes BLOB)",
                "INSERT INTO others VALUES (zeroblob(1 << 20))",
            ]
        } else {
            // Its pages are free then, in a file that is as large.
            &["DROP TABLE others"]
        };
        product.change_ledger(statements).await;
    })
    .await;
}

/// Takes the ledger away with a stream under way, and gives it back.
pub(crate) async fn outage(mut product: Product, mut change: impl AsyncFnMut(&mut Product, bool)) {
    let admin = product.admin();
    let secret = "sk-keyway-test-outage-0001";
    admin.put_key(DEMO, "anthropic", secret).await.unwrap();
    product.until_served_by(OWN, Source::Own).await;
    let (simulator, caller) = (product.simulator(), product.caller());
    let rule = json!({
        "match": {"provider": "openai", "stream": true},
        "action": {"stall_after_chunks": 2, "stall_hold": "gate"},
    });
    simulator.script(&rule).await;
    let under_way = tokio::spawn({
        let caller = caller.clone();
        async move { caller.stream_chat(ask(HOSTED)).await }
    });
    simulator.until_held("gate", 1).await;

    change(&mut product, true).await;
    // A hosted call that was let in would wait for its settlement.
    let full = async || refused(&caller, OWN).await.then_some(());
    wait_for("a ledger that takes nothing", full).await;
    let asked = simulator.last().await;
    let router = product.id(Part::Router);
    let before = resident(router);
    let crowd = (0..40).map(async |_| {
        for _ in 0..REFUSED / 80 {
            assert!(refused(&caller, HOSTED).await);
            assert!(refused(&caller, OWN).await);
        }
    });
    join_all(crowd).await;
    let grown = resident(router).saturating_sub(before);
    assert!(grown < GROWN, "{grown} bytes for {REFUSED} refused calls");
    assert_eq!(simulator.last().await, asked, "nothing left");
    simulator.release("gate").await;
    let operations = product.running.site.addresses.router_operations;
    let (status, body) = get(operations, "/readyz").await.expect("an answer");
    assert!(status == 503 && body.contains("\"ledger\""), "{body}");

    change(&mut product, false).await;
    let again = async || caller.chat(ask(HOSTED)).await.ok();
    let (served, _) = wait_for("a ledger that is back", again).await;
    let served = only_attempt(served.receipt).1;
    let finished = under_way.await.expect("the stream under way ends well");
    let finished = only_attempt(finished.receipt).1;
    // On disk, and not only in a transaction that is open.
    product.kill(Part::Router).await;
    product.start_again(Part::Router).await;
    let events = product.admin().events_of(DEMO, &[&finished, &served]).await;
    for event in events {
        assert_eq!(event.outcome(), Outcome::Completed, "{event:?}");
        assert_eq!(event.basis(), Basis::ProviderReported, "{event:?}");
    }
}

/// Whether a call is refused because the ledger can't be written, and not for anything else.
async fn refused(caller: &Speaker, model: &str) -> bool {
    match caller.chat(ask(model)).await {
        Ok(_) => false,
        Err(status) => {
            let why = reason(&status);
            assert_eq!(why, Some(Reason::LedgerUnavailable), "{status:?}");
            true
        }
    }
}
