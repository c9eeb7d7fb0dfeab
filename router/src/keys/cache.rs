//! The lease cache: warm calls ask nobody, and a change at the vault ends a lease at once.
//!
//! One entry per workspace and provider, found keys and "no key" alike. Fills are single-flight
//! and compare revisions with the tombstones of the feed, so that an answer read before a change
//! can't bring back what the change took away. The same comparison says whether a lease that a call
//! holds is still good, wherever the cache has it by now. Transport errors keep an entry to the
//! stale bound; a refusal by the vault drops it at once.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use keyway_chassis::lifecycle::Tasks;
use keyway_proto::vault::v1 as wire;
use keyway_words::{CallId, Owner, ProviderId};
use tokio::time::Instant;

use super::freshness::Freshness;
use super::lease::{Lease, LeaseKey, Scope};
use super::source::{VaultError, VaultSource};
use super::tombstones::Tombstones;
use crate::counters;

type Fill = Shared<BoxFuture<'static, Result<Arc<Lease>, VaultError>>>;

/// What a look into the cache found: an entry, and the fill that is under way or due.
struct Look {
    cached: Option<Arc<Lease>>,
    fill: Option<Fill>,
}

/// Bounds of the cache.
#[derive(Debug, Clone, Copy)]
pub struct CacheBounds {
    /// Entries at most; beyond it the one unused for longest goes.
    pub entries: usize,
    /// Longest lease, whatever the vault says.
    pub lease: Duration,
}

/// What fills run as: tasks of the process, or what a test makes of them.
pub trait Spawn: std::fmt::Debug + Send + Sync + 'static {
    /// Runs a fill to its end, whoever waits for it.
    fn spawn_fill(&self, fill: BoxFuture<'static, ()>);
}

impl Spawn for Tasks {
    fn spawn_fill(&self, fill: BoxFuture<'static, ()>) {
        self.spawn("lease-fill", fill);
    }
}

/// The cache. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LeaseCache {
    shared: Arc<CacheShared>,
}

#[derive(Debug)]
struct CacheShared {
    vault: Arc<dyn VaultSource>,
    freshness: Arc<Freshness>,
    bounds: CacheBounds,
    tasks: Box<dyn Spawn>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: HashMap<LeaseKey, Arc<Lease>>,
    fills: HashMap<LeaseKey, Fill>,
    tombstones: Tombstones<Scope>,
    uses: u64,
}

impl LeaseCache {
    /// An empty cache in front of the vault.
    pub fn new(
        vault: Arc<dyn VaultSource>,
        freshness: Arc<Freshness>,
        bounds: CacheBounds,
        tasks: impl Spawn,
    ) -> Self {
        let (tasks, inner) = (Box::new(tasks), Mutex::default());
        Self {
            shared: Arc::new(CacheShared {
                vault,
                freshness,
                bounds,
                tasks,
                inner,
            }),
        }
    }

    /// The lease of a workspace for a provider: cached, or asked for once for all who wait.
    pub async fn lease(&self, key: &LeaseKey, call: CallId) -> Result<Arc<Lease>, VaultError> {
        let Look { cached, fill } = self.look(key, call);
        if let Some(lease) = cached
            .as_ref()
            .filter(|lease| lease.ends_at > Instant::now())
        {
            // If a fill began, it renews the lease in the background, before it ends.
            counters::lease_cache("hit");
            return Ok(Arc::clone(lease));
        }
        counters::lease_cache("miss");
        let Some(fill) = fill else {
            return Err(VaultError::Away);
        };
        match fill.await {
            Ok(lease) => Ok(lease),
            Err(VaultError::Away) => cached
                .filter(|lease| self.is_good(lease))
                .ok_or(VaultError::Away),
            Err(refused) => Err(refused),
        }
    }

    /// Whether a new attempt may still use a lease, whether or not it is still in the cache.
    pub fn is_good(&self, lease: &Lease) -> bool {
        let inner = self.shared.lock();
        self.shared.is_good(&inner, lease)
    }

    /// Applies one change of the feed.
    pub fn invalidate(&self, change: &wire::Change) {
        let Ok(owner) = change.owner.parse::<Owner>() else {
            if change.owner.is_empty() {
                self.invalidate_all(change.revision);
            }
            return;
        };
        let provider = change.provider.parse::<ProviderId>().ok();
        // Tokens and members say nothing about keys.
        if matches!(
            change.kind(),
            wire::ChangeKind::Member | wire::ChangeKind::Token
        ) {
            return;
        }
        let mut inner = self.shared.lock();
        inner
            .tombstones
            .put((owner.clone(), provider), change.revision);
        inner.drop_where(|key, lease| {
            let concerns = match &owner {
                Owner::Platform => true,
                Owner::Workspace(id) => key.workspace == *id,
            };
            let provider = provider.is_none_or(|provider| key.provider == provider);
            concerns && provider && lease.revision < change.revision
        });
    }

