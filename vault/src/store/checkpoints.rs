//! Signed checkpoints of the audit chains.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

pub(crate) use super::entity::audit_checkpoint::Model as CheckpointRow;
use super::entity::{audit_checkpoint, audit_head};
use super::{StoreError, signed};

/// The newest checkpoint of a chain.
pub(crate) async fn newest(
    on: &impl ConnectionTrait,
    chain: &str,
) -> Result<Option<CheckpointRow>, StoreError> {
    Ok(audit_checkpoint::Entity::find()
        .filter(audit_checkpoint::Column::Chain.eq(chain))
        .order_by_desc(audit_checkpoint::Column::Sequence)
        .one(on)
        .await?)
}

/// At most `limit` checkpoints of a chain behind a sequence, in order.
pub(crate) async fn after(
    on: &impl ConnectionTrait,
    chain: &str,
    sequence: u64,
    limit: u64,
) -> Result<Vec<CheckpointRow>, StoreError> {
    Ok(audit_checkpoint::Entity::find()
        .filter(audit_checkpoint::Column::Chain.eq(chain))
        .filter(audit_checkpoint::Column::Sequence.gt(signed(sequence)))
        .order_by_asc(audit_checkpoint::Column::Sequence)
        .limit(limit)
        .all(on)
        .await?)
}

/// Names of chains with at least `least` rows that no checkpoint covers, in order, behind a name.
pub(crate) async fn uncovered(
    on: &impl ConnectionTrait,
    least: u64,
    behind: &str,
    limit: u64,
) -> Result<Vec<String>, StoreError> {
    let rows =
        Expr::col(audit_head::Column::Sequence).sub(Expr::col(audit_head::Column::SignedSequence));
    let heads = audit_head::Entity::find()
        .filter(audit_head::Column::Chain.gt(behind))
        .filter(rows.gte(signed(least)))
        .order_by_asc(audit_head::Column::Chain)
        .limit(limit)
        .all(on)
        .await?;
    Ok(heads.into_iter().map(|head| head.chain).collect())
}

/// Stores a checkpoint, unless the chain has one that reaches as far, and drops the oldest ones.
pub(crate) async fn insert(
    on: &impl ConnectionTrait,
    row: CheckpointRow,
) -> Result<bool, StoreError> {
    let (chain, sequence) = (row.chain.clone(), row.sequence);
    let covered = audit_head::Entity::update_many()
        .col_expr(audit_head::Column::SignedSequence, Expr::value(sequence))
        .filter(audit_head::Column::Chain.eq(&chain))
        .filter(audit_head::Column::SignedSequence.lt(sequence))
        .exec(on)
        .await?;
    if covered.rows_affected == 0 {
        return Ok(false);
    }
    audit_checkpoint::Entity::insert(row.into_active_model())
        .exec_without_returning(on)
        .await?;
    let kept = audit_checkpoint::Entity::find()
        .filter(audit_checkpoint::Column::Chain.eq(&chain))
        .order_by_desc(audit_checkpoint::Column::Sequence)
        .offset(KEPT)
        .one(on)
        .await?;
    if let Some(oldest) = kept {
        audit_checkpoint::Entity::delete_many()
            .filter(audit_checkpoint::Column::Chain.eq(&chain))
            .filter(audit_checkpoint::Column::Sequence.lte(oldest.sequence))
            .exec(on)
            .await?;
    }
    Ok(true)
}

/// Checkpoints of one chain in the database. Older ones are in the log, where they belong.
const KEPT: u64 = 100;
