//! Health of keys: what this router met of them, what the vault passed on, and which call may try
//! a key in trouble again. And how many attempts each key has in flight.
//!
//! Health belongs to a key *and* its version: what is learnt about an old secret never touches the
//! next one. What an attempt met is believed at once; what changed by it is reported.

mod news;
mod reporter;
mod reports;
mod standing;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keyway_proto::convert::{from_timestamp, timestamp};
use keyway_proto::vault::v1::{HealthChange, KeyState};
use keyway_words::{KeyPath, Timestamp};

pub use news::KeyNews;
pub(super) use reporter::HealthSink;
pub(crate) use reporter::Reporter;
pub use reports::Reports;
pub use standing::HealthBounds;
use standing::{Standing, Use};

use super::lease::LeasedKey;
use crate::counters;

/// A key and the version of its secret.
type Versioned = (KeyPath, u64);

/// What this router knows of the health of keys.
#[derive(Debug)]
pub struct HealthBoard {
    bounds: HealthBounds,
    reports: Arc<Reports>,
    news: Option<Arc<KeyNews>>,
    inner: Mutex<Board>,
}

#[derive(Debug, Default)]
struct Board {
    standings: HashMap<Versioned, Standing>,
    in_flight: HashMap<Versioned, usize>,
}

/// The health of a key as calls see it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// ACTIVE, REJECTED, EXHAUSTED or LIMITED.
    pub state: KeyState,
    /// Until when, where the provider said so.
    pub until: Option<Timestamp>,
    /// Whether one call may try it although it is in trouble.
    pub on_trial: bool,
}

/// What an attempt met of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// REJECTED, EXHAUSTED or LIMITED.
    pub state: KeyState,
    /// How long it lasts, where the provider said so.
    pub lasts: Option<Duration>,
    /// What the provider answered, without any of its text.
    pub cause: String,
}

impl HealthBoard {
    /// Nothing known yet. What changes goes to `reports`, and to `news` where somebody follows
    /// them.
    pub fn new(bounds: HealthBounds, reports: Arc<Reports>, news: Option<Arc<KeyNews>>) -> Self {
        Self {
            bounds,
            reports,
            news,
            inner: Mutex::default(),
        }
    }

    /// The health of a leased key, from the newer of the lease and what was learnt since.
    pub fn look(&self, key: &LeasedKey, now: Timestamp) -> Look {
        let mut board = self.lock();
        let Some(standing) = self.standing(&mut board, key, now) else {
            return Look {
                state: KeyState::Active,
                until: None,
                on_trial: false,
            };
        };
        let state = standing.state(now);
        Look {
            state,
            until: standing.until.filter(|_| state != KeyState::Active),
            on_trial: standing.may_use(now) == Use::Trial,
        }
    }

    /// Begins an attempt with a key; `None` if it can't be used now, or another call tries it.
    pub fn enter(self: &Arc<Self>, key: &LeasedKey, now: Timestamp) -> Option<InFlight> {
        let versioned = (key.path.clone()?, key.version);
        let mut board = self.lock();
        let on_trial = match self.standing(&mut board, key, now) {
            None => false,
            Some(standing) => match standing.may_use(now) {
                Use::Yes => false,
                Use::Trial => {
                    standing.tried = true;
                    true
                }
                Use::No => return None,
            },
        };
        *board.in_flight.entry(versioned.clone()).or_default() += 1;
        drop(board);
        Some(InFlight {
            board: Arc::clone(self),
            versioned,
            on_trial,
            started: now,
        })
    }

    /// Begins a test of a key, whatever its state: what it meets is believed like any trial.
    pub fn test(self: &Arc<Self>, key: &LeasedKey, now: Timestamp) -> Option<InFlight> {
        let versioned = (key.path.clone()?, key.version);
        let mut board = self.lock();
        self.standing(&mut board, key, now);
        *board.in_flight.entry(versioned.clone()).or_default() += 1;
        drop(board);
        Some(InFlight {
            board: Arc::clone(self),
            versioned,
            on_trial: true,
            started: now,
        })
    }

    /// Attempts in flight with a key.
    pub fn in_flight(&self, key: &KeyPath, version: u64) -> usize {
        let board = self.lock();
        let count = board.in_flight.get(&(key.clone(), version));
        count.copied().unwrap_or(0)
    }

