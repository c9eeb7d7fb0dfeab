//! `Rewrap`, `RotateDataKey` and `RetireMasterKey`: each starts or ends something in one transaction;
//! the work itself is done in the background.

use keyway_chassis::access::Granted;
use keyway_proto::vault::v1::{
    SealServiceRetireMasterKeyRequest, SealServiceRewrapRequest, SealServiceRewrapResponse,
    SealServiceRotateDataKeyRequest, SealServiceRotateDataKeyResponse,
};
use keyway_proto::{Fault, Reason};
use keyway_words::Owner;
use serde_json::json;

use super::{RETIRE_RPC, REWRAP_RPC, ROTATE_RPC};
use crate::fields;
use crate::generations;
use crate::keyring::SYSTEM;
use crate::rotation::{self, remaining};
use crate::service::keys::change::wait_bound;
use crate::service::{Vault, chain_of, done, living_owner};
use crate::store::Write;
use crate::store::audit::Chain;
use crate::store::data_keys::{self, MasterKeyRow};
use crate::store::keys as rows;
use crate::store::seal_jobs::{self, JobRow, RESEAL, REWRAP};
use crate::{failpoints, keyring};

/// Lets the newest generation wrap, and starts to wrap everything with it.
pub(super) async fn rewrap(
    vault: &Vault,
    granted: &Granted<SealServiceRewrapRequest>,
) -> Result<SealServiceRewrapResponse, Fault> {
    let target = failpoints::during("rewrap", start_rewrap(vault, granted)).await?;
    vault.rotation.wake();
    rotation::until_finished(vault, REWRAP, "", wait_bound(granted.deadline())).await?;
    let read = vault.store.read().await?;
    let usage = data_keys::usage(read.on()).await?;
    let job = seal_jobs::find(read.on(), REWRAP, "").await?;
    Ok(SealServiceRewrapResponse {
        remaining: remaining(&usage, &target),
        master_key_id: target,
        unreadable: unreadable(job.as_ref()),
    })
}

async fn start_rewrap(
    vault: &Vault,
    granted: &Granted<SealServiceRewrapRequest>,
) -> Result<String, Fault> {
    let data_keys = &vault.keyring.data_keys;
    let given = data_keys
        .status()
        .await
        .map_err(keyring::DataKeyError::from)?;
    let target = given.newest().to_owned();
    let write = vault.store.write().await?;
    let known = data_keys::masters(write.on()).await?;
    generations::check(&known, &[], &given)
        .map_err(|mismatch| Fault::new(Reason::VaultUnavailable, mismatch.to_string()))?;
    generations::remember(&write, &known, &given).await?;
    let usage = data_keys::usage(write.on()).await?;
    let open = seal_jobs::find(write.on(), REWRAP, "").await?;
    if !goes_on(open.as_ref(), &target) {
        let job = rotation::job(REWRAP, "", &target, granted.caller(), write.now());
        seal_jobs::start(write.on(), job).await?;
    }
    let facts = json!({ "event": "asked", "remaining": remaining(&usage, &target) });
    let resource = format!("masterKeys/{target}");
    let entry = done(granted, Chain::System, REWRAP_RPC, resource, facts);
    write.audit(&entry).await?;
    write.commit().await?;
    data_keys.promote(&target);
    Ok(target)
}

fn goes_on(job: Option<&JobRow>, target: &str) -> bool {
    job.is_some_and(|job| job.finished_at.is_none() && job.target == target)
}

fn unreadable(job: Option<&JobRow>) -> u64 {
    job.map_or(0, |job| u64::try_from(job.unreadable).unwrap_or(0))
}

