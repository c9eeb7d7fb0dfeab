//! `WorkspaceService.Create`: a workspace and its first admin, or neither.

use keyway_chassis::access::Granted;
use keyway_proto::vault::v1 as pb;
use keyway_proto::vault::v1::WorkspaceState;
use keyway_proto::{Fault, Reason};
use keyway_words::{Role, WorkspaceId};
use prost::Message as _;
use serde_json::json;

use crate::blocks;
use crate::fields;
use crate::idempotent::{self, Repeatable};
use crate::service::{Vault, done};
use crate::store::Write;
use crate::store::audit::Chain;
use crate::store::members::{self, MemberRow};
use crate::store::workspaces::{self as rows, WorkspaceRow};
use crate::wire;

const RPC: &str = "keyway.vault.v1.WorkspaceService/Create";

/// The request with every field read.
struct New {
    id: WorkspaceId,
    display_name: String,
    first_admin: String,
    operator_limits: pb::OperatorLimits,
}

pub(super) async fn create(
    vault: &Vault,
    granted: &Granted<pb::WorkspaceServiceCreateRequest>,
) -> Result<pb::WorkspaceServiceCreateResponse, Fault> {
    let request = granted.get_ref();
    let new = read_fields(request)?;
    let mut write = vault.store.write().await?;
    let request_id = &request.request_id;
    let by = (RPC, granted.caller().subject.as_str());
    let repeatable = Repeatable::new(&vault.keyring, by, "system", request_id, request, "");
    if let Some(answer) = idempotent::earlier(&write, &repeatable).await? {
        return Ok(answer);
    }
    if rows::find(write.on(), new.id.as_str()).await?.is_some() {
        let taken = "this workspace id was given before; an id is never given again";
        return Err(Fault::new(Reason::AlreadyExists, taken).at_field("workspace_id"));
    }
    let row = store(&write, &new).await?;
    write.change(&rows::changed(new.id.as_str())).await?;
    for chain in [Chain::System, Chain::Workspace(new.id.clone())] {
        let facts = json!({ "first_admin": new.first_admin });
        let entry = done(granted, chain, RPC, new.id.resource(), facts);
        write.audit(&entry).await?;
    }
    let workspace = Some(wire::workspace(&row)?);
    let response = pb::WorkspaceServiceCreateResponse { workspace };
    idempotent::remember(&write, &repeatable, &response).await?;
    write.commit().await?;
    Ok(response)
}

fn read_fields(request: &pb::WorkspaceServiceCreateRequest) -> Result<New, Fault> {
    fields::request_id(&request.request_id)?;
    let operator_limits = blocks::exact_limits(request.operator_limits.clone())?;
    Ok(New {
        id: fields::parsed("workspace_id", &request.workspace_id)?,
        display_name: fields::text("display_name", &request.display_name)?,
        first_admin: fields::subject("first_admin", &request.first_admin)?,
        operator_limits,
    })
}

async fn store(write: &Write, new: &New) -> Result<WorkspaceRow, Fault> {
    let now = write.now().0;
    let row = WorkspaceRow {
        id: new.id.to_string(),
        display_name: new.display_name.clone(),
        state: WorkspaceState::Active.as_str_name().to_owned(),
        state_reason: String::new(),
        policy: pb::Policy::default().encode_to_vec(),
        operator_limits: new.operator_limits.encode_to_vec(),
        version: 1,
        created_at: now,
        updated_at: now,
        deleted_at: None,
        purge_at: None,
        destroyed_at: None,
        purged_at: None,
        state_before: None,
        reason_before: None,
    };
    rows::insert(write.on(), row.clone()).await?;
    let admin = MemberRow {
        workspace: new.id.to_string(),
        subject: new.first_admin.clone(),
        role: Role::Admin.to_string(),
        created_at: now,
        updated_at: now,
    };
    members::insert(write.on(), admin).await?;
    Ok(row)
}
