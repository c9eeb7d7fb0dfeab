//! The change feed: revisions without gaps, in commit order, because the one row that counts them
//! is written under the same lock as the change itself.

use keyway_proto::vault::v1::{Change as WireChange, ChangeKind};
use keyway_words::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::{change, feed};
use super::{StoreError, signed, unsigned};

/// What changed. Empty texts mean everything below.
#[derive(Debug, Clone, Default)]
pub(crate) struct Change {
    pub(crate) kind: ChangeKind,
    pub(crate) owner: String,
    pub(crate) provider: String,
    pub(crate) accessor: String,
    pub(crate) subject: String,
}

/// Where the feed is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    /// Random id of this database's lifetime.
    pub(crate) epoch: String,
    /// Last revision.
    pub(crate) revision: u64,
    /// Last change of a key's health.
    pub(crate) health_number: u64,
}

impl Position {
    /// Whether it was there before the other one, which then is of an older copy of the database.
    pub(crate) fn is_ahead_of(&self, other: &Self) -> bool {
        self.epoch == other.epoch && self.revision > other.revision
    }
}

/// Starts the feed of an empty database.
pub(crate) async fn start(on: &impl ConnectionTrait, epoch: String) -> Result<(), StoreError> {
    let row = feed::Model {
        only: 1,
        epoch,
        revision: 0,
        health_number: 0,
    };
    row.into_active_model().insert(on).await?;
    Ok(())
}

/// Gives the database another epoch: whoever follows the feed starts over.
pub(crate) async fn set_epoch(on: &impl ConnectionTrait, epoch: &str) -> Result<(), StoreError> {
    feed::Entity::update_many()
        .col_expr(feed::Column::Epoch, Expr::value(epoch))
        .exec(on)
        .await?;
    Ok(())
}

/// Where the feed is; `None` in a database that was never started.
pub(crate) async fn position(on: &impl ConnectionTrait) -> Result<Option<Position>, StoreError> {
    let Some(row) = feed::Entity::find_by_id(1).one(on).await? else {
        return Ok(None);
    };
    Ok(Some(Position {
        epoch: row.epoch,
        revision: unsigned(row.revision, "feed")?,
        health_number: unsigned(row.health_number, "feed")?,
    }))
}

/// Where the feed of a started database is.
pub(crate) async fn current(on: &impl ConnectionTrait) -> Result<Position, StoreError> {
    position(on).await?.ok_or_else(|| StoreError::Damaged {
        what: "feed".to_owned(),
    })
}

pub(super) async fn append(
    on: &impl ConnectionTrait,
    change: &Change,
    now: Timestamp,
) -> Result<u64, StoreError> {
    feed::Entity::update_many()
        .col_expr(
            feed::Column::Revision,
            Expr::col(feed::Column::Revision).add(1),
        )
        .exec(on)
        .await?;
    let revision = current(on).await?.revision;
    let row = change::Model {
        revision: signed(revision),
        kind: change.kind.as_str_name().to_owned(),
        owner: change.owner.clone(),
        provider: change.provider.clone(),
        accessor: change.accessor.clone(),
        subject: change.subject.clone(),
        created_at: now.0,
    };
    row.into_active_model().insert(on).await?;
    change::Entity::delete_many()
        .filter(change::Column::Revision.lte(signed(revision.saturating_sub(KEPT))))
        .exec(on)
        .await?;
    Ok(revision)
}

/// Takes the next health number.
pub(super) async fn count_health(on: &impl ConnectionTrait) -> Result<u64, StoreError> {
    feed::Entity::update_many()
        .col_expr(
            feed::Column::HealthNumber,
            Expr::col(feed::Column::HealthNumber).add(1),
        )
        .exec(on)
        .await?;
    Ok(current(on).await?.health_number)
}

/// At most `limit` changes after a revision, in order.
pub(crate) async fn after(
    on: &impl ConnectionTrait,
    revision: u64,
    limit: u64,
) -> Result<Vec<WireChange>, StoreError> {
    let rows = change::Entity::find()
        .filter(change::Column::Revision.gt(signed(revision)))
        .order_by_asc(change::Column::Revision)
        .limit(limit)
        .all(on)
        .await?;
    rows.into_iter()
        .map(|row| {
            // A kind that this build does not know means everything of the owner.
            let kind = ChangeKind::from_str_name(&row.kind).unwrap_or_default();
            Ok(WireChange {
                revision: unsigned(row.revision, "change")?,
                kind: kind.into(),
                owner: row.owner,
                provider: row.provider,
                accessor: row.accessor,
                subject: row.subject,
            })
        })
        .collect()
}

/// A router that is further behind drops its cache and starts over.
pub(crate) const KEPT: u64 = 100_000;
