//! The end of a workspace, statement by statement. Each call is a part of one transaction.

use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::StoreError;
use super::data_keys::{self, DESTROYED};
use super::entity::{data_key, key, key_pool, member, request, token, workspace};
use super::workspaces::WorkspaceRow;

/// Deleted workspaces that still have something, the most overdue first.
pub(crate) async fn waiting(on: &impl ConnectionTrait) -> Result<Vec<WorkspaceRow>, StoreError> {
    Ok(workspace::Entity::find()
        .filter(workspace::Column::PurgeAt.is_not_null())
        .filter(workspace::Column::PurgedAt.is_null())
        .order_by_asc(workspace::Column::PurgeAt)
        .limit(BATCH)
        .all(on)
        .await?)
}

/// Overwrites every wrapped data key of an owner with zeros of the same length; says how many.
pub(crate) async fn destroy_data_keys(
    on: &impl ConnectionTrait,
    owner: &str,
) -> Result<u64, StoreError> {
    let rows = data_key::Entity::find()
        .filter(data_key::Column::Owner.eq(owner))
        .filter(data_key::Column::State.ne(DESTROYED))
        .all(on)
        .await?;
    let mut destroyed = 0_u64;
    for row in rows {
        data_keys::destroy(on, &row).await?;
        destroyed = destroyed.saturating_add(1);
    }
    Ok(destroyed)
}

/// What one transaction erased of a workspace.
#[derive(Debug, Default)]
pub(crate) struct Erased {
    pub(crate) keys: u64,
    pub(crate) members: u64,
    pub(crate) tokens: u64,
}

/// Erases at most [`BATCH`] rows of each kind.
pub(crate) async fn erase(on: &impl ConnectionTrait, id: &str) -> Result<Erased, StoreError> {
    let owner = format!("workspaces/{id}");
    let erased = Erased {
        keys: erase_keys(on, &owner).await?,
        members: erase_members(on, id).await?,
        tokens: erase_tokens(on, id).await?,
    };
    key_pool::Entity::delete_many()
        .filter(key_pool::Column::Owner.eq(&owner))
        .exec(on)
        .await?;
    // Remembered answers show masks. `0` is what follows `/`: everything that begins with the owner.
    request::Entity::delete_many()
        .filter(request::Column::Scope.gte(format!("{owner}/")))
        .filter(request::Column::Scope.lt(format!("{owner}0")))
        .exec(on)
        .await?;
    Ok(erased)
}

/// Whether nothing is left of a workspace but its own row.
pub(crate) async fn is_empty(on: &impl ConnectionTrait, id: &str) -> Result<bool, StoreError> {
    let key = key::Entity::find().filter(key::Column::Owner.eq(format!("workspaces/{id}")));
    let member = member::Entity::find().filter(member::Column::Workspace.eq(id));
    let token = token::Entity::find().filter(token::Column::Workspace.eq(id));
    Ok(key.one(on).await?.is_none()
        && member.one(on).await?.is_none()
        && token.one(on).await?.is_none())
}

async fn erase_keys(on: &impl ConnectionTrait, owner: &str) -> Result<u64, StoreError> {
    let ids: Vec<String> = key::Entity::find()
        .select_only()
        .column(key::Column::RowId)
        .filter(key::Column::Owner.eq(owner))
        .limit(BATCH)
        .into_tuple()
        .all(on)
        .await?;
    if ids.is_empty() {
        return Ok(0); // no condition at all would look at every row
    }
    let done = key::Entity::delete_many()
        .filter(key::Column::RowId.is_in(ids))
        .exec(on)
        .await?;
    Ok(done.rows_affected)
}

async fn erase_members(on: &impl ConnectionTrait, id: &str) -> Result<u64, StoreError> {
    let subjects: Vec<String> = member::Entity::find()
        .select_only()
        .column(member::Column::Subject)
        .filter(member::Column::Workspace.eq(id))
        .limit(BATCH)
        .into_tuple()
        .all(on)
        .await?;
    if subjects.is_empty() {
        return Ok(0); // no condition at all would look at every row
    }
    let done = member::Entity::delete_many()
        .filter(member::Column::Workspace.eq(id))
        .filter(member::Column::Subject.is_in(subjects))
        .exec(on)
        .await?;
    Ok(done.rows_affected)
}

async fn erase_tokens(on: &impl ConnectionTrait, id: &str) -> Result<u64, StoreError> {
    let accessors: Vec<String> = token::Entity::find()
        .select_only()
        .column(token::Column::Accessor)
        .filter(token::Column::Workspace.eq(id))
        .limit(BATCH)
        .into_tuple()
        .all(on)
        .await?;
    if accessors.is_empty() {
        return Ok(0); // no condition at all would look at every row
    }
    let done = token::Entity::delete_many()
        .filter(token::Column::Accessor.is_in(accessors))
        .exec(on)
        .await?;
    Ok(done.rows_affected)
}

/// Bounds how long one transaction keeps others waiting.
const BATCH: u64 = 500;
