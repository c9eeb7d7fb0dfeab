//! What is to be reported: the latest of each version, so that a slow vault costs no memory.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Mutex, MutexGuard, PoisonError};

use keyway_proto::vault::v1::HealthChange;
use tokio::sync::Notify;

use super::Versioned;
use crate::counters;

/// Reports on their way to the vault. Putting one never waits.
#[derive(Debug, Default)]
pub struct Reports {
    inner: Mutex<Inner>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: HashMap<Versioned, HealthChange>,
    sent: HashMap<Versioned, HealthChange>,
}

impl Reports {
    /// Adds what changed; it takes the place of an earlier one of the same version.
    pub(super) fn put(&self, versioned: Versioned, change: HealthChange) {
        let mut inner = self.lock();
        let room = inner.waiting.len() < MOST;
        match inner.waiting.entry(versioned) {
            Entry::Occupied(mut earlier) => drop(earlier.insert(change)),
            Entry::Vacant(place) if room => drop(place.insert(change)),
            // The next change of this key is reported again.
            Entry::Vacant(_) => counters::health_reports("overflow", 1),
        }
        drop(inner);
        self.arrived.notify_one();
    }

    /// Whether the vault has not taken the last report of a version yet.
    pub(super) fn has(&self, versioned: &Versioned) -> bool {
        let inner = self.lock();
        inner.waiting.contains_key(versioned) || inner.sent.contains_key(versioned)
    }

    /// Waits until there is one.
    pub(super) async fn arrived(&self) {
        while self.lock().waiting.is_empty() {
            self.arrived.notified().await;
        }
    }

    /// Takes at most so many; [`Self::done`] or [`Self::put_back`] says what became of them.
    pub(super) fn take(&self, most: usize) -> Vec<HealthChange> {
        let mut inner = self.lock();
        let some: Vec<Versioned> = inner.waiting.keys().take(most).cloned().collect();
        for versioned in some {
            if let Some(change) = inner.waiting.remove(&versioned) {
                inner.sent.insert(versioned, change);
            }
        }
        inner.sent.values().cloned().collect()
    }

    /// The vault has taken or refused those that were sent.
    pub(super) fn done(&self) {
        self.lock().sent.clear();
    }

    /// The vault is away: those that were sent are still to be reported, unless a newer one is.
    pub(super) fn put_back(&self) {
        let mut inner = self.lock();
        let sent = std::mem::take(&mut inner.sent);
        for (versioned, change) in sent {
            inner.waiting.entry(versioned).or_insert(change);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const MOST: usize = 10_000;
