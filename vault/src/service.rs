//! The RPCs. A handler takes the secret out of its message in its first line, then asks for the
//! grant, and does its work with what it was granted.

pub(crate) mod audit;
mod health;
pub(crate) mod keys;
pub(crate) mod lease;
pub(crate) mod members;
pub(crate) mod seal;
pub(crate) mod tokens;
pub(crate) mod watch;
pub(crate) mod workspaces;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use keyway_chassis::access::{self, Caller, Granted};
use keyway_proto::target::Target;
use keyway_proto::vault::v1::WorkspaceState;
use keyway_proto::{Fault, Reason};
use keyway_vault_crypto::page;
use keyway_words::{Owner, WorkspaceId};
use sea_orm::ConnectionTrait;
use tonic::Request;

use crate::authority::Authority;
use crate::issuers::Issuers;
use crate::keyring::Keyring;
use crate::rollback::Rollback;
use crate::rotation::Rotation;
use crate::routers::{Routers, shared};
use crate::settings::Limits;
use crate::store::audit::{Chain, Decision, Entry, Origin};
use crate::store::workspaces::WorkspaceRow;
use crate::store::{Store, workspaces as rows};
use crate::wire;

/// What every RPC works with.
pub(crate) struct Vault {
    pub(crate) store: Store,
    pub(crate) keyring: Keyring,
    pub(crate) limits: Limits,
    pub(crate) routers: Routers,
    pub(crate) authority: Arc<Authority>,
    pub(crate) issuers: Issuers,
    pub(crate) rotation: Rotation,
    pub(crate) rollback: Rollback,
}

impl Vault {
    /// Decides whether the caller may do what the request asks for, before anything else is looked
    /// at.
    pub(crate) fn grant<T: Target>(&self, request: Request<T>) -> Result<Granted<T>, Fault> {
        access::admit(&*self.authority, request)
    }

    /// Waits until every router has applied a revision, or the bound; returns those behind.
    pub(crate) async fn wait_for_routers(&self, revision: u64, bound: Duration) -> Vec<String> {
        let list = || shared::list(&self.store, &self.routers).boxed();
        self.routers.wait(revision, bound, list).await
    }

    /// Reads the position of a page token that was made for the same question; empty for the first.
    pub(crate) fn page_start(&self, question: &[&str], token: &str) -> Result<Vec<u8>, Fault> {
        if token.is_empty() {
            return Ok(Vec::new());
        }
        page::read(&self.keyring.page, question, token)
            .map_err(|error| Fault::field("page_token", error.to_string()))
    }

    /// The same, of a list whose position is a name.
    pub(crate) fn page_after(&self, question: &[&str], token: &str) -> Result<String, Fault> {
        String::from_utf8(self.page_start(question, token)?)
            .map_err(|_form| Fault::field("page_token", "must be a page token of this list"))
    }

    /// Cuts a list that was read one longer than the page; returns the token of the next page.
    pub(crate) fn page_end<R>(
        &self,
        question: &[&str],
        rows: &mut Vec<R>,
        size: u64,
        position: impl FnOnce(&R) -> Vec<u8>,
    ) -> String {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if rows.len() <= size {
            return String::new();
        }
        rows.truncate(size);
        rows.last().map_or_else(String::new, |last| {
            page::write(&self.keyring.page, question, &position(last))
        })
    }
}

/// Who did something, and from where, for the record.
pub(crate) struct Actor<'a> {
    caller: &'a Caller,
    origin: Origin,
}

impl<'a, T> From<&'a Granted<T>> for Actor<'a> {
    fn from(granted: &'a Granted<T>) -> Self {
        let source = granted.peer().map(|peer| peer.ip().to_canonical());
        Self {
            caller: granted.caller(),
            origin: Origin {
                source: source.map(|source| source.to_string()).unwrap_or_default(),
                trace_id: granted.trace_id().unwrap_or_default().to_owned(),
            },
        }
    }
}

/// The audit row of something that a caller did.
pub(crate) fn done<'a>(
    actor: impl Into<Actor<'a>>,
    chain: Chain,
    rpc: &str,
    resource: String,
    facts: serde_json::Value,
) -> Entry {
    let Actor { caller, origin } = actor.into();
    Entry {
        chain,
        accessor: caller.accessor.clone(),
        subject: caller.subject.clone(),
        rpc: rpc.to_owned(),
        resource,
        decision: Decision::Allowed,
        reason: "",
        facts,
        origin,
    }
}

/// The chain of an owner: the platform's keys belong to the system's.
pub(crate) fn chain_of(owner: &Owner) -> Chain {
    owner
        .workspace()
        .map_or(Chain::System, |id| Chain::Workspace(id.clone()))
}

/// A workspace that is not deleted.
pub(crate) async fn living_workspace(
    on: &impl ConnectionTrait,
    id: &WorkspaceId,
) -> Result<WorkspaceRow, Fault> {
    let row = any_workspace(on, id).await?;
    if wire::workspace_state(&row)? != WorkspaceState::Deleted {
        return Ok(row);
    }
    let message = if row.destroyed_at.is_some() {
        "the workspace is deleted and its keys are destroyed; WorkspaceService.Create makes another \
         one, under another id"
    } else {
        "the workspace is deleted; WorkspaceService.Get shows until when WorkspaceService.Undelete \
         brings it back"
    };
    Err(Fault::new(Reason::WorkspaceDeleted, message))
}

/// A workspace, whatever its state.
pub(crate) async fn any_workspace(
    on: &impl ConnectionTrait,
    id: &WorkspaceId,
) -> Result<WorkspaceRow, Fault> {
    rows::find(on, id.as_str()).await?.ok_or_else(|| {
        Fault::new(
            Reason::WorkspaceNotFound,
            "there is no such workspace; WorkspaceService.Create makes one",
        )
    })
}

/// An owner whose keys there are: the platform, or a workspace that is not deleted. Of a deleted
/// one not even the list is shown.
pub(crate) async fn living_owner(on: &impl ConnectionTrait, owner: &Owner) -> Result<(), Fault> {
    match owner.workspace() {
        Some(id) => living_workspace(on, id).await.map(drop),
        None => Ok(()),
    }
}

/// The refusal of an etag that is not the current one.
pub(crate) fn check_etag(given: &str, current: &str) -> Result<(), Fault> {
    if given.is_empty() || given == current {
        return Ok(());
    }
    Err(Fault::new(
        Reason::StaleEtag,
        "the etag is not the current one; read again and repeat",
    )
    .at_field("etag"))
}
