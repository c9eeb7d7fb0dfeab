//! Names of the router's metrics, in one place. No label ever holds a caller's text.

use std::time::Duration;

use keyway_proto::Reason;
use keyway_router_billing::{LedgerStanding, RelayStanding};
use keyway_words::{Outcome, ProviderId, Source, Timestamp};
use metrics::{counter, gauge};

/// One RPC to the vault, by its short name.
pub(crate) fn vault_rpc(rpc: &'static str) {
    counter!("keyway_router_vault_rpcs_total", "rpc" => rpc).increment(1);
}

/// One look into the lease cache: `hit` or `miss`.
pub(crate) fn lease_cache(result: &'static str) {
    counter!("keyway_router_lease_cache_total", "result" => result).increment(1);
}

/// One look into the cache of verdicts: `hit`, `miss` or `unknown`.
pub(crate) fn verdict_cache(result: &'static str) {
    counter!("keyway_router_verdict_cache_total", "result" => result).increment(1);
}

/// One change of the feed.
pub(crate) fn feed_change() {
    counter!("keyway_router_feed_changes_total").increment(1);
}

/// One watch that was opened: the `first`, or `again` after it broke off.
pub(crate) fn feed_opened(which: &'static str) {
    counter!("keyway_router_feed_opened_total", "which" => which).increment(1);
}

/// One time that everything cached was dropped because the feed could not be gone on with.
pub(crate) fn feed_restart() {
    counter!("keyway_router_feed_restarts_total").increment(1);
}

/// Reports of key health by what became of them: `sent`, `retried`, `refused` or `overflow`.
pub(crate) fn health_reports(result: &'static str, count: u64) {
    counter!("keyway_router_health_reports_total", "result" => result).increment(count);
}

/// News of a key for the relay: `told`, or `overflow` where too many wait.
pub(crate) fn key_news(result: &'static str) {
    counter!("keyway_router_key_news_total", "result" => result).increment(1);
}

/// One trial of a rejected or exhausted key: `passed`, `failed` or `undecided`.
pub(crate) fn key_trial(result: &'static str) {
    counter!("keyway_router_key_trials_total", "result" => result).increment(1);
}

/// One breaker that `opened` or `closed`.
pub(crate) fn breaker(what: &'static str) {
    counter!("keyway_router_breakers_total", "what" => what).increment(1);
}

/// Seconds since the vault was known to have nothing newer.
pub(crate) fn feed_lag(seconds: f64) {
    gauge!("keyway_router_feed_lag_seconds").set(seconds);
}

/// One reading of the switches that changed something: `taken` or `refused`.
pub(crate) fn switches(result: &'static str) {
    counter!("keyway_router_switches_total", "result" => result).increment(1);
}

/// One call or attempt that was refused for the router's own protection, by its reason.
pub(crate) fn shed(reason: &'static str) {
    counter!("keyway_router_shed_total", "reason" => reason).increment(1);
}

/// One attempt that ended.
pub(crate) fn attempt(provider: ProviderId, source: Source, outcome: Outcome) {
    counter!(
        "keyway_router_attempts_total",
        "provider" => provider.as_str(),
        "source" => source_word(source),
        "outcome" => outcome_word(outcome),
    )
    .increment(1);
}

/// A source as a label.
pub(crate) const fn source_word(source: Source) -> &'static str {
    match source {
        Source::Own => "own",
        Source::Hosted => "hosted",
    }
}

/// An outcome as a label.
pub(crate) const fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Completed => "completed",
        Outcome::Failed => "failed",
        Outcome::Truncated => "truncated",
        Outcome::Abandoned => "abandoned",
        Outcome::Swept => "swept",
    }
}

/// Answers that are read on though their caller left.
pub(crate) fn answers_read_on(change: f64) {
    gauge!("keyway_router_answers_read_on").increment(change);
}

/// Calls in flight, all workspaces together.
pub(crate) fn calls_in_flight(change: f64) {
    gauge!("keyway_router_calls_in_flight").increment(change);
}

/// How the ledger stands; `now` is for the ages.
pub(crate) fn ledger(standing: &LedgerStanding, in_flight: usize, now: Timestamp) {
    let age = |since: Option<Timestamp>| {
        let age = since.map_or(0, |since| now.0 - since.0).max(0);
        Duration::from_micros(age.unsigned_abs()).as_secs_f64()
    };
    #[expect(clippy::cast_precision_loss, reason = "gauges")]
    let (unacknowledged, left_open, in_flight) = (
        standing.unacknowledged as f64,
        standing.left_open as f64,
        in_flight as f64,
    );
    gauge!("keyway_router_stream_unplaced_seconds").set(age(standing.unplaced_since));
    gauge!("keyway_router_consumer_behind_events").set(unacknowledged);
    gauge!("keyway_router_consumer_behind_seconds").set(age(standing.unacknowledged_since));
    gauge!("keyway_router_attempts_left_open").set(left_open);
    gauge!("keyway_router_attempts_in_flight").set(in_flight);
}

/// Shows the counters that alerts look at before they count: a series that begins at 1 has not grown.
pub(crate) fn begin() {
    relay(&RelayStanding::default(), Timestamp(0));
    for reason in SHED {
        counter!("keyway_router_shed_total", "reason" => reason.as_str()).increment(0);
    }
    for what in ["opened", "closed"] {
        counter!("keyway_router_breakers_total", "what" => what).increment(0);
    }
    for result in ["taken", "refused"] {
        counter!("keyway_router_switches_total", "result" => result).increment(0);
    }
}

/// Why calls are refused for the router's own protection.
const SHED: [Reason; 4] = [
    Reason::SpendLimit,
    Reason::HostedRateLimited,
    Reason::WorkspaceBusy,
    Reason::Overloaded,
];

/// How the relay to NATS stands; `now` is for the age of what waits.
pub(crate) fn relay(standing: &RelayStanding, now: Timestamp) {
    let oldest = standing.oldest.map_or(0, |oldest| now.0 - oldest.0);
    #[expect(clippy::cast_precision_loss, reason = "a gauge")]
    let (waiting, oldest) = (standing.waiting as f64, oldest.max(0) as f64 / 1e6);
    gauge!("keyway_router_relay_leads").set(f64::from(u8::from(standing.leads)));
    gauge!("keyway_router_relay_waiting_events").set(waiting);
    gauge!("keyway_router_relay_oldest_seconds").set(oldest);
    counter!("keyway_router_relay_published_total").absolute(standing.published);
    counter!("keyway_router_relay_duplicates_total").absolute(standing.told.duplicates);
    counter!("keyway_router_relay_conflicts_total").absolute(standing.told.conflicts);
}
