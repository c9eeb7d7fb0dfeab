//! What a verdict grants.

use keyway_chassis::access::{Authority, Caller, Denied, Reach};
use keyway_proto::RPCS;
use keyway_words::{Act, Aim};

use super::verdict;

/// The access decision: what the vault's verdict grants, and nothing else.
#[derive(Debug, Clone, Copy, Default)]
pub struct Grants;

impl Authority for Grants {
    fn has_row(&self, rpc: &str) -> bool {
        RPCS.contains(&rpc) && SERVED.iter().any(|package| rpc.starts_with(package))
    }

    fn may_call(&self, caller: &Caller, rpc: &str) -> bool {
        caller.grants.iter().any(|grant| grant.rpc == rpc)
    }

    fn decide(&self, caller: &Caller, rpc: &str, aim: &Aim, _act: &Act) -> Result<Reach, Denied> {
        let mut grants = caller.grants.iter().filter(|grant| grant.rpc == rpc);
        if grants.any(|grant| verdict::reaches(grant.scope, caller, aim)) {
            Ok(Reach::Full)
        } else {
            Err(Denied)
        }
    }
}

const SERVED: [&str; 2] = ["keyway.router.v1.", "keyway.billing.v1."];
