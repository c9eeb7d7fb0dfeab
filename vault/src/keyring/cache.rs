//! Data keys that were unwrapped a short time ago.
//!
//! A hit needs the row as it stands in the database now, equal in every column to the one that was
//! unwrapped: a data key that was destroyed, wrapped again or moved is never found, in no replica.
//! Entries end by their age whatever happens; nothing extends them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyway_vault_crypto::DataKey;
use metrics::counter;
use tokio::time::Instant;

use crate::store::data_keys::DataKeyRow;

/// How many data keys are kept, and how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CacheBounds {
    /// Most entries; 0 keeps none.
    pub(crate) size: usize,
    /// Longest time since the last use.
    pub(crate) idle: Duration,
    /// Longest time since the unwrapping.
    pub(crate) lifetime: Duration,
}

/// The cache. A dropped entry is wiped when its last user is done.
pub(super) struct Cache {
    bounds: CacheBounds,
    entries: Mutex<HashMap<String, Entry>>,
}

struct Entry {
    row: DataKeyRow,
    data_key: Arc<DataKey>,
    made: Instant,
    used: Instant,
}

impl Entry {
    fn has_ended(&self, now: Instant, bounds: CacheBounds) -> bool {
        now.duration_since(self.used) >= bounds.idle
            || now.duration_since(self.made) >= bounds.lifetime
    }
}

impl Cache {
    pub(super) fn new(bounds: CacheBounds) -> Self {
        Self {
            bounds,
            entries: Mutex::default(),
        }
    }

    /// The data key of exactly this row.
    pub(super) fn get(&self, row: &DataKeyRow) -> Option<Arc<DataKey>> {
        let now = Instant::now();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = entries
            .get_mut(&row.id)
            .filter(|entry| entry.row == *row && !entry.has_ended(now, self.bounds));
        let found = fits.map(|entry| {
            entry.used = now;
            Arc::clone(&entry.data_key)
        });
        if found.is_none() {
            // What is there is of another state of the row, or too old.
            entries.remove(&row.id);
        }
        drop(entries);
        let outcome = if found.is_some() { "hit" } else { "miss" };
        counter!("keyway_vault_data_key_cache_total", "outcome" => outcome).increment(1);
        found
    }

    /// Keeps a data key that was just unwrapped from this row.
    pub(super) fn put(&self, row: &DataKeyRow, data_key: &Arc<DataKey>) {
        if self.bounds.size == 0 {
            return;
        }
        let now = Instant::now();
        let entry = Entry {
            row: row.clone(),
            data_key: Arc::clone(data_key),
            made: now,
            used: now,
        };
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.bounds.size && !entries.contains_key(&row.id) {
            evict_one(&mut entries);
        }
        entries.insert(row.id.clone(), entry);
    }

    /// Drops what has ended, so that an idle process holds no key longer than it may.
    pub(super) fn sweep(&self) {
        let now = Instant::now();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_id, entry| !entry.has_ended(now, self.bounds));
    }

    /// Drops everything.
    pub(super) fn clear(&self) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.clear();
    }
}

/// The one unused for longest goes. It looks at every entry, and only when a full cache takes a new one.
fn evict_one(entries: &mut HashMap<String, Entry>) {
    let oldest = entries
        .iter()
        .min_by_key(|(_id, entry)| entry.used)
        .map(|(id, _entry)| id.clone());
    if let Some(id) = oldest {
        entries.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use keyway_vault_crypto::OsRandom;

    use super::*;

    const BOUNDS: CacheBounds = CacheBounds {
        size: 2,
        idle: Duration::from_secs(10),
        lifetime: Duration::from_secs(25),
    };

    fn row(id: &str) -> DataKeyRow {
        DataKeyRow {
            id: id.to_owned(),
            owner: "workspaces/acme".to_owned(),
            generation: 1,
            master_key_id: "m1".to_owned(),
            wrapped: vec![1, 2, 3],
            state: "ACTIVE".to_owned(),
            created_at: 0,
        }
    }

    fn data_key() -> Arc<DataKey> {
        Arc::new(DataKey::generate(&mut OsRandom).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_row_that_changed_in_any_column_is_a_miss() {
        let cache = Cache::new(BOUNDS);
        let same = row("a");
        let changes: [fn(&mut DataKeyRow); 6] = [
            |row| row.owner.push('x'),
            |row| row.generation = 2,
            |row| row.master_key_id.push('x'),
            |row| row.wrapped.clear(),
            |row| row.state = "DESTROYED".to_owned(),
            |row| row.created_at = 1,
        ];
        for change in changes {
            cache.put(&same, &data_key());
            assert!(cache.get(&same).is_some());
            let mut other = row("a");
            change(&mut other);
            assert!(cache.get(&other).is_none(), "{other:?}");
            assert!(cache.get(&same).is_none(), "the old state came back");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_entry_ends_when_it_is_idle_and_at_its_age_however_often_it_is_used() {
        let cache = Cache::new(BOUNDS);
        cache.put(&row("idle"), &data_key());
        cache.put(&row("busy"), &data_key());
        for _ in 0..3 {
            tokio::time::advance(Duration::from_secs(8)).await;
            assert!(cache.get(&row("busy")).is_some());
        }
        assert!(cache.get(&row("idle")).is_none());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(cache.get(&row("busy")).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_sweep_wipes_what_nobody_asks_for_any_more() {
        let cache = Cache::new(BOUNDS);
        let key = data_key();
        cache.put(&row("a"), &key);
        tokio::time::advance(BOUNDS.idle).await;
        assert_eq!(Arc::strong_count(&key), 2);
        cache.sweep();
        assert_eq!(Arc::strong_count(&key), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_cache_drops_the_one_unused_for_longest() {
        let cache = Cache::new(BOUNDS);
        for id in ["a", "b"] {
            cache.put(&row(id), &data_key());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert!(cache.get(&row("a")).is_some());
        cache.put(&row("c"), &data_key());
        let there = ["a", "b", "c"].map(|id| cache.get(&row(id)).is_some());
        assert_eq!(there, [true, false, true]);
    }
}
