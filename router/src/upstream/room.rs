//! Room for an answer: how many bytes of it may still be read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is left, shared by who reads and who may narrow it meanwhile.
#[derive(Debug, Clone)]
pub struct Room(Arc<AtomicUsize>);

impl Room {
    /// So many bytes.
    pub fn of(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    /// From now on so many more at most.
    pub fn narrow(&self, bytes: usize) {
        self.0.fetch_min(bytes, Ordering::Relaxed);
    }

    /// Takes room for bytes that came; `false` if there is not so much.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let less = |left: usize| left.checked_sub(bytes);
        let order = Ordering::Relaxed;
        self.0.fetch_update(order, order, less).is_ok()
    }
}
