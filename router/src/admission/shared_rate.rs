//! Hosted requests per minute where several routers share a ledger: a few are leased at a time and
//! used from memory; what is unused after its moment goes back with the next lease.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use keyway_router_billing::{Ledger, LedgerError, RATE_MOMENT, RateLeased, RateSlice};
use keyway_words::WorkspaceId;
use tokio::time::Instant;

/// Where requests are leased. The real one is [`Ledger`].
pub trait LeaseRate: Send + Sync + std::fmt::Debug + 'static {
    /// Leases some requests, and gives back what is unused of an earlier lease.
    fn lease(
        &self,
        workspace: WorkspaceId,
        limit: u64,
        unused: Option<RateSlice>,
    ) -> BoxFuture<'_, Result<RateLeased, LedgerError>>;
}

impl LeaseRate for Ledger {
    fn lease(
        &self,
        workspace: WorkspaceId,
        limit: u64,
        unused: Option<RateSlice>,
    ) -> BoxFuture<'_, Result<RateLeased, LedgerError>> {
        Box::pin(async move { self.lease_rate(&workspace, limit, unused).await })
    }
}

/// Why a request may not be made.
#[derive(Debug)]
pub enum NoRequest {
    /// The limit is reached; after so long there is room.
    Limited(Duration),
    /// Nobody can say.
    Ledger(LedgerError),
}

/// The leases of all workspaces that have a limit.
#[derive(Debug)]
pub struct SharedRate {
    ledger: Arc<dyn LeaseRate>,
    workspaces: Mutex<HashMap<WorkspaceId, Arc<tokio::sync::Mutex<Leased>>>>,
}

#[derive(Debug, Default)]
struct Leased {
    slice: Option<(RateSlice, Instant)>,
    /// Refused until then, by this limit.
    refused: Option<(u64, Instant)>,
}

impl SharedRate {
    /// Nothing is leased.
    pub fn new(ledger: Arc<dyn LeaseRate>) -> Self {
        Self {
            ledger,
            workspaces: Mutex::default(),
        }
    }

    /// Takes one request of so many a minute.
    pub async fn take(&self, workspace: &WorkspaceId, limit: u64) -> Result<(), NoRequest> {
        let leased = self.of(workspace);
        let mut leased = leased.lock().await;
        if leased.take() {
            return Ok(());
        }
        if let Some(wait) = leased.refused_for(limit) {
            return Err(NoRequest::Limited(wait));
        }
        let unused = leased.slice.take().map(|(slice, _)| slice);
        let asked = Instant::now();
        let answer = self.ledger.lease(workspace.clone(), limit, unused).await;
        match answer.map_err(NoRequest::Ledger)? {
            RateLeased::Granted(slice) => {
                let rest = RateSlice {
                    requests: slice.requests.saturating_sub(1),
                    ..slice
                };
                leased.slice = Some((rest, asked + RATE_MOMENT));
                leased.refused = None;
                Ok(())
            }
            RateLeased::Refused(wait) => {
                leased.refused = Some((limit, asked + wait.min(MOMENT)));
                Err(NoRequest::Limited(wait))
            }
        }
    }

    fn of(&self, workspace: &WorkspaceId) -> Arc<tokio::sync::Mutex<Leased>> {
        let all = self.workspaces.lock();
        let mut all = all.unwrap_or_else(PoisonError::into_inner);
        if all.len() >= SWEEP {
            // One that nobody waits for loses at most a moment's requests.
            all.retain(|_, leased| Arc::strong_count(leased) > 1);
        }
        Arc::clone(all.entry(workspace.clone()).or_default())
    }
}

impl Leased {
    fn take(&mut self) -> bool {
        let Some((slice, until)) = &mut self.slice else {
            return false;
        };
        let may = slice.requests > 0 && Instant::now() < *until;
        slice.requests -= u64::from(may);
        may
    }

    /// How long a refusal by this limit, or a higher one, still holds.
    fn refused_for(&self, limit: u64) -> Option<Duration> {
        let (refused, until) = self.refused?;
        let wait = until.checked_duration_since(Instant::now())?;
        (limit <= refused && !wait.is_zero()).then_some(wait)
    }
}

/// How long a refusal answers others too.
const MOMENT: Duration = Duration::from_millis(500);
/// So many workspaces are looked through for those that are quiet.
const SWEEP: usize = 10_000;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    /// A ledger that has so many requests, gives three at a time, and counts what comes back.
    #[derive(Debug)]
    struct Fake {
        left: AtomicU64,
        back: AtomicU64,
        asked: AtomicU64,
    }

    impl LeaseRate for Fake {
        fn lease(
            &self,
            _workspace: WorkspaceId,
            _limit: u64,
            unused: Option<RateSlice>,
        ) -> BoxFuture<'_, Result<RateLeased, LedgerError>> {
            Box::pin(async move {
                self.asked.fetch_add(1, Ordering::SeqCst);
                let back = unused.map_or(0, |unused| unused.requests);
                self.back.fetch_add(back, Ordering::SeqCst);
                let left = self.left.load(Ordering::SeqCst);
                if left == 0 {
                    return Ok(RateLeased::Refused(Duration::from_secs(30)));
                }
                let requests = left.min(3);
                self.left.fetch_sub(requests, Ordering::SeqCst);
                Ok(RateLeased::Granted(RateSlice { id: 1, requests }))
            })
        }
    }

    fn rate(left: u64) -> (SharedRate, Arc<Fake>, WorkspaceId) {
        let fake = Arc::new(Fake {
            left: AtomicU64::new(left),
            back: AtomicU64::new(0),
            asked: AtomicU64::new(0),
        });
        let ledger: Arc<dyn LeaseRate> = Arc::<Fake>::clone(&fake);
        (SharedRate::new(ledger), fake, "acme".parse().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn parallel_requests_are_as_many_as_were_leased_and_a_refusal_answers_others() {
        let (rate, fake, acme) = rate(7);
        let takes = (0..100).map(|_| rate.take(&acme, 7));
        let taken = futures::future::join_all(takes).await;
        assert_eq!(taken.iter().filter(|taken| taken.is_ok()).count(), 7);
        assert_eq!(
            fake.asked.load(Ordering::SeqCst),
            4,
            "three leases and a refusal"
        );
        // A higher limit is another question.
        drop(rate.take(&acme, 8).await);
        assert_eq!(fake.asked.load(Ordering::SeqCst), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_unused_after_its_moment_goes_back_and_is_not_used() {
        let (rate, fake, acme) = rate(6);
        rate.take(&acme, 6).await.unwrap();
        tokio::time::advance(RATE_MOMENT).await;
        rate.take(&acme, 6).await.unwrap();
        assert_eq!(fake.back.load(Ordering::SeqCst), 2);
        assert_eq!(fake.asked.load(Ordering::SeqCst), 2);
    }
}
