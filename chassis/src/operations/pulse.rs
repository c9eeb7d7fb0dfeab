//! Whether the runtime of the process runs anything: a task of it leaves its time, and who looks is
//! another thread.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// When the runtime ran a task last. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Pulse(Arc<Mutex<Instant>>);

impl Pulse {
    /// One that beats now.
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    /// Beats until the end of the task that awaits it.
    pub(super) async fn beat(&self) {
        loop {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            tokio::time::sleep(BEAT).await;
        }
    }

    /// For how long nothing ran, as far as beats tell.
    pub(super) fn silence(&self) -> Duration {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.elapsed().saturating_sub(BEAT)
    }
}

/// Time between two beats, and between two looks.
pub(super) const BEAT: Duration = Duration::from_millis(200);
