//! Access in the vault: the table decides, and what it denies is put on record.

use keyway_chassis::access::{self, Caller, Denied, Reach};
use keyway_proto::Fault;
use keyway_vault_access::{Cell, Decision, Standing, decide, row};
use keyway_words::{Act, Aim};

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
        let may = row(rpc).is_some_and(|row| row.cell(Some(caller.role)) != Cell::Empty);
        if !may {
            self.denials.denied(caller, rpc, "");
        }
        may
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
            Decision::Denied | Decision::NoRow => {
                self.denials.denied(caller, rpc, &resource(aim));
                Err(Denied)
            }
        }
    }
}

fn resource(aim: &Aim) -> String {
    match aim {
        Aim::Owner(owner) => owner.to_string(),
        Aim::System => "system".to_owned(),
        Aim::Caller | Aim::Unreadable => String::new(),
    }
}