/// Makes an owner's next data key, and starts to seal everything of the owner with it.
pub(super) async fn rotate_data_key(
    vault: &Vault,
    granted: &Granted<SealServiceRotateDataKeyRequest>,
) -> Result<SealServiceRotateDataKeyResponse, Fault> {
    let text = &granted.get_ref().owner;
    if text == SYSTEM {
        return Err(Fault::field("owner", NOT_SYSTEM));
    }
    let owner = fields::owner("owner", text)?;
    let started = start_rotation(vault, granted, &owner);
    let target = failpoints::during("rotate-data-key", started).await?;
    vault.rotation.wake();
    let owner = owner.to_string();
    rotation::until_finished(vault, RESEAL, &owner, wait_bound(granted.deadline())).await?;
    let read = vault.store.read().await?;
    let row = data_keys::by_ids(read.on(), vec![target.clone()]).await?;
    let job = seal_jobs::find(read.on(), RESEAL, &owner).await?;
    Ok(SealServiceRotateDataKeyResponse {
        generation: row
            .first()
            .map_or(0, |row| u64::try_from(row.generation).unwrap_or(0)),
        remaining: rows::count_not_sealed_by(read.on(), &owner, &target).await?,
        unreadable: unreadable(job.as_ref()),
    })
}

const NOT_SYSTEM: &str = "the vault's own data key can't be rotated: tokens, fingerprints and page \
     tokens are made with it; SealService.Rewrap protects it with a new master key";

async fn start_rotation(
    vault: &Vault,
    granted: &Granted<SealServiceRotateDataKeyRequest>,
    owner: &Owner,
) -> Result<String, Fault> {
    let write = vault.store.write().await?;
    living_owner(write.on(), owner).await?;
    let name = owner.to_string();
    let open = seal_jobs::find(write.on(), RESEAL, &name).await?;
    if let Some(job) = open.filter(|job| job.finished_at.is_none()) {
        return Ok(job.target);
    }
    if data_keys::newest(write.on(), &name).await?.is_none() {
        return Err(Fault::new(
            Reason::KeyNotFound,
            "the owner has no data key, since it never stored a key; KeyService.PutKey makes one",
        ));
    }
    let (row, _data_key) = vault.keyring.data_keys.make(&write, &name).await?;
    let job = rotation::job(RESEAL, &name, &row.id, granted.caller(), write.now());
    seal_jobs::start(write.on(), job).await?;
    let facts = json!({ "event": "asked", "generation": row.generation });
    let entry = done(granted, chain_of(owner), ROTATE_RPC, name, facts);
    write.audit(&entry).await?;
    write.commit().await?;
    Ok(row.id)
}

/// Retires a generation of the master key for good. Twice is once.
pub(super) async fn retire(
    vault: &Vault,
    granted: &Granted<SealServiceRetireMasterKeyRequest>,
) -> Result<(), Fault> {
    let id = &granted.get_ref().id;
    let write = vault.store.write().await?;
    let known = data_keys::masters(write.on()).await?;
    let row = known.into_iter().find(|row| row.id == *id).ok_or_else(|| {
        Fault::field(
            "id",
            "must be the id of a generation that SealService.Status shows",
        )
    })?;
    if row.retired_at.is_some() {
        return Ok(());
    }
    refuse_in_use(vault, &write, &row).await?;
    let retired_at = Some(write.now().0);
    data_keys::update_master(write.on(), MasterKeyRow { retired_at, ..row }).await?;
    let resource = format!("masterKeys/{id}");
    let entry = done(granted, Chain::System, RETIRE_RPC, resource, json!({}));
    write.audit(&entry).await?;
    write.commit().await?;
    vault.keyring.data_keys.forget(id);
    Ok(())
}

async fn refuse_in_use(vault: &Vault, write: &Write, row: &MasterKeyRow) -> Result<(), Fault> {
    let job = seal_jobs::find(write.on(), REWRAP, "").await?;
    if vault.keyring.data_keys.current() == row.id || goes_on(job.as_ref(), &row.id) {
        return Err(Fault::new(
            Reason::InUse,
            "it is the current master key; give the vault a newer one and call SealService.Rewrap",
        ));
    }
    let usage = data_keys::usage(write.on()).await?;
    match usage.iter().find(|(id, _count)| *id == row.id) {
        Some((_id, count)) => Err(Fault::new(
            Reason::InUse,
            format!(
                "it still wraps {count} data keys; SealService.Rewrap wraps them with the current one"
            ),
        )),
        None => Ok(()),
    }
}