    /// Takes over what the vault passes on of any router's report.
    pub fn learn(&self, change: &HealthChange, now: Timestamp) {
        let Ok(path) = change.name.parse::<KeyPath>() else {
            return;
        };
        let versioned = (path, change.version);
        let until = change.until.as_ref().and_then(from_timestamp);
        let mut board = self.lock();
        // What this router met later is on its way to the vault, and will come back from there.
        if self.reports.has(&versioned) {
            return;
        }
        let told = Standing::told(change.state(), until, change.health_number);
        match board.standings.get_mut(&versioned) {
            Some(known) if told.is_newer(known) => known.take_over(told, now, &self.bounds),
            Some(_newer) => {}
            None => board.insert(versioned, told.begun(now, &self.bounds), now),
        }
    }

    /// Another database: its numbers say nothing about what is known.
    pub fn restart(&self) {
        self.lock().standings.clear();
    }

    /// What is known of a key, after looking whether its lease knows better.
    fn standing<'a>(
        &self,
        board: &'a mut Board,
        key: &LeasedKey,
        now: Timestamp,
    ) -> Option<&'a mut Standing> {
        let versioned = (key.path.clone()?, key.version);
        let leased = Standing::told(key.state, key.until, key.health_number);
        match board.standings.get_mut(&versioned) {
            Some(known) if leased.is_newer(known) && !self.reports.has(&versioned) => {
                known.take_over(leased, now, &self.bounds);
            }
            Some(_newer) => {}
            None if leased.state(now) == KeyState::Active => return None,
            None => board.insert(versioned.clone(), leased.begun(now, &self.bounds), now),
        }
        board.standings.get_mut(&versioned)
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Board {
    fn insert(&mut self, versioned: Versioned, standing: Standing, now: Timestamp) {
        if self.standings.len() >= MOST_STANDINGS {
            self.standings
                .retain(|_, kept| kept.state(now) != KeyState::Active);
        }
        if self.standings.len() < MOST_STANDINGS {
            self.standings.insert(versioned, standing);
        }
    }
}

/// One attempt's use of a key. What it met is said once; dropped without a word, it says nothing.
#[derive(Debug)]
pub struct InFlight {
    board: Arc<HealthBoard>,
    versioned: Versioned,
    on_trial: bool,
    started: Timestamp,
}

impl InFlight {
    /// The key works: whatever trouble was known before this attempt began is over.
    pub fn worked(&self, now: Timestamp) {
        let mut board = self.board.lock();
        let Some(standing) = board.standings.get_mut(&self.versioned) else {
            return;
        };
        // An attempt that began before the trouble says nothing about it.
        if !self.on_trial && self.started < standing.since {
            return;
        }
        let was = standing.state(now);
        standing.recover(now);
        if was == KeyState::Active {
            return;
        }
        self.trial("passed");
        self.report(was, KeyState::Active, None, String::new());
    }

    /// The provider says that something is wrong with the key.
    pub fn met(&self, trouble: &Trouble, now: Timestamp) {
        let bounds = &self.board.bounds;
        let mut board = self.board.lock();
        let known = board.standings.get(&self.versioned);
        let standing = Standing::met(known, trouble, self.on_trial, now, bounds);
        let is_new = known.is_none_or(|known| !standing.is_same(known, now));
        let was = known.map_or(KeyState::Active, |known| known.state(now));
        let until = standing.until;
        board.insert(self.versioned.clone(), standing, now);
        drop(board);
        self.trial("failed");
        if is_new {
            self.report(was, trouble.state, until, trouble.cause.clone());
        }
    }

    /// The attempt failed for a reason that says nothing about the key.
    pub fn learnt_nothing(&self, now: Timestamp) {
        if !self.on_trial {
            return;
        }
        let mut board = self.board.lock();
        if let Some(standing) = board.standings.get_mut(&self.versioned) {
            standing.wait_again(now, &self.board.bounds);
        }
        self.trial("undecided");
    }

    fn trial(&self, result: &'static str) {
        if self.on_trial {
            counters::key_trial(result);
        }
    }

    fn report(&self, was: KeyState, state: KeyState, until: Option<Timestamp>, reason: String) {
        if let Some(news) = &self.board.news {
            news.put(&self.versioned, was, state, &reason);
        }
        let change = HealthChange {
            name: self.versioned.0.to_string(),
            version: self.versioned.1,
            state: state.into(),
            until: until.map(timestamp),
            health_number: 0,
            reason,
        };
        self.board.reports.put(self.versioned.clone(), change);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut board = self.board.lock();
        if self.on_trial
            && let Some(standing) = board.standings.get_mut(&self.versioned)
        {
            standing.tried = false;
        }
        if let Some(count) = board.in_flight.get_mut(&self.versioned) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                board.in_flight.remove(&self.versioned);
            }
        }
    }
}

/// A bound for memory: beyond it, health is learnt again by the next attempt.
const MOST_STANDINGS: usize = 100_000;
