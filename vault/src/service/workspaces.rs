//! `WorkspaceService`.

mod create;
mod delete;

use std::sync::Arc;

use keyway_chassis::access::Granted;
use keyway_proto::Fault;
use keyway_proto::vault::v1 as pb;
use keyway_proto::vault::v1::WorkspaceState;
use keyway_proto::vault::v1::workspace_service_server::WorkspaceService;
use keyway_words::Role;
use prost::Message as _;
use serde_json::json;
use tonic::{Request, Response, Status};

use crate::blocks;
use crate::fields;
use crate::service::{Vault, any_workspace, check_etag, done, living_workspace};
use crate::store::audit::Chain;
use crate::store::workspaces as rows;
use crate::wire;

/// The service.
pub(crate) struct Workspaces(pub(crate) Arc<Vault>);

const UPDATE: &str = "keyway.vault.v1.WorkspaceService/Update";
const SUSPEND: &str = "keyway.vault.v1.WorkspaceService/Suspend";
const RESUME: &str = "keyway.vault.v1.WorkspaceService/Resume";

#[tonic::async_trait]
impl WorkspaceService for Workspaces {
    async fn create(
        &self,
        request: Request<pb::WorkspaceServiceCreateRequest>,
    ) -> Result<Response<pb::WorkspaceServiceCreateResponse>, Status> {
        let granted = self.0.grant(request)?;
        Ok(Response::new(create::create(&self.0, &granted).await?))
    }

    async fn get(
        &self,
        request: Request<pb::WorkspaceServiceGetRequest>,
    ) -> Result<Response<pb::WorkspaceServiceGetResponse>, Status> {
        let granted = self.0.grant(request)?;
        Ok(Response::new(get(&self.0, &granted).await?))
    }

    async fn list(
        &self,
        request: Request<pb::WorkspaceServiceListRequest>,
    ) -> Result<Response<pb::WorkspaceServiceListResponse>, Status> {
        let granted = self.0.grant(request)?;
        Ok(Response::new(list(&self.0, &granted).await?))
    }

    async fn update(
        &self,
        request: Request<pb::WorkspaceServiceUpdateRequest>,
    ) -> Result<Response<pb::WorkspaceServiceUpdateResponse>, Status> {
        let granted = self.0.grant(request)?;
        Ok(Response::new(update(&self.0, &granted).await?))
    }

    async fn suspend(
        &self,
        request: Request<pb::WorkspaceServiceSuspendRequest>,
    ) -> Result<Response<pb::WorkspaceServiceSuspendResponse>, Status> {
        let granted = self.0.grant(request)?;
        let request = granted.get_ref();
        let reason = fields::text("reason", &request.reason).map_err(Status::from)?;
        let to = (WorkspaceState::Suspended, reason);
        let workspace = switch(&self.0, &granted, SUSPEND, &request.name, to).await?;
        Ok(Response::new(pb::WorkspaceServiceSuspendResponse {
            workspace: Some(workspace),
        }))
    }

    async fn resume(
        &self,
        request: Request<pb::WorkspaceServiceResumeRequest>,
    ) -> Result<Response<pb::WorkspaceServiceResumeResponse>, Status> {
        let granted = self.0.grant(request)?;
        let to = (WorkspaceState::Active, String::new());
        let name = &granted.get_ref().name;
        let workspace = switch(&self.0, &granted, RESUME, name, to).await?;
        Ok(Response::new(pb::WorkspaceServiceResumeResponse {
            workspace: Some(workspace),
        }))
    }

    async fn delete(
        &self,
        request: Request<pb::WorkspaceServiceDeleteRequest>,
    ) -> Result<Response<pb::WorkspaceServiceDeleteResponse>, Status> {
        let granted = self.0.grant(request)?;
        let workspace = Some(delete::delete(&self.0, &granted).await?);
        Ok(Response::new(pb::WorkspaceServiceDeleteResponse {
            workspace,
        }))
    }

