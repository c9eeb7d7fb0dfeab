//! Routers that may hold keys, and how far each has come on the change feed.
//!
//! A router that loses its watch goes on with what it has cached until the stale bound. So it
//! counts here until then too, unless it said that it leaves: a wait that forgot it would promise
//! too much. Where several vaults share a database, each writes down what it hears.

pub(crate) mod shared;

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use keyway_proto::{Fault, Reason};
use keyway_words::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::counters;
use crate::store::StoreError;
use crate::store::router_watches::WatchRow;

/// A router process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Watcher {
    /// Name from configuration.
    pub(crate) identity: String,
    /// The process, chosen at its start.
    pub(crate) instance: String,
    /// Everything up to here it has applied.
    pub(crate) acknowledged: u64,
    /// When it last spoke.
    pub(crate) seen: Timestamp,
}

/// Identity and instance.
type Process = (String, String);

/// The routers that were heard of within the stale bound.
#[derive(Clone)]
pub(crate) struct Routers {
    heard: Arc<Mutex<HashMap<Process, Watch>>>,
    /// Watches whose routers left, for the rows that others read.
    left: Arc<Mutex<Vec<String>>>,
    changed: watch::Sender<()>,
    stale_bound: Duration,
}

/// The last watch of a router process, open or not.
struct Watch {
    id: Uuid,
    acknowledged: u64,
    seen: Timestamp,
    open: bool,
    replaced: CancellationToken,
}

impl Routers {
    /// None yet. A router that was not heard of for `stale_bound` holds nothing that it may use.
    pub(crate) fn new(stale_bound: Duration) -> Self {
        Self {
            heard: Arc::default(),
            left: Arc::default(),
            changed: watch::Sender::new(()),
            stale_bound,
        }
    }

    /// Adds a watch of a process that has applied everything up to a revision. An older watch of
    /// the same process ends.
    pub(crate) fn join(
        &self,
        identity: &str,
        instance: &str,
        acknowledged: u64,
        now: Timestamp,
    ) -> Result<Joined, Fault> {
        let process = (identity.to_owned(), instance.to_owned());
        let (id, replaced) = (Uuid::now_v7(), CancellationToken::new());
        let watch = Watch {
            id,
            acknowledged,
            seen: now,
            open: true,
            replaced: replaced.clone(),
        };
        self.with(|watches| {
            watches.retain(|_, watch| self.is_live(watch.seen, now));
            let others = watches
                .keys()
                .filter(|(other, _)| other == identity)
                .count();
            if others >= MOST_PROCESSES && !watches.contains_key(&process) {
                return Err(too_many());
            }
            if let Some(older) = watches.insert(process.clone(), watch) {
                older.replaced.cancel();
            }
            Ok(())
        })?;
        self.changed.send_replace(());
        counters::watches(1.0);
        Ok(Joined {
            routers: self.clone(),
            process,
            id,
            replaced,
        })
    }

    /// Every router that may hold keys, by identity and instance.
    pub(crate) fn list(&self, now: Timestamp) -> Vec<Watcher> {
        sorted(self.map(now, |process, watch| Some(watcher(process, watch))))
    }

    /// Those on an open watch of this process.
    fn open(&self, now: Timestamp) -> Vec<Watcher> {
        self.map(now, |process, watch| {
            watch.open.then(|| watcher(process, watch))
        })
    }

    /// All of them as rows for other vaults.
    fn rows(&self, now: Timestamp) -> Vec<WatchRow> {
        self.map(now, |(identity, instance), watch| {
            Some(WatchRow {
                identity: identity.clone(),
                instance: instance.clone(),
                watch: watch.id.to_string(),
                acknowledged: i64::try_from(watch.acknowledged).unwrap_or(i64::MAX),
                seen_at: watch.seen.0,
            })
        })
    }

    /// The watches that were left since the last time.
    fn take_left(&self) -> Vec<String> {
        std::mem::take(&mut *self.left.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn map<T>(
        &self,
        now: Timestamp,
        mut each: impl FnMut(&Process, &Watch) -> Option<T>,
    ) -> Vec<T> {
        self.with(|watches| {
            watches.retain(|_, watch| self.is_live(watch.seen, now));
            watches
                .iter()
                .filter_map(|(process, watch)| each(process, watch))
                .collect()
        })
    }

    /// Waits until every router has acknowledged a revision, or the time is over. Returns those
    /// still behind, as `identity/instance`.
    pub(crate) async fn wait<'a>(
        &self,
        revision: u64,
        bound: Duration,
        list: impl Fn() -> BoxFuture<'a, Result<Vec<Watcher>, StoreError>>,
    ) -> Vec<String> {
        let end = Instant::now() + bound;
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            let behind = match timeout(bound, list()).await {
                Ok(Ok(all)) => behind(all, revision),
                // Who else there is can't be known, and is not nobody.
                Ok(Err(_)) | Err(_) => vec![UNKNOWN.to_owned()],
            };
            let left = end.saturating_duration_since(Instant::now());
            if behind.is_empty() || left.is_zero() {
                return behind;
            }
            // What other vaults hear, and that a router falls silent, nothing tells.
            drop(timeout(left.min(LOOK_AGAIN), changed.changed()).await);
        }
    }

    fn is_live(&self, seen: Timestamp, now: Timestamp) -> bool {
        let bound = i64::try_from(self.stale_bound.as_micros()).unwrap_or(i64::MAX);
        now.0.saturating_sub(seen.0) < bound
    }

