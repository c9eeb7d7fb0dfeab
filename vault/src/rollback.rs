//! Whether the database is an older copy of itself that took its own place without
//! `keyway-vault restore`.
//!
//! Within an epoch revisions only grow, and routers remember how far they saw it grow. A database
//! that is behind that has lost what was deleted, revoked and suspended since: its keys and tokens
//! are not to be believed. From then on this process answers nobody who needs to be known, until
//! somebody restores the database as it should be done and starts the process again.

use std::sync::OnceLock;

use keyway_chassis::access::Caller;
use keyway_chassis::operations::Readiness;
use keyway_proto::{Fault, Reason};

use crate::conditions::DATABASE_HISTORY;
use crate::store::feed::Position;

/// What this process knows of it.
pub(crate) struct Rollback {
    seen: OnceLock<u64>,
    readiness: Readiness,
}

impl Rollback {
    /// Nothing yet.
    pub(crate) fn new(readiness: Readiness) -> Self {
        readiness.set(DATABASE_HISTORY, true);
        Self {
            seen: OnceLock::new(),
            readiness,
        }
    }

    /// Refuses a router that has seen more of this database than there is. One that is for every
    /// workspace is believed for all of them; one with a list could only speak for its own.
    pub(crate) fn check_router(
        &self,
        router: &Caller,
        (epoch, revision): (&str, u64),
        position: &Position,
    ) -> Result<(), Fault> {
        if epoch != position.epoch || revision <= position.revision {
            return Ok(());
        }
        if router.listed.is_none() {
            self.found(&router.subject, revision, position);
        } else {
            tracing::error!(router = %router.subject, revision, here = position.revision, "{}", message());
        }
        Err(fault())
    }

    /// Somebody saw a later revision of this database: nothing in it is believed any more.
    pub(crate) fn found(&self, by: &str, revision: u64, position: &Position) {
        if self.seen.set(revision).is_err() {
            return; // told once
        }
        self.readiness.set(DATABASE_HISTORY, false);
        tracing::error!(by, revision, here = position.revision, "{}", message());
    }

    /// Refuses everything after [`Self::found`].
    pub(crate) fn check(&self) -> Result<(), Fault> {
        match self.seen.get() {
            None => Ok(()),
            Some(_) => Err(fault()),
        }
    }
}

fn fault() -> Fault {
    Fault::new(Reason::DatabaseRolledBack, message())
}

fn message() -> String {
    "the vault's database is older than what was seen of it: a backup took its place, and what was \
     deleted or revoked since may be back; stop every vault, run `keyway-vault restore`, start them \
     again"
        .to_owned()
}
