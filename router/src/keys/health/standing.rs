//! The health of one version of a key, and when it may be tried again. Pure.

use std::time::Duration;

use keyway_proto::vault::v1::KeyState;
use keyway_words::Timestamp;

use super::Trouble;

/// Times of trouble with keys.
#[derive(Debug, Clone, Copy)]
pub struct HealthBounds {
    /// How long a rate limit without a date is believed.
    pub limited: Duration,
    /// After how long a rejected or exhausted key is tried again: first, second, every later time.
    pub trials: [Duration; 3],
}

/// What is known of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    state: KeyState,
    /// Until when, where the provider said so. Always known of a limit.
    pub(super) until: Option<Timestamp>,
    /// When this router learnt it.
    pub(super) since: Timestamp,
    /// The vault's number of the last change that is in it.
    number: u64,
    /// Trials that failed.
    failed: usize,
    /// When the next trial is due.
    trial_at: Timestamp,
    /// A call is trying it now.
    pub(super) tried: bool,
}

/// Whether an attempt may use a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Yes,
    /// One attempt may.
    Trial,
    No,
}

impl Standing {
    /// As the vault tells it. States that are no health are none of ours: they count as ACTIVE.
    pub(super) fn told(state: KeyState, until: Option<Timestamp>, number: u64) -> Self {
        let state = match state {
            KeyState::Rejected | KeyState::Exhausted | KeyState::Limited => state,
            _ => KeyState::Active,
        };
        Self {
            state,
            until: until.filter(|_| matches!(state, KeyState::Exhausted | KeyState::Limited)),
            since: Timestamp(i64::MIN),
            number,
            failed: 0,
            trial_at: Timestamp(i64::MAX),
            tried: false,
        }
    }

    /// The same, as of now: trials count from here.
    pub(super) fn begun(mut self, now: Timestamp, bounds: &HealthBounds) -> Self {
        self.since = now;
        self.trial_at = after(now, bounds.trials[0]);
        if self.state == KeyState::Limited && self.until.is_none() {
            self.until = Some(after(now, bounds.limited));
        }
        self
    }

    /// What an attempt met, after what was known.
    pub(super) fn met(
        known: Option<&Self>,
        trouble: &Trouble,
        on_trial: bool,
        now: Timestamp,
        bounds: &HealthBounds,
    ) -> Self {
        let until = trouble.lasts.map(|lasts| after(now, lasts));
        let number = known.map_or(0, |known| known.number);
        let begun = Self::told(trouble.state, until, number).begun(now, bounds);
        let Some(known) = known.filter(|known| known.is_trouble() && begun.is_trouble()) else {
            return begun;
        };
        // Attempts that were under way when the first one failed are no trials.
        let failed = if on_trial {
            known.failed + 1
        } else {
            known.failed
        };
        let trial_at = if on_trial {
            after(now, interval(failed, bounds))
        } else {
            known.trial_at
        };
        Self {
            since: known.since,
            failed,
            trial_at,
            tried: known.tried,
            ..begun
        }
    }

    /// Whether what the vault tells is newer than what is known.
    pub(super) const fn is_newer(&self, known: &Self) -> bool {
        self.number > known.number
    }

    /// Takes over what the vault tells. The same trouble keeps its trials.
    pub(super) fn take_over(&mut self, told: Self, now: Timestamp, bounds: &HealthBounds) {
        if told.state == self.state {
            self.number = told.number;
            self.until = told.until.or(self.until);
            return;
        }
        *self = told.begun(now, bounds);
    }

    /// It works.
    pub(super) fn recover(&mut self, now: Timestamp) {
        self.state = KeyState::Active;
        self.until = None;
        self.since = now;
        self.failed = 0;
        self.tried = false;
    }

    /// The trial said nothing: the next one is due after the same time.
    pub(super) fn wait_again(&mut self, now: Timestamp, bounds: &HealthBounds) {
        self.trial_at = after(now, interval(self.failed, bounds));
    }

    /// A limit ends by itself; a rejection or an exhaustion ends by a call that worked.
    pub(super) fn state(&self, now: Timestamp) -> KeyState {
        if self.state == KeyState::Limited && self.has_passed(now) {
            return KeyState::Active;
        }
        self.state
    }

    /// Whether an attempt may use the key.
    pub(super) fn may_use(&self, now: Timestamp) -> Use {
        match self.state(now) {
            KeyState::Rejected | KeyState::Exhausted => {
                let due = self.trial_at <= now || self.has_passed(now);
                if due && !self.tried {
                    Use::Trial
                } else {
                    Use::No
                }
            }
            KeyState::Limited => Use::No,
            _ => Use::Yes,
        }
    }

    /// Whether another standing says the same to an owner.
    pub(super) fn is_same(&self, other: &Self, now: Timestamp) -> bool {
        let near = match (self.until, other.until) {
            (Some(a), Some(b)) => a.0.abs_diff(b.0) < 1_000_000,
            (a, b) => a == b,
        };
        self.state(now) == other.state(now) && near
    }

    fn is_trouble(&self) -> bool {
        matches!(self.state, KeyState::Rejected | KeyState::Exhausted)
    }

    fn has_passed(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

fn interval(failed: usize, bounds: &HealthBounds) -> Duration {
    let [_, _, later] = bounds.trials;
    bounds.trials.get(failed).copied().unwrap_or(later)
}

fn after(now: Timestamp, time: Duration) -> Timestamp {
    let micros = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
    Timestamp(now.0.saturating_add(micros))
}
