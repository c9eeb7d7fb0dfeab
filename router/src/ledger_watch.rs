//! How the ledger stands, as figures, and whether its stream moves.

use std::sync::Arc;
use std::time::Duration;

use keyway_chassis::clock::Clock;
use keyway_chassis::lifecycle::Shutdown;
use keyway_chassis::operations::Readiness;
use keyway_router_billing::{Ledger, LedgerStanding};
use keyway_words::Timestamp;
use tracing::error;

use crate::conditions::STREAM;
use crate::counters;

/// Looks again and again until the stop. A ledger that can't be read is told by its own condition.
pub(crate) async fn run(
    ledger: Arc<Ledger>,
    clock: Arc<dyn Clock>,
    readiness: Readiness,
    stop: Shutdown,
) {
    let bound = ledger.lease() * 2;
    let mut moved = true;
    loop {
        if let Ok(standing) = ledger.standing().await {
            let now = clock.now();
            counters::ledger(&standing, ledger.attempts_in_flight(), now);
            let moves = moves(&standing, now, bound);
            if moved && !moves {
                error!("events have waited longer than {bound:?} for their place in the stream");
            }
            moved = moves;
            readiness.set(STREAM, moves);
        }
        tokio::select! {
            () = stop.wait() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Whoever numbers may be gone for as long as its lease; nobody for twice that.
fn moves(standing: &LedgerStanding, now: Timestamp, bound: Duration) -> bool {
    let waited = standing.unplaced_since.map_or(0, |since| now.0 - since.0);
    u64::try_from(waited).unwrap_or_default() < u64::try_from(bound.as_micros()).unwrap_or(u64::MAX)
}

const EVERY: Duration = Duration::from_secs(2);
