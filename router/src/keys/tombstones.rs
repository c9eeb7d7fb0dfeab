//! Tombstones: what was invalidated, so that an answer read earlier can't bring it back.
//!
//! An answer read at revision `r` is stale if something that concerns it changed after `r`. The
//! map is bounded: when it is full, everything in it counts as changed.

use std::collections::HashMap;
use std::hash::Hash;

/// Latest change by what it concerns.
#[derive(Debug)]
pub(crate) struct Tombstones<K> {
    /// Everything changed at this revision.
    all: u64,
    by: HashMap<K, u64>,
}

impl<K> Default for Tombstones<K> {
    fn default() -> Self {
        Self {
            all: 0,
            by: HashMap::new(),
        }
    }
}

impl<K: Eq + Hash> Tombstones<K> {
    /// Notes a change of `key`.
    pub(crate) fn put(&mut self, key: K, revision: u64) {
        if self.by.len() >= MOST && !self.by.contains_key(&key) {
            let latest = self.by.values().copied().max().unwrap_or(0);
            self.put_all(latest);
        }
        let latest = self.by.entry(key).or_default();
        *latest = revision.max(*latest);
    }

    /// Notes a change of everything.
    pub(crate) fn put_all(&mut self, revision: u64) {
        self.all = revision.max(self.all);
        self.by.clear();
    }

    /// Starts anew, as of `revision` of another epoch.
    pub(crate) fn reset(&mut self, revision: u64) {
        self.all = revision;
        self.by.clear();
    }

    /// Whether an answer of `revision` that concerns these keys is stale.
    pub(crate) fn cover(&self, revision: u64, keys: &[K]) -> bool {
        let changed = |key| self.by.get(key).copied().unwrap_or(0);
        keys.iter().map(changed).fold(self.all, u64::max) > revision
    }
}

const MOST: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_older_than_a_change_are_stale() {
        let mut tombstones = Tombstones::default();
        tombstones.put("acme", 7);
        assert!(tombstones.cover(6, &["acme"]));
        assert!(!tombstones.cover(7, &["acme"]));
        assert!(!tombstones.cover(1, &["other"]));
        tombstones.put_all(9);
        assert!(tombstones.cover(8, &["other"]));
    }

    #[test]
    fn a_full_map_forgets_no_change() {
        let mut tombstones = Tombstones::default();
        for key in 0..=MOST {
            tombstones.put(key, 5);
        }
        assert!(tombstones.by.len() <= MOST);
        assert!(tombstones.cover(4, &[0]));
    }
}
