//! How fresh the router's picture of the vault is: which database it follows, when it last heard
//! of it, and up to when it is known that nothing newer was there.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What the feed knows. Shared by the feed, which writes it, and both caches, which read it.
#[derive(Debug)]
pub struct Freshness {
    stale_bound: Duration,
    feed_dead: Duration,
    inner: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    epoch: Option<String>,
    revision: u64,
    /// When anything last came.
    heard: Option<Instant>,
    /// Up to when every change is known.
    verified: Option<Instant>,
}

impl Freshness {
    /// `stale_bound`: how long what is cached may be used after the vault was last heard from;
    /// `feed_dead`: after what silence the feed counts as dead.
    pub fn new(stale_bound: Duration, feed_dead: Duration) -> Self {
        Self {
            stale_bound,
            feed_dead,
            inner: Mutex::default(),
        }
    }

    /// The feed is at `revision`, as of a moment at which this router had sent what the vault
    /// answered. When that answer came does not count: it may have been under way for long.
    pub(crate) fn bookmark(&self, epoch: &str, revision: u64, as_of: Instant) {
        let mut seen = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.epoch.as_deref() != Some(epoch) {
            seen.epoch = Some(epoch.to_owned());
            seen.verified = None;
        }
        seen.verified = seen.verified.max(Some(as_of));
        seen.revision = revision;
        seen.heard = Some(Instant::now());
    }

    /// Everything up to `revision` is applied; more may be on its way.
    pub(crate) fn reached(&self, revision: u64) {
        let mut seen = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        seen.revision = revision;
        seen.heard = Some(Instant::now());
    }

    /// Epoch and revision to go on from; none before the first start.
    pub(crate) fn position(&self) -> Option<(String, u64)> {
        let seen = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        seen.epoch.clone().map(|epoch| (epoch, seen.revision))
    }

    /// Whether an answer comes from the database that the feed follows.
    pub(crate) fn is_epoch(&self, epoch: &str) -> bool {
        let seen = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        seen.epoch.as_deref().is_none_or(|known| known == epoch)
    }

    /// Time since which a change may have been missed; `None` before the first bookmark.
    pub fn lag(&self) -> Option<Duration> {
        let seen = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        seen.verified.map(|at| at.elapsed())
    }

    /// Whether the feed was heard from lately.
    pub fn is_alive(&self) -> bool {
        let seen = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        seen.heard.is_some_and(|at| at.elapsed() < self.feed_dead)
    }

    /// Whether what was asked of the vault at `asked_at` may still be used: its age counts from
    /// then, or from the last moment up to which every change is known.
    pub fn allows(&self, asked_at: Instant) -> bool {
        let seen = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let verified = seen
            .verified
            .map_or(asked_at, |verified| verified.max(asked_at));
        verified.elapsed() < self.stale_bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_cached_lives_to_the_stale_bound_after_the_last_bookmark() {
        let freshness = Freshness::new(Duration::from_mins(1), Duration::from_secs(15));
        let filled = Instant::now();
        freshness.bookmark("e", 1, Instant::now());
        tokio::time::advance(Duration::from_secs(30)).await;
        freshness.bookmark("e", 1, Instant::now());
        assert!(freshness.is_alive());
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(freshness.allows(filled));
        assert!(!freshness.is_alive());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!freshness.allows(filled));
        assert!(freshness.allows(Instant::now()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_bookmark_that_was_long_under_way_is_as_old_as_what_it_answers() {
        let freshness = Freshness::new(Duration::from_mins(1), Duration::from_secs(15));
        let filled = Instant::now();
        freshness.bookmark("e", 1, filled);
        tokio::time::advance(Duration::from_secs(59)).await;
        freshness.bookmark("e", 1, filled + Duration::from_secs(1));
        assert!(freshness.is_alive());
        assert!(freshness.allows(filled));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(!freshness.allows(filled));
    }
}
