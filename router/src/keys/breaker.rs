//! Breakers: a key with which its provider failed call after call rests for a moment, so that calls
//! go to the next key, or learn at once that there is none, and the provider can get well.
//!
//! There is one per workspace and version of a key: what one workspace's requests meet, on its own
//! key or on the platform's, closes nothing to another. After the rest one attempt goes through; if
//! it fails too, the next rest is twice as long. What counts are answers of the provider that say
//! that it failed (5xx, 529, an answer that broke off), connections that did not come to be, and our
//! own timeouts, once per call; a caller's deadline says nothing.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keyway_words::{KeyPath, Timestamp, WorkspaceId};

use super::lease::LeasedKey;
use crate::counters;

/// When breakers open, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct BreakerBounds {
    /// Calls that fail one after the other until the key rests.
    pub failures: u32,
    /// The first rest.
    pub rest: Duration,
    /// The longest.
    pub longest_rest: Duration,
}

/// Who goes with which version of which key.
type Way = (WorkspaceId, KeyPath, u64);

/// The breakers of all keys.
#[derive(Debug)]
pub struct Breakers {
    bounds: BreakerBounds,
    inner: Mutex<HashMap<Way, Breaker>>,
}

/// What is known of a way on which something failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Breaker {
    Closed {
        failures: u32,
        last: Timestamp,
    },
    Open {
        until: Timestamp,
        rest: Duration,
        /// An attempt finds out whether the provider is well again.
        tried: bool,
    },
}

impl Breakers {
    /// Breakers that are all closed.
    pub fn new(bounds: BreakerBounds) -> Self {
        Self {
            bounds,
            inner: Mutex::default(),
        }
    }

    /// Until when a key rests for a workspace; `None` if an attempt may go.
    pub fn rests_until(
        &self,
        workspace: &WorkspaceId,
        key: &LeasedKey,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let way = (workspace.clone(), key.path.clone()?, key.version);
        match self.lock().get(&way) {
            Some(Breaker::Open { until, .. }) if now < *until => Some(*until),
            Some(Breaker::Open { tried: true, .. }) => Some(after(now, ONE_ATTEMPT)),
            _ => None,
        }
    }

    /// Begins an attempt; `None` while the key rests.
    pub fn enter(
        self: &Arc<Self>,
        workspace: &WorkspaceId,
        key: &LeasedKey,
        now: Timestamp,
    ) -> Option<Passage> {
        let way = (workspace.clone(), key.path.clone()?, key.version);
        let mut inner = self.lock();
        let mut is_trial = false;
        if let Some(Breaker::Open { until, tried, .. }) = inner.get_mut(&way) {
            if now < *until || *tried {
                return None;
            }
            *tried = true;
            is_trial = true;
        }
        drop(inner);
        Some(Passage {
            breakers: Arc::clone(self),
            way,
            is_trial,
        })
    }

    /// A test found that the key works.
    pub fn close(&self, key: &KeyPath, version: u64) {
        self.lock()
            .retain(|(_, path, of), _| path != key || *of != version);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Way, Breaker>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Breaker {
    /// After a failure at the time `now`.
    fn failed(known: Option<Self>, is_trial: bool, now: Timestamp, bounds: &BreakerBounds) -> Self {
        let open = |rest: Duration| Self::Open {
            until: after(now, rest),
            rest,
            tried: false,
        };
        match known {
            Some(Self::Open { rest, .. }) if is_trial => {
                open(rest.saturating_mul(2).min(bounds.longest_rest))
            }
            // An attempt that was under way when it opened.
            Some(rests @ Self::Open { .. }) => rests,
            Some(Self::Closed { failures, last }) if now < after(last, FORGOTTEN) => {
                Self::counted(failures.saturating_add(1), now, bounds, open)
            }
            Some(Self::Closed { .. }) | None => Self::counted(1, now, bounds, open),
        }
    }

    fn counted(
        failures: u32,
        now: Timestamp,
        bounds: &BreakerBounds,
        open: impl Fn(Duration) -> Self,
    ) -> Self {
        if failures >= bounds.failures {
            open(bounds.rest)
        } else {
            Self::Closed {
                failures,
                last: now,
            }
        }
    }

    const fn is_open(self) -> bool {
        matches!(self, Self::Open { .. })
    }
}

/// One attempt's passage. What it met is said once; dropped without a word, it says nothing.
#[derive(Debug)]
pub struct Passage {
    breakers: Arc<Breakers>,
    way: Way,
    is_trial: bool,
}

impl Passage {
    /// The provider answered, well or with a refusal.
    pub fn answered(&self) {
        let before = self.breakers.lock().remove(&self.way);
        if before.is_some_and(Breaker::is_open) {
            counters::breaker("closed");
        }
    }

    /// The provider failed. `again`: it was counted for this call already.
    pub fn failed(&self, again: bool, now: Timestamp) {
        if again && !self.is_trial {
            return;
        }
        let mut inner = self.breakers.lock();
        let known = inner.get(&self.way).copied();
        let breaker = Breaker::failed(known, self.is_trial, now, &self.breakers.bounds);
        if known.is_none() && inner.len() >= MOST {
            inner.retain(|_, known| known.is_open());
        }
        if known.is_some() || inner.len() < MOST {
            inner.insert(self.way.clone(), breaker);
        }
        drop(inner);
        if breaker.is_open() && known != Some(breaker) {
            counters::breaker("opened");
        }
    }
}

impl Drop for Passage {
    fn drop(&mut self) {
        if !self.is_trial {
            return;
        }
        let mut inner = self.breakers.lock();
        if let Some(Breaker::Open { tried, .. }) = inner.get_mut(&self.way) {
            *tried = false;
        }
    }
}

fn after(now: Timestamp, time: Duration) -> Timestamp {
    let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    Timestamp(now.0.saturating_add(micros))
}

/// Failures further apart are not one after the other.
const FORGOTTEN: Duration = Duration::from_mins(1);
/// What the one attempt after a rest is waited for.
const ONE_ATTEMPT: Duration = Duration::from_secs(1);
/// A bound for memory: beyond it, failures are counted again by the next attempts.
const MOST: usize = 100_000;