    /// Everything older than `revision` is void.
    pub fn invalidate_all(&self, revision: u64) {
        let mut inner = self.shared.lock();
        inner.tombstones.put_all(revision);
        inner.drop_where(|_, lease| lease.revision < revision);
    }

    /// Another database, or too many changes: everything goes.
    pub fn restart(&self, revision: u64) {
        let mut inner = self.shared.lock();
        inner.tombstones.reset(revision);
        inner.drop_where(|_, _| true);
    }

    /// The entry, and the fill that is under way or now begins if the entry is missing or due.
    fn look(&self, key: &LeaseKey, call: CallId) -> Look {
        let mut inner = self.shared.lock();
        let cached = inner
            .entries
            .get(key)
            .filter(|lease| self.shared.is_good(&inner, lease))
            .cloned();
        if let Some(lease) = &cached {
            inner.uses += 1;
            lease.last_used.store(inner.uses, Ordering::Relaxed);
            let now = Instant::now();
            let renew_at = lease.filled_at + (lease.ends_at - lease.filled_at).mul_f64(RENEW_AFTER);
            if now < renew_at {
                return Look { cached, fill: None };
            }
        }
        // One whose task died has ended without leaving.
        let running = inner.fills.get(key).filter(|fill| fill.peek().is_none());
        let fill = running.cloned().unwrap_or_else(|| {
            let fill = self.begin(key.clone(), call);
            inner.fills.insert(key.clone(), fill.clone());
            fill
        });
        Look {
            cached,
            fill: Some(fill),
        }
    }

    /// Starts a fill as a task of its own, so that it ends even if everyone who waits leaves.
    fn begin(&self, key: LeaseKey, call: CallId) -> Fill {
        let shared = Arc::clone(&self.shared);
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let fill = async move {
            let result = shared.fill(&key, call).await;
            // Nobody may be waiting any more.
            drop(sender.send(result));
        };
        self.shared.tasks.spawn_fill(fill.boxed());
        receiver
            .map(|result| result.unwrap_or(Err(VaultError::Away)))
            .boxed()
            .shared()
    }
}

impl CacheShared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        #[cfg(test)]
        interleavings::other_threads();
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing that concerns it changed after it was read, in the database that the feed follows,
    /// and what is known of that is fresh enough.
    fn is_good(&self, inner: &Inner, lease: &Lease) -> bool {
        !lease.is_refused()
            && !inner.tombstones.cover(lease.revision, &lease.concerns)
            && self.freshness.is_epoch(&lease.epoch)
            && self.freshness.allows(lease.filled_at)
    }

    /// Asks the vault until the answer is newer than every change seen meanwhile. The fill ends in
    /// the same moment as its lease is stored, so that nobody joins it after a later change.
    async fn fill(&self, key: &LeaseKey, call: CallId) -> Result<Arc<Lease>, VaultError> {
        for _ in 0..MOST_TRIES {
            let asked_at = Instant::now();
            let answer = self.vault.resolve(&key.workspace, key.provider, call).await;
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) => {
                    self.failed(key, &error);
                    return Err(error);
                }
            };
            let lease = Arc::new(Lease::from_wire(key, answer, self.bounds.lease, asked_at));
            if self.store(key, &lease) {
                return Ok(lease);
            }
        }
        self.failed(key, &VaultError::Away);
        Err(VaultError::Away)
    }

    /// Ends a fill without a lease.
    fn failed(&self, key: &LeaseKey, error: &VaultError) {
        let mut inner = self.lock();
        inner.fills.remove(key);
        if matches!(error, VaultError::Away) {
            return;
        }
        if let Some(lease) = inner.entries.remove(key) {
            lease.refused.store(true, Ordering::Release);
        }
    }

    /// Keeps a lease and ends its fill, unless something that concerns it changed after it was read.
    fn store(&self, key: &LeaseKey, lease: &Arc<Lease>) -> bool {
        let mut inner = self.lock();
        let stale = inner.tombstones.cover(lease.revision, &lease.concerns);
        if stale || !self.freshness.is_epoch(&lease.epoch) {
            return false;
        }
        inner.uses += 1;
        lease.last_used.store(inner.uses, Ordering::Relaxed);
        inner.entries.insert(key.clone(), Arc::clone(lease));
        inner.fills.remove(key);
        inner.keep_within(self.bounds.entries);
        true
    }
}

impl Inner {
    fn drop_where(&mut self, gone: impl Fn(&LeaseKey, &Lease) -> bool) {
        self.entries.retain(|key, lease| !gone(key, lease));
    }

    fn keep_within(&mut self, most: usize) {
        while self.entries.len() > most {
            let oldest = self
                .entries
                .iter()
                .min_by_key(|(_, lease)| lease.last_used.load(Ordering::Relaxed))
                .map(|(key, _)| key.clone());
            let Some(oldest) = oldest else { return };
            self.entries.remove(&oldest);
        }
    }
}

/// Part of a lease's time after which it is renewed in the background.
const RENEW_AFTER: f64 = 0.8;
/// Fills that a change may overtake before the call gives up.
const MOST_TRIES: usize = 4;

#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod tests;
