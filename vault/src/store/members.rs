//! Members of workspaces.

use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _,
    IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::StoreError;
use super::entity::member;
pub(crate) use super::entity::member::Model as MemberRow;

/// One member.
pub(crate) async fn find(
    on: &impl ConnectionTrait,
    workspace: &str,
    subject: &str,
) -> Result<Option<MemberRow>, StoreError> {
    Ok(
        member::Entity::find_by_id((workspace.to_owned(), subject.to_owned()))
            .one(on)
            .await?,
    )
}

/// At most `limit` memberships of a subject, by workspace.
pub(crate) async fn of_subject(
    on: &impl ConnectionTrait,
    subject: &str,
    limit: u64,
) -> Result<Vec<MemberRow>, StoreError> {
    Ok(member::Entity::find()
        .filter(member::Column::Subject.eq(subject))
        .order_by_asc(member::Column::Workspace)
        .limit(limit)
        .all(on)
        .await?)
}

/// At most `limit` members after a subject, by subject.
pub(crate) async fn page(
    on: &impl ConnectionTrait,
    workspace: &str,
    after: &str,
    limit: u64,
) -> Result<Vec<MemberRow>, StoreError> {
    Ok(member::Entity::find()
        .filter(member::Column::Workspace.eq(workspace))
        .filter(member::Column::Subject.gt(after))
        .order_by_asc(member::Column::Subject)
        .limit(limit)
        .all(on)
        .await?)
}

/// How many members have a role.
pub(crate) async fn count(
    on: &impl ConnectionTrait,
    workspace: &str,
    role: &str,
) -> Result<u64, StoreError> {
    Ok(member::Entity::find()
        .filter(member::Column::Workspace.eq(workspace))
        .filter(member::Column::Role.eq(role))
        .count(on)
        .await?)
}

/// Stores a new member.
pub(crate) async fn insert(on: &impl ConnectionTrait, row: MemberRow) -> Result<(), StoreError> {
    row.into_active_model().insert(on).await?;
    Ok(())
}

/// Writes every column again.
pub(crate) async fn update(on: &impl ConnectionTrait, row: MemberRow) -> Result<(), StoreError> {
    row.into_active_model().reset_all().update(on).await?;
    Ok(())
}

/// Removes a member.
pub(crate) async fn delete(on: &impl ConnectionTrait, row: MemberRow) -> Result<(), StoreError> {
    row.into_active_model().delete(on).await?;
    Ok(())
}
