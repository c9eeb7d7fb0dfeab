//! What the transactions of this process tell of the audit trail, to the jobs that care for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// Told by [`super::Write`]; clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trail {
    uncovered: watch::Sender<u64>,
    refused: watch::Sender<u64>,
    away: Arc<AtomicBool>,
}

impl Trail {
    /// A row was added to a chain; so many rows of it are covered by no checkpoint.
    pub(super) fn grew(&self, uncovered: u64) {
        self.uncovered.send_replace(uncovered);
    }

    /// A row could not be written, or not made durable.
    pub(super) fn refused(&self) {
        self.away.store(true, Ordering::Relaxed);
        self.refused
            .send_modify(|count| *count = count.saturating_add(1));
    }

    /// A transaction is durable.
    pub(super) fn taken(&self) {
        self.away.store(false, Ordering::Relaxed);
    }

    /// Whether the last transaction was refused.
    pub(super) fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// What was signed is covered, as far as anybody knows.
    pub(crate) fn covered(&self) {
        self.uncovered.send_replace(0);
    }

    /// How many rows of the chain that grew last are covered by no checkpoint.
    pub(crate) fn uncovered(&self) -> watch::Receiver<u64> {
        self.uncovered.subscribe()
    }

    /// How many transactions were refused since the start.
    pub(crate) fn refusals(&self) -> watch::Receiver<u64> {
        self.refused.subscribe()
    }
}
