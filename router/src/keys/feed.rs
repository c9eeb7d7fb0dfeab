//! The change feed: every change of the vault reaches the caches in order, and silence is noticed.
//!
//! The watch resumes after the last revision that was applied, at whichever vault answers, so
//! nothing is missed over a reconnect. Another epoch, or the vault's word, empties the caches. A
//! stream that says nothing for as long as *feed dead* is dropped and opened again; meanwhile what
//! is cached lives to the stale bound.

mod watch;

use std::sync::Arc;
use std::time::Duration;

use keyway_chassis::clock::Clock;
use keyway_chassis::lifecycle::Shutdown;
use keyway_proto::vault::v1 as wire;
use keyway_proto::vault::v1::watch_changes_response::Message as Said;
use keyway_words::CallId;
use tokio::time::Instant;

use self::watch::{Closed, Watch};
use super::HealthBoard;
use super::cache::LeaseCache;
use super::freshness::Freshness;
use super::vault::VaultClient;
use crate::callers::VerdictCache;
use crate::counters;

/// Follows the vault until the process stops.
#[derive(Debug)]
pub struct Feed {
    /// The vault.
    pub vault: VaultClient,
    /// Leases that changes end.
    pub leases: LeaseCache,
    /// Verdicts that changes end.
    pub verdicts: VerdictCache,
    /// What other routers saw of keys.
    pub health: Arc<HealthBoard>,
    /// Where epoch, revision and the age of the picture are kept.
    pub freshness: Arc<Freshness>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Silence after which the stream is dropped.
    pub dead_after: Duration,
}

impl Feed {
    /// Runs until `stop`.
    pub async fn run(self, stop: Shutdown) {
        let mut following = Following {
            instance: CallId::new().to_string(),
            health_number: 0,
            feed: self,
        };
        let mut failures: u32 = 0;
        counters::feed_opened("first");
        loop {
            match following.follow(&stop).await {
                Ended::Stopped => return,
                Ended::Heard => failures = 0,
                Ended::Unheard => failures = failures.saturating_add(1),
            }
            tokio::select! {
                () = stop.wait() => return,
                () = tokio::time::sleep(pause(failures)) => {}
            }
            counters::feed_opened("again");
        }
    }
}

/// How a watch ended.
enum Ended {
    /// The router stops.
    Stopped,
    /// It broke off, after the vault had said something.
    Heard,
    /// The vault said nothing.
    Unheard,
}

/// The feed while it is followed.
struct Following {
    feed: Feed,
    /// This process, to the vault.
    instance: String,
    /// Changes of health up to here are known.
    health_number: u64,
}

impl Following {
    /// One watch, to its end.
    async fn follow(&mut self, stop: &Shutdown) -> Ended {
        let (epoch, revision) = self.feed.freshness.position().unwrap_or_default();
        let start = wire::WatchStart {
            instance: self.instance.clone(),
            epoch,
            revision,
            health_number: self.health_number,
        };
        let opened = tokio::select! {
            () = stop.wait() => return Ended::Stopped,
            opened = Watch::open(&self.feed.vault, start, self.feed.dead_after) => opened,
        };
        let mut watch = match opened {
            Ok(watch) => watch,
            Err(closed) => {
                closed.log();
                return Ended::Unheard;
            }
        };
        let mut ended = Ended::Unheard;
        loop {
            let said = tokio::select! {
                () = stop.wait() => {
                    watch.leave().await;
                    return Ended::Stopped;
                }
                said = watch.next() => said,
            };
            let said = match said {
                Ok(said) if self.goes_back(&said) => Err(Closed::RolledBack),
                said => said,
            };
            match said {
                Ok(said) => self.apply(said, &mut watch),
                Err(closed) => {
                    closed.log();
                    return ended;
                }
            }
            ended = Ended::Heard;
        }
    }

    /// Whether the vault shows an older copy of the database that it showed before. What was taken
    /// away since would be back, so nothing is dropped and nothing is taken from it.
    fn goes_back(&self, said: &Said) -> bool {
        let Some((known, seen)) = self.feed.freshness.position() else {
            return false;
        };
        match said {
            Said::Started(started) => started.epoch == known && started.revision < seen,
            Said::Resync(resync) => resync.epoch == known && resync.revision < seen,
            Said::Bookmark(bookmark) => bookmark.revision < seen,
            Said::Change(_) | Said::Health(_) => false,
        }
    }

    /// Applies one message, and acknowledges where that ends a part of the feed.
    fn apply(&mut self, said: Said, watch: &mut Watch) {
        match said {
            Said::Started(started) => {
                if self.started(&started, watch.opened()) {
                    watch.acknowledge(started.revision);
                }
            }
            Said::Change(change) => {
                self.feed.leases.invalidate(&change);
                self.feed.verdicts.invalidate(&change);
                counters::feed_change();
                self.feed.freshness.reached(change.revision);
            }
            Said::Bookmark(bookmark) => {
                let known = self.feed.freshness.position();
                let as_of = watch.as_of(bookmark.acknowledgement);
                if let Some((epoch, _)) = known {
                    let freshness = &self.feed.freshness;
                    freshness.bookmark(&epoch, bookmark.revision, as_of);
                }
                watch.acknowledge(bookmark.revision);
            }
            Said::Resync(resync) => {
                tracing::warn!("the vault asks to drop what is cached");
                self.restart(&resync.epoch, resync.revision, watch.opened());
                self.health_number = resync.health_number;
                watch.acknowledge(resync.revision);
            }
            Said::Health(health) => {
                self.health_number = self.health_number.max(health.health_number);
                self.feed.health.learn(&health, self.feed.clock.now());
            }
        }
    }

    /// Whether everything up to where the watch starts is applied.
    fn started(&mut self, started: &wire::WatchStarted, opened: Instant) -> bool {
        match self.feed.freshness.position() {
            Some((epoch, _)) if epoch == started.epoch => return false,
            Some(_) => {
                tracing::warn!("the vault has another database; dropping what is cached");
                self.restart(&started.epoch, started.revision, opened);
            }
            None => {
                // Changes between an earlier answer and this start were not seen.
                self.feed.leases.invalidate_all(started.revision);
                self.feed.verdicts.invalidate_all(started.revision);
                let freshness = &self.feed.freshness;
                freshness.bookmark(&started.epoch, started.revision, opened);
            }
        }
        self.health_number = started.health_number;
        true
    }

    fn restart(&self, epoch: &str, revision: u64, opened: Instant) {
        counters::feed_restart();
        self.feed.freshness.bookmark(epoch, revision, opened);
        self.feed.leases.restart(revision);
        self.feed.verdicts.restart(revision);
        self.feed.health.restart();
    }
}

/// Doubles up to three seconds, with jitter so that routers do not come back at once.
fn pause(failures: u32) -> Duration {
    let base = Duration::from_millis(50).saturating_mul(2_u32.saturating_pow(failures.min(6)));
    let mut byte = [0];
    // Without randomness there is no jitter, and that is all.
    let jitter = getrandom::fill(&mut byte).map_or(0, |()| u32::from(byte[0]));
    base + base.saturating_mul(jitter) / 512
}
