//! Waiting for a condition, never for a time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long anything may take in a test before it counts as not happening.
pub(crate) const BOUND: Duration = Duration::from_mins(1);

/// Asks again and again until there is an answer; the answer, and how long it took.
pub(crate) async fn wait_for<T>(
    what: &str,
    mut ask: impl AsyncFnMut() -> Option<T>,
) -> (T, Duration) {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return (answer, start.elapsed());
        }
        assert!(start.elapsed() < BOUND, "waited {BOUND:?} for {what}");
        sleep(Duration::from_millis(5)).await;
    }
}
