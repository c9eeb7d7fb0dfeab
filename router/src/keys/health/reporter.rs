//! Takes reports to the vault: several at once, again while it is away, and never in a call's way.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use keyway_chassis::lifecycle::Shutdown;
use keyway_proto::vault::v1::HealthChange;

use super::Reports;
use crate::counters;
use crate::keys::VaultError;

/// Where reports go. The real one is [`crate::keys::VaultClient`].
pub(crate) trait HealthSink: Send + Sync + 'static {
    /// Reports changes of health.
    fn report(&self, changes: Vec<HealthChange>) -> BoxFuture<'static, Result<(), VaultError>>;
}

/// The task that reports.
pub(crate) struct Reporter<S> {
    /// Where they go.
    pub sink: S,
    /// What is to be reported.
    pub reports: Arc<Reports>,
}

impl<S: HealthSink> Reporter<S> {
    /// Runs until the stop, and says then once more what is still to be said.
    pub(crate) async fn run(self, stop: Shutdown) {
        let mut failures: u32 = 0;
        loop {
            let due = async {
                self.reports.arrived().await;
                // What comes together goes together; a vault that is away is asked less and less.
                tokio::time::sleep(pause(failures)).await;
            };
            tokio::select! {
                () = stop.wait() => break,
                () = due => {}
            }
            failures = if self.send().await {
                0
            } else {
                failures.saturating_add(1)
            };
        }
        self.send().await;
    }

    /// Whether the vault answered.
    async fn send(&self) -> bool {
        let changes = self.reports.take(AT_ONCE);
        let count = u64::try_from(changes.len()).unwrap_or(u64::MAX);
        if count == 0 {
            return true;
        }
        match self.sink.report(changes).await {
            Ok(()) => {
                self.reports.done();
                counters::health_reports("sent", count);
                true
            }
            Err(VaultError::Away) => {
                self.reports.put_back();
                counters::health_reports("retried", count);
                false
            }
            // Asking again would not change its mind.
            Err(refused) => {
                self.reports.done();
                counters::health_reports("refused", count);
                tracing::warn!(?refused, count, "the vault refused what keys met");
                true
            }
        }
    }
}

fn pause(failures: u32) -> Duration {
    GATHER.saturating_mul(2_u32.saturating_pow(failures.min(7)))
}

/// How long reports are gathered.
const GATHER: Duration = Duration::from_millis(100);
/// Reports in one message; the vault takes no more.
const AT_ONCE: usize = 64;
