//! The gRPC services: decode, run, encode. No rules.

mod billing;
mod execution;
mod explain;
mod models;
mod receipt;
mod vectors;
mod wire;

pub(crate) use models::Page;

use std::sync::Arc;

use keyway_chassis::access::Authority;
use keyway_chassis::serve::CALL_ID;
use keyway_proto::Fault;
use keyway_router_billing::Ledger;
use keyway_words::CallId;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};

use crate::execute::Execution;
use crate::price::Prices;
use crate::probe::Probes;

/// The services, with what they share.
#[derive(Clone)]
pub struct Services {
    /// Runs calls.
    pub execution: Arc<Execution>,
    /// Tests keys.
    pub probes: Arc<Probes>,
    /// Decides about access.
    pub authority: Arc<dyn Authority>,
    /// The ledger.
    pub ledger: Arc<Ledger>,
    /// Prices.
    pub prices: Arc<Prices>,
}

/// A reply, or the status of a fault, with the call's id in its metadata.
fn named<T>(id: CallId, result: Result<T, Fault>) -> Result<Response<T>, Status> {
    let id = MetadataValue::try_from(id.to_string());
    match result {
        Ok(message) => {
            let mut reply = Response::new(message);
            id.map(|id| reply.metadata_mut().insert(CALL_ID, id)).ok();
            Ok(reply)
        }
        Err(fault) => {
            let mut status = Status::from(fault);
            id.map(|id| status.metadata_mut().insert(CALL_ID, id)).ok();
            Err(status)
        }
    }
}

/// The id that the call got at the door.
fn call_id<T>(request: &Request<T>) -> CallId {
    let id = request.extensions().get::<CallId>();
    id.copied().unwrap_or_else(CallId::new)
}
