//! Who the bearer of a token is: looked up by its keyed hash, and only while everything that the
//! token stands on still holds.

use std::net::IpAddr;

use keyway_proto::vault::v1::WorkspaceState;
use keyway_vault_crypto::TokenHashKey;
use keyway_vault_crypto::token::{self, TokenKind};
use keyway_words::{Role, Secret, Timestamp, WorkspaceId};
use sea_orm::ConnectionTrait;

use crate::store::tokens::TokenRow;
use crate::store::{StoreError, members, tokens, workspaces};
use crate::{networks, wire};

/// A known token and what it may be used as.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) accessor: String,
    pub(crate) subject: String,
    /// At most the member's role at this moment.
    pub(crate) role: Role,
    pub(crate) workspace: Option<(WorkspaceId, WorkspaceState)>,
    pub(crate) expires_at: Timestamp,
}

/// The hash a token is looked up by; `None` for a text that is not a token of people or clients.
pub(crate) fn hash(key: &TokenHashKey, bearer: &Secret) -> Option<[u8; 32]> {
    match token::parse(bearer.expose()) {
        Ok(TokenKind::Operator | TokenKind::Member | TokenKind::Call) => {
            Some(token::hash(key, bearer.expose()))
        }
        Ok(TokenKind::Router) | Err(_) => None,
    }
}

/// Looks a token up. `None`: unknown, expired, revoked, used from elsewhere, or its member or
/// workspace no longer carries it; the caller learns no more than that.
pub(crate) async fn look_up(
    on: &impl ConnectionTrait,
    hash: &[u8; 32],
    source: Option<IpAddr>,
    now: Timestamp,
) -> Result<Option<Known>, StoreError> {
    let Some(row) = tokens::by_hash(on, hash).await? else {
        return Ok(None);
    };
    let networks: Vec<String> =
        serde_json::from_str(&row.source_networks).map_err(|_form| StoreError::Damaged {
            what: "token".to_owned(),
        })?;
    let works =
        row.revoked_at.is_none() && row.expires_at > now.0 && networks::allow(&networks, source);
    if !works {
        return Ok(None);
    }
    let role: Role = row.role.parse().map_err(|_name| StoreError::Damaged {
        what: "token".to_owned(),
    })?;
    match role {
        Role::Operator | Role::Auditor if row.workspace.is_none() => {
            Ok(Some(known(row, role, None)))
        }
        Role::Reader | Role::Admin | Role::Caller => of_workspace(on, row, role).await,
        Role::Operator | Role::Auditor | Role::Router => Ok(None),
    }
}

async fn of_workspace(
    on: &impl ConnectionTrait,
    row: TokenRow,
    role: Role,
) -> Result<Option<Known>, StoreError> {
    let damaged = || StoreError::Damaged {
        what: "token".to_owned(),
    };
    let id: WorkspaceId = row
        .workspace
        .as_deref()
        .ok_or_else(damaged)?
        .parse()
        .map_err(|_name| damaged())?;
    let Some(workspace) = workspaces::find(on, id.as_str()).await? else {
        return Ok(None);
    };
    let state = wire::workspace_state(&workspace)?;
    if role == Role::Caller {
        let works = state != WorkspaceState::Deleted;
        return Ok(works.then(|| known(row, role, Some((id, state)))));
    }
    let Some(member) = members::find(on, id.as_str(), &row.subject).await? else {
        return Ok(None);
    };
    let held: Role = member.role.parse().map_err(|_name| StoreError::Damaged {
        what: "member".to_owned(),
    })?;
    Ok(Some(known(row, role.min(held), Some((id, state)))))
}

fn known(row: TokenRow, role: Role, workspace: Option<(WorkspaceId, WorkspaceState)>) -> Known {
    Known {
        accessor: row.accessor,
        subject: row.subject,
        role,
        workspace,
        expires_at: Timestamp(row.expires_at),
    }
}
