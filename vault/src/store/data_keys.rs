//! Data keys and the generations of the master key that wrap them.

use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::entity::{data_key, master_key};
pub(crate) use super::entity::{data_key::Model as DataKeyRow, master_key::Model as MasterKeyRow};
use super::{StoreError, unsigned};

/// The state of a data key that seals and opens.
pub(crate) const ACTIVE: &str = "ACTIVE";

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
