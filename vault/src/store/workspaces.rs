//! Workspaces.

use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::StoreError;
use super::entity::workspace;
pub(crate) use super::entity::workspace::Model as WorkspaceRow;

/// One workspace, whatever its state.
pub(crate) async fn find(
    on: &impl ConnectionTrait,
    id: &str,
) -> Result<Option<WorkspaceRow>, StoreError> {
    Ok(workspace::Entity::find_by_id(id).one(on).await?)
}

/// Those of these workspaces that there are.
pub(crate) async fn all_of(
    on: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = &str>,
) -> Result<Vec<WorkspaceRow>, StoreError> {
    Ok(workspace::Entity::find()
        .filter(workspace::Column::Id.is_in(ids))
        .all(on)
        .await?)
}

/// At most `limit` workspaces after an id, by id.
pub(crate) async fn page(
    on: &impl ConnectionTrait,
    after: &str,
    limit: u64,
) -> Result<Vec<WorkspaceRow>, StoreError> {
    Ok(workspace::Entity::find()
        .filter(workspace::Column::Id.gt(after))
        .order_by_asc(workspace::Column::Id)
        .limit(limit)
        .all(on)
        .await?)
}

/// Stores a new workspace.
pub(crate) async fn insert(on: &impl ConnectionTrait, row: WorkspaceRow) -> Result<(), StoreError> {
    row.into_active_model().insert(on).await?;
    Ok(())
}

/// Writes every column again.
pub(crate) async fn update(on: &impl ConnectionTrait, row: WorkspaceRow) -> Result<(), StoreError> {
    row.into_active_model().reset_all().update(on).await?;
    Ok(())
}
