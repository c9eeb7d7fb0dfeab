//! Denials on record: each of a caller's first few in a minute as a row of the caller's chain, the
//! rest as one counted row. Unknown credentials are one counted row per source and minute.
//!
//! Noting one costs a look into a bounded table and never waits, so that bad tokens can't stop the
//! vault. Writing is the recorder's work: in small transactions, between which changes get their
//! turn, and each of a bounded time. What can't be written is counted with the next minute.

mod counts;
mod source;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyway_chassis::access::Caller;
use keyway_chassis::lifecycle::Shutdown;
use keyway_words::Timestamp;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use self::counts::Counts;
use self::source::Source;
use crate::store::audit::Entry;
use crate::store::{Store, StoreError};

/// Takes note of denials; never waits. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Denials(Arc<Shared>);

#[derive(Default)]
struct Shared {
    counts: Mutex<Counts>,
    rows: Notify,
}

/// The other end: writes what was noted.
pub(crate) struct Recorder(Arc<Shared>);

/// Both ends.
pub(crate) fn queue() -> (Denials, Recorder) {
    let denials = Denials::default();
    let recorder = Recorder(Arc::clone(&denials.0));
    (denials, recorder)
}

impl Denials {
    /// A caller was denied.
    pub(crate) fn denied(&self, caller: &Caller, rpc: &str, resource: &str) {
        if self.0.with(|counts| counts.denied(caller, rpc, resource)) {
            self.0.rows.notify_one();
        }
    }

    /// Somebody came without a known credential.
    pub(crate) fn unknown(&self, rpc: &str, source: Option<IpAddr>) {
        self.0
            .with(|counts| counts.unknown(rpc, Source::of(source)));
    }
}

impl Shared {
    fn with<T>(&self, look: impl FnOnce(&mut Counts) -> T) -> T {
        look(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Recorder {
    /// Writes until the shutdown, then what is left.
    pub(crate) async fn run(self, store: Store, shutdown: Shutdown) {
        let mut minute_ends = Instant::now() + to_the_end(store.now(), true);
        loop {
            tokio::select! {
                () = self.0.rows.notified() => self.write(&store, Counts::rows).await,
                () = tokio::time::sleep_until(minute_ends) => {
                    self.write(&store, Counts::minute).await;
                    minute_ends = Instant::now() + to_the_end(store.now(), false);
                }
                () = shutdown.wait() => break,
            }
        }
        let last = async {
            self.write(&store, Counts::rows).await;
            self.write(&store, Counts::minute).await;
        };
        if timeout(AT_THE_END, last).await.is_err() {
            tracing::error!("not all denials could be recorded at the end");
        }
    }

    /// Takes rows and writes them; those that can't be written are counted again.
    async fn write(&self, store: &Store, take: fn(&mut Counts) -> Vec<Entry>) {
        let mut rows = self.0.with(take);
        let bound = Instant::now() + BOUND;
        while !rows.is_empty() {
            let later = rows.split_off(rows.len().min(TOGETHER));
            let written = timeout_at(bound, record(store, &rows)).await;
            let error = match written {
                Ok(Ok(())) => {
                    rows = later;
                    continue;
                }
                Ok(Err(error)) => error.to_string(),
                Err(_elapsed) => "it takes too long".to_owned(),
            };
            let denials = rows.len() + later.len();
            tracing::error!(%error, denials, "denials can't be recorded now");
            self.0
                .with(|counts| counts.put_back(rows.into_iter().chain(later)));
            return;
        }
    }
}

/// From now to the end of the minute, and a minute more at the start: what an earlier process
/// wrote at its end may be of this minute too.
fn to_the_end(now: Timestamp, at_start: bool) -> Duration {
    let into = u64::try_from(now.0.rem_euclid(MINUTE_MICROS)).unwrap_or(0);
    let rest = Duration::from_micros(MINUTE_MICROS.unsigned_abs() - into);
    if at_start {
        rest + Duration::from_mins(1)
    } else {
        rest
    }
}

async fn record(store: &Store, entries: &[Entry]) -> Result<(), StoreError> {
    let write = store.write().await?;
    for entry in entries {
        write.audit(entry).await?;
    }
    write.commit().await
}

const MINUTE_MICROS: i64 = 60_000_000;
/// Rows of one transaction.
const TOGETHER: usize = 32;
const BOUND: Duration = Duration::from_secs(20);
const AT_THE_END: Duration = Duration::from_secs(3);
