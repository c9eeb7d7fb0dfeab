//! Data keys and the generations of the master key that wrap them.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _,
    IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::{data_key, key, master_key};
pub(crate) use super::entity::{data_key::Model as DataKeyRow, master_key::Model as MasterKeyRow};
use super::{StoreError, unsigned};

/// The state of a data key that seals and opens.
pub(crate) const ACTIVE: &str = "ACTIVE";
/// The state of a data key whose bytes are gone. Its row stays: generations count on, and an
/// overwritten row can't leave a copy behind in a page that was split or merged.
pub(crate) const DESTROYED: &str = "DESTROYED";

/// Data keys by id: those that are there.
pub(crate) async fn by_ids(
    on: &impl ConnectionTrait,
    ids: Vec<String>,
) -> Result<Vec<DataKeyRow>, StoreError> {
    Ok(data_key::Entity::find()
        .filter(data_key::Column::Id.is_in(ids))
        .all(on)
        .await?)
}

/// The newest data key of an owner.
pub(crate) async fn newest(
    on: &impl ConnectionTrait,
    owner: &str,
) -> Result<Option<DataKeyRow>, StoreError> {
    Ok(data_key::Entity::find()
        .filter(data_key::Column::Owner.eq(owner))
        .filter(data_key::Column::State.eq(ACTIVE))
        .order_by_desc(data_key::Column::Generation)
        .one(on)
        .await?)
}

/// The highest generation that an owner has had, whatever its state; 0 where there was none.
pub(crate) async fn last_generation(
    on: &impl ConnectionTrait,
    owner: &str,
) -> Result<u64, StoreError> {
    let newest = data_key::Entity::find()
        .filter(data_key::Column::Owner.eq(owner))
        .order_by_desc(data_key::Column::Generation)
        .one(on)
        .await?;
    newest.map_or(Ok(0), |row| unsigned(row.generation, "data key"))
}

/// Stores a data key. Refused under a retired master key.
pub(crate) async fn insert(on: &impl ConnectionTrait, row: DataKeyRow) -> Result<(), StoreError> {
    refuse_retired(on, &row.master_key_id).await?;
    row.into_active_model().insert(on).await?;
    Ok(())
}

async fn refuse_retired(on: &impl ConnectionTrait, master_key_id: &str) -> Result<(), StoreError> {
    let row = master_key::Entity::find_by_id(master_key_id)
        .one(on)
        .await?;
    match row {
        Some(row) if row.retired_at.is_none() => Ok(()),
        _ => Err(StoreError::MasterKeyRetired(master_key_id.to_owned())),
    }
}

/// How many data keys each generation of the master key wraps, by its id.
pub(crate) async fn usage(on: &impl ConnectionTrait) -> Result<Vec<(String, u64)>, StoreError> {
    let counts: Vec<(String, i64)> = data_key::Entity::find()
        .select_only()
        .column(data_key::Column::MasterKeyId)
        .column_as(data_key::Column::Id.count(), "uses")
        .filter(data_key::Column::State.eq(ACTIVE))
        .group_by(data_key::Column::MasterKeyId)
        .order_by_asc(data_key::Column::MasterKeyId)
        .into_tuple()
        .all(on)
        .await?;
    let count = |(id, count)| Ok((id, unsigned(count, "count")?));
    counts.into_iter().map(count).collect()
}

/// Every generation of the master key, newest first.
pub(crate) async fn masters(on: &impl ConnectionTrait) -> Result<Vec<MasterKeyRow>, StoreError> {
    Ok(master_key::Entity::find()
        .order_by_desc(master_key::Column::Generation)
        .all(on)
        .await?)
}

/// Remembers a generation of the master key by its id and check value.
pub(crate) async fn insert_master(
    on: &impl ConnectionTrait,
    row: MasterKeyRow,
) -> Result<(), StoreError> {
    row.into_active_model().insert(on).await?;
    Ok(())
}

/// Writes a data key as it was wrapped again, if it still stands as it was read. Whether it did.
/// Refused under a retired master key.
pub(crate) async fn replace_wrapped(
    on: &impl ConnectionTrait,
    read: &DataKeyRow,
    row: DataKeyRow,
) -> Result<bool, StoreError> {
    refuse_retired(on, &row.master_key_id).await?;
    let done = data_key::Entity::update_many()
        .col_expr(
            data_key::Column::MasterKeyId,
            Expr::value(row.master_key_id),
        )
        .col_expr(data_key::Column::Wrapped, Expr::value(row.wrapped))
        .filter(data_key::Column::Id.eq(&read.id))
        .filter(data_key::Column::State.eq(ACTIVE))
        .filter(data_key::Column::MasterKeyId.eq(&read.master_key_id))
        .filter(data_key::Column::Wrapped.eq(read.wrapped.clone()))
        .exec(on)
        .await?;
    Ok(done.rows_affected > 0)
}

/// Destroys one data key: its bytes are overwritten, its row stays, so that generations count on.
pub(crate) async fn destroy(on: &impl ConnectionTrait, row: &DataKeyRow) -> Result<(), StoreError> {
    let zeros = vec![0_u8; row.wrapped.len()];
    data_key::Entity::update_many()
        .col_expr(data_key::Column::Wrapped, Expr::value(zeros))
        .col_expr(data_key::Column::State, Expr::value(DESTROYED))
        .col_expr(data_key::Column::MasterKeyId, Expr::value(""))
        .filter(data_key::Column::Id.eq(&row.id))
        .exec(on)
        .await?;
    Ok(())
}

/// At most `limit` data keys after an id that another generation than this one wraps, by id.
pub(crate) async fn not_wrapped_by(
    on: &impl ConnectionTrait,
    master_key_id: &str,
    after: &str,
    limit: u64,
) -> Result<Vec<DataKeyRow>, StoreError> {
    Ok(data_key::Entity::find()
        .filter(data_key::Column::State.eq(ACTIVE))
        .filter(data_key::Column::MasterKeyId.ne(master_key_id))
        .filter(data_key::Column::Id.gt(after))
        .order_by_asc(data_key::Column::Id)
        .limit(limit)
        .all(on)
        .await?)
}

/// How many live keys a data key seals.
pub(crate) async fn keys_sealed_by(on: &impl ConnectionTrait, id: &str) -> Result<u64, StoreError> {
    Ok(key::Entity::find()
        .filter(key::Column::DataKeyId.eq(id))
        .filter(key::Column::DeletedAt.is_null())
        .count(on)
        .await?)
}

/// Every data key of an owner, newest first, those that were destroyed too.
pub(crate) async fn of_owner(
    on: &impl ConnectionTrait,
    owner: &str,
) -> Result<Vec<DataKeyRow>, StoreError> {
    Ok(data_key::Entity::find()
        .filter(data_key::Column::Owner.eq(owner))
        .order_by_desc(data_key::Column::Generation)
        .all(on)
        .await?)
}

/// Writes a generation of the master key again.
pub(crate) async fn update_master(
    on: &impl ConnectionTrait,
    row: MasterKeyRow,
) -> Result<(), StoreError> {
    row.into_active_model().reset_all().update(on).await?;
    Ok(())
}
