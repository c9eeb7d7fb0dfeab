//! `WorkspaceService.Delete` and `Undelete`. What comes after the delay is [`crate::purge`].

use std::time::Duration;

use keyway_chassis::access::Granted;
use keyway_proto::vault::v1 as pb;
use keyway_proto::vault::v1::WorkspaceState;
use keyway_proto::{Fault, Reason};
use keyway_words::{Timestamp, WorkspaceId};
use serde_json::json;

use crate::failpoints;
use crate::fields;
use crate::service::{Vault, any_workspace, check_etag, done, living_workspace};
use crate::settings::Deletion;
use crate::store::Write;
use crate::store::audit::Chain;
use crate::store::workspaces::{self as rows, WorkspaceRow};
use crate::wire;

const DELETE: &str = "keyway.vault.v1.WorkspaceService/Delete";
const UNDELETE: &str = "keyway.vault.v1.WorkspaceService/Undelete";

pub(super) async fn delete(
    vault: &Vault,
    granted: &Granted<pb::WorkspaceServiceDeleteRequest>,
) -> Result<pb::Workspace, Fault> {
    failpoints::during("delete-workspace", mark(vault, granted)).await
}

/// Makes it DELETED; its keys and people stay until the delay is over.
async fn mark(
    vault: &Vault,
    granted: &Granted<pb::WorkspaceServiceDeleteRequest>,
) -> Result<pb::Workspace, Fault> {
    let request = granted.get_ref();
    let id = fields::workspace("name", &request.name)?;
    check_meant(request)?;
    let delay = delay(request.deletion_delay.as_ref(), vault.limits.deletion)?;
    let mut write = vault.store.write().await?;
    let mut row = living_workspace(write.on(), &id).await?;
    check_etag(&request.etag, &wire::workspace_etag(&row))?;
    let purge_at = at(write.now(), delay);
    let facts = json!({
        "from": row.state, "delay_seconds": delay.as_secs(), "purge_time": purge_at.rfc3339(),
    });
    row.deleted_at = Some(write.now().0);
    row.purge_at = Some(purge_at.0);
    row.state_before = Some(std::mem::take(&mut row.state));
    row.reason_before = Some(std::mem::take(&mut row.state_reason));
    WorkspaceState::Deleted
        .as_str_name()
        .clone_into(&mut row.state);
    row.state_reason = format!(
        "deleted; WorkspaceService.Undelete brings it back until {}",
        purge_at.rfc3339()
    );
    finish(&mut write, granted, (DELETE, &id), &mut row, facts).await?;
    write.commit().await?;
    Ok(wire::workspace(&row)?)
}

pub(super) async fn undelete(
    vault: &Vault,
    granted: &Granted<pb::WorkspaceServiceUndeleteRequest>,
) -> Result<pb::Workspace, Fault> {
    let id = fields::workspace("name", &granted.get_ref().name)?;
    let mut write = vault.store.write().await?;
    let mut row = any_workspace(write.on(), &id).await?;
    if wire::workspace_state(&row)? != WorkspaceState::Deleted {
        return Ok(wire::workspace(&row)?); // taken back already
    }
    check_in_time(&row, write.now())?;
    // A suspension is the operator's: deleting and taking back does not lift it.
    row.state = row
        .state_before
        .take()
        .unwrap_or_else(|| WorkspaceState::Suspended.as_str_name().to_owned());
    row.state_reason = row.reason_before.take().unwrap_or_default();
    (row.deleted_at, row.purge_at) = (None, None);
    let facts = json!({ "to": row.state });
    finish(&mut write, granted, (UNDELETE, &id), &mut row, facts).await?;
    write.commit().await?;
    Ok(wire::workspace(&row)?)
}

/// Writes the row, its change, and an audit row in its own chain and in the system's: operators see
/// every end of a workspace in one place.
async fn finish<T>(
    write: &mut Write,
    granted: &Granted<T>,
    (rpc, id): (&str, &WorkspaceId),
    row: &mut WorkspaceRow,
    facts: serde_json::Value,
) -> Result<(), Fault> {
    rows::save(write, row).await?;
    for chain in [Chain::System, Chain::Workspace(id.clone())] {
        let entry = done(granted, chain, rpc, id.resource(), facts.clone());
        write.audit(&entry).await?;
    }
    Ok(())
}

/// Nobody deletes a workspace by a slip, or one that has changed since they looked.
fn check_meant(request: &pb::WorkspaceServiceDeleteRequest) -> Result<(), Fault> {
    if request.confirm_name != request.name {
        return Err(Fault::field(
            "confirm_name",
            "must be the same as name, to confirm what is deleted",
        ));
    }
    if request.etag.is_empty() {
        return Err(Fault::field(
            "etag",
            "must be the current etag, which WorkspaceService.Get shows",
        ));
    }
    Ok(())
}

fn delay(given: Option<&prost_types::Duration>, bounds: Deletion) -> Result<Duration, Fault> {
    let Some(given) = given else {
        return Ok(bounds.delay);
    };
    let delay = Duration::try_from(*given).ok();
    delay
        .filter(|delay| (bounds.shortest..=bounds.longest).contains(delay))
        .ok_or_else(|| {
            let (shortest, longest) = (bounds.shortest, bounds.longest);
            let accepted = format!("must be {shortest:?} to {longest:?}; absent means the default");
            Fault::field("deletion_delay", accepted)
        })
}

fn at(now: Timestamp, delay: Duration) -> Timestamp {
    let micros = i64::try_from(delay.as_micros()).unwrap_or(i64::MAX);
    Timestamp(now.0.saturating_add(micros))
}

/// The promise to destroy holds from `purge_time` on, even where the destruction itself is late.
fn check_in_time(row: &WorkspaceRow, now: Timestamp) -> Result<(), Fault> {
    let in_time = row.destroyed_at.is_none() && row.purge_at.is_some_and(|at| now.0 < at);
    if in_time {
        return Ok(());
    }
    Err(Fault::new(
        Reason::WorkspaceDeleted,
        "the time to take the deletion back is over; WorkspaceService.Create makes another \
         workspace, under another id",
    ))
}
