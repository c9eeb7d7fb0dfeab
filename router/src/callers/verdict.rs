//! One verdict of the vault, and how far its grants reach.

use keyway_chassis::access::{Caller, Grant, Scope as Reaching, Standing};
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
    /// Whether it holds for the address only that it was asked for.
    pub(super) source_bound: bool,
}

impl Verdict {
    /// `None` for an unknown token, and for an answer that grants nothing that this build knows.
    pub(super) fn from_wire(answer: wire::VerifyCallerResponse, asked_at: Instant) -> Option<Self> {
        if !answer.known {
            return None;
        }
        let first = standing(wire::CallerStanding {
            role: answer.role,
            workspace: answer.workspace,
            workspace_state: answer.workspace_state,
            grants: answer.grants,
        })?;
        let caller = Caller {
            role: first.role,
            workspace: first.workspace,
            expire_time: answer.expire_time.as_ref().and_then(from_timestamp),
            accessor: answer.accessor,
            subject: answer.subject,
            listed: None,
            grants: first.grants,
            others: answer.others.into_iter().filter_map(standing).collect(),
        };
        Some(Self {
            caller,
            revision: answer.revision,
            epoch: answer.epoch,
            asked_at,
            source_bound: answer.source_bound,
        })
    }

    /// What changes concern it.
    pub(super) fn scopes(&self) -> Vec<Scope> {
        let caller = &self.caller;
        let mut scopes = vec![
            Scope::Accessor(caller.accessor.clone()),
            Scope::Subject(caller.subject.clone()),
        ];
        let workspaces = caller.standings().filter_map(|standing| standing.workspace);
        scopes.extend(workspaces.map(Scope::Workspace));
        scopes
    }
}

/// `None` for a role or a name that this build does not know.
fn standing(standing: wire::CallerStanding) -> Option<Standing> {
    let workspace = match standing.workspace.as_str() {
        "" => None,
        name => Some(WorkspaceId::from_resource(name).ok()?),
    };
    Some(Standing {
        role: role(standing.role())?,
        workspace,
        grants: standing.grants.into_iter().filter_map(grant).collect(),
    })
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