    fn with<T>(&self, change: impl FnOnce(&mut HashMap<Process, Watch>) -> T) -> T {
        // A panic elsewhere leaves the map whole: each change is one call.
        change(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn watcher((identity, instance): &Process, watch: &Watch) -> Watcher {
    Watcher {
        identity: identity.clone(),
        instance: instance.clone(),
        acknowledged: watch.acknowledged,
        seen: watch.seen,
    }
}

fn sorted(mut list: Vec<Watcher>) -> Vec<Watcher> {
    list.sort_by(|a, b| (&a.identity, &a.instance).cmp(&(&b.identity, &b.instance)));
    list
}

fn behind(all: Vec<Watcher>, revision: u64) -> Vec<String> {
    all.into_iter()
        .filter(|watcher| watcher.acknowledged < revision)
        .map(|watcher| format!("{}/{}", watcher.identity, watcher.instance))
        .collect()
}

fn too_many() -> Fault {
    Fault::new(
        Reason::Overloaded,
        "this identity has more router processes on watch than the vault keeps count of",
    )
    .retry_after(Duration::from_secs(10))
}

/// A router on its watch.
pub(crate) struct Joined {
    routers: Routers,
    process: Process,
    id: Uuid,
    replaced: CancellationToken,
}

impl Joined {
    /// Notes an acknowledgement; a router never goes back.
    pub(crate) fn acknowledge(&self, revision: u64, now: Timestamp) {
        self.change(|watch| {
            watch.acknowledged = watch.acknowledged.max(revision);
            watch.seen = now;
        });
    }

    /// What it has applied counts no more: it is told to drop everything.
    pub(crate) fn starts_over(&self) {
        self.change(|watch| watch.acknowledged = 0);
    }

    /// The router said that it ends: nobody waits for it.
    pub(crate) fn leave(&self) {
        self.routers.with(|watches| {
            if watches
                .get(&self.process)
                .is_some_and(|watch| watch.id == self.id)
            {
                watches.remove(&self.process);
            }
        });
        let mut left = self
            .routers
            .left
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if left.len() < MOST_PROCESSES {
            left.push(self.id.to_string());
        }
        drop(left);
        self.routers.changed.send_replace(());
    }

    /// Ends when the same process has a newer watch.
    pub(crate) fn replaced(&self) -> impl Future<Output = ()> + use<'_> {
        self.replaced.cancelled()
    }

    fn change(&self, change: impl FnOnce(&mut Watch)) {
        self.routers.with(|watches| {
            if let Some(watch) = watches.get_mut(&self.process)
                && watch.id == self.id
            {
                change(watch);
            }
        });
        self.routers.changed.send_replace(());
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.change(|watch| watch.open = false);
        counters::watches(-1.0);
    }
}

/// Router processes of one identity.
const MOST_PROCESSES: usize = 1_000;
/// How often a wait looks whether a router is gone by now.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// In the place of routers that can't be asked for.
const UNKNOWN: &str = "unknown: the vault's database does not answer";

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    const BOUND: Duration = Duration::from_mins(1);

    fn join(routers: &Routers, instance: &str) -> Joined {
        routers.join("local", instance, 0, Timestamp(0)).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_names_the_routers_that_are_behind_when_the_time_is_over() {
        let routers = Routers::new(BOUND);
        let one = join(&routers, "one");
        let _two = join(&routers, "two");
        one.acknowledge(7, Timestamp(1));
        let list = || async { Ok(routers.list(Timestamp(1))) }.boxed();
        let behind = routers.wait(7, Duration::from_secs(5), list).await;
        assert_eq!(behind, ["local/two"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_when_the_last_router_acknowledges_or_leaves() {
        let routers = Routers::new(BOUND);
        let one = join(&routers, "one");
        let two = join(&routers, "two");
        let waiting = tokio::spawn({
            let routers = routers.clone();
            async move {
                let list = || async { Ok(routers.list(Timestamp(1))) }.boxed();
                routers.wait(3, Duration::from_hours(1), list).await
            }
        });
        one.acknowledge(3, Timestamp(1));
        two.leave();
        assert!(waiting.await.unwrap().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_router_that_lost_its_watch_is_waited_for_until_the_stale_bound() {
        let routers = Routers::new(BOUND);
        drop(join(&routers, "one"));
        let at = |seconds| Timestamp(0).plus_seconds(seconds);
        let bound = Duration::from_secs(1);
        assert_eq!(
            routers
                .wait(1, bound, || async { Ok(routers.list(at(59))) }.boxed())
                .await,
            ["local/one"]
        );
        assert!(
            routers
                .wait(1, bound, || async { Ok(routers.list(at(60))) }.boxed())
                .await
                .is_empty()
        );
        assert!(routers.list(at(60)).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_that_can_not_learn_of_all_routers_does_not_say_that_all_are_there() {
        let routers = Routers::new(BOUND);
        let list = || async { Err(StoreError::NoTurn) }.boxed();
        let behind = routers.wait(1, Duration::from_secs(1), list).await;
        assert_eq!(behind, [UNKNOWN]);
    }

    #[tokio::test]
    async fn a_newer_watch_of_a_process_ends_the_older_which_counts_no_more() {
        let routers = Routers::new(BOUND);
        let older = join(&routers, "one");
        let newer = routers.join("local", "one", 5, Timestamp(1)).unwrap();
        older.replaced().await;
        older.acknowledge(9, Timestamp(2));
        older.leave();
        let [watcher] = &routers.list(Timestamp(2))[..] else {
            panic!("one process")
        };
        assert_eq!((watcher.acknowledged, watcher.seen), (5, Timestamp(1)));
        newer.starts_over();
        assert_eq!(routers.list(Timestamp(2))[0].acknowledged, 0);
    }
}
