//! Who the bearer of a credential is: a token is looked up by its keyed hash, a person by the name
//! that an issuer gave, and either holds only while everything that it stands on does.

use std::collections::BTreeMap;
use std::net::IpAddr;

use keyway_proto::vault::v1::WorkspaceState;
use keyway_vault_crypto::TokenHashKey;
use keyway_vault_crypto::token::{self, TokenKind};
use keyway_words::{Role, Secret, Timestamp, WorkspaceId};
use sea_orm::ConnectionTrait;

use crate::issuers::{Person, Right};
use crate::store::members::MemberRow;
use crate::store::tokens::TokenRow;
use crate::store::{StoreError, members, tokens, workspaces};
use crate::{networks, wire};

/// A known credential and what its bearer may be.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) accessor: String,
    pub(crate) subject: String,
    /// A token has one; a person has one per workspace and system role, or none.
    pub(crate) standings: Vec<Standing>,
    pub(crate) expires_at: Timestamp,
    /// Whether it may be used from its networks only.
    pub(crate) source_bound: bool,
}

/// One thing that a caller may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// At most the member's role at this moment.
    pub(crate) role: Role,
    pub(crate) workspace: Option<(WorkspaceId, WorkspaceState)>,
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
        serde_json::from_str(&row.source_networks).map_err(|_form| damaged("token"))?;
    let works =
        row.revoked_at.is_none() && row.expires_at > now.0 && networks::allow(&networks, source);
    if !works {
        return Ok(None);
    }
    let role: Role = row.role.parse().map_err(|_name| damaged("token"))?;
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
    let id: WorkspaceId = row
        .workspace
        .as_deref()
        .ok_or_else(|| damaged("token"))?
        .parse()
        .map_err(|_name| damaged("token"))?;
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
    let held = role_of(&member)?;
    Ok(Some(known(row, role.min(held), Some((id, state)))))
}

fn known(row: TokenRow, role: Role, workspace: Option<(WorkspaceId, WorkspaceState)>) -> Known {
    Known {
        accessor: row.accessor,
        subject: row.subject,
        standings: vec![Standing { role, workspace }],
        expires_at: Timestamp(row.expires_at),
        source_bound: row.source_networks != NO_NETWORKS,
    }
}

/// What a person is: in each workspace the higher of what membership and groups give, and whether
/// clients may call for it; then the system roles. A workspace that is gone gives nothing.
pub(crate) async fn person(on: &impl ConnectionTrait, person: Person) -> Result<Known, StoreError> {
    let mut given: BTreeMap<String, Roles> = BTreeMap::new();
    for member in members::of_subject(on, &person.subject, MOST_WORKSPACES).await? {
        let role = role_of(&member)?;
        given.entry(member.workspace).or_default().add(role);
    }
    let mut system = Vec::new();
    for Right { role, workspace } in person.rights {
        match workspace {
            Some(id) => given.entry(id.to_string()).or_default().add(role),
            None => system.push(Standing {
                role,
                workspace: None,
            }),
        }
    }
    let mut standings = Vec::new();
    for workspace in workspaces::all_of(on, given.keys().map(String::as_str)).await? {
        let state = wire::workspace_state(&workspace)?;
        let id: WorkspaceId = workspace.id.parse().map_err(|_name| damaged("workspace"))?;
        let roles = given.remove(&workspace.id).unwrap_or_default();
        standings.extend(roles.in_state(state).map(|role| Standing {
            role,
            workspace: Some((id.clone(), state)),
        }));
    }
    standings.extend(system);
    Ok(Known {
        accessor: person.accessor,
        subject: person.subject,
        standings,
        expires_at: person.ends,
        source_bound: false,
    })
}

/// The roles of a person in one workspace.
#[derive(Debug, Clone, Copy, Default)]
struct Roles {
    /// Reader or admin.
    member: Option<Role>,
    calls: bool,
}

impl Roles {
    fn add(&mut self, role: Role) {
        if role == Role::Caller {
            self.calls = true;
        } else {
            self.member = self.member.max(Some(role));
        }
    }

    /// Nobody calls for a deleted workspace; its members keep what brings it back.
    fn in_state(self, state: WorkspaceState) -> impl Iterator<Item = Role> {
        let calls = self.calls && state != WorkspaceState::Deleted;
        self.member.into_iter().chain(calls.then_some(Role::Caller))
    }
}

fn role_of(member: &MemberRow) -> Result<Role, StoreError> {
    match member.role.parse() {
        Ok(role @ (Role::Reader | Role::Admin)) => Ok(role),
        Ok(_) | Err(_) => Err(damaged("member")),
    }
}

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged {
        what: what.to_owned(),
    }
}

/// A token's networks where it has none, as JSON.
const NO_NETWORKS: &str = "[]";
/// Memberships of one person that are looked at, by workspace id.
const MOST_WORKSPACES: u64 = 100;
