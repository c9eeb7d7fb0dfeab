//! Routers that watch the change feed, and how far each has come.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyway_words::Timestamp;
use tokio::sync::watch;
use tokio::time::timeout;

/// A router process on its watch.
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

/// The routers connected now.
#[derive(Clone)]
pub(crate) struct Routers {
    watchers: Arc<Mutex<HashMap<u64, Watcher>>>,
    changed: watch::Sender<u64>,
}

impl Routers {
    pub(crate) fn new() -> Self {
        Self {
            watchers: Arc::default(),
            changed: watch::Sender::new(0),
        }
    }

    /// Adds a watch; it is gone when the guard is dropped.
    pub(crate) fn join(&self, watcher: Watcher) -> Joined {
        let mut number = 0;
        self.changed.send_modify(|last| {
            *last = last.wrapping_add(1);
            number = *last;
        });
        self.with(|watchers| watchers.insert(number, watcher));
        Joined {
            routers: self.clone(),
            number,
        }
    }

    /// Every watch, by identity and instance.
    pub(crate) fn list(&self) -> Vec<Watcher> {
        let mut list: Vec<Watcher> = self.with(|watchers| watchers.values().cloned().collect());
        list.sort_by(|a, b| (&a.identity, &a.instance).cmp(&(&b.identity, &b.instance)));
        list
    }

    /// Waits until every router on watch has acknowledged a revision, or the time is over. Returns
    /// those still behind, as `identity/instance`.
    pub(crate) async fn wait(&self, revision: u64, bound: Duration) -> Vec<String> {
        let mut changed = self.changed.subscribe();
        let all = async {
            while !self.behind(revision).is_empty() {
                if changed.changed().await.is_err() {
                    break;
                }
            }
        };
        // Whether the time ran out shows in who is behind.
        timeout(bound, all).await.unwrap_or_default();
        self.behind(revision)
    }

    fn behind(&self, revision: u64) -> Vec<String> {
        self.list()
            .into_iter()
            .filter(|watcher| watcher.acknowledged < revision)
            .map(|watcher| format!("{}/{}", watcher.identity, watcher.instance))
            .collect()
    }

    fn with<T>(&self, change: impl FnOnce(&mut HashMap<u64, Watcher>) -> T) -> T {
        // A panic elsewhere leaves the map whole: each change is one call.
        change(&mut self.watchers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A router on its watch.
pub(crate) struct Joined {
    routers: Routers,
    number: u64,
}

impl Joined {
    /// Notes an acknowledgement; a router never goes back.
    pub(crate) fn acknowledge(&self, revision: u64, now: Timestamp) {
        self.routers.with(|watchers| {
            if let Some(watcher) = watchers.get_mut(&self.number) {
                watcher.acknowledged = watcher.acknowledged.max(revision);
                watcher.seen = now;
            }
        });
        self.routers
            .changed
            .send_modify(|last| *last = last.wrapping_add(1));
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.routers.with(|watchers| watchers.remove(&self.number));
        self.routers
            .changed
            .send_modify(|last| *last = last.wrapping_add(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watcher(instance: &str) -> Watcher {
        Watcher {
            identity: "local".to_owned(),
            instance: instance.to_owned(),
            acknowledged: 0,
            seen: Timestamp(0),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_names_the_routers_that_are_behind_when_the_time_is_over() {
        let routers = Routers::new();
        let one = routers.join(watcher("one"));
        let _two = routers.join(watcher("two"));
        one.acknowledge(7, Timestamp(1));
        let behind = routers.wait(7, Duration::from_secs(5)).await;
        assert_eq!(behind, ["local/two"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_when_the_last_router_acknowledges_or_leaves() {
        let routers = Routers::new();
        let one = routers.join(watcher("one"));
        let two = routers.join(watcher("two"));
        let waiting = tokio::spawn({
            let routers = routers.clone();
            async move { routers.wait(3, Duration::from_hours(1)).await }
        });
        one.acknowledge(3, Timestamp(1));
        drop(two);
        assert!(waiting.await.unwrap().is_empty());
    }
}
