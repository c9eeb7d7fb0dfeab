//! Audit chains: each row's hash covers the one before it, so a row can't be changed, dropped or
//! moved without every later hash being wrong.

use keyway_words::{Timestamp, WorkspaceId};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use sha2::{Digest as _, Sha256};

pub(crate) use super::entity::audit_row::Model as Row;
use super::entity::{audit_head, audit_row};
use super::{StoreError, signed, unsigned};

/// Which chain a row belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Chain {
    /// A workspace's.
    Workspace(WorkspaceId),
    /// The system's.
    System,
}

impl Chain {
    /// As it stands in rows: `workspaces/{id}` or `system`.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Workspace(id) => id.resource(),
            Self::System => "system".to_owned(),
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// It was done.
    Allowed,
    /// The caller may not do it.
    Denied,
}

impl Decision {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "ALLOWED",
            Self::Denied => "DENIED",
        }
    }
}

/// A row before it has its place. Never holds a secret, a token or a ciphertext.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) chain: Chain,
    pub(crate) accessor: String,
    pub(crate) subject: String,
    pub(crate) rpc: String,
    pub(crate) resource: String,
    pub(crate) decision: Decision,
    pub(crate) reason: &'static str,
    /// One JSON object.
    pub(crate) facts: serde_json::Value,
}

pub(super) async fn append(
    on: &impl ConnectionTrait,
    entry: &Entry,
    now: Timestamp,
) -> Result<(), StoreError> {
    let chain = entry.chain.name();
    let head = audit_head::Entity::find_by_id(&chain).one(on).await?;
    let (sequence, before) = head.as_ref().map_or((0, [0; 32].to_vec()), |head| {
        (head.sequence, head.hash.clone())
    });
    let sequence = signed(unsigned(sequence, "audit head")?.saturating_add(1));
    let mut row = Row {
        chain,
        sequence,
        time: now.0,
        accessor: entry.accessor.clone(),
        subject: entry.subject.clone(),
        rpc: entry.rpc.clone(),
        resource: entry.resource.clone(),
        decision: entry.decision.as_str().to_owned(),
        reason: entry.reason.to_owned(),
        facts: entry.facts.to_string(),
        hash: Vec::new(),
    };
    row.hash = hash(&before, &row);
    write(on, head.is_some(), row)
        .await
        .map_err(StoreError::Audit)
}

async fn write(on: &impl ConnectionTrait, chain_exists: bool, row: Row) -> Result<(), DbErr> {
    let head = audit_head::Model {
        chain: row.chain.clone(),
        sequence: row.sequence,
        hash: row.hash.clone(),
    };
    row.into_active_model().insert(on).await?;
    let head = head.into_active_model().reset_all();
    if chain_exists {
        head.update(on).await?
    } else {
        head.insert(on).await?
    };
    Ok(())
}

/// SHA-256 over the domain, the hash before, and every column of the row with its length before it.
pub(crate) fn hash(before: &[u8], row: &Row) -> Vec<u8> {
    let mut digest = Sha256::new();
    let (sequence, time) = (row.sequence.to_be_bytes(), row.time.to_be_bytes());
    let parts: [&[u8]; 12] = [
        b"keyway/audit/v1",
        before,
        row.chain.as_bytes(),
        &sequence,
        &time,
        row.accessor.as_bytes(),
        row.subject.as_bytes(),
        row.rpc.as_bytes(),
        row.resource.as_bytes(),
        row.decision.as_bytes(),
        row.reason.as_bytes(),
        row.facts.as_bytes(),
    ];
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().to_vec()
}

/// At most `limit` rows of a chain below a sequence, newest first.
pub(crate) async fn before(
    on: &impl ConnectionTrait,
    chain: &str,
    sequence: u64,
    limit: u64,
) -> Result<Vec<Row>, StoreError> {
    Ok(audit_row::Entity::find()
        .filter(audit_row::Column::Chain.eq(chain))
        .filter(audit_row::Column::Sequence.lt(signed(sequence)))
        .order_by_desc(audit_row::Column::Sequence)
        .limit(limit)
        .all(on)
        .await?)
}
