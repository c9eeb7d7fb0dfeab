//! Rows and contract messages of workspaces, members and tokens, turned into each other.

use keyway_proto::convert;
use keyway_proto::target::wire_role;
use keyway_proto::vault::v1::{
    AuditRow, Member, OperatorLimits, Policy, Role as WireRole, Token, Workspace, WorkspaceState,
};
use keyway_words::{Role, Timestamp};
use prost::Message as _;

use crate::store::StoreError;
use crate::store::audit::Row;
use crate::store::members::MemberRow;
use crate::store::tokens::TokenRow;
use crate::store::workspaces::WorkspaceRow;

/// State of a workspace. A text that no vault writes is damage, never "active".
pub(crate) fn workspace_state(row: &WorkspaceRow) -> Result<WorkspaceState, StoreError> {
    WorkspaceState::from_str_name(&row.state)
        .filter(|state| *state != WorkspaceState::Unspecified)
        .ok_or_else(|| damaged("workspace"))
}

/// The admin's block. Damage is an error, never the default, which would allow more.
pub(crate) fn policy(row: &WorkspaceRow) -> Result<Policy, StoreError> {
    Policy::decode(row.policy.as_slice()).map_err(|_form| damaged("workspace policy"))
}

/// The operator's block.
pub(crate) fn operator_limits(row: &WorkspaceRow) -> Result<OperatorLimits, StoreError> {
    OperatorLimits::decode(row.operator_limits.as_slice())
        .map_err(|_form| damaged("workspace limits"))
}

/// Changes with every change of the workspace.
pub(crate) fn workspace_etag(row: &WorkspaceRow) -> String {
    format!("{}.{}", row.id, row.version)
}

/// The workspace as callers see it.
pub(crate) fn workspace(row: &WorkspaceRow) -> Result<Workspace, StoreError> {
    Ok(Workspace {
        name: format!("workspaces/{}", row.id),
        display_name: row.display_name.clone(),
        state: workspace_state(row)?.into(),
        state_reason: row.state_reason.clone(),
        policy: Some(policy(row)?),
        operator_limits: Some(operator_limits(row)?),
        etag: workspace_etag(row),
        create_time: time(row.created_at),
        update_time: time(row.updated_at),
        purge_time: row.purge_at.and_then(time),
        destroy_time: row.destroyed_at.and_then(time),
    })
}

/// The member as callers see it.
pub(crate) fn member(row: &MemberRow) -> Result<Member, StoreError> {
    Ok(Member {
        workspace: format!("workspaces/{}", row.workspace),
        subject: row.subject.clone(),
        role: role(&row.role, "member")?.into(),
        create_time: time(row.created_at),
        update_time: time(row.updated_at),
    })
}

/// The token as callers see it.
pub(crate) fn token(row: &TokenRow) -> Result<Token, StoreError> {
    Ok(Token {
        accessor: row.accessor.clone(),
        workspace: row
            .workspace
            .as_ref()
            .map(|id| format!("workspaces/{id}"))
            .unwrap_or_default(),
        subject: row.subject.clone(),
        role: role(&row.role, "token")?.into(),
        source_networks: serde_json::from_str(&row.source_networks)
            .map_err(|_form| damaged("token"))?,
        expire_time: time(row.expires_at),
        revoke_time: row.revoked_at.and_then(time),
        create_time: time(row.created_at),
        label: row.label.clone(),
    })
}

/// An audit row as callers see it.
pub(crate) fn audit_row(row: Row) -> AuditRow {
    AuditRow {
        chain: row.chain,
        sequence: u64::try_from(row.sequence).unwrap_or(0),
        time: time(row.time),
        accessor: row.accessor,
        subject: row.subject,
        rpc: row.rpc,
        resource: row.resource,
        decision: row.decision,
        reason: row.reason,
        facts_json: row.facts,
        hash: row.hash,
        form: u32::try_from(row.form).unwrap_or(0),
        source: row.source,
        trace_id: row.trace_id,
    }
}

fn role(text: &str, what: &str) -> Result<WireRole, StoreError> {
    text.parse::<Role>()
        .map(wire_role)
        .map_err(|_name| damaged(what))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the fields of messages are optional"
)]
fn time(micros: i64) -> Option<prost_types::Timestamp> {
    Some(convert::timestamp(Timestamp(micros)))
}

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged {
        what: what.to_owned(),
    }
}
