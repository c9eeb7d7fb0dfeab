//! Certificates that are good and name no listed router: the operator is told which name is missing.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// When it was told last. A router that is not listed tries again and again.
#[derive(Default)]
pub(super) struct Unlisted(Mutex<Option<Instant>>);

impl Unlisted {
    /// Tells of a certificate's URI name, once in ten seconds at most.
    pub(super) fn tell(&self, uri: &str) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        *told = Some(Instant::now());
        tracing::warn!(
            "refused: the URI name (SAN) of the client certificate, {uri:?}, is no listed router's; `routers` would list it"
        );
    }
}

const EVERY: Duration = Duration::from_secs(10);
