//! The places of a listener: at most so many handshakes in flight, beyond which the oldest gives way,
//! and at most so many connections that are through.
//!
//! An honest client is through in milliseconds. Who opens connections and says nothing pushes out
//! its own silence, has no place of those who are through, and can't keep others from the door.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The places of one listener. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Places {
    handshakes: usize,
    connections: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    last: u64,
    by_age: BTreeMap<u64, CancellationToken>,
    through: usize,
}

impl Places {
    pub(super) fn new(handshakes: usize, connections: usize) -> Self {
        Self {
            handshakes,
            connections,
            taken: Arc::default(),
        }
    }

    /// Begins a handshake, in flight until the guard is dropped or it is through; `None` if nobody
    /// who is through would have a place.
    pub(super) fn begin(&self) -> Option<Handshake> {
        let evicted = CancellationToken::new();
        let mut taken = self.lock();
        if taken.through >= self.connections {
            return None;
        }
        while taken.by_age.len() >= self.handshakes {
            let Some((_number, oldest)) = taken.by_age.pop_first() else {
                break;
            };
            oldest.cancel();
        }
        taken.last = taken.last.wrapping_add(1);
        let number = taken.last;
        taken.by_age.insert(number, evicted.clone());
        Some(Handshake {
            of: self.clone(),
            number,
            evicted,
        })
    }

    /// As many as there can be of both. What is open beyond that has given way, and is about to end.
    pub(super) fn all(&self) -> usize {
        self.handshakes.saturating_add(self.connections)
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One handshake in flight.
#[derive(Debug)]
pub(super) struct Handshake {
    of: Places,
    number: u64,
    evicted: CancellationToken,
}

impl Handshake {
    /// Ends when it has to give way.
    pub(super) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    /// The place of a connection, unless others took the last ones meanwhile.
    pub(super) fn through(self) -> Option<Through> {
        let mut taken = self.of.lock();
        if taken.through >= self.of.connections {
            return None;
        }
        taken.through = taken.through.saturating_add(1);
        Some(Through(self.of.clone()))
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.of.lock().by_age.remove(&self.number);
    }
}

/// The place of one connection that is through; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Through(Places);

impl Drop for Through {
    fn drop(&mut self) {
        let mut taken = self.0.lock();
        taken.through = taken.through.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn beyond_the_bound_the_oldest_gives_way_and_one_that_ended_makes_room() {
        let places = Places::new(2, 100);
        let begin = || places.begin().unwrap();
        let (first, second) = (begin(), begin());
        drop(first);
        let third = begin();
        assert!(second.evicted().now_or_never().is_none());
        let fourth = begin();
        assert!(second.evicted().now_or_never().is_some());
        assert!(third.evicted().now_or_never().is_none());
        assert!(fourth.evicted().now_or_never().is_none());
    }

    #[test]
    fn silence_takes_no_place_of_those_who_are_through() {
        let places = Places::new(10, 2);
        let mut silent: Vec<_> = (0..100).map(|_| places.begin().unwrap()).collect();
        let late = places.begin().unwrap();
        let first = places.begin().unwrap().through().unwrap();
        let second = places.begin().unwrap().through();
        assert!(second.is_some());
        assert!(places.begin().is_none(), "all places are taken");
        assert!(late.through().is_none());
        drop(first);
        assert!(silent.pop().unwrap().through().is_some());
    }
}
