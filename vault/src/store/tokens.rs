//! Tokens: their keyed hashes and what they may do.

use keyway_words::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _,
    IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::StoreError;
use super::entity::token;
pub(crate) use super::entity::token::Model as TokenRow;

/// The token with a hash, revoked or not.
pub(crate) async fn by_hash(
    on: &impl ConnectionTrait,
    hash: &[u8; 32],
) -> Result<Option<TokenRow>, StoreError> {
    Ok(token::Entity::find()
        .filter(token::Column::Hash.eq(hash.to_vec()))
        .one(on)
        .await?)
}

/// The token with an accessor, revoked or not.
pub(crate) async fn find(
    on: &impl ConnectionTrait,
    accessor: &str,
) -> Result<Option<TokenRow>, StoreError> {
    Ok(token::Entity::find_by_id(accessor).one(on).await?)
}

/// Whose tokens a list shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filter<'a> {
    /// `None`: operators' and auditors'.
    pub(crate) workspace: Option<&'a str>,
    /// Only this subject's, for callers who see no other.
    pub(crate) subject: Option<&'a str>,
}

/// At most `limit` tokens after an accessor, by accessor.
pub(crate) async fn page(
    on: &impl ConnectionTrait,
    filter: Filter<'_>,
    after: &str,
    limit: u64,
) -> Result<Vec<TokenRow>, StoreError> {
    let mut select = token::Entity::find().filter(token::Column::Accessor.gt(after));
    select = match filter.workspace {
        Some(workspace) => select.filter(token::Column::Workspace.eq(workspace)),
        None => select.filter(token::Column::Workspace.is_null()),
    };
    if let Some(subject) = filter.subject {
        select = select.filter(token::Column::Subject.eq(subject));
    }
    Ok(select
        .order_by_asc(token::Column::Accessor)
        .limit(limit)
        .all(on)
        .await?)
}

/// How many tokens of a role were ever made; in a workspace or, without one, of the system.
pub(crate) async fn count(
    on: &impl ConnectionTrait,
    workspace: Option<&str>,
    role: &str,
) -> Result<u64, StoreError> {
    let of_role = token::Entity::find().filter(token::Column::Role.eq(role));
    let select = match workspace {
        Some(workspace) => of_role.filter(token::Column::Workspace.eq(workspace)),
        None => of_role.filter(token::Column::Workspace.is_null()),
    };
    Ok(select.count(on).await?)
}

/// How many operator tokens work at a time.
pub(crate) async fn working_operators(
    on: &impl ConnectionTrait,
    now: Timestamp,
) -> Result<u64, StoreError> {
    Ok(token::Entity::find()
        .filter(token::Column::Role.eq(keyway_words::Role::Operator.as_str()))
        .filter(token::Column::RevokedAt.is_null())
        .filter(token::Column::ExpiresAt.gt(now.0))
        .count(on)
        .await?)
}

/// Stores a new token.
pub(crate) async fn insert(on: &impl ConnectionTrait, row: TokenRow) -> Result<(), StoreError> {
    row.into_active_model().insert(on).await?;
    Ok(())
}

/// Revokes one token.
pub(crate) async fn revoke(
    on: &impl ConnectionTrait,
    accessor: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    token::Entity::update_many()
        .col_expr(token::Column::RevokedAt, Expr::value(now.0))
        .filter(token::Column::Accessor.eq(accessor))
        .exec(on)
        .await?;
    Ok(())
}

/// Revokes every token of a subject in a workspace; says how many.
pub(crate) async fn revoke_all(
    on: &impl ConnectionTrait,
    workspace: &str,
    subject: &str,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let done = token::Entity::update_many()
        .col_expr(token::Column::RevokedAt, Expr::value(now.0))
        .filter(token::Column::Workspace.eq(workspace))
        .filter(token::Column::Subject.eq(subject))
        .filter(token::Column::RevokedAt.is_null())
        .exec(on)
        .await?;
    Ok(done.rows_affected)
}
