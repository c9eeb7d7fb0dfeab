//! Whether somebody set the wall clock: it is compared with one that nobody can set.

use std::sync::Arc;
use std::time::Duration;

use keyway_words::Timestamp;
use metrics::counter;
use tokio::time::Instant;
use tracing::warn;

use super::Clock;
use crate::lifecycle::Shutdown;

/// Looks every second until the stop.
pub(crate) async fn watch(clock: Arc<dyn Clock>, stop: Shutdown) {
    for direction in [FORWARD, BACKWARD] {
        counter!(JUMPS, "direction" => direction).increment(0);
    }
    let mut last = (clock.now(), Instant::now());
    while tokio::time::timeout(EVERY, stop.wait()).await.is_err() {
        let here = (clock.now(), Instant::now());
        if let Some(micros) = jump(last.0, here.0, here.1.duration_since(last.1)) {
            let direction = if micros > 0 { FORWARD } else { BACKWARD };
            counter!(JUMPS, "direction" => direction).increment(1);
            let by = Duration::from_micros(micros.unsigned_abs());
            warn!(
                direction,
                ?by,
                "the wall clock jumped {direction} by {by:?}"
            );
        }
        last = here;
    }
}

/// By how many microseconds the clock went further than time did, where that is no small correction.
fn jump(before: Timestamp, after: Timestamp, passed: Duration) -> Option<i64> {
    let passed = i64::try_from(passed.as_micros()).unwrap_or(i64::MAX);
    let further = after.0.saturating_sub(before.0).saturating_sub(passed);
    (further.unsigned_abs() > LEAST).then_some(further)
}

const JUMPS: &str = "keyway_clock_jumps_total";
const FORWARD: &str = "forward";
const BACKWARD: &str = "backward";
const EVERY: Duration = Duration::from_secs(1);
/// Microseconds. What a time service corrects by slewing is far below.
const LEAST: u64 = 2_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_is_told_from_one_that_runs_and_from_a_look_that_came_late() {
        let at = |seconds: i64| Timestamp(seconds * 1_000_000);
        let second = Duration::from_secs(1);
        assert_eq!(jump(at(100), at(101), second), None);
        assert_eq!(jump(at(100), at(160), Duration::from_mins(1)), None);
        assert_eq!(jump(at(100), at(102), second), None, "a correction");
        assert_eq!(jump(at(100), at(3_701), second), Some(3_600_000_000));
        assert_eq!(jump(at(100), at(41), second), Some(-60_000_000));
        assert_eq!(
            jump(at(100), at(90), Duration::from_secs(0)),
            Some(-10_000_000)
        );
    }
}
