//! Data keys and the generations of the master key that wrap them.

use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _,
    IntoActiveModel as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
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

/// Stores a data key.
pub(crate) async fn insert(on: &impl ConnectionTrait, row: DataKeyRow) -> Result<(), StoreError> {
    row.into_active_model().insert(on).await?;
    Ok(())
}

/// How many data keys a generation of the master key wraps.
pub(crate) async fn wrapped_by(on: &impl ConnectionTrait, id: &str) -> Result<u64, StoreError> {
    Ok(data_key::Entity::find()
        .filter(data_key::Column::MasterKeyId.eq(id))
        .count(on)
        .await?)
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
