//! The lease cache: warm calls ask nobody, and a change at the vault ends a lease at once.
//!
//! One entry per workspace and provider, found keys and "no key" alike. Fills are single-flight
//! and compare revisions with the tombstones of the feed, so that an answer read before a change
//! can't bring back what the change took away. Transport errors keep an entry to the stale
//! bound; a refusal by the vault drops it at once.

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
use super::lease::{Lease, LeaseKey};
use super::source::{VaultError, VaultSource};
use super::tombstones::Tombstones;
use crate::counters;

/// What a change concerns: an owner, and one of its providers or all.
type Scope = (Owner, Option<ProviderId>);
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
    tasks: Tasks,
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
        tasks: Tasks,
    ) -> Self {
        let inner = Mutex::default();
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

    /// Whether a new attempt may still use a lease.
    pub fn is_good(&self, lease: &Lease) -> bool {
        !lease.is_revoked() && self.shared.freshness.allows(lease.filled_at)
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
            .filter(|lease| self.is_good(lease))
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
        let fill = inner.fills.get(key).cloned().unwrap_or_else(|| {
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
        self.shared.tasks.spawn("lease-fill", async move {
            let result = shared.fill(&key, call).await;
            shared.lock().fills.remove(&key);
            // Nobody may be waiting any more.
            drop(sender.send(result));
        });
        receiver
            .map(|result| result.unwrap_or(Err(VaultError::Away)))
            .boxed()
            .shared()
    }
}

impl CacheShared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the vault until the answer is newer than every change seen meanwhile.
    async fn fill(&self, key: &LeaseKey, call: CallId) -> Result<Arc<Lease>, VaultError> {
        for _ in 0..MOST_TRIES {
            let asked_at = Instant::now();
            let answer = self.vault.resolve(&key.workspace, key.provider, call).await;
            let answer = match answer {
                Ok(answer) => answer,
                Err(error) => {
                    if !matches!(error, VaultError::Away) {
                        self.lock().drop_where(|entry, _| entry == key);
                    }
                    return Err(error);
                }
            };
            let lease = Arc::new(Lease::from_wire(answer, self.bounds.lease, asked_at));
            if self.store(key, &lease) {
                return Ok(lease);
            }
        }
        Err(VaultError::Away)
    }

    /// Keeps a lease unless something that concerns it changed after it was read.
    fn store(&self, key: &LeaseKey, lease: &Arc<Lease>) -> bool {
        let mut inner = self.lock();
        let own = Owner::Workspace(key.workspace.clone());
        let concerns = [
            (own.clone(), None),
            (own, Some(key.provider)),
            (Owner::Platform, None),
            (Owner::Platform, Some(key.provider)),
        ];
        let stale = inner.tombstones.cover(lease.revision, &concerns);
        if stale || !self.freshness.is_epoch(&lease.epoch) {
            return false;
        }
        inner.uses += 1;
        lease.last_used.store(inner.uses, Ordering::Relaxed);
        inner.entries.insert(key.clone(), Arc::clone(lease));
        inner.keep_within(self.bounds.entries);
        true
    }
}

impl Inner {
    fn drop_where(&mut self, gone: impl Fn(&LeaseKey, &Lease) -> bool) {
        self.entries.retain(|key, lease| {
            let gone = gone(key, lease);
            if gone {
                lease.revoked.store(true, Ordering::Release);
            }
            !gone
        });
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
mod tests;
