//! `TokenService.Create`.

use keyway_chassis::access::{Caller, Granted};
use keyway_proto::vault::v1::{
    Role as WireRole, TokenServiceCreateRequest, TokenServiceCreateResponse,
};
use keyway_proto::{Fault, Reason};
use keyway_vault_crypto::OsRandom;
use keyway_vault_crypto::token::{self, TokenKind};
use keyway_words::{Role, Secret, Timestamp, WorkspaceId};
use sea_orm::ConnectionTrait;
use serde_json::json;
use uuid::Uuid;

use super::workspace_of;
use crate::fields;
use crate::keyring::{DataKeyError, Keyring};
use crate::networks::Network;
use crate::service::{Vault, done, living_workspace};
use crate::store::audit::Chain;
use crate::store::tokens::{self as rows, TokenRow};
use crate::store::{StoreError, Write, members};
use crate::wire;

pub(super) const RPC: &str = "keyway.vault.v1.TokenService/Create";

pub(super) async fn create(
    vault: &Vault,
    granted: &Granted<TokenServiceCreateRequest>,
) -> Result<TokenServiceCreateResponse, Fault> {
    let (request, caller) = (granted.get_ref(), granted.caller());
    let workspace = workspace_of(&request.workspace)?;
    let role = role_of(request.role(), workspace.as_ref())?;
    let subject = match request.subject.as_str() {
        "" => caller.subject.clone(),
        subject => fields::subject("subject", subject)?,
    };
    let reason = fields::text("reason", &request.reason)?;
    let write = vault.store.write().await?;
    let new = NewToken {
        role,
        workspace,
        subject,
        source_networks: source_networks(&request.source_networks)?,
        label: fields::text("label", &request.label)?,
        expires_at: expiry(request, write.now())?,
    };
    if let Some(id) = &new.workspace {
        living_workspace(write.on(), id).await?;
        member_carries(write.on(), id, &new).await?;
        first_or_reason(write.on(), caller, id, &new, &reason).await?;
    }
    let (row, secret) = new.insert(&write, &vault.keyring).await?;
    let facts = json!({
        "subject": row.subject, "role": row.role, "expires_at": row.expires_at,
        "source_networks": row.source_networks, "reason": reason,
    });
    let chain = new
        .workspace
        .clone()
        .map_or(Chain::System, Chain::Workspace);
    let resource = format!("tokens/{}", row.accessor);
    write
        .audit(&done(granted, chain, RPC, resource, facts))
        .await?;
    let token = Some(wire::token(&row)?);
    write.commit().await?;
    // The one place where a secret goes into a response of the admin services.
    Ok(TokenServiceCreateResponse {
        token,
        secret: secret.expose().to_owned(),
    })
}

/// A token before it has its secret.
pub(crate) struct NewToken {
    pub(crate) role: Role,
    pub(crate) workspace: Option<WorkspaceId>,
    pub(crate) subject: String,
    /// JSON array.
    pub(crate) source_networks: String,
    pub(crate) label: String,
    pub(crate) expires_at: Timestamp,
}

impl NewToken {
    /// Makes the token and stores its hash.
    pub(crate) async fn insert(
        &self,
        write: &Write,
        keyring: &Keyring,
    ) -> Result<(TokenRow, Secret), DataKeyError> {
        let kind = match self.role {
            Role::Operator | Role::Auditor => TokenKind::Operator,
            Role::Reader | Role::Admin => TokenKind::Member,
            Role::Caller => TokenKind::Call,
            Role::Router => TokenKind::Router,
        };
        let secret = token::generate(kind, &mut OsRandom)?;
        let row = TokenRow {
            accessor: Uuid::now_v7().to_string(),
            hash: token::hash(&keyring.token_hash, secret.expose()).to_vec(),
            workspace: self.workspace.as_ref().map(ToString::to_string),
            subject: self.subject.clone(),
            role: self.role.to_string(),
            source_networks: self.source_networks.clone(),
            label: self.label.clone(),
            expires_at: self.expires_at.0,
            revoked_at: None,
            created_at: write.now().0,
        };
        rows::insert(write.on(), row.clone()).await?;
        Ok((row, secret))
    }
}

fn role_of(wire: WireRole, workspace: Option<&WorkspaceId>) -> Result<Role, Fault> {
    let fits = |role: &Role| match role {
        Role::Caller | Role::Reader | Role::Admin => workspace.is_some(),
        Role::Operator | Role::Auditor => workspace.is_none(),
        Role::Router => false,
    };
    keyway_proto::target::role(wire)
        .filter(fits)
        .ok_or_else(|| {
            Fault::field(
                "role",
                "must be ROLE_CALLER, ROLE_READER or ROLE_ADMIN in a workspace, ROLE_OPERATOR or \
             ROLE_AUDITOR without one",
            )
        })
}

fn source_networks(networks: &[String]) -> Result<String, Fault> {
    if networks.len() > MOST_NETWORKS {
        return Err(Fault::field(
            "source_networks",
            "must be at most 32 networks",
        ));
    }
    for network in networks {
        network
            .parse::<Network>()
            .map_err(|error| Fault::field("source_networks", error.to_string()))?;
    }
    Ok(serde_json::Value::from(networks).to_string())
}

fn expiry(request: &TokenServiceCreateRequest, now: Timestamp) -> Result<Timestamp, Fault> {
    let given = fields::future("expire_time", request.expire_time.as_ref(), now)?;
    match given {
        None => Ok(now.plus_seconds(90 * DAY)),
        Some(at) if at <= now.plus_seconds(366 * DAY) => Ok(at),
        Some(_) => Err(Fault::field(
            "expire_time",
            "must be at most one year from now",
        )),
    }
}

/// A reader's or admin's token needs a member who has at least that role; a call token needs none.
async fn member_carries(
    on: &impl ConnectionTrait,
    id: &WorkspaceId,
    new: &NewToken,
) -> Result<(), Fault> {
    if new.role == Role::Caller {
        return Ok(());
    }
    let member = members::find(on, id.as_str(), &new.subject)
        .await?
        .ok_or_else(|| {
            let message = "the subject is no member of the workspace; MemberService.Put adds it";
            Fault::new(Reason::MemberNotFound, message).at_field("subject")
        })?;
    let held: Role = member.role.parse().map_err(|_name| StoreError::Damaged {
        what: "member".to_owned(),
    })?;
    if held >= new.role {
        return Ok(());
    }
    Err(Fault::field(
        "role",
        "must be at most the member's role; MemberService.Put raises it",
    ))
}

/// An operator makes a workspace's first admin token; a later one only with a reason.
async fn first_or_reason(
    on: &impl ConnectionTrait,
    caller: &Caller,
    id: &WorkspaceId,
    new: &NewToken,
    reason: &str,
) -> Result<(), Fault> {
    if caller.role != Role::Operator || !reason.trim().is_empty() {
        return Ok(());
    }
    if rows::count(on, Some(id.as_str()), new.role.as_str()).await? == 0 {
        return Ok(());
    }
    Err(Fault::field(
        "reason",
        "must say why: the workspace has had an admin token, so this one re-seats an admin",
    ))
}

const DAY: i64 = 24 * 60 * 60;
const MOST_NETWORKS: usize = 32;
