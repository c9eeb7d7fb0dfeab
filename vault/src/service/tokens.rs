//! `TokenService`. A token leaves once, in the answer that makes it; what stays is its keyed hash.

pub(crate) mod create;

use std::sync::Arc;

use keyway_chassis::access::{self, Granted, Reach};
use keyway_proto::target::wire_role;
use keyway_proto::vault::v1::token_service_server::TokenService;
use keyway_proto::vault::v1::{
    ChangeKind, Standing, TokenServiceCreateRequest, TokenServiceCreateResponse,
    TokenServiceListRequest, TokenServiceListResponse, TokenServiceRevokeRequest,
    TokenServiceRevokeResponse, TokenServiceWhoAmIRequest, TokenServiceWhoAmIResponse,
};
use keyway_proto::{Fault, Reason, convert};
use keyway_words::WorkspaceId;
use serde_json::json;
use tonic::{Request, Response, Status};

use crate::fields;
use crate::service::keys::change::wait_bound;
use crate::service::{Vault, done, living_workspace};
use crate::store::audit::Chain;
use crate::store::feed::{self, Change};
use crate::store::tokens::{self as rows, Filter, TokenRow};
use crate::wire;

/// The service.
pub(crate) struct Tokens(pub(crate) Arc<Vault>);

const REVOKE: &str = "keyway.vault.v1.TokenService/Revoke";

#[tonic::async_trait]
impl TokenService for Tokens {
    async fn create(
        &self,
        request: Request<TokenServiceCreateRequest>,
    ) -> Result<Response<TokenServiceCreateResponse>, Status> {
        let granted = self.0.grant(request)?;
        Ok(Response::new(create::create(&self.0, &granted).await?))
    }

    async fn list(
        &self,
        request: Request<TokenServiceListRequest>,
    ) -> Result<Response<TokenServiceListResponse>, Status> {
        let granted = self.0.grant(request)?;
        Ok(Response::new(list(&self.0, &granted).await?))
    }

    async fn revoke(
        &self,
        request: Request<TokenServiceRevokeRequest>,
    ) -> Result<Response<TokenServiceRevokeResponse>, Status> {
        let granted = self.0.grant(request)?;
        Ok(Response::new(revoke(&self.0, &granted).await?))
    }

    async fn who_am_i(
        &self,
        request: Request<TokenServiceWhoAmIRequest>,
    ) -> Result<Response<TokenServiceWhoAmIResponse>, Status> {
        let granted = self.0.grant(request)?;
        let caller = granted.caller();
        Ok(Response::new(TokenServiceWhoAmIResponse {
            accessor: caller.accessor.clone(),
            subject: caller.subject.clone(),
            role: wire_role(caller.role).into(),
            workspace: caller
                .workspace
                .as_ref()
                .map(WorkspaceId::resource)
                .unwrap_or_default(),
            expire_time: caller.expire_time.map(convert::timestamp),
            others: caller.others.iter().map(standing).collect(),
        }))
    }
}

fn standing(standing: &access::Standing) -> Standing {
    Standing {
        role: wire_role(standing.role).into(),
        workspace: standing
            .workspace
            .as_ref()
            .map(WorkspaceId::resource)
            .unwrap_or_default(),
    }
}

async fn list(
    vault: &Vault,
    granted: &Granted<TokenServiceListRequest>,
) -> Result<TokenServiceListResponse, Fault> {
    let (request, caller) = (granted.get_ref(), granted.caller());
    let workspace = workspace_of(&request.workspace)?;
    let size = fields::page_size(request.page_size)?;
    let own_only = granted.reach() == Reach::OwnTokens;
    let subject = own_only.then_some(caller.subject.as_str());
    let question = [
        "TokenList",
        request.workspace.as_str(),
        subject.unwrap_or_default(),
    ];
    let after = vault.page_after(&question, &request.page_token)?;
    let filter = Filter {
        workspace: workspace.as_ref().map(WorkspaceId::as_str),
        subject,
    };
    let read = vault.store.read().await?;
    if let Some(id) = &workspace {
        living_workspace(read.on(), id).await?;
    }
    let mut page = rows::page(read.on(), filter, &after, size + 1).await?;
    let next_page_token = vault.page_end(&question, &mut page, size, |row| {
        row.accessor.clone().into_bytes()
    });
    let tokens = page.iter().map(wire::token).collect::<Result<_, _>>()?;
    Ok(TokenServiceListResponse {
        tokens,
        next_page_token,
    })
}

async fn revoke(
    vault: &Vault,
    granted: &Granted<TokenServiceRevokeRequest>,
) -> Result<TokenServiceRevokeResponse, Fault> {
    let (request, caller) = (granted.get_ref(), granted.caller());
    let accessor = if request.accessor.is_empty() {
        &caller.accessor
    } else {
        &request.accessor
    };
    let mut write = vault.store.write().await?;
    let row = rows::find(write.on(), accessor)
        .await?
        .filter(|row| reaches(row, granted));
    let Some(row) = row else {
        return Err(not_found(accessor == &caller.accessor));
    };
    let owner = row
        .workspace
        .as_ref()
        .map(|id| format!("workspaces/{id}"))
        .unwrap_or_default();
    let revision = if row.revoked_at.is_some() {
        feed::current(write.on()).await?.revision
    } else {
        rows::revoke(write.on(), accessor, write.now()).await?;
        let change = Change {
            kind: ChangeKind::Token,
            owner: owner.clone(),
            accessor: accessor.clone(),
            ..Change::default()
        };
        let revision = write.change(&change).await?;
        let facts = json!({ "subject": row.subject, "role": row.role });
        let resource = format!("tokens/{accessor}");
        write
            .audit(&done(granted, chain(&row)?, REVOKE, resource, facts))
            .await?;
        revision
    };
    write.commit().await?;
    let routers_behind = if request.wait_for_routers {
        vault
            .wait_for_routers(revision, wait_bound(granted.deadline()))
            .await
    } else {
        Vec::new()
    };
    Ok(TokenServiceRevokeResponse {
        revision,
        routers_behind,
    })
}

/// A caller that is no token itself came with what an issuer gave.
fn not_found(is_caller: bool) -> Fault {
    let message = if is_caller {
        "the credential is none of the vault's tokens: what an issuer gave ends by its time, and \
         MemberService.Remove ends what it may do"
    } else {
        "there is no such token; TokenService.List shows those there are"
    };
    Fault::new(Reason::TokenNotFound, message)
}

/// Whether a token is one that the request may name. Another workspace's is as unknown as none.
fn reaches(row: &TokenRow, granted: &Granted<TokenServiceRevokeRequest>) -> bool {
    let (request, caller) = (granted.get_ref(), granted.caller());
    if row.accessor == caller.accessor {
        return true;
    }
    let own = granted.reach() == Reach::Full || row.subject == caller.subject;
    // A reader may leave the workspace out; a token elsewhere is out of its reach all the same.
    let named = match request.workspace.strip_prefix("workspaces/") {
        Some(id) => Some(id),
        None => caller.workspace.as_ref().map(WorkspaceId::as_str),
    };
    row.workspace.as_deref() == named && own
}

/// The workspace of a field that may be empty.
fn workspace_of(text: &str) -> Result<Option<WorkspaceId>, Fault> {
    if text.is_empty() {
        Ok(None)
    } else {
        fields::workspace("workspace", text).map(Some)
    }
}

fn chain(row: &TokenRow) -> Result<Chain, Fault> {
    match &row.workspace {
        Some(id) => Ok(Chain::Workspace(fields::parsed("workspace", id)?)),
        None => Ok(Chain::System),
    }
}
