//! Handshakes in flight: at most so many, and beyond that the oldest gives way.
//!
//! An honest client is through in milliseconds. Who opens connections and says nothing pushes out
//! its own silence, and can't keep others from the door.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The handshakes in flight of one listener. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Handshakes {
    most: usize,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    last: u64,
    by_age: BTreeMap<u64, CancellationToken>,
}

impl Handshakes {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            open: Arc::default(),
        }
    }

    /// Begins one; it is in flight until the guard is dropped.
    pub(super) fn begin(&self) -> Handshake {
        let evicted = CancellationToken::new();
        let mut open = self.lock();
        while open.by_age.len() >= self.most {
            let Some((_number, oldest)) = open.by_age.pop_first() else {
                break;
            };
            oldest.cancel();
        }
        open.last = open.last.wrapping_add(1);
        let number = open.last;
        open.by_age.insert(number, evicted.clone());
        Handshake {
            of: self.clone(),
            number,
            evicted,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One handshake in flight.
#[derive(Debug)]
pub(super) struct Handshake {
    of: Handshakes,
    number: u64,
    evicted: CancellationToken,
}

impl Handshake {
    /// Ends when it has to give way.
    pub(super) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.of.lock().by_age.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn beyond_the_bound_the_oldest_gives_way_and_one_that_ended_makes_room() {
        let handshakes = Handshakes::new(2);
        let (first, second) = (handshakes.begin(), handshakes.begin());
        drop(first);
        let third = handshakes.begin();
        assert!(second.evicted().now_or_never().is_none());
        let fourth = handshakes.begin();
        assert!(second.evicted().now_or_never().is_some());
        assert!(third.evicted().now_or_never().is_none());
        assert!(fourth.evicted().now_or_never().is_none());
    }
}
