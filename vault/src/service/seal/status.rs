//! `Status`: what there is, and what each of it still holds.

use std::collections::HashMap;

use keyway_chassis::access::Granted;
use keyway_proto::vault::v1::{
    DataKeyGeneration, MasterKeyGeneration, Rotation, RotationKind, RouterStatus,
    SealServiceStatusRequest, SealServiceStatusResponse,
};
use keyway_proto::{Fault, convert};
use keyway_words::Timestamp;
use sea_orm::ConnectionTrait;

use crate::fields;
use crate::routers::{Watcher, shared};
use crate::service::Vault;
use crate::store::data_keys::{self, ACTIVE};
use crate::store::seal_jobs::{self, JobRow, REWRAP};
use crate::store::{StoreError, feed};

pub(super) async fn status(
    vault: &Vault,
    granted: &Granted<SealServiceStatusRequest>,
) -> Result<SealServiceStatusResponse, Fault> {
    let owner = &granted.get_ref().owner;
    let read = vault.store.read().await?;
    let data_keys = if owner.is_empty() {
        Vec::new()
    } else {
        let owner = fields::owner("owner", owner)?.to_string();
        data_key_generations(read.on(), &owner).await?
    };
    let generations = master_key_generations(vault, read.on()).await?;
    let rotations = seal_jobs::latest(read.on()).await?;
    let position = feed::current(read.on()).await?;
    drop(read); // the next one takes a turn of its own
    let routers = shared::list(&vault.store, &vault.routers).await?;
    Ok(SealServiceStatusResponse {
        generations,
        routers: routers.into_iter().map(router).collect(),
        revision: position.revision,
        epoch: position.epoch,
        rotations: rotations.into_iter().map(rotation).collect(),
        data_keys,
    })
}

async fn master_key_generations(
    vault: &Vault,
    on: &impl ConnectionTrait,
) -> Result<Vec<MasterKeyGeneration>, StoreError> {
    let current = vault.keyring.data_keys.current();
    // A holder that does not answer has none; readiness says so too.
    let given = vault.keyring.data_keys.status().await.ok();
    let usage: HashMap<_, _> = data_keys::usage(on).await?.into_iter().collect();
    let rows = data_keys::masters(on).await?;
    let shown = rows.into_iter().map(|row| MasterKeyGeneration {
        generation: unsigned(row.generation),
        current: row.id == current,
        data_keys_remaining: usage.get(&row.id).copied().unwrap_or(0),
        create_time: Some(time(row.created_at)),
        available: given.as_ref().is_some_and(|given| given.has(&row.id)),
        retire_time: row.retired_at.map(time),
        id: row.id,
    });
    Ok(shown.collect())
}

async fn data_key_generations(
    on: &impl ConnectionTrait,
    owner: &str,
) -> Result<Vec<DataKeyGeneration>, StoreError> {
    let mut shown = Vec::new();
    for row in data_keys::of_owner(on, owner).await? {
        shown.push(DataKeyGeneration {
            generation: unsigned(row.generation),
            master_key_id: row.master_key_id,
            keys: data_keys::keys_sealed_by(on, &row.id).await?,
            create_time: Some(time(row.created_at)),
            destroyed: row.state != ACTIVE,
            id: row.id,
        });
    }
    Ok(shown)
}

fn rotation(row: JobRow) -> Rotation {
    let kind = if row.kind == REWRAP {
        RotationKind::Rewrap
    } else {
        RotationKind::DataKey
    };
    Rotation {
        kind: kind.into(),
        owner: row.owner,
        target: row.target,
        changed: unsigned(row.changed),
        unreadable: unsigned(row.unreadable),
        create_time: Some(time(row.created_at)),
        finish_time: row.finished_at.map(time),
    }
}

fn router(watcher: Watcher) -> RouterStatus {
    RouterStatus {
        identity: watcher.identity,
        instance: watcher.instance,
        acknowledged_revision: watcher.acknowledged,
        seen_time: Some(convert::timestamp(watcher.seen)),
    }
}

fn time(at: i64) -> prost_types::Timestamp {
    convert::timestamp(Timestamp(at))
}

/// Numbers that no vault writes negative.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