    async fn undelete(
        &self,
        request: Request<pb::WorkspaceServiceUndeleteRequest>,
    ) -> Result<Response<pb::WorkspaceServiceUndeleteResponse>, Status> {
        let granted = self.0.grant(request)?;
        let workspace = Some(delete::undelete(&self.0, &granted).await?);
        Ok(Response::new(pb::WorkspaceServiceUndeleteResponse {
            workspace,
        }))
    }
}

async fn get(
    vault: &Vault,
    granted: &Granted<pb::WorkspaceServiceGetRequest>,
) -> Result<pb::WorkspaceServiceGetResponse, Fault> {
    let id = fields::workspace("name", &granted.get_ref().name)?;
    let read = vault.store.read().await?;
    let row = if granted.caller().role == Role::Reader {
        living_workspace(read.on(), &id).await?
    } else {
        any_workspace(read.on(), &id).await?
    };
    Ok(pb::WorkspaceServiceGetResponse {
        workspace: Some(wire::workspace(&row)?),
    })
}

async fn list(
    vault: &Vault,
    granted: &Granted<pb::WorkspaceServiceListRequest>,
) -> Result<pb::WorkspaceServiceListResponse, Fault> {
    let request = granted.get_ref();
    let size = fields::page_size(request.page_size)?;
    let question = ["WorkspaceList"];
    let after = vault.page_after(&question, &request.page_token)?;
    let read = vault.store.read().await?;
    let mut page = rows::page(read.on(), &after, size + 1).await?;
    let next_page_token = vault.page_end(&question, &mut page, size, |row| {
        row.id.clone().into_bytes()
    });
    let workspaces = page.iter().map(wire::workspace).collect::<Result<_, _>>()?;
    Ok(pb::WorkspaceServiceListResponse {
        workspaces,
        next_page_token,
    })
}

async fn update(
    vault: &Vault,
    granted: &Granted<pb::WorkspaceServiceUpdateRequest>,
) -> Result<pb::WorkspaceServiceUpdateResponse, Fault> {
    let request = granted.get_ref();
    let id = fields::workspace("name", &request.name)?;
    let mut write = vault.store.write().await?;
    let mut row = living_workspace(write.on(), &id).await?;
    check_etag(&request.etag, &wire::workspace_etag(&row))?;
    let (mut policy, mut limits) = (wire::policy(&row)?, wire::operator_limits(&row)?);
    let changed_fields = blocks::apply(request, &mut policy, &mut limits)?;
    row.policy = policy.encode_to_vec();
    row.operator_limits = limits.encode_to_vec();
    let facts = json!({ "changed": changed_fields, "policy": blocks::mode(&policy) });
    rows::save(&mut write, &mut row).await?;
    let chain = Chain::Workspace(id.clone());
    write
        .audit(&done(granted, chain, UPDATE, id.resource(), facts))
        .await?;
    write.commit().await?;
    Ok(pb::WorkspaceServiceUpdateResponse {
        workspace: Some(wire::workspace(&row)?),
    })
}

/// Suspends or resumes; to the state it is in already it is no change.
async fn switch<T>(
    vault: &Vault,
    granted: &Granted<T>,
    rpc: &str,
    name: &str,
    (state, reason): (WorkspaceState, String),
) -> Result<pb::Workspace, Fault> {
    let id = fields::workspace("name", name)?;
    let mut write = vault.store.write().await?;
    let mut row = living_workspace(write.on(), &id).await?;
    let before = wire::workspace_state(&row)?;
    let facts =
        json!({ "from": before.as_str_name(), "to": state.as_str_name(), "reason": reason });
    state.as_str_name().clone_into(&mut row.state);
    row.state_reason = reason;
    rows::save(&mut write, &mut row).await?;
    let chain = Chain::Workspace(id.clone());
    write
        .audit(&done(granted, chain, rpc, id.resource(), facts))
        .await?;
    write.commit().await?;
    Ok(wire::workspace(&row)?)
}
