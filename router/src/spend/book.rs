//! The slices of all workspaces that have a limit, and where they come from.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use keyway_chassis::clock::Clock;
use keyway_chassis::lifecycle::{Shutdown, Tasks};
use keyway_proto::{Fault, Reason};
use keyway_router_billing::{Leased, Ledger, LedgerError, Spend, SpendMonth};
use keyway_words::{Usd, WorkspaceId};
use tokio::sync::{OwnedMutexGuard, oneshot};

use super::slice::{Reservation, Slice};
use crate::counters;

/// Where slices come from. The real one is [`Ledger`].
pub trait LeaseSpend: Send + Sync + std::fmt::Debug + 'static {
    /// Leases a slice of what remains of a limit, at least `least` of it.
    fn lease(
        &self,
        month: SpendMonth,
        limit: Usd,
        least: Usd,
    ) -> BoxFuture<'_, Result<Leased, LedgerError>>;

    /// Gives back what is not needed.
    fn give_back(&self, month: SpendMonth, unused: Usd) -> BoxFuture<'_, Result<(), LedgerError>>;
}

impl LeaseSpend for Ledger {
    fn lease(
        &self,
        month: SpendMonth,
        limit: Usd,
        least: Usd,
    ) -> BoxFuture<'_, Result<Leased, LedgerError>> {
        Box::pin(async move { self.lease_spend(&month, limit, least).await })
    }

    fn give_back(&self, month: SpendMonth, unused: Usd) -> BoxFuture<'_, Result<(), LedgerError>> {
        Box::pin(async move { self.return_spend(&month, unused).await })
    }
}

/// The slices.
#[derive(Debug)]
pub struct SpendBook {
    ledger: Arc<dyn LeaseSpend>,
    clock: Arc<dyn Clock>,
    tasks: Tasks,
    slices: Mutex<HashMap<SpendMonth, Arc<Slice>>>,
}

impl SpendBook {
    /// Nothing is held.
    pub fn new(ledger: Arc<dyn LeaseSpend>, clock: Arc<dyn Clock>, tasks: Tasks) -> Arc<Self> {
        Arc::new(Self {
            ledger,
            clock,
            tasks,
            slices: Mutex::default(),
        })
    }

    /// Reserves what an attempt may cost at most, of what remains of the workspace's month.
    ///
    /// `SPEND_LIMIT`: that much does not remain. `LEDGER_UNAVAILABLE`: nobody can say.
    pub async fn reserve(
        &self,
        workspace: &WorkspaceId,
        limit: Usd,
        most: Usd,
    ) -> Result<Reservation, Fault> {
        let month = SpendMonth {
            workspace: workspace.clone(),
            period: self.clock.now().month(),
        };
        let slice = self.slice(&month);
        loop {
            if let Some(reserved) = slice.take(&month, most) {
                return Ok(reserved);
            }
            let turn = Arc::clone(&slice.leasing).lock_owned().await;
            if let Some(reserved) = slice.take(&month, most) {
                return Ok(reserved);
            }
            // Beside what is free already.
            let least = slice.missing(most);
            if let Some(spend) = slice.refused_lately(limit, least) {
                return Err(refused(&month, limit, most, spend));
            }
            let leased = self.lease((month.clone(), Arc::clone(&slice)), limit, least, turn);
            if let Leased::Refused(spend) = leased.await? {
                return Err(refused(&month, limit, most, spend));
            }
        }
    }

    /// Leases as a task of its own: what was granted is in the slice even if the call has left.
    async fn lease(
        &self,
        (month, slice): (SpendMonth, Arc<Slice>),
        limit: Usd,
        least: Usd,
        turn: OwnedMutexGuard<()>,
    ) -> Result<Leased, LedgerError> {
        let ledger = Arc::clone(&self.ledger);
        let (sender, receiver) = oneshot::channel();
        self.tasks.spawn("spend-lease", async move {
            let _turn = turn;
            let leased = ledger.lease(month, limit, least).await;
            match leased {
                Ok(Leased::Granted(granted)) => slice.add(granted),
                Ok(Leased::Refused(spend)) => slice.refuse(limit, least, spend),
                Err(_) => {}
            }
            drop(sender.send(leased));
        });
        receiver.await.unwrap_or(Err(LedgerError::Unavailable))
    }

    /// Gives back what lies idle, until the stop. The ledger takes the rest from a writer that ends.
    pub async fn upkeep(self: Arc<Self>, stop: Shutdown) {
        loop {
            tokio::select! {
                () = stop.wait() => return,
                () = tokio::time::sleep(IDLE) => {}
            }
            self.give_back().await;
        }
    }

    pub(super) async fn give_back(&self) {
        let all: Vec<_> = self
            .lock()
            .iter()
            .map(|(month, slice)| (month.clone(), Arc::clone(slice)))
            .collect();
        for (month, slice) in all {
            let Some(unused) = slice.idle(IDLE) else {
                continue;
            };
            if self.ledger.give_back(month, unused).await.is_err() {
                slice.add(unused);
            }
        }
        self.lock()
            .retain(|_, slice| Arc::strong_count(slice) > 1 || !slice.is_over(FORGOTTEN));
    }

    fn slice(&self, month: &SpendMonth) -> Arc<Slice> {
        let mut slices = self.lock();
        let slice = slices.entry(month.clone()).or_insert_with(Slice::new);
        Arc::clone(slice)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SpendMonth, Arc<Slice>>> {
        self.slices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refused(month: &SpendMonth, limit: Usd, most: Usd, spend: Spend) -> Fault {
    counters::shed(Reason::SpendLimit.as_str());
    let Spend { spent, held } = spend;
    let message = format!(
        "this call may cost up to {most} USD, and of the workspace's hosted spend of {limit} USD in {} \
         {spent} are spent and {held} are held for other calls; it begins anew with the next month. \
         A smaller bound of the answer may fit; calls on an own key are not limited; \
         WorkspaceService.Update raises the limit",
        month.period,
    );
    Fault::new(Reason::SpendLimit, message)
        .with("period", month.period.clone())
        .with("limit_usd", limit.to_string())
        .with("spent_usd", spent.to_string())
        .with("held_usd", held.to_string())
}

/// What nobody reserved for so long goes back.
const IDLE: Duration = Duration::from_millis(300);
/// A slice of which nothing is left is forgotten after so long.
const FORGOTTEN: Duration = Duration::from_mins(1);
