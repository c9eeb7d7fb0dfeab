//! Where a call would go: the one place that puts the operator's switches, the workspace's state
//! and the catalogue before the resolver, for calls and for those who only ask.

use keyway_proto::vault::v1 as vault;
use keyway_proto::{Fault, Reason};
use keyway_router_pricing::Catalogue;
use keyway_words::{ProviderId, Timestamp, WorkspaceId};

use crate::execute::Execution;
use crate::keys::{Lease, View};
use crate::price::Prices;
use crate::resolver::{self, Facts, Route};

/// What would be called.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Whose call.
    pub workspace: &'a WorkspaceId,
    /// The provider.
    pub provider: ProviderId,
    /// The model, without the provider.
    pub model: &'a str,
    /// The mode that the request narrows the policy to.
    pub mode: vault::CredentialMode,
    /// Whether the provider charges for it.
    pub is_priced: bool,
}

/// The decision, and what it was made from.
#[derive(Debug)]
pub struct Decided {
    /// `None` where it was decided before the keys were looked at.
    pub facts: Option<Facts>,
    /// Which keys may be tried, or why none.
    pub route: Result<Route, Fault>,
}

impl From<Fault> for Decided {
    fn from(fault: Fault) -> Self {
        let (facts, route) = (None, Err(fault));
        Self { facts, route }
    }
}

impl Execution {
    /// Decides where a call would go by what a lease says.
    pub(crate) fn route(
        &self,
        asked: Asked<'_>,
        lease: &Lease,
        table: &Catalogue,
        now: Timestamp,
    ) -> Decided {
        let off = self.switches.now();
        let model = (asked.provider, asked.model);
        let allowed = off
            .check(asked.workspace, model, table)
            .and_then(|()| runs(lease.workspace_state, asked.workspace));
        if let Err(fault) = allowed {
            return fault.into();
        }
        let fault =
            |refusal: resolver::Refusal| refusal.fault(asked.workspace, asked.provider, now);
        let mode = match resolver::narrowed(lease.policy.credential_mode(), asked.mode) {
            Ok(mode) => mode,
            Err(refusal) => return fault(refusal).into(),
        };
        let view = View {
            lease,
            health: &self.health,
            breakers: &self.breakers,
            workspace: asked.workspace,
            model: asked.model,
            now,
        };
        let unpriced = Prices::unpriced(table, asked.provider, asked.model);
        let mut facts = view.facts(mode, unpriced.filter(|_| asked.is_priced));
        facts.hosted_off = off.hosted();
        let route = resolver::resolve(&facts).map_err(fault);
        let facts = Some(facts);
        Decided { facts, route }
    }
}

fn runs(state: vault::WorkspaceState, workspace: &WorkspaceId) -> Result<(), Fault> {
    match state {
        vault::WorkspaceState::Active => Ok(()),
        vault::WorkspaceState::Suspended => Err(Fault::new(
            Reason::WorkspaceSuspended,
            format!(
                "workspaces/{workspace} is suspended; the operator lifts it with keyway.vault.v1.WorkspaceService/Resume"
            ),
        )),
        vault::WorkspaceState::Deleted => Err(Fault::new(
            Reason::WorkspaceDeleted,
            format!(
                "workspaces/{workspace} is deleted; take it back with keyway.vault.v1.WorkspaceService/Undelete"
            ),
        )),
        vault::WorkspaceState::Unspecified => Err(keyway_chassis::access::denied()),
    }
}
