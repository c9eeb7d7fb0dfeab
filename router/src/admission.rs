//! Calls in flight per workspace, own and hosted alike: one workspace can't take all the room.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyway_proto::{Fault, Reason};
use keyway_words::WorkspaceId;

use crate::counters;

/// Counts calls in flight.
#[derive(Debug)]
pub struct Admission {
    most: usize,
    in_flight: Mutex<HashMap<WorkspaceId, usize>>,
}

/// One call in flight, until it is dropped.
#[derive(Debug)]
pub struct Admitted {
    admission: Arc<Admission>,
    workspace: WorkspaceId,
}

impl Admission {
    /// At most so many calls per workspace.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            in_flight: Mutex::default(),
        }
    }

    /// Takes a call in, or refuses it with `WORKSPACE_BUSY`.
    pub fn enter(self: &Arc<Self>, workspace: &WorkspaceId) -> Result<Admitted, Fault> {
        let mut in_flight = self
            .in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let count = in_flight.get(workspace).copied().unwrap_or(0);
        if count >= self.most {
            return Err(busy(self.most));
        }
        in_flight.insert(workspace.clone(), count + 1);
        counters::calls_in_flight(1.0);
        Ok(Admitted {
            admission: Arc::clone(self),
            workspace: workspace.clone(),
        })
    }
}

impl Admitted {
    /// Refuses the call if the workspace has more in flight than its own blocks allow.
    pub fn within(&self, most: Option<u32>) -> Result<(), Fault> {
        let Some(most) = most.and_then(|most| usize::try_from(most).ok()) else {
            return Ok(());
        };
        let in_flight = self
            .admission
            .in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let count = in_flight.get(&self.workspace).copied().unwrap_or(0);
        drop(in_flight);
        if count > most {
            Err(busy(most))
        } else {
            Ok(())
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut in_flight = self
            .admission
            .in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
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
    let message = format!("the workspace has {most} calls in flight, which is its limit");
    Fault::new(Reason::WorkspaceBusy, message).retry_after(Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_workspace_at_its_limit_holds_up_no_other() {
        let admission = Arc::new(Admission::new(2));
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
}
