//! `MemberService`. A workspace keeps at least one admin: members are counted in the transaction
//! that changes them.

use std::sync::Arc;

use keyway_chassis::access::Granted;
use keyway_proto::target;
use keyway_proto::vault::v1::member_service_server::MemberService;
use keyway_proto::vault::v1::{
    ChangeKind, MemberServiceListRequest, MemberServiceListResponse, MemberServicePutRequest,
    MemberServicePutResponse, MemberServiceRemoveRequest, MemberServiceRemoveResponse,
};
use keyway_proto::{Fault, Reason};
use keyway_words::{Role, WorkspaceId};
use serde_json::json;
use tonic::{Request, Response, Status};

use crate::fields;
use crate::service::{Vault, done, living_workspace};
use crate::store::audit::Chain;
use crate::store::feed::Change;
use crate::store::members::{self as rows, MemberRow};
use crate::store::{Write, tokens};
use crate::wire;

/// The service.
pub(crate) struct Members(pub(crate) Arc<Vault>);

const PUT: &str = "keyway.vault.v1.MemberService/Put";
const REMOVE: &str = "keyway.vault.v1.MemberService/Remove";

#[tonic::async_trait]
impl MemberService for Members {
    async fn put(
        &self,
        request: Request<MemberServicePutRequest>,
    ) -> Result<Response<MemberServicePutResponse>, Status> {
        let granted = self.0.grant(request)?;
        Ok(Response::new(put(&self.0, &granted).await?))
    }

    async fn list(
        &self,
        request: Request<MemberServiceListRequest>,
    ) -> Result<Response<MemberServiceListResponse>, Status> {
        let granted = self.0.grant(request)?;
        Ok(Response::new(list(&self.0, &granted).await?))
    }

    async fn remove(
        &self,
        request: Request<MemberServiceRemoveRequest>,
    ) -> Result<Response<MemberServiceRemoveResponse>, Status> {
        let granted = self.0.grant(request)?;
        Ok(Response::new(remove(&self.0, &granted).await?))
    }
}

async fn put(
    vault: &Vault,
    granted: &Granted<MemberServicePutRequest>,
) -> Result<MemberServicePutResponse, Fault> {
    let request = granted.get_ref();
    let id = fields::workspace("workspace", &request.workspace)?;
    let subject = fields::subject("subject", &request.subject)?;
    let Some(role @ (Role::Reader | Role::Admin)) = target::role(request.role()) else {
        return Err(Fault::field("role", "must be ROLE_READER or ROLE_ADMIN"));
    };
    let reason = fields::text("reason", &request.reason)?;
    let mut write = vault.store.write().await?;
    living_workspace(write.on(), &id).await?;
    let before = rows::find(write.on(), id.as_str(), &subject).await?;
    if role != Role::Admin && before.as_ref().is_some_and(is_admin) {
        keep_an_admin(&write, &id).await?;
    }
    let now = write.now().0;
    let row = MemberRow {
        workspace: id.to_string(),
        subject: subject.clone(),
        role: role.to_string(),
        created_at: before.as_ref().map_or(now, |row| row.created_at),
        updated_at: now,
    };
    let facts = json!({
        "from": before.as_ref().map(|row| row.role.as_str()), "to": role.as_str(), "reason": reason,
    });
    if before.is_some() {
        rows::update(write.on(), row.clone()).await?;
    } else {
        rows::insert(write.on(), row.clone()).await?;
    }
    write.change(&changed(&id, &subject)).await?;
    let resource = format!("{}/members/{subject}", id.resource());
    write
        .audit(&done(granted, Chain::Workspace(id), PUT, resource, facts))
        .await?;
    write.commit().await?;
    Ok(MemberServicePutResponse {
        member: Some(wire::member(&row)?),
    })
}

async fn list(
    vault: &Vault,
    granted: &Granted<MemberServiceListRequest>,
) -> Result<MemberServiceListResponse, Fault> {
    let request = granted.get_ref();
    let id = fields::workspace("workspace", &request.workspace)?;
    let size = fields::page_size(request.page_size)?;
    let question = ["MemberList", id.as_str()];
    let after = vault.page_after(&question, &request.page_token)?;
    let read = vault.store.read().await?;
    living_workspace(read.on(), &id).await?;
    let mut page = rows::page(read.on(), id.as_str(), &after, size + 1).await?;
    let next_page_token = vault.page_end(&question, &mut page, size, |row| {
        row.subject.clone().into_bytes()
    });
    let members = page.iter().map(wire::member).collect::<Result<_, _>>()?;
    Ok(MemberServiceListResponse {
        members,
        next_page_token,
    })
}

async fn remove(
    vault: &Vault,
    granted: &Granted<MemberServiceRemoveRequest>,
) -> Result<MemberServiceRemoveResponse, Fault> {
    let request = granted.get_ref();
    let id = fields::workspace("workspace", &request.workspace)?;
    let subject = fields::subject("subject", &request.subject)?;
    let reason = fields::text("reason", &request.reason)?;
    let mut write = vault.store.write().await?;
    living_workspace(write.on(), &id).await?;
    let row = rows::find(write.on(), id.as_str(), &subject)
        .await?
        .ok_or_else(|| {
            Fault::new(
                Reason::MemberNotFound,
                "there is no such member; MemberService.Put adds one",
            )
        })?;
    if granted.caller().role == Role::Operator && !is_admin(&row) {
        // An operator re-seats admins; readers are the workspace's own business.
        return Err(vault
            .authority
            .deny(granted.caller(), REMOVE, &id.resource()));
    }
    if is_admin(&row) {
        keep_an_admin(&write, &id).await?;
    }
    let role = row.role.clone();
    rows::delete(write.on(), row).await?;
    let revoked = tokens::revoke_all(write.on(), id.as_str(), &subject, write.now()).await?;
    write.change(&changed(&id, &subject)).await?;
    let facts = json!({ "from": role, "tokens_revoked": revoked, "reason": reason });
    let resource = format!("{}/members/{subject}", id.resource());
    write
        .audit(&done(
            granted,
            Chain::Workspace(id),
            REMOVE,
            resource,
            facts,
        ))
        .await?;
    write.commit().await?;
    Ok(MemberServiceRemoveResponse {})
}

/// Refuses to take away an admin who is the only one.
async fn keep_an_admin(write: &Write, id: &WorkspaceId) -> Result<(), Fault> {
    if rows::count(write.on(), id.as_str(), Role::Admin.as_str()).await? > 1 {
        return Ok(());
    }
    Err(Fault::new(
        Reason::LastAdmin,
        "this is the workspace's last admin; MemberService.Put makes another one first",
    ))
}

fn is_admin(row: &MemberRow) -> bool {
    row.role == Role::Admin.as_str()
}

fn changed(id: &WorkspaceId, subject: &str) -> Change {
    Change {
        kind: ChangeKind::Member,
        owner: id.resource(),
        subject: subject.to_owned(),
        ..Change::default()
    }
}
