//! Names of the vault's metrics, in one place; those of statements stand beside the database. No
//! label ever holds a caller's text.

use metrics::{counter, gauge};

/// Shows the counters that alerts look at before they count: a series that begins at 1 has not grown.
pub(crate) fn begin() {
    counter!("keyway_vault_audit_breaks_total").increment(0);
    for why in ["slow", "newer"] {
        counter!("keyway_vault_watches_cut_total", "why" => why).increment(0);
    }
}

/// One report of a key's health: `applied`, `known` or of an `other_version`.
pub(crate) fn health_report(result: &'static str) {
    counter!("keyway_vault_health_reports_total", "result" => result).increment(1);
}

/// Watches that are open.
pub(crate) fn watches(change: f64) {
    gauge!("keyway_vault_watches").increment(change);
}

/// One watch that was told to start over, and why in one word.
pub(crate) fn resync(why: &'static str) {
    counter!("keyway_vault_watch_resyncs_total", "why" => why).increment(1);
}

/// One watch that was ended: the router is `slow`, or has a `newer` one.
pub(crate) fn watch_cut(why: &'static str) {
    counter!("keyway_vault_watches_cut_total", "why" => why).increment(1);
}
