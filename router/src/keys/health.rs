//! Health of keys as this router saw it, fresher than the vault's; and how many attempts each
//! key has in flight.
//!
//! State belongs to a key *and* its version: what is learnt about an old secret never touches the
//! next one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyway_proto::convert::from_timestamp;
use keyway_proto::vault::v1::{HealthChange, KeyState};
use keyway_words::{KeyPath, Timestamp};

/// A key and the version of its secret.
type Versioned = (KeyPath, u64);

/// What this router knows about keys by itself.
#[derive(Debug, Default)]
pub struct HealthBoard {
    inner: Mutex<Board>,
}

#[derive(Debug, Default)]
struct Board {
    states: HashMap<Versioned, Fresh>,
    in_flight: HashMap<Versioned, usize>,
}

/// A state that holds until a moment. After it a call is let through to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fresh {
    /// REJECTED, EXHAUSTED or LIMITED.
    pub state: KeyState,
    /// Until when it is believed.
    pub until: Timestamp,
}

impl HealthBoard {
    /// The state of a key that an attempt of this router met, while it is believed.
    pub fn state(&self, key: &KeyPath, version: u64, now: Timestamp) -> Option<Fresh> {
        let board = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = board.states.get(&(key.clone(), version)).copied();
        fresh.filter(|fresh| fresh.until > now)
    }

    /// Attempts in flight with a key.
    pub fn in_flight(&self, key: &KeyPath, version: u64) -> usize {
        let board = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        board
            .in_flight
            .get(&(key.clone(), version))
            .copied()
            .unwrap_or(0)
    }

    /// Believes a state from now on.
    pub fn mark(&self, key: &KeyPath, version: u64, fresh: Fresh, now: Timestamp) {
        let mut board = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if board.states.len() >= MOST_STATES {
            board.states.retain(|_, kept| kept.until > now);
        }
        if board.states.len() < MOST_STATES {
            board.states.insert((key.clone(), version), fresh);
        }
    }

    /// Takes over what another router saw.
    pub fn learn(&self, change: &HealthChange, now: Timestamp) {
        let Ok(key) = change.name.parse::<KeyPath>() else {
            return;
        };
        let state = change.state();
        if !matches!(
            state,
            KeyState::Rejected | KeyState::Exhausted | KeyState::Limited
        ) {
            return self.clear(&key, change.version);
        }
        let told = change.until.as_ref().and_then(from_timestamp);
        let until = told.unwrap_or_else(|| now.plus_seconds(60));
        self.mark(&key, change.version, Fresh { state, until }, now);
    }

    /// Forgets the state of a version that just worked.
    pub fn clear(&self, key: &KeyPath, version: u64) {
        let mut board = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        board.states.remove(&(key.clone(), version));
    }

    /// Counts an attempt with a key until the guard is dropped.
    pub fn enter(self: &Arc<Self>, key: &KeyPath, version: u64) -> InFlight {
        let versioned = (key.clone(), version);
        let mut board = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        *board.in_flight.entry(versioned.clone()).or_default() += 1;
        drop(board);
        InFlight {
            board: Arc::clone(self),
            versioned,
        }
    }
}

/// One attempt in flight.
#[derive(Debug)]
pub struct InFlight {
    board: Arc<HealthBoard>,
    versioned: Versioned,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut board = self
            .board
            .inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = board.in_flight.get_mut(&self.versioned) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                board.in_flight.remove(&self.versioned);
            }
        }
    }
}

/// How long a rejection or exhaustion without a date is believed before one call tries again.
pub const TRIAL_AFTER: Duration = Duration::from_mins(1);
/// The same for a rate limit without a date.
pub const LIMITED_FOR: Duration = Duration::from_secs(5);
/// A bound for memory: beyond it, states are learnt again by the next attempt.
const MOST_STATES: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> KeyPath {
        "workspaces/acme/keys/openai/default".parse().unwrap()
    }

    #[test]
    fn a_state_belongs_to_one_version_and_ends() {
        let board = HealthBoard::default();
        let fresh = Fresh {
            state: KeyState::Rejected,
            until: Timestamp(100),
        };
        board.mark(&key(), 1, fresh, Timestamp(0));
        assert_eq!(board.state(&key(), 1, Timestamp(99)), Some(fresh));
        assert_eq!(board.state(&key(), 2, Timestamp(99)), None);
        assert_eq!(board.state(&key(), 1, Timestamp(100)), None);
    }

    #[test]
    fn attempts_in_flight_are_counted_until_they_end() {
        let board = Arc::new(HealthBoard::default());
        let one = board.enter(&key(), 1);
        let two = board.enter(&key(), 1);
        assert_eq!(board.in_flight(&key(), 1), 2);
        drop(one);
        assert_eq!(board.in_flight(&key(), 1), 1);
        drop(two);
        assert_eq!(board.in_flight(&key(), 1), 0);
    }
}
