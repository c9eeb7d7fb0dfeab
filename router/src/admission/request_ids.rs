//! Request ids of the calls that this router has open.
//!
//! The ledger's unique insert is the check: it holds for a day, and between routers. This one
//! holds for the whole of a call, also between two of its attempts, when the ledger has let go of
//! the first one's claim.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use keyway_proto::Fault;
use keyway_router_billing::LedgerError;
use keyway_words::{CallId, WorkspaceId};

type Asked = (WorkspaceId, String);

/// The ids, and the call of each.
#[derive(Debug, Default)]
pub struct RequestIds {
    open: Mutex<HashMap<Asked, CallId>>,
}

/// One id, until it is dropped.
#[derive(Debug)]
pub struct Claimed {
    ids: Arc<RequestIds>,
    asked: Asked,
}

impl RequestIds {
    /// Claims an id for a call; `REQUEST_REPEATED` if another call that is open has it.
    pub fn claim(
        self: &Arc<Self>,
        workspace: &WorkspaceId,
        request_id: &str,
        call: CallId,
    ) -> Result<Claimed, Fault> {
        let asked = (workspace.clone(), request_id.to_owned());
        let mut open = self.lock();
        match open.entry(asked.clone()) {
            Entry::Vacant(free) => {
                free.insert(call);
            }
            Entry::Occupied(taken) => {
                let first_call_id = taken.get().to_string();
                return Err(LedgerError::RequestRepeated { first_call_id }.into());
            }
        }
        drop(open);
        let ids = Arc::clone(self);
        Ok(Claimed { ids, asked })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Asked, CallId>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        self.ids.lock().remove(&self.asked);
    }
}

#[cfg(test)]
mod tests {
    use keyway_proto::Reason;

    use super::*;

    #[test]
    fn an_id_belongs_to_one_open_call_of_its_workspace() {
        let ids = Arc::new(RequestIds::default());
        let (acme, other) = ("acme".parse().unwrap(), "other".parse().unwrap());
        let first = CallId::new();
        let claimed = ids.claim(&acme, "once", first).unwrap();
        let refused = ids.claim(&acme, "once", CallId::new()).unwrap_err();
        assert_eq!(refused.reason, Reason::RequestRepeated);
        assert!(refused.metadata.contains(&("call_id", first.to_string())));
        assert!(ids.claim(&acme, "twice", CallId::new()).is_ok());
        assert!(ids.claim(&other, "once", CallId::new()).is_ok());
        drop(claimed);
        assert!(ids.claim(&acme, "once", CallId::new()).is_ok());
    }
}
