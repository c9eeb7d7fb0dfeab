//! What comes after a workspace's delay: data keys first, then keys, members, tokens and policy.
//!
//! Every replica runs this; each step is one transaction that looks again before it does anything,
//! so it does not matter which of them does it, or how often one of them dies on the way.
//! The workspace's id, its audit and its usage stay for ever.

mod witness;

use std::time::Duration;

use keyway_chassis::lifecycle::Shutdown;
use keyway_proto::vault::v1::WorkspaceState;
use keyway_words::{Timestamp, WorkspaceId};
use serde_json::json;

use self::witness::Witness;
use crate::failpoints;
use crate::settings::Deletion;
use crate::store::audit::{Chain, Decision, Entry, Origin};
use crate::store::workspaces::WorkspaceRow;
use crate::store::{Store, StoreError, Write, purge as rows, workspaces};

/// The job of one process.
pub(crate) struct Purge {
    store: Store,
    witness: Witness,
    every: Duration,
}

/// Who does it, in the audit.
const ACTOR: &str = "service:vault";
const RPC: &str = "keyway-vault purge";

impl Purge {
    /// A job that has seen nothing yet.
    pub(crate) fn new(store: Store, deletion: Deletion) -> Self {
        Self {
            store,
            witness: Witness::new(deletion.notice),
            every: deletion.sweep,
        }
    }

    /// Sweeps until the shutdown. What fails is tried again by the next sweep.
    pub(crate) async fn run(mut self, shutdown: Shutdown) {
        loop {
            if let Err(error) = self.sweep().await {
                tracing::error!(%error, "a deleted workspace could not be destroyed yet");
            }
            let next = tokio::time::timeout(self.every, shutdown.wait()).await;
            if next.is_ok() {
                return;
            }
        }
    }

    /// Looks through the deleted workspaces once, and ends those whose time has come.
    pub(crate) async fn sweep(&mut self) -> Result<(), StoreError> {
        let read = self.store.read().await?;
        let (found, now) = (rows::waiting(read.on()).await?, read.now());
        drop(read);
        let ready: Vec<String> = found
            .iter()
            .filter(|row| row.destroyed_at.is_some() || self.witness.saw_it_pass(row, now))
            .map(|row| row.id.clone())
            .collect();
        self.witness.forget_all_but(&found);
        for id in ready {
            failpoints::during("delete-workspace", self.end(&id)).await?;
        }
        Ok(())
    }

    async fn end(&self, id: &str) -> Result<(), StoreError> {
        if !self.destroy(id).await? {
            return Ok(());
        }
        // Before anything else: what this process wrote over must be gone from the files too.
        self.store.scrub().await?;
        while !self.erase(id).await? {}
        self.store.scrub().await
    }

    /// Destroys the data keys, unless that is done or somebody took the deletion back. Says whether
    /// they are gone.
    async fn destroy(&self, id: &str) -> Result<bool, StoreError> {
        let mut write = self.store.write().await?;
        let Some(mut row) = workspaces::find(write.on(), id).await? else {
            return Ok(false);
        };
        if row.destroyed_at.is_some() {
            return Ok(true);
        }
        if !is_over(&row, write.now()) {
            return Ok(false);
        }
        let workspace = parse(id)?;
        let data_keys = rows::destroy_data_keys(write.on(), &workspace.resource()).await?;
        row.destroyed_at = Some(write.now().0);
        "its keys are destroyed".clone_into(&mut row.state_reason);
        workspaces::save(&mut write, &mut row).await?;
        let facts = json!({ "data_keys_destroyed": data_keys });
        record(&write, &workspace, Chain::System, facts.clone()).await?;
        record(&write, &workspace, own(&workspace), facts).await?;
        write.commit().await?;
        tracing::info!(workspace = id, data_keys, "data keys destroyed");
        Ok(true)
    }

    /// Erases one batch of what is left. Says whether that was the last.
    async fn erase(&self, id: &str) -> Result<bool, StoreError> {
        let mut write = self.store.write().await?;
        let Some(mut row) = workspaces::find(write.on(), id).await? else {
            return Ok(true);
        };
        if row.purged_at.is_some() {
            return Ok(true); // another replica was faster
        }
        let workspace = parse(id)?;
        let erased = rows::erase(write.on(), id).await?;
        let is_last = rows::is_empty(write.on(), id).await?;
        if is_last {
            row.purged_at = Some(write.now().0);
            row.display_name = String::new();
            row.policy = Vec::new();
            row.operator_limits = Vec::new();
        }
        workspaces::save(&mut write, &mut row).await?;
        let facts = json!({
            "keys": erased.keys, "members": erased.members, "tokens": erased.tokens,
            "is_last": is_last,
        });
        record(&write, &workspace, own(&workspace), facts).await?;
        write.commit().await?;
        Ok(is_last)
    }
}

fn is_over(row: &WorkspaceRow, now: Timestamp) -> bool {
    row.state == WorkspaceState::Deleted.as_str_name() && row.purge_at.is_some_and(|at| at <= now.0)
}

async fn record(
    write: &Write,
    workspace: &WorkspaceId,
    chain: Chain,
    facts: serde_json::Value,
) -> Result<(), StoreError> {
    let entry = Entry {
        chain,
        accessor: String::new(),
        subject: ACTOR.to_owned(),
        rpc: RPC.to_owned(),
        resource: workspace.resource(),
        decision: Decision::Allowed,
        reason: "",
        facts,
        origin: Origin::default(),
    };
    write.audit(&entry).await
}

fn own(workspace: &WorkspaceId) -> Chain {
    Chain::Workspace(workspace.clone())
}

fn parse(id: &str) -> Result<WorkspaceId, StoreError> {
    id.parse().map_err(|_name| StoreError::Damaged {
        what: "workspace".to_owned(),
    })
}
