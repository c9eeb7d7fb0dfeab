//! Waiting for a condition, never for a time.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
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

/// Waits until somebody listens at one of these addresses, in a task of its own if need be.
pub(crate) async fn wait_for_listener(places: &[SocketAddr]) {
    let start = Instant::now();
    loop {
        for place in places {
            if TcpStream::connect(place).await.is_ok() {
                return;
            }
        }
        assert!(start.elapsed() < BOUND, "nobody listens at {places:?}");
        sleep(Duration::from_millis(5)).await;
    }
}
