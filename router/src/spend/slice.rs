//! One slice in memory: what is free of it, and what calls have reserved.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keyway_router_billing::{Spend, SpendMonth};
use keyway_words::Usd;
use tokio::time::Instant;

/// What this router may spend of a workspace's month.
#[derive(Debug)]
pub(super) struct Slice {
    state: Mutex<State>,
    /// One lease at a time; who waits for it looks again first.
    pub(super) leasing: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct State {
    /// Pico-USD; less than nothing where a call cost more than it had reserved.
    free: i128,
    /// Calls that have reserved a part.
    reserved: usize,
    changed: Instant,
    refused: Option<Refused>,
}

/// A lease that was refused a moment ago.
#[derive(Debug, Clone, Copy)]
struct Refused {
    at: Instant,
    asked: (Usd, Usd),
    spend: Spend,
}

impl Slice {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                free: 0,
                reserved: 0,
                changed: Instant::now(),
                refused: None,
            }),
            leasing: Arc::default(),
        })
    }

    /// Reserves for one call, if that much is free.
    pub(super) fn take(self: &Arc<Self>, month: &SpendMonth, most: Usd) -> Option<Reservation> {
        let mut state = self.lock();
        if state.free < most.pico() {
            return None;
        }
        state.free -= most.pico();
        state.reserved += 1;
        state.changed = Instant::now();
        Some(Reservation {
            slice: Arc::clone(self),
            month: month.clone(),
            most: most.pico(),
        })
    }

    /// What is missing of that much.
    pub(super) fn missing(&self, most: Usd) -> Usd {
        let free = self.lock().free;
        Usd::from_pico(most.pico().saturating_sub(free))
    }

    pub(super) fn add(&self, granted: Usd) {
        let mut state = self.lock();
        state.free += granted.pico();
        state.changed = Instant::now();
        state.refused = None;
    }

    /// What a refused lease said, if no more was asked for then, a moment ago.
    pub(super) fn refused_lately(&self, limit: Usd, least: Usd) -> Option<Spend> {
        let refused = self.lock().refused?;
        let holds =
            refused.at.elapsed() < MOMENT && refused.asked.0 == limit && refused.asked.1 <= least;
        holds.then_some(refused.spend)
    }

    pub(super) fn refuse(&self, limit: Usd, least: Usd, spend: Spend) {
        let at = Instant::now();
        let asked = (limit, least);
        self.lock().refused = Some(Refused { at, asked, spend });
    }

    /// Takes out what is free, if no call has reserved anything for so long.
    pub(super) fn idle(&self, for_long: Duration) -> Option<Usd> {
        let mut state = self.lock();
        let is_idle = state.reserved == 0 && state.changed.elapsed() >= for_long;
        if !is_idle || state.free == 0 {
            return None;
        }
        Some(Usd::from_pico(std::mem::take(&mut state.free)))
    }

    /// Whether nothing has happened for so long, and nothing is left.
    pub(super) fn is_over(&self, for_long: Duration) -> bool {
        let state = self.lock();
        state.reserved == 0 && state.free == 0 && state.changed.elapsed() >= for_long
    }

    fn end(&self, unused: i128) {
        let mut state = self.lock();
        state.free += unused;
        state.reserved = state.reserved.saturating_sub(1);
        state.changed = Instant::now();
        state.refused = None;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one attempt may cost. Dropped without a word, all of it is free again.
#[derive(Debug)]
pub struct Reservation {
    slice: Arc<Slice>,
    month: SpendMonth,
    most: i128,
}

impl Reservation {
    /// The attempt was charged so much, which its settlement takes from the slice at the ledger; the
    /// rest is free again. The month, for that settlement.
    pub fn spent(mut self, charge: Option<Usd>) -> SpendMonth {
        let charge = charge.unwrap_or(Usd::ZERO).pico();
        self.most -= charge;
        self.month.clone()
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.slice.end(self.most);
    }
}

/// How long a refusal answers others too: a workspace at its limit asks the ledger no more often.
const MOMENT: Duration = Duration::from_millis(100);
