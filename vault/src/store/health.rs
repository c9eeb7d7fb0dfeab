//! Health of keys, as routers report it: columns of the key's row that are no part of its settings.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::entity::key;
use super::keys::KeyRow;
use super::{StoreError, signed};

/// Writes the health of a row and nothing else: neither its etag nor the feed's revision moves.
pub(crate) async fn write(on: &impl ConnectionTrait, row: &KeyRow) -> Result<(), StoreError> {
    key::Entity::update_many()
        .col_expr(key::Column::Health, Expr::value(row.health.as_str()))
        .col_expr(
            key::Column::HealthReason,
            Expr::value(row.health_reason.as_str()),
        )
        .col_expr(key::Column::HealthUntil, Expr::value(row.health_until))
        .col_expr(key::Column::HealthSince, Expr::value(row.health_since))
        .col_expr(key::Column::HealthNumber, Expr::value(row.health_number))
        .filter(key::Column::RowId.eq(row.row_id.as_str()))
        .exec(on)
        .await?;
    Ok(())
}

/// At most `limit` live rows whose health changed after a number, in the order of the changes. A
/// row that changed twice comes once, with what holds now.
pub(crate) async fn after(
    on: &impl ConnectionTrait,
    number: u64,
    limit: u64,
) -> Result<Vec<KeyRow>, StoreError> {
    Ok(key::Entity::find()
        .filter(key::Column::HealthNumber.gt(signed(number)))
        .filter(key::Column::DeletedAt.is_null())
        .order_by_asc(key::Column::HealthNumber)
        .limit(limit)
        .all(on)
        .await?)
}
