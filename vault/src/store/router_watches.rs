//! The watches of every vault on one database, so that each knows the routers of all.
//!
//! These rows are observations: no writer waits for them, and what is lost of them with a crash is
//! written again.

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _,
    IntoActiveModel as _, QueryFilter as _,
};

use super::StoreError;
use super::entity::router_watch;
pub(crate) use super::entity::router_watch::Model as WatchRow;

/// Every row that was written at or after a time.
pub(crate) async fn since(
    on: &impl ConnectionTrait,
    seen_at: i64,
) -> Result<Vec<WatchRow>, StoreError> {
    Ok(router_watch::Entity::find()
        .filter(router_watch::Column::SeenAt.gte(seen_at))
        .all(on)
        .await?)
}

/// Writes the watch of a router process. A later watch of the same process stays as it is.
pub(crate) async fn put(on: &impl ConnectionTrait, row: WatchRow) -> Result<(), StoreError> {
    let written = Expr::col((router_watch::Entity, router_watch::Column::Watch));
    let takes_over = OnConflict::columns([
        router_watch::Column::Identity,
        router_watch::Column::Instance,
    ])
    .update_columns([
        router_watch::Column::Watch,
        router_watch::Column::Acknowledged,
        router_watch::Column::SeenAt,
    ])
    .action_and_where(written.lte(row.watch.clone()))
    .to_owned();
    router_watch::Entity::insert(row.into_active_model().reset_all())
        .on_conflict(takes_over)
        .exec_without_returning(on)
        .await?;
    Ok(())
}

/// Forgets a watch whose router said that it ends.
pub(crate) async fn remove(on: &impl ConnectionTrait, watch: &str) -> Result<(), StoreError> {
    router_watch::Entity::delete_many()
        .filter(router_watch::Column::Watch.eq(watch))
        .exec(on)
        .await?;
    Ok(())
}

/// Forgets what was written before a time.
pub(crate) async fn remove_before(
    on: &impl ConnectionTrait,
    seen_at: i64,
) -> Result<(), StoreError> {
    router_watch::Entity::delete_many()
        .filter(router_watch::Column::SeenAt.lt(seen_at))
        .exec(on)
        .await?;
    Ok(())
}
