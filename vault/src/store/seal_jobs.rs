//! Jobs of rotation. One row per kind and owner; every replica may work on an open one.

use keyway_words::Timestamp;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _,
    IntoActiveModel as _, Iterable as _, Order, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::StoreError;
use super::entity::seal_job;
pub(crate) use super::entity::seal_job::Model as JobRow;

/// Wraps every data key with one generation of the master key.
pub(crate) const REWRAP: &str = "REWRAP";
/// Seals every key of an owner with one data key.
pub(crate) const RESEAL: &str = "RESEAL";

/// The job of a kind and owner, whether it goes on or has ended.
pub(crate) async fn find(
    on: &impl ConnectionTrait,
    kind: &str,
    owner: &str,
) -> Result<Option<JobRow>, StoreError> {
    let id = (kind.to_owned(), owner.to_owned());
    Ok(seal_job::Entity::find_by_id(id).one(on).await?)
}

/// Jobs that are not finished, oldest first. At most as many as one look needs.
pub(crate) async fn open(on: &impl ConnectionTrait) -> Result<Vec<JobRow>, StoreError> {
    Ok(seal_job::Entity::find()
        .filter(seal_job::Column::FinishedAt.is_null())
        .order_by_asc(seal_job::Column::CreatedAt)
        .limit(AT_ONCE)
        .all(on)
        .await?)
}

/// The latest jobs, open ones first.
pub(crate) async fn latest(on: &impl ConnectionTrait) -> Result<Vec<JobRow>, StoreError> {
    Ok(seal_job::Entity::find()
        .order_by(seal_job::Column::FinishedAt.is_null(), Order::Desc)
        .order_by_desc(seal_job::Column::UpdatedAt)
        .limit(SHOWN)
        .all(on)
        .await?)
}

/// Starts a job, in the place of a finished one.
pub(crate) async fn start(on: &impl ConnectionTrait, row: JobRow) -> Result<(), StoreError> {
    let replace = OnConflict::columns([seal_job::Column::Kind, seal_job::Column::Owner])
        .update_columns(seal_job::Column::iter())
        .to_owned();
    seal_job::Entity::insert(row.into_active_model().reset_all())
        .on_conflict(replace)
        .exec_without_returning(on)
        .await?;
    Ok(())
}

/// Counts rows that were done.
pub(crate) async fn count(
    on: &impl ConnectionTrait,
    job: &JobRow,
    done: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    this(job)
        .col_expr(
            seal_job::Column::Changed,
            Expr::col(seal_job::Column::Changed).add(done),
        )
        .col_expr(seal_job::Column::UpdatedAt, Expr::value(now.0))
        .exec(on)
        .await?;
    Ok(())
}

/// Ends a job; `false` if another process did, or another job took its place.
pub(crate) async fn finish(
    on: &impl ConnectionTrait,
    job: &JobRow,
    unreadable: i64,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let done = this(job)
        .col_expr(seal_job::Column::Unreadable, Expr::value(unreadable))
        .col_expr(seal_job::Column::UpdatedAt, Expr::value(now.0))
        .col_expr(seal_job::Column::FinishedAt, Expr::value(now.0))
        .exec(on)
        .await?;
    Ok(done.rows_affected > 0)
}

/// The job as it was read, while it is open.
fn this(job: &JobRow) -> sea_orm::UpdateMany<seal_job::Entity> {
    seal_job::Entity::update_many()
        .filter(seal_job::Column::Kind.eq(&job.kind))
        .filter(seal_job::Column::Owner.eq(&job.owner))
        .filter(seal_job::Column::Target.eq(&job.target))
        .filter(seal_job::Column::FinishedAt.is_null())
}

const AT_ONCE: u64 = 100;
const SHOWN: u64 = 20;
