//! Requests that carried a request id, and what was answered.

use keyway_words::Timestamp;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _,
};

use super::StoreError;
use super::entity::request;
pub(crate) use super::entity::request::Model as RequestRow;

/// The answer to an earlier request of the same scope and id, if it is young enough to count.
pub(crate) async fn find(
    on: &impl ConnectionTrait,
    scope: &str,
    request_id: &str,
    now: Timestamp,
) -> Result<Option<RequestRow>, StoreError> {
    request::Entity::delete_many()
        .filter(request::Column::CreatedAt.lt(now.plus_seconds(-REMEMBERED).0))
        .exec(on)
        .await?;
    Ok(
        request::Entity::find_by_id((scope.to_owned(), request_id.to_owned()))
            .one(on)
            .await?,
    )
}

/// Remembers an answer.
pub(crate) async fn insert(on: &impl ConnectionTrait, row: RequestRow) -> Result<(), StoreError> {
    row.into_active_model().insert(on).await?;
    Ok(())
}

/// A day, in seconds.
const REMEMBERED: i64 = 24 * 60 * 60;
