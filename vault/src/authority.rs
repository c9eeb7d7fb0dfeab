//! Access in the vault: the table decides, and what it denies is put on record.

use keyway_chassis::access::{self, Caller, Denied, Reach};
use keyway_proto::Fault;
use keyway_vault_access::{Cell, Decision, Standing, decide, row};
use keyway_words::{Act, Aim, WorkspaceId};

use crate::denials::Denials;

/// The vault's authority: [`keyway_vault_access::TABLE`].
pub(crate) struct Authority {
    denials: Denials,
}

impl Authority {
    /// An authority that records its denials there.
    pub(crate) const fn new(denials: Denials) -> Self {
        Self { denials }
    }

    /// Denies what only a handler could see to be denied, in the words of every denial.
    pub(crate) fn deny(&self, caller: &Caller, rpc: &str, resource: &str) -> Fault {
        self.denials.denied(caller, rpc, resource);
        access::denied()
    }
}

impl access::Authority for Authority {
    fn has_row(&self, rpc: &str) -> bool {
        rpc.starts_with("keyway.vault.v1.") && row(rpc).is_some()
    }

    fn may_call(&self, caller: &Caller, rpc: &str) -> bool {
        row(rpc).is_some_and(|row| row.cell(Some(caller.role)) != Cell::Empty)
    }

    fn decide(&self, caller: &Caller, rpc: &str, aim: &Aim, act: &Act) -> Result<Reach, Denied> {
        let standing = Standing {
            role: Some(caller.role),
            workspace: caller.workspace.as_ref(),
            accessor: &caller.accessor,
            listed: caller.listed.as_deref(),
        };
        match decide(&standing, rpc, aim, act) {
            Decision::Allowed => Ok(Reach::Full),
            Decision::AllowedSelf => Ok(Reach::OwnTokens),
            Decision::Denied | Decision::NoRow => Err(Denied),
        }
    }

    fn note_denial(&self, caller: &Caller, rpc: &str, aim: Option<&Aim>) {
        let caller = Caller {
            workspace: chain_of(caller, aim),
            ..caller.clone()
        };
        let resource = aim.map(resource).unwrap_or_default();
        self.denials.denied(&caller, rpc, &resource);
    }
}

/// The workspace in whose chain a denial stands. What somebody who is in several tries elsewhere is
/// none of their business: it stands in the system's.
fn chain_of(caller: &Caller, aim: Option<&Aim>) -> Option<WorkspaceId> {
    if caller.others.is_empty() {
        return caller.workspace.clone();
    }
    let aimed = match aim {
        Some(Aim::Owner(owner)) => owner.workspace(),
        Some(Aim::Caller | Aim::System | Aim::Unreadable) | None => None,
    };
    let mut own = caller.standings().filter_map(|standing| standing.workspace);
    own.find(|own| Some(own) == aimed)
}

fn resource(aim: &Aim) -> String {
    match aim {
        Aim::Owner(owner) => owner.to_string(),
        Aim::System => "system".to_owned(),
        Aim::Caller | Aim::Unreadable => String::new(),
    }
}
