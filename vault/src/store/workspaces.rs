//! Workspaces.

use keyway_proto::vault::v1::ChangeKind;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::workspace;
pub(crate) use super::entity::workspace::Model as WorkspaceRow;
use super::feed::Change;
use super::{StoreError, Write};

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

/// Writes a changed row as its next version, and tells the routers and the other replicas.
pub(crate) async fn save(write: &mut Write, row: &mut WorkspaceRow) -> Result<(), StoreError> {
    row.version = row.version.saturating_add(1);
    row.updated_at = write.now().0;
    let every_column = row.clone().into_active_model().reset_all();
    every_column.update(write.on()).await?;
    write.change(&changed(&row.id)).await.map(drop)
}

/// What the feed says of a workspace that is new or changed.
pub(crate) fn changed(id: &str) -> Change {
    Change {
        kind: ChangeKind::Workspace,
        owner: format!("workspaces/{id}"),
        ..Change::default()
    }
}
