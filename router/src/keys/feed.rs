//! The change feed: every change of the vault reaches the caches in order, and silence is noticed.
//!
//! The watch resumes after the last revision that was applied, so nothing is missed over a
//! reconnect. Another epoch, or the vault's word, empties the caches. A stream that says nothing
//! for as long as *feed dead* is dropped and opened again; meanwhile what is cached lives to the
//! stale bound.

use std::sync::Arc;
use std::time::Duration;

use keyway_chassis::clock::Clock;
use keyway_chassis::lifecycle::Shutdown;
use keyway_proto::vault::v1 as wire;
use keyway_proto::vault::v1::watch_changes_request::Message as Ask;
use keyway_proto::vault::v1::watch_changes_response::Message as Said;
use keyway_words::CallId;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

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
    /// Where epoch, revision and the time of the last bookmark are kept.
    pub freshness: Arc<Freshness>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Silence after which the stream is dropped.
    pub dead_after: Duration,
}

impl Feed {
    /// Runs until `stop`.
    pub async fn run(self, stop: Shutdown) {
        let mut failures: u32 = 0;
        loop {
            tokio::select! {
                () = stop.wait() => return,
                heard = self.follow() => failures = if heard { 0 } else { failures.saturating_add(1) },
            }
            tokio::select! {
                () = stop.wait() => return,
                () = tokio::time::sleep(pause(failures)) => {}
            }
        }
    }

    /// One watch, to its end. Whether the vault said anything.
    async fn follow(&self) -> bool {
        let (asks, messages) = mpsc::channel(ASKS);
        let position = self.freshness.position();
        let (epoch, revision) = position.unwrap_or_default();
        let instance = CallId::new().to_string();
        let start = Ask::Start(wire::WatchStart {
            instance,
            epoch,
            revision,
            health_number: 0,
        });
        if asks
            .send(wire::WatchChangesRequest {
                message: Some(start),
            })
            .await
            .is_err()
        {
            return false;
        }
        let watch = self.vault.watch(ReceiverStream::new(messages));
        let mut watch = match tokio::time::timeout(self.dead_after, watch).await {
            Ok(Ok(watch)) => watch,
            Ok(Err(status)) => {
                tracing::warn!(code = ?status.code(), "the vault refused the change feed");
                return false;
            }
            Err(_passed) => return false,
        };
        let mut heard = false;
        loop {
            let Ok(Ok(Some(said))) = tokio::time::timeout(self.dead_after, watch.message()).await
            else {
                tracing::warn!(
                    "the change feed broke off; what is cached lives to the stale bound"
                );
                return heard;
            };
            heard = true;
            let Some(revision) = said.message.and_then(|said| self.apply(said)) else {
                continue;
            };
            let acknowledge = Ask::Acknowledge(wire::WatchAcknowledge {
                revision,
                number: 0,
            });
            // A vault that reads no acknowledgements must not stop the feed.
            drop(asks.try_send(wire::WatchChangesRequest {
                message: Some(acknowledge),
            }));
        }
    }

    /// Applies one message; gives the revision up to which everything is applied now.
    fn apply(&self, said: Said) -> Option<u64> {
        match said {
            Said::Started(started) => self.started(&started),
            Said::Change(change) => {
                self.leases.invalidate(&change);
                self.verdicts.invalidate(&change);
                counters::feed_change();
                self.heard(None, change.revision)
            }
            Said::Bookmark(bookmark) => self.heard(None, bookmark.revision),
            Said::Resync(resync) => {
                tracing::warn!("the vault asks to drop what is cached");
                Some(self.restart(&resync.epoch, resync.revision))
            }
            Said::Health(health) => {
                self.health.learn(&health, self.clock.now());
                None
            }
        }
    }

    fn started(&self, started: &wire::WatchStarted) -> Option<u64> {
        match self.freshness.position() {
            Some((epoch, _)) if epoch == started.epoch => None,
            Some(_) => {
                tracing::warn!("the vault has another database; dropping what is cached");
                Some(self.restart(&started.epoch, started.revision))
            }
            None => {
                // Changes between an earlier answer and this start were not seen.
                self.leases.invalidate_all(started.revision);
                self.verdicts.invalidate_all(started.revision);
                self.heard(Some(&started.epoch), started.revision)
            }
        }
    }

    fn restart(&self, epoch: &str, revision: u64) -> u64 {
        self.freshness.bookmark(epoch, revision);
        self.leases.restart(revision);
        self.verdicts.restart(revision);
        revision
    }

    fn heard(&self, epoch: Option<&str>, revision: u64) -> Option<u64> {
        let known = self.freshness.position().map(|(epoch, _)| epoch);
        let epoch = epoch.or(known.as_deref())?;
        self.freshness.bookmark(epoch, revision);
        Some(revision)
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

const ASKS: usize = 64;
