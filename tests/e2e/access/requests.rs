//! What is asked of every RPC: requests that are good enough to reach the decision, in every
//! workspace and in every way that a cell tells apart, and that change nothing when they are allowed
//! by mistake or by right.

mod lease;
mod router;
pub(super) mod vault;

use prost::Message;

use super::cells::{Does, Names};

/// Workspaces that requests name: two that live, and those that are suspended, deleted, never there.
pub(super) const ACME: &str = "workspaces/acme";
pub(super) const GLOBEX: &str = "workspaces/globex";
pub(super) const SUSPENDED: &str = "workspaces/frozen";
pub(super) const DELETED: &str = "workspaces/gone";
const ABSENT: &str = "workspaces/nobody-made-this";
const GARBAGE: &str = "workspaces/Not A Name";
/// The provider under which the world's own keys stand.
pub(super) const PROVIDER: &str = "openai";
/// A call id that no call has.
const NO_CALL: &str = "018f2b7e-0000-7000-8000-000000000001";

/// Handles that requests need and that only the running product has.
#[derive(Debug, Clone)]
pub(super) struct Handles {
    /// Accessors of the first admins' tokens, by workspace.
    pub(super) admins: Vec<(String, String)>,
    /// Token of a member, by workspace, for routers to verify.
    pub(super) bearers: Vec<(String, String)>,
    /// A good key to store, that the search knows.
    pub(super) key: String,
}

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    /// What it names.
    pub(super) names: Names,
    /// What it would do there.
    pub(super) does: Does,
    /// It on the wire.
    pub(super) message: Vec<u8>,
    /// The table lets it as far as the check of a field, which must refuse it.
    pub(super) must_fail: bool,
}

/// Every request of an RPC. `None`: nobody has written one, which fails the test.
pub(super) fn of(rpc: &str, handles: &Handles) -> Option<Vec<Ask>> {
    if let Some(rpc) = rpc.strip_prefix("keyway.vault.v1.") {
        vault::of(rpc, handles)
    } else if let Some(rpc) = rpc.strip_prefix("keyway.router.v1.") {
        router::execution(rpc)
    } else if let Some(rpc) = rpc.strip_prefix("keyway.billing.v1.") {
        router::billing(rpc)
    } else {
        standard(rpc)
    }
}

/// Health and reflection: the message is empty, or asks for the list of services.
fn standard(rpc: &str) -> Option<Vec<Ask>> {
    let message = match rpc {
        "grpc.health.v1.Health/Check"
        | "grpc.health.v1.Health/List"
        | "grpc.health.v1.Health/Watch" => Vec::new(),
        "grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
        | "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo" => {
            super::reflection::LIST_SERVICES.to_vec()
        }
        _ => return None,
    };
    Some(vec![Ask::raw(Names::Caller, Does::Plain, message)])
}

impl Ask {
    fn raw(names: Names, does: Does, message: Vec<u8>) -> Self {
        Self {
            names,
            does,
            message,
            must_fail: false,
        }
    }

    fn new(names: Names, does: Does, message: &impl Message) -> Self {
        Self::raw(names, does, message.encode_to_vec())
    }

    /// The same, which must be refused whoever asks.
    fn refused(mut self) -> Self {
        self.must_fail = true;
        self
    }
}

/// Every owner that a request can name, with what it then names.
fn owners() -> Vec<(Names, &'static str)> {
    let workspaces = [ACME, GLOBEX, SUSPENDED, DELETED, ABSENT];
    let workspaces = workspaces.map(|name| (Names::Workspace(name.to_owned()), name));
    let others = [(Names::Platform, "platform"), (Names::Garbage, GARBAGE)];
    workspaces.into_iter().chain(others).collect()
}

/// A request in every workspace and the platform.
fn in_each<M: Message>(does: Does, request: impl Fn(&str) -> M) -> Vec<Ask> {
    let owners = owners().into_iter();
    owners
        .map(|(names, owner)| Ask::new(names, does, &request(owner)))
        .collect()
}

/// The same, and without an owner, which then means `otherwise`.
fn in_each_or<M: Message>(otherwise: Names, request: impl Fn(&str) -> M) -> Vec<Ask> {
    let mut asks = in_each(Does::Plain, &request);
    asks.push(Ask::new(otherwise, Does::Plain, &request("")));
    asks
}

/// A request that names nothing.
fn only<M: Message>(names: Names, request: &M) -> Vec<Ask> {
    vec![Ask::new(names, Does::Plain, request)]
}
