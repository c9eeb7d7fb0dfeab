//! One verdict of the vault, and how far its grants reach.

use std::sync::Arc;

use keyway_chassis::access::{Caller, Grant, Scope as Reaching};
use keyway_proto::convert::from_timestamp;
use keyway_proto::target::role;
use keyway_proto::vault::v1 as wire;
use keyway_words::{Aim, Owner, WorkspaceId};
use tokio::time::Instant;

use super::Scope;

/// What the vault said of a token.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) caller: Caller,
    pub(super) revision: u64,
    pub(super) epoch: String,
    /// When it was asked for, not when the answer came.
    pub(super) asked_at: Instant,
}

impl Verdict {
    /// `None` for an unknown token, and for an answer that grants nothing that this build knows.
    pub(super) fn from_wire(answer: wire::VerifyCallerResponse, asked_at: Instant) -> Option<Self> {
        if !answer.known {
            return None;
        }
        let role = role(answer.role())?;
        let workspace = match answer.workspace.as_str() {
            "" => None,
            name => Some(WorkspaceId::from_resource(name).ok()?),
        };
        let grants: Arc<[Grant]> = answer.grants.into_iter().filter_map(grant).collect();
        let caller = Caller {
            role,
            workspace,
            expire_time: answer.expire_time.as_ref().and_then(from_timestamp),
            accessor: answer.accessor,
            subject: answer.subject,
            listed: None,
            grants,
        };
        Some(Self {
            caller,
            revision: answer.revision,
            epoch: answer.epoch,
            asked_at,
        })
    }

    /// What changes concern it.
    pub(super) fn scopes(&self) -> Vec<Scope> {
        let caller = &self.caller;
        let mut scopes = vec![
            Scope::Accessor(caller.accessor.clone()),
            Scope::Subject(caller.subject.clone()),
        ];
        scopes.extend(caller.workspace.clone().map(Scope::Workspace));
        scopes
    }
}

fn grant(grant: wire::Grant) -> Option<Grant> {
    let scope = match grant.scope() {
        wire::GrantScope::Unspecified => return None,
        wire::GrantScope::Own => Reaching::Own,
        wire::GrantScope::All => Reaching::All,
        wire::GrantScope::Platform => Reaching::Platform,
    };
    Some(Grant {
        rpc: grant.rpc,
        scope,
    })
}

/// Whether a grant of this scope reaches what the request aims at.
pub(super) fn reaches(scope: Reaching, caller: &Caller, aim: &Aim) -> bool {
    match scope {
        Reaching::All => true,
        Reaching::Platform => *aim == Aim::Owner(Owner::Platform),
        Reaching::Own => match aim {
            Aim::Caller => caller.workspace.is_some(),
            Aim::Owner(Owner::Workspace(id)) => caller.workspace.as_ref() == Some(id),
            Aim::Owner(Owner::Platform) | Aim::System | Aim::Unreadable => false,
        },
    }
}
