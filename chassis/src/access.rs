//! Access: who calls, and whether they may. Everything that no table row allows is denied.
//!
//! [`AuthenticateLayer`] refuses an RPC without a row, authenticates the bearer token and refuses a
//! role whose cell is empty, all before the message is read. What depends on the message is
//! decided by [`admit`], and a handler's code takes the [`Granted`] that only it can make. The RPC
//! that is decided on is the one that was called, never one that a handler names.

mod authenticate;
mod credentials;
mod hold;
mod lookups;
mod standing;
#[cfg(test)]
mod tests;
mod trace;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

pub(crate) use self::trace::TraceId;
pub use authenticate::{Authenticate, AuthenticateLayer, AuthenticateService};
pub use credentials::{Credentials, Peer, PeerIdentity};
use keyway_proto::target::Target;
use keyway_proto::{Fault, Reason};
use keyway_words::{Act, Aim, Role, Timestamp, WorkspaceId};
pub use lookups::{Lookup, LookupLimit, LookupRate};
use tonic::{Extensions, Request};

use crate::deadline::Deadline;

/// Who calls, as authenticated; in the extensions of every request but health and reflection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Public handle of the credential.
    pub accessor: String,
    /// Who it belongs to, `service:ci`.
    pub subject: String,
    /// What it may be; of several standings the one that counts for the request.
    pub role: Role,
    /// Its workspace; `None` for operators, auditors and routers.
    pub workspace: Option<WorkspaceId>,
    /// When the credential ends.
    pub expire_time: Option<Timestamp>,
    /// A router's allow-list; `None` means every workspace.
    pub listed: Option<Arc<[WorkspaceId]>>,
    /// What the vault's verdict grants here; empty in the vault, which has the table itself.
    pub grants: Arc<[Grant]>,
    /// What else it may be, beside role, workspace and grants: people have a role in each of their
    /// workspaces.
    pub others: Arc<[Standing]>,
}

/// One thing that a caller may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its role there.
    pub role: Role,
    /// The workspace; `None` for system roles.
    pub workspace: Option<WorkspaceId>,
    /// What the vault's verdict grants by it.
    pub grants: Arc<[Grant]>,
}

/// One RPC that a verdict of the vault grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Full name, `keyway.router.v1.ExecutionService/Chat`.
    pub rpc: String,
    /// For which owners.
    pub scope: Scope,
}

/// For which owners a grant holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The caller's own workspace.
    Own,
    /// Every workspace and the platform.
    All,
    /// The platform only.
    Platform,
}

/// The full name of the RPC that was called; in the extensions of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rpc(pub &'static str);

/// How far an allowed call reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// As far as the request asks.
    Full,
    /// Of several tokens, only those of the caller's own subject.
    OwnTokens,
}

/// The refusal of an [`Authority`]. It says nothing more, on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denied;

impl From<Denied> for Fault {
    fn from(_: Denied) -> Self {
        Self::new(Reason::Denied, DENIED)
    }
}

const DENIED: &str = "the caller may not do this, or the workspace does not exist";
const CALLER_UNKNOWN: &str = "the credential is missing, malformed, unknown, expired or revoked; \
                              send a valid token as metadata `authorization: Bearer …`";

/// `DENIED`, in the words that every denial has.
pub fn denied() -> Fault {
    Denied.into()
}

/// `CALLER_UNKNOWN`, in the words that it always has.
pub fn caller_unknown() -> Fault {
    Fault::new(Reason::CallerUnknown, CALLER_UNKNOWN)
}

/// The one decision about access. A caller with several standings is asked about as each of them.
pub trait Authority: Send + Sync + 'static {
    /// Whether the table has a row for the RPC (full name) that this process serves.
    fn has_row(&self, rpc: &str) -> bool;

    /// Whether the caller's cell in that row is not empty.
    fn may_call(&self, caller: &Caller, rpc: &str) -> bool;

    /// Whether the caller may send this RPC a request that aims there and would do that.
    fn decide(&self, caller: &Caller, rpc: &str, aim: &Aim, act: &Act) -> Result<Reach, Denied>;

    /// Takes note that a caller was refused, as whatever it is; `aim` where the message was read.
    fn note_denial(&self, _caller: &Caller, _rpc: &str, _aim: Option<&Aim>) {}
}

/// A request that its caller may make. Only [`grant`] and [`admit`] make one.
pub struct Granted<T> {
    message: T,
    caller: Caller,
    reach: Reach,
    deadline: Deadline,
    peer: Peer,
    trace: TraceId,
}

impl<T> Granted<T> {
    /// Who makes it.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// How far it reaches.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// When its caller stops waiting.
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// Where it comes from.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer.address
    }

    /// The trace that its caller says it belongs to, 32 hex digits.
    pub fn trace_id(&self) -> Option<&str> {
        self.trace.as_str()
    }

    /// The message.
    pub fn get_ref(&self) -> &T {
        &self.message
    }

    /// The message, to take a secret out of it.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.message
    }

    /// The message alone.
    pub fn into_inner(self) -> T {
        self.message
    }

    /// The message and its caller.
    pub fn into_parts(self) -> (T, Caller) {
        (self.message, self.caller)
    }
}

impl<T> fmt::Debug for Granted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Granted")
            .field("caller", &self.caller)
            .finish_non_exhaustive()
    }
}

/// Decides about a unary or server-streaming request: the adapter between tonic and the handlers.
pub fn admit<T: Target>(
    authority: &dyn Authority,
    request: Request<T>,
) -> Result<Granted<T>, Fault> {
    let (_, extensions, message) = request.into_parts();
    grant(authority, &extensions, message)
}

/// Decides about a message of the call with these extensions; of a client stream, the first.
pub fn grant<T: Target>(
    authority: &dyn Authority,
    extensions: &Extensions,
    message: T,
) -> Result<Granted<T>, Fault> {
    let caller = extensions
        .get::<Caller>()
        .cloned()
        .ok_or_else(caller_unknown)?;
    let Rpc(rpc) = extensions.get().copied().ok_or_else(denied)?;
    let (aim, act) = (message.aim(), message.act());
    let Some((caller, reach)) = standing::counting(authority, &caller, rpc, &aim, &act)? else {
        authority.note_denial(&caller, rpc, Some(&aim));
        return Err(denied());
    };
    if let Some(held) = extensions.get::<hold::Held>() {
        held.granted(aim, act);
    }
    let deadline = extensions.get().copied().unwrap_or(Deadline::NONE);
    let peer = extensions.get::<Peer>().cloned().unwrap_or_default();
    let trace = extensions.get().cloned().unwrap_or_default();
    Ok(Granted {
        message,
        caller,
        reach,
        deadline,
        peer,
        trace,
    })
}
