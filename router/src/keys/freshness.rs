//! How fresh the router's picture of the vault is: which database it follows, and when it last
//! heard from it.

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
    bookmark: Option<Instant>,
    revision: u64,
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

    /// The feed was read up to `revision` just now.
    pub(crate) fn bookmark(&self, epoch: &str, revision: u64) {
        let mut seen = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.epoch.as_deref() != Some(epoch) {
            seen.epoch = Some(epoch.to_owned());
        }
        seen.bookmark = Some(Instant::now());
        seen.revision = revision;
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

    /// Time since the last bookmark; `None` before the first.
    pub fn lag(&self) -> Option<Duration> {
        let seen = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        seen.bookmark.map(|at| at.elapsed())
    }

    /// Whether the feed was heard from lately.
    pub fn is_alive(&self) -> bool {
        self.lag().is_some_and(|lag| lag < self.feed_dead)
    }

    /// Whether what came from the vault at `filled_at` may still be used: its age counts from the
    /// last bookmark after it.
    pub fn allows(&self, filled_at: Instant) -> bool {
        let seen = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let verified = seen
            .bookmark
            .map_or(filled_at, |bookmark| bookmark.max(filled_at));
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
        freshness.bookmark("e", 1);
        tokio::time::advance(Duration::from_secs(30)).await;
        freshness.bookmark("e", 1);
        assert!(freshness.is_alive());
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(freshness.allows(filled));
        assert!(!freshness.is_alive());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!freshness.allows(filled));
        assert!(freshness.allows(Instant::now()));
    }
}
