//! What protects the router and the platform: calls in flight per workspace and in all, a queue
//! with a size and a bound, and the rate of hosted requests per workspace.
//!
//! Calls in flight are counted for own and hosted keys alike: one workspace can't take all the
//! room. The rate is of hosted requests alone; a call on an own key is never asked about it.

mod bodies;
mod rates;
mod request_ids;
mod shared_rate;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyway_proto::{Fault, Reason};
use keyway_words::WorkspaceId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::counters;
pub use bodies::{Bodies, BodyBudget};
pub use rates::Minute;
pub use request_ids::{Claimed, RequestIds};
pub use shared_rate::{LeaseRate, NoRequest, SharedRate};

/// Bounds of the whole router.
#[derive(Debug, Clone, Copy)]
pub struct AdmissionBounds {
    /// Calls in flight per workspace.
    pub workspace_calls: usize,
    /// Calls in flight.
    pub calls: usize,
    /// Calls that may wait for room.
    pub queue: usize,
    /// How long they wait at most.
    pub longest_wait: Duration,
}

/// Counts calls in flight and hosted requests.
#[derive(Debug)]
pub struct Admission {
    bounds: AdmissionBounds,
    in_flight: Mutex<HashMap<WorkspaceId, usize>>,
    room: Arc<Semaphore>,
    /// Places in the queue.
    places: Arc<Semaphore>,
    /// Hosted requests of the last minute.
    pub hosted: Minute<WorkspaceId>,
    /// Those of all routers of the ledger, where there may be others.
    pub shared: Option<SharedRate>,
    /// Request ids of open calls.
    pub request_ids: Arc<RequestIds>,
}

/// One call in flight, until it is dropped.
#[derive(Debug)]
pub struct Admitted {
    admission: Arc<Admission>,
    workspace: WorkspaceId,
    turn: Turn,
}

/// Whether a call has room yet.
#[derive(Debug)]
enum Turn {
    Has(#[expect(dead_code, reason = "held until the call ends")] OwnedSemaphorePermit),
    Waits(#[expect(dead_code, reason = "held while the call waits")] OwnedSemaphorePermit),
}

impl Admission {
    /// Nothing is in flight.
    pub fn new(bounds: AdmissionBounds, shared: Option<SharedRate>) -> Self {
        Self {
            bounds,
            in_flight: Mutex::default(),
            room: Arc::new(Semaphore::new(bounds.calls)),
            places: Arc::new(Semaphore::new(bounds.queue)),
            hosted: Minute::default(),
            shared,
            request_ids: Arc::default(),
        }
    }

    /// Takes a call in, or refuses it: `WORKSPACE_BUSY` where the workspace has its share,
    /// `OVERLOADED` where there is neither room nor a place in the queue.
    pub fn enter(self: &Arc<Self>, workspace: &WorkspaceId) -> Result<Admitted, Fault> {
        let mut in_flight = self.lock();
        let count = in_flight.get(workspace).copied().unwrap_or(0);
        if count >= self.bounds.workspace_calls {
            return Err(busy(self.bounds.workspace_calls));
        }
        let room = Arc::clone(&self.room).try_acquire_owned();
        let turn = match room {
            Ok(room) => Turn::Has(room),
            Err(_full) => {
                let place = Arc::clone(&self.places).try_acquire_owned();
                Turn::Waits(place.map_err(|_full| overloaded())?)
            }
        };
        in_flight.insert(workspace.clone(), count + 1);
        drop(in_flight);
        counters::calls_in_flight(1.0);
        Ok(Admitted {
            admission: Arc::clone(self),
            workspace: workspace.clone(),
            turn,
        })
    }

    /// Calls of a workspace in flight.
    pub fn in_flight(&self, workspace: &WorkspaceId) -> usize {
        self.lock().get(workspace).copied().unwrap_or(0)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<WorkspaceId, usize>> {
        self.in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admitted {
    /// Waits for room, if there was none; `OVERLOADED` if there is none in time.
    pub async fn turn(&mut self) -> Result<(), Fault> {
        if matches!(self.turn, Turn::Has(_)) {
            return Ok(());
        }
        let room = Arc::clone(&self.admission.room).acquire_owned();
        let room = tokio::time::timeout(self.admission.bounds.longest_wait, room).await;
        let room = room.ok().and_then(Result::ok).ok_or_else(overloaded)?;
        self.turn = Turn::Has(room);
        Ok(())
    }

    /// Refuses the call if the workspace has more in flight than its own blocks allow.
    pub fn within(&self, most: Option<u32>) -> Result<(), Fault> {
        let Some(most) = most.and_then(|most| usize::try_from(most).ok()) else {
            return Ok(());
        };
        if self.admission.in_flight(&self.workspace) > most {
            Err(busy(most))
        } else {
            Ok(())
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut in_flight = self.admission.lock();
        if let Some(count) = in_flight.get_mut(&self.workspace) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                in_flight.remove(&self.workspace);
            }
        }
        counters::calls_in_flight(-1.0);
    }
}

fn busy(most: usize) -> Fault {
    counters::shed(Reason::WorkspaceBusy.as_str());
    let message = format!("the workspace has {most} calls in flight, which is its limit");
    Fault::new(Reason::WorkspaceBusy, message).retry_after(SOON)
}

fn overloaded() -> Fault {
    counters::shed(Reason::Overloaded.as_str());
    let message = "the router has as many calls in flight as it takes; nothing was sent";
    Fault::new(Reason::Overloaded, message).retry_after(SOON)
}

const SOON: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(workspace_calls: usize, calls: usize, queue: usize) -> Arc<Admission> {
        let bounds = AdmissionBounds {
            workspace_calls,
            calls,
            queue,
            longest_wait: Duration::from_secs(5),
        };
        Arc::new(Admission::new(bounds, None))
    }

    #[test]
    fn one_workspace_at_its_limit_holds_up_no_other() {
        let admission = admission(2, 100, 0);
        let (acme, other) = ("acme".parse().unwrap(), "other".parse().unwrap());
        let first = admission.enter(&acme).unwrap();
        let second = admission.enter(&acme).unwrap();
        assert_eq!(
            admission.enter(&acme).unwrap_err().reason,
            Reason::WorkspaceBusy
        );
        assert!(admission.enter(&other).is_ok());
        assert_eq!(
            second.within(Some(1)).unwrap_err().reason,
            Reason::WorkspaceBusy
        );
        drop(first);
        assert!(second.within(Some(1)).is_ok());
        assert!(admission.enter(&acme).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_no_room_waits_in_a_queue_of_a_size_and_no_longer_than_its_bound() {
        let admission = admission(10, 1, 1);
        let acme = "acme".parse().unwrap();
        let mut first = admission.enter(&acme).unwrap();
        first.turn().await.unwrap();
        let mut second = admission.enter(&acme).unwrap();
        let shed = admission.enter(&acme).unwrap_err();
        assert_eq!(shed.reason, Reason::Overloaded);
        assert_eq!(shed.retry_after, Some(SOON));
        assert_eq!(second.turn().await.unwrap_err().reason, Reason::Overloaded);
        drop(second);
        let mut third = admission.enter(&acme).unwrap();
        drop(first);
        third.turn().await.unwrap();
        // Its place in the queue is free again.
        assert!(admission.enter(&acme).is_ok());
    }
}
