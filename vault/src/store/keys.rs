//! Key rows and pool records. A row here is sealed; its plaintext is another type.

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _,
    IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    Select,
};

use super::StoreError;
use super::entity::{key, key_pool};
pub(crate) use super::entity::{key::Model as KeyRow, key_pool::Model as PoolRow};

/// The live rows of a pool, in pool order.
pub(crate) async fn live(
    on: &impl ConnectionTrait,
    owner: &str,
    provider: &str,
) -> Result<Vec<KeyRow>, StoreError> {
    Ok(key::Entity::find()
        .filter(key::Column::Owner.eq(owner))
        .filter(key::Column::Provider.eq(provider))
        .filter(key::Column::DeletedAt.is_null())
        .order_by_asc(key::Column::Place)
        .order_by_asc(key::Column::Name)
        .all(on)
        .await?)
}

/// One live row.
pub(crate) async fn find(
    on: &impl ConnectionTrait,
    owner: &str,
    provider: &str,
    name: &str,
) -> Result<Option<KeyRow>, StoreError> {
    Ok(key::Entity::find()
        .filter(key::Column::Owner.eq(owner))
        .filter(key::Column::Provider.eq(provider))
        .filter(key::Column::Name.eq(name))
        .filter(key::Column::DeletedAt.is_null())
        .one(on)
        .await?)
}

/// The last version that any row of this name had, deleted ones too; 0 if there was none.
pub(crate) async fn last_version(
    on: &impl ConnectionTrait,
    owner: &str,
    provider: &str,
    name: &str,
) -> Result<i64, StoreError> {
    let version = key::Entity::find()
        .select_only()
        .column(key::Column::Version)
        .filter(key::Column::Owner.eq(owner))
        .filter(key::Column::Provider.eq(provider))
        .filter(key::Column::Name.eq(name))
        .order_by_desc(key::Column::Version)
        .limit(1)
        .into_tuple::<i64>()
        .one(on)
        .await?;
    Ok(version.unwrap_or(0))
}

/// Where a page of keys starts: after this provider, place and name.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) struct After(pub(crate) String, pub(crate) i64, pub(crate) String);

/// At most `limit` live rows of an owner, by provider, place and name. An empty provider is any.
pub(crate) async fn page(
    on: &impl ConnectionTrait,
    owner: &str,
    provider: &str,
    after: Option<After>,
    limit: u64,
) -> Result<Vec<KeyRow>, StoreError> {
    let mut select = key::Entity::find()
        .filter(key::Column::Owner.eq(owner))
        .filter(key::Column::DeletedAt.is_null());
    if !provider.is_empty() {
        select = select.filter(key::Column::Provider.eq(provider));
    }
    if let Some(After(provider, place, name)) = after {
        let here = Expr::tuple([
            Expr::col(key::Column::Provider),
            Expr::col(key::Column::Place),
            Expr::col(key::Column::Name),
        ]);
        let there = Expr::tuple([Expr::value(provider), Expr::value(place), Expr::value(name)]);
        select = select.filter(here.gt(there));
    }
    Ok(select
        .order_by_asc(key::Column::Provider)
        .order_by_asc(key::Column::Place)
        .order_by_asc(key::Column::Name)
        .limit(limit)
        .all(on)
        .await?)
}

/// Stores a new row.
pub(crate) async fn insert(on: &impl ConnectionTrait, row: KeyRow) -> Result<(), StoreError> {
    row.into_active_model().insert(on).await?;
    Ok(())
}

/// Writes every column of a row again.
pub(crate) async fn update(on: &impl ConnectionTrait, row: KeyRow) -> Result<(), StoreError> {
    row.into_active_model().reset_all().update(on).await?;
    Ok(())
}

/// The pool record.
pub(crate) async fn pool(
    on: &impl ConnectionTrait,
    owner: &str,
    provider: &str,
) -> Result<Option<PoolRow>, StoreError> {
    Ok(
        key_pool::Entity::find_by_id((owner.to_owned(), provider.to_owned()))
            .one(on)
            .await?,
    )
}

/// Writes the pool record.
pub(crate) async fn put_pool(on: &impl ConnectionTrait, row: PoolRow) -> Result<(), StoreError> {
    let replace = OnConflict::columns([key_pool::Column::Owner, key_pool::Column::Provider])
        .update_columns([key_pool::Column::Selection, key_pool::Column::LiveCount])
        .to_owned();
    key_pool::Entity::insert(row.into_active_model().reset_all())
        .on_conflict(replace)
        .exec_without_returning(on)
        .await?;
    Ok(())
}

/// At most `limit` live rows of an owner after a row id that another data key than this one seals, by
/// row id.
pub(crate) async fn not_sealed_by(
    on: &impl ConnectionTrait,
    owner: &str,
    data_key_id: &str,
    after: &str,
    limit: u64,
) -> Result<Vec<KeyRow>, StoreError> {
    Ok(sealed_by_others(owner, data_key_id)
        .filter(key::Column::RowId.gt(after))
        .order_by_asc(key::Column::RowId)
        .limit(limit)
        .all(on)
        .await?)
}

/// How many live rows of an owner another data key than this one seals.
pub(crate) async fn count_not_sealed_by(
    on: &impl ConnectionTrait,
    owner: &str,
    data_key_id: &str,
) -> Result<u64, StoreError> {
    Ok(sealed_by_others(owner, data_key_id).count(on).await?)
}

fn sealed_by_others(owner: &str, data_key_id: &str) -> Select<key::Entity> {
    key::Entity::find()
        .filter(key::Column::Owner.eq(owner))
        .filter(key::Column::DataKeyId.ne(data_key_id))
        .filter(key::Column::DeletedAt.is_null())
}

/// Writes the envelope of a row that was sealed anew, if the row still holds what was read. Whether it
/// did. Nothing else of the row changes, its version neither.
pub(crate) async fn replace_envelope(
    on: &impl ConnectionTrait,
    read: &KeyRow,
    row: KeyRow,
) -> Result<bool, StoreError> {
    let done = key::Entity::update_many()
        .col_expr(key::Column::DataKeyId, Expr::value(row.data_key_id))
        .col_expr(key::Column::Envelope, Expr::value(row.envelope))
        .filter(key::Column::RowId.eq(&read.row_id))
        .filter(key::Column::Version.eq(read.version))
        .filter(key::Column::DataKeyId.eq(&read.data_key_id))
        .filter(key::Column::Envelope.eq(read.envelope.clone()))
        .filter(key::Column::DeletedAt.is_null())
        .exec(on)
        .await?;
    Ok(done.rows_affected > 0)
}
