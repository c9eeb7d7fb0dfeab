//! The routers of all vaults on one database: this process writes what it hears, and reads what the
//! others wrote.
//!
//! A row is written when an acknowledgement moved, at most every [`GATHER`], and otherwise only so
//! often that it does not look stale. On a database of one process there is nothing to share.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use keyway_chassis::lifecycle::Shutdown;
use keyway_words::Timestamp;
use tokio::time::{sleep, timeout};

use super::{Process, Routers, Watcher};
use crate::service::Vault;
use crate::store::router_watches::{self as rows, WatchRow};
use crate::store::{Store, StoreError};

/// Writes the watches of this process until the stop.
pub(crate) async fn run(vault: Arc<Vault>, shutdown: Shutdown) {
    if !vault.store.is_shared() {
        return;
    }
    let mut writer = Writer {
        store: vault.store.clone(),
        routers: vault.routers.clone(),
        written: HashMap::new(),
    };
    let mut changed = vault.routers.changed.subscribe();
    loop {
        if let Err(error) = writer.write().await {
            tracing::warn!(%error, "the routers of this vault can't be written down");
        }
        let next = async {
            sleep(GATHER).await;
            drop(timeout(writer.refresh(), changed.changed()).await);
        };
        tokio::select! {
            () = shutdown.wait() => return,
            () = next => {}
        }
    }
}

/// Every router that may hold keys, at whichever vault it watches.
pub(crate) async fn list(store: &Store, routers: &Routers) -> Result<Vec<Watcher>, StoreError> {
    let now = store.now();
    if !store.is_shared() {
        return Ok(routers.list(now));
    }
    let read = store.read().await?;
    let stale = before(now, routers.stale_bound + refresh(routers.stale_bound));
    let rows = rows::since(read.on(), stale).await?;
    let mut all: HashMap<Process, Watcher> = HashMap::new();
    for row in rows {
        let process = (row.identity.clone(), row.instance.clone());
        all.insert(process, watcher(row));
    }
    // What this process hears on an open watch is newer than what it wrote.
    for watcher in routers.open(now) {
        let process = (watcher.identity.clone(), watcher.instance.clone());
        all.insert(process, watcher);
    }
    let mut list: Vec<Watcher> = all.into_values().collect();
    list.sort_by(|a, b| (&a.identity, &a.instance).cmp(&(&b.identity, &b.instance)));
    Ok(list)
}

fn watcher(row: WatchRow) -> Watcher {
    Watcher {
        identity: row.identity,
        instance: row.instance,
        acknowledged: u64::try_from(row.acknowledged).unwrap_or(0),
        seen: Timestamp(row.seen_at),
    }
}

/// Rows as they were last written, by watch.
struct Writer {
    store: Store,
    routers: Routers,
    written: HashMap<String, WatchRow>,
}

impl Writer {
    async fn write(&mut self) -> Result<(), StoreError> {
        let now = self.store.now();
        let (heard, left) = (self.routers.rows(now), self.routers.take_left());
        let due: Vec<WatchRow> = heard
            .iter()
            .filter(|row| self.is_due(row))
            .cloned()
            .collect();
        if due.is_empty() && left.is_empty() {
            return Ok(());
        }
        let aside = self.store.aside().await?;
        for watch in &left {
            rows::remove(aside.on(), watch).await?;
        }
        for row in &due {
            rows::put(aside.on(), row.clone()).await?;
        }
        rows::remove_before(aside.on(), before(now, self.routers.stale_bound * 2)).await?;
        aside.commit().await?;
        self.written
            .retain(|watch, _| heard.iter().any(|row| row.watch == *watch));
        self.written
            .extend(due.into_iter().map(|row| (row.watch.clone(), row)));
        Ok(())
    }

    /// Whether others would notice the difference.
    fn is_due(&self, row: &WatchRow) -> bool {
        self.written.get(&row.watch).is_none_or(|written| {
            let age = row.seen_at.saturating_sub(written.seen_at);
            written.acknowledged != row.acknowledged || age >= micros(self.refresh())
        })
    }

    fn refresh(&self) -> Duration {
        refresh(self.routers.stale_bound)
    }
}

/// How much older than the truth a row may be.
fn refresh(stale_bound: Duration) -> Duration {
    stale_bound / 6
}

fn before(now: Timestamp, by: Duration) -> i64 {
    now.0.saturating_sub(micros(by))
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// How long acknowledgements are gathered.
const GATHER: Duration = Duration::from_millis(100);
