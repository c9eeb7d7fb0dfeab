//! Denials on record: each of a caller's first few in a minute as a row of the caller's chain, the
//! rest as one counted row. Unknown credentials are counted per source and minute.
//!
//! They go through a bounded queue of their own, so that bad tokens can't stop the vault; what the
//! queue can't take is counted too.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use keyway_chassis::access::Caller;
use keyway_chassis::lifecycle::Shutdown;
use keyway_proto::Reason;
use serde_json::json;
use tokio::sync::mpsc;

use crate::store::Store;
use crate::store::StoreError;
use crate::store::audit::{Chain, Decision, Entry, Origin};

/// Takes note of denials; never waits.
#[derive(Clone)]
pub(crate) struct Denials {
    queue: mpsc::Sender<Entry>,
    dropped: Arc<AtomicU64>,
}

/// The other end: writes what was noted.
pub(crate) struct Recorder {
    queue: mpsc::Receiver<Entry>,
    dropped: Arc<AtomicU64>,
}

/// Both ends of the queue.
pub(crate) fn queue() -> (Denials, Recorder) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let dropped = Arc::new(AtomicU64::new(0));
    let denials = Denials {
        queue: sender,
        dropped: Arc::clone(&dropped),
    };
    (
        denials,
        Recorder {
            queue: receiver,
            dropped,
        },
    )
}

impl Denials {
    /// A caller was denied.
    pub(crate) fn denied(&self, caller: &Caller, rpc: &str, resource: &str) {
        self.note(Entry {
            chain: caller
                .workspace
                .clone()
                .map_or(Chain::System, Chain::Workspace),
            accessor: caller.accessor.clone(),
            subject: caller.subject.clone(),
            rpc: rpc.to_owned(),
            resource: resource.to_owned(),
            decision: Decision::Denied,
            reason: Reason::Denied.as_str(),
            facts: json!({}),
            origin: Origin::default(),
        });
    }

    /// Somebody came without a known credential.
    pub(crate) fn unknown(&self, rpc: &str, source: Option<IpAddr>) {
        let source = source.map_or_else(|| "unknown".to_owned(), |source| source.to_string());
        self.note(Entry {
            chain: Chain::System,
            accessor: String::new(),
            subject: format!("source:{source}"),
            rpc: rpc.to_owned(),
            resource: String::new(),
            decision: Decision::Denied,
            reason: Reason::CallerUnknown.as_str(),
            facts: json!({}),
            origin: Origin::default(),
        });
    }

    fn note(&self, entry: Entry) {
        if self.queue.try_send(entry).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Recorder {
    /// Writes until the shutdown, then what is left.
    pub(crate) async fn run(mut self, store: Store, shutdown: Shutdown) {
        let mut minute = tokio::time::interval(MINUTE);
        minute.tick().await;
        let mut counts = Counts::default();
        loop {
            tokio::select! {
                entry = self.queue.recv() => match entry {
                    Some(entry) => {
                        if let Some(entry) = counts.admit(entry) {
                            record(&store, &[entry]).await;
                        }
                    }
                    None => break,
                },
                _ = minute.tick() => record(&store, &counts.drain(&self.dropped)).await,
                () = shutdown.wait() => break,
            }
        }
        while let Ok(entry) = self.queue.try_recv() {
            if let Some(entry) = counts.admit(entry) {
                record(&store, &[entry]).await;
            }
        }
        record(&store, &counts.drain(&self.dropped)).await;
    }
}

async fn record(store: &Store, entries: &[Entry]) {
    if entries.is_empty() {
        return;
    }
    let written: Result<(), StoreError> = async {
        let write = store.write().await?;
        for entry in entries {
            write.audit(entry).await?;
        }
        write.commit().await
    }
    .await;
    if let Err(error) = written {
        tracing::error!(%error, denials = entries.len(), "denials can't be recorded");
    }
}

/// What was seen in this minute.
#[derive(Default)]
struct Counts(HashMap<(String, String), Count>);

struct Count {
    seen: u64,
    first: Entry,
}

impl Counts {
    /// The entry, if it is to be written by itself; otherwise it is counted.
    fn admit(&mut self, entry: Entry) -> Option<Entry> {
        let each = if entry.accessor.is_empty() { 0 } else { EACH };
        let mut key = (
            entry.chain.name(),
            format!("{} {}", entry.accessor, entry.subject),
        );
        if self.0.len() >= CALLERS && !self.0.contains_key(&key) {
            // Too many to tell apart: one counted row for all of them.
            key = ("system".to_owned(), String::new());
        }
        let count = self.0.entry(key).or_insert_with(|| Count {
            seen: 0,
            first: entry.clone(),
        });
        count.seen = count.seen.saturating_add(1);
        (count.seen <= each).then_some(entry)
    }

    /// The counted rows of this minute, which is over.
    fn drain(&mut self, dropped: &AtomicU64) -> Vec<Entry> {
        let mut rows: Vec<Entry> = self
            .0
            .drain()
            .filter_map(|(_key, Count { seen, first })| {
                let each = if first.accessor.is_empty() { 0 } else { EACH };
                let count = seen.checked_sub(each).filter(|count| *count > 0)?;
                Some(Entry {
                    facts: json!({ "count": count, "in": "one minute" }),
                    ..first
                })
            })
            .collect();
        let dropped = dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            rows.push(Entry {
                chain: Chain::System,
                accessor: String::new(),
                subject: "everybody".to_owned(),
                rpc: String::new(),
                resource: String::new(),
                decision: Decision::Denied,
                reason: Reason::Denied.as_str(),
                facts: json!({ "count": dropped, "in": "one minute" }),
                origin: Origin::default(),
            });
        }
        rows
    }
}

const MINUTE: Duration = Duration::from_mins(1);
const QUEUE: usize = 1024;
/// Rows of one caller in a minute before the rest is counted.
const EACH: u64 = 10;
/// Callers told apart in a minute.
const CALLERS: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(accessor: &str) -> Entry {
        Entry {
            chain: Chain::System,
            accessor: accessor.to_owned(),
            subject: "service:x".to_owned(),
            rpc: "r".to_owned(),
            resource: String::new(),
            decision: Decision::Denied,
            reason: "DENIED",
            facts: json!({}),
            origin: Origin::default(),
        }
    }

    #[test]
    fn a_callers_first_denials_are_rows_and_the_rest_is_one_counted_row() {
        let mut counts = Counts::default();
        let rows = (0..25).filter_map(|_| counts.admit(entry("a"))).count();
        assert_eq!(rows, 10);
        let counted = counts.drain(&AtomicU64::new(0));
        assert_eq!(counted.len(), 1);
        assert_eq!(counted[0].facts["count"], 15);
        assert!(counts.admit(entry("a")).is_some(), "a new minute");
    }

    #[test]
    fn unknown_credentials_are_counted_only_and_what_the_queue_dropped_is_too() {
        let mut counts = Counts::default();
        assert!((0..3).all(|_| counts.admit(entry("")).is_none()));
        let rows = counts.drain(&AtomicU64::new(7));
        let counted: Vec<_> = rows.iter().map(|row| row.facts["count"].clone()).collect();
        assert_eq!(counted, [json!(3), json!(7)]);
    }
}
