//! What a workspace sees of another one that calls on and on with a key that its provider refuses.

use std::time::Duration;

use keyway_proto::billing::v1::Source;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::print;
use crate::harness::{Product, Speaker, ask};

const MODEL: &str = "openai/gpt-5-mini";
/// How long each of both runs takes.
pub(super) const RUN: Duration = Duration::from_secs(10);
/// 50 calls per second.
const WELL: Duration = Duration::from_millis(20);
/// 200 calls per second.
const DEAD: Duration = Duration::from_millis(5);

pub(crate) async fn measure(product: &Product) {
    let (well, dead) = (
        product.tenant("bench-well").await,
        product.tenant("bench-dead").await,
    );
    for (tenant, secret) in [
        (&well, "sk-keyway-test-bench-well"),
        (&dead, "sk-keyway-test-bench-dead"),
    ] {
        let stored = tenant.admin.put_key(&tenant.name, "openai", secret).await;
        stored.expect("stored");
    }
    let refused = json!({
        "match": {"key_suffix": "-dead"}, "action": {"fixture": "openai/401_bad_key.error"}
    });
    product.simulator().script(&refused).await;
    let (attempt, _) = well.caller.chat_once(MODEL).await;
    assert_eq!(attempt.source(), Source::Own);

    let alone = paced(&well.caller, WELL).await;
    let (beside, dead) = tokio::join!(paced(&well.caller, WELL), paced(&dead.caller, DEAD));
    product.simulator().reset().await;
    let of = |run: &Run| format!("{} errors of {}", run.failed, run.taken.len());
    println!(
        "beside a dead key: {}; alone: {}; the dead key's own: {}",
        of(&beside),
        of(&alone),
        of(&dead)
    );
    assert_eq!(
        (alone.failed, beside.failed),
        (0, 0),
        "another's key did this"
    );
    assert_eq!(dead.failed, dead.taken.len(), "the control");
    print::line("50 calls/s on an own key, nothing beside", alone.taken);
    print::line("the same beside 200 calls/s on a dead key", beside.taken);
}

/// Calls of one workspace.
pub(super) struct Run {
    pub(super) taken: Vec<Duration>,
    pub(super) failed: usize,
}

/// Calls at a steady pace, none of which waits for another.
pub(super) async fn paced(caller: &Speaker, every: Duration) -> Run {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (start, mut calls) = (Instant::now(), JoinSet::new());
    while start.elapsed() < RUN {
        ticks.tick().await;
        let caller = caller.clone();
        calls.spawn(async move {
            let start = Instant::now();
            let failed = caller.chat(ask(MODEL)).await.is_err();
            (start.elapsed(), failed)
        });
    }
    let ended = calls.join_all().await;
    Run {
        failed: ended.iter().filter(|(_, failed)| *failed).count(),
        taken: ended.into_iter().map(|(taken, _)| taken).collect(),
    }
}
