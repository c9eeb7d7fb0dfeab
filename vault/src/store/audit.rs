//! Rows of the audit chains ([`crate::audit::chain`]) and their ends.

use keyway_words::{Timestamp, WorkspaceId};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, Condition, ConnectionTrait, DbErr, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

pub(crate) use super::entity::audit_row::Model as Row;
use super::entity::{audit_head, audit_row};
use super::{StoreError, signed, unsigned};
use crate::audit::chain::{self, BEFORE_FIRST};

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
    pub(crate) origin: Origin,
}

/// Where a call came from; both empty for what the vault does by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Address of the peer.
    pub(crate) source: String,
    /// Trace id of the caller's `traceparent`, in hex.
    pub(crate) trace_id: String,
}

/// Adds a row at the end of its chain; returns how many rows of it no checkpoint covers. Whatever
/// keeps it from being written is an audit error.
pub(super) async fn append(
    on: &impl ConnectionTrait,
    entry: &Entry,
    now: Timestamp,
) -> Result<u64, StoreError> {
    write(on, entry, now).await.map_err(StoreError::Audit)
}

async fn write(on: &impl ConnectionTrait, entry: &Entry, now: Timestamp) -> Result<u64, DbErr> {
    let chain = entry.chain.name();
    let found = audit_head::Entity::find_by_id(&chain).one(on).await?;
    let is_new = found.is_none();
    let mut head = found.unwrap_or_else(|| audit_head::Model {
        chain,
        sequence: 0,
        hash: BEFORE_FIRST.to_vec(),
        signed_sequence: 0,
    });
    head.sequence = head.sequence.saturating_add(1);
    let row = row(entry, &head, now)?;
    head.hash.clone_from(&row.hash);
    row.into_active_model().insert(on).await?;
    let uncovered = head.sequence.saturating_sub(head.signed_sequence);
    let head = head.into_active_model().reset_all();
    if is_new {
        head.insert(on).await?;
    } else {
        head.update(on).await?;
    }
    Ok(u64::try_from(uncovered).unwrap_or(0))
}

/// The row that comes at a head's sequence, behind the hash that the head still has.
fn row(entry: &Entry, head: &audit_head::Model, now: Timestamp) -> Result<Row, DbErr> {
    let mut row = Row {
        chain: head.chain.clone(),
        sequence: head.sequence,
        time: now.0,
        accessor: entry.accessor.clone(),
        subject: entry.subject.clone(),
        rpc: entry.rpc.clone(),
        resource: entry.resource.clone(),
        decision: entry.decision.as_str().to_owned(),
        reason: entry.reason.to_owned(),
        facts: entry.facts.to_string(),
        hash: Vec::new(),
        form: chain::FORM,
        source: entry.origin.source.clone(),
        trace_id: entry.origin.trace_id.clone(),
    };
    let unknown = || DbErr::Custom("this build can't hash the form that it writes".to_owned());
    row.hash = chain::hash(&head.hash, &row).ok_or_else(unknown)?.to_vec();
    Ok(row)
}

/// The end of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// Sequence of the last row.
    pub(crate) sequence: u64,
    /// Its hash.
    pub(crate) hash: Vec<u8>,
}

/// The end of a chain by its head row; `None` for a chain that was never written to.
pub(crate) async fn head(
    on: &impl ConnectionTrait,
    chain: &str,
) -> Result<Option<Head>, StoreError> {
    let Some(row) = audit_head::Entity::find_by_id(chain).one(on).await? else {
        return Ok(None);
    };
    Ok(Some(Head {
        sequence: unsigned(row.sequence, "audit head")?,
        hash: row.hash,
    }))
}

/// What a list of rows is narrowed to. Empty texts mean all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    pub(crate) from: Option<Timestamp>,
    pub(crate) until: Option<Timestamp>,
    pub(crate) rpc: String,
    pub(crate) decision: String,
}

/// At most `limit` rows of a chain below a sequence that pass the filter, newest first.
pub(crate) async fn before(
    on: &impl ConnectionTrait,
    chain: &str,
    sequence: u64,
    filter: &Filter,
    limit: u64,
) -> Result<Vec<Row>, StoreError> {
    let wanted = Condition::all()
        .add(audit_row::Column::Chain.eq(chain))
        .add(audit_row::Column::Sequence.lt(signed(sequence)))
        .add_option(filter.from.map(|time| audit_row::Column::Time.gte(time.0)))
        .add_option(filter.until.map(|time| audit_row::Column::Time.lt(time.0)))
        .add_option(given(&filter.rpc).map(|rpc| audit_row::Column::Rpc.eq(rpc)))
        .add_option(given(&filter.decision).map(|word| audit_row::Column::Decision.eq(word)));
    Ok(audit_row::Entity::find()
        .filter(wanted)
        .order_by_desc(audit_row::Column::Sequence)
        .limit(limit)
        .all(on)
        .await?)
}

fn given(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

/// At most `limit` rows of a chain behind a sequence, oldest first.
pub(crate) async fn after(
    on: &impl ConnectionTrait,
    chain: &str,
    sequence: u64,
    limit: u64,
) -> Result<Vec<Row>, StoreError> {
    Ok(audit_row::Entity::find()
        .filter(audit_row::Column::Chain.eq(chain))
        .filter(audit_row::Column::Sequence.gt(signed(sequence)))
        .order_by_asc(audit_row::Column::Sequence)
        .limit(limit)
        .all(on)
        .await?)
}
