//! One pass over the keys of an owner that another data key seals.

use keyway_chassis::lifecycle::Shutdown;
use keyway_vault_crypto::DataKey;
use keyway_words::Owner;

use super::finish;
use crate::keyring::DataKeyError;
use crate::keys::{self, Opener};
use crate::service::seal::ROTATE_RPC;
use crate::service::{Vault, chain_of};
use crate::store::data_keys::{self, ACTIVE, DataKeyRow};
use crate::store::keys::{self as rows, KeyRow};
use crate::store::seal_jobs::{self, JobRow};
use crate::store::{StoreError, Write};

/// Seals batch after batch. Keys that do not open stay as they are, and so does what seals them.
pub(super) async fn pass(
    vault: &Vault,
    job: &JobRow,
    shutdown: &Shutdown,
) -> Result<(), DataKeyError> {
    let read = vault.store.read().await?;
    let target = target(&read, job).await?;
    drop(read);
    let Some(target) = target else {
        // Destroyed with its owner: nothing is left to be sealed.
        return end(vault, job, None, 0).await;
    };
    let data_key = vault.keyring.data_keys.unwrap(&target, &job.owner).await?;
    let mut after = String::new();
    let mut unreadable = 0_i64;
    while !shutdown.has_begun() {
        let read = vault.store.read().await?;
        let found = rows::not_sealed_by(read.on(), &job.owner, &target.id, &after, BATCH).await?;
        let opener = Opener::read(&vault.keyring, read.on(), &found).await?;
        drop(read);
        let Some(last) = found.last() else {
            return end(vault, job, Some(&target), unreadable).await;
        };
        after.clone_from(&last.row_id);
        let (sealed, lost) = seal_all(&opener, &found, &target.id, &data_key).await?;
        unreadable = unreadable.saturating_add(lost);
        store(vault, job, sealed).await?;
        vault.rotation.stepped();
    }
    Ok(())
}

async fn target(read: &crate::store::Read, job: &JobRow) -> Result<Option<DataKeyRow>, StoreError> {
    let found = data_keys::by_ids(read.on(), vec![job.target.clone()]).await?;
    Ok(found.into_iter().find(|row| row.state == ACTIVE))
}

/// Each row as it was read and as it will stand; and how many do not open.
async fn seal_all<'a>(
    opener: &Opener<'_>,
    found: &'a [KeyRow],
    data_key_id: &str,
    data_key: &DataKey,
) -> Result<(Vec<(&'a KeyRow, KeyRow)>, i64), DataKeyError> {
    let mut sealed = Vec::with_capacity(found.len());
    let mut lost = 0_i64;
    for row in found {
        match opener.try_open(row).await {
            Ok(secret) => sealed.push((row, keys::reseal(row, data_key_id, data_key, &secret)?)),
            Err(error) if error.is_lost() => {
                lost = lost.saturating_add(1);
                tracing::error!(%error, row = row.row_id, owner = row.owner, "key is unreadable");
            }
            Err(error) => return Err(error),
        }
    }
    Ok((sealed, lost))
}

async fn store(
    vault: &Vault,
    job: &JobRow,
    sealed: Vec<(&KeyRow, KeyRow)>,
) -> Result<(), DataKeyError> {
    let write = vault.store.write().await?;
    let mut done = 0_i64;
    for (read, row) in sealed {
        let stood = rows::replace_envelope(write.on(), read, row).await?;
        done = done.saturating_add(i64::from(stood));
    }
    seal_jobs::count(write.on(), job, done, write.now()).await?;
    Ok(write.commit().await?)
}

/// Destroys older data keys that seal nothing any more, and ends the job; unless there is more to do.
async fn end(
    vault: &Vault,
    job: &JobRow,
    target: Option<&DataKeyRow>,
    unreadable: i64,
) -> Result<(), DataKeyError> {
    let write = vault.store.write().await?;
    if let Some(target) = target {
        let left = rows::count_not_sealed_by(write.on(), &job.owner, &target.id).await?;
        if i64::try_from(left).unwrap_or(i64::MAX) > unreadable {
            return Ok(());
        }
        destroy_older(&write, target).await?;
    }
    let owner: Owner = job.owner.parse().map_err(|_form| StoreError::Damaged {
        what: "rotation job".to_owned(),
    })?;
    let place = (chain_of(&owner), ROTATE_RPC, job.owner.clone());
    finish(&write, job, unreadable, place).await?;
    Ok(write.commit().await?)
}

async fn destroy_older(write: &Write, target: &DataKeyRow) -> Result<(), StoreError> {
    for row in data_keys::of_owner(write.on(), &target.owner).await? {
        let is_older = row.state == ACTIVE && row.generation < target.generation;
        if is_older && data_keys::keys_sealed_by(write.on(), &row.id).await? == 0 {
            data_keys::destroy(write.on(), &row).await?;
        }
    }
    Ok(())
}

const BATCH: u64 = 50;
