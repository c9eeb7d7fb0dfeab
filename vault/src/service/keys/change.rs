//! `UpdateKey` and `DeleteKey`.

use std::time::Duration;

use keyway_chassis::access::Granted;
use keyway_chassis::deadline::Deadline;
use keyway_proto::Fault;
use keyway_proto::vault::v1::{
    ChangeKind, DeleteKeyRequest, DeleteKeyResponse, UpdateKeyRequest, UpdateKeyResponse,
};
use keyway_words::{KeyPath, Timestamp};
use serde_json::json;

use super::{find, not_found};
use crate::fields;
use crate::keys::{self, Opener};
use crate::service::{Vault, chain_of, check_etag, done, living_owner};
use crate::store::Write;
use crate::store::feed::Change;
use crate::store::keys::{self as rows, KeyRow, PoolRow};

pub(super) const UPDATE: &str = "keyway.vault.v1.KeyService/UpdateKey";
pub(super) const DELETE: &str = "keyway.vault.v1.KeyService/DeleteKey";

pub(super) async fn update(
    vault: &Vault,
    granted: &Granted<UpdateKeyRequest>,
) -> Result<UpdateKeyResponse, Fault> {
    let request = granted.get_ref();
    let path: KeyPath = fields::parsed("name", &request.name)?;
    let mut write = vault.store.write().await?;
    living_owner(write.on(), &path.owner).await?;
    let mut row = find(write.on(), &path).await?;
    check_etag(&request.etag, &keys::etag(&row))?;
    let changed = apply(&mut row, request, write.now())?;
    row.change_number = row.change_number.saturating_add(1);
    row.updated_at = write.now().0;
    rows::update(write.on(), row.clone()).await?;
    write.change(&key_changed(&row)).await?;
    let facts = json!({ "changed": changed, "disabled": row.disabled });
    let chain = chain_of(&path.owner);
    write
        .audit(&done(granted, chain, UPDATE, path.to_string(), facts))
        .await?;
    let opener = Opener::read(&vault.keyring, write.on(), std::slice::from_ref(&row)).await?;
    let readable = opener.open(write.on(), &row).await?.is_some();
    let key = Some(keys::to_wire(&row, readable, write.now()));
    write.commit().await?;
    Ok(UpdateKeyResponse { key })
}

/// Sets what the mask names, and only that; returns the names.
fn apply<'a>(
    row: &mut KeyRow,
    request: &'a UpdateKeyRequest,
    now: Timestamp,
) -> Result<Vec<&'a str>, Fault> {
    let paths = request
        .update_mask
        .as_ref()
        .map_or(&[][..], |mask| &mask.paths);
    if paths.is_empty() {
        return Err(Fault::field(
            "update_mask",
            format!("must name one or more of {FIELDS}"),
        ));
    }
    for path in paths {
        match path.as_str() {
            "order" => row.place = request.order.into(),
            "disabled" => row.disabled = request.disabled,
            "expire_time" => {
                let at = fields::future("expire_time", request.expire_time.as_ref(), now)?;
                row.expires_at = at.map(|at| at.0);
            }
            "allowed_models" => row.allowed_models = fields::models(&request.allowed_models)?,
            "label" => row.label = fields::text("label", &request.label)?,
            _ => {
                return Err(Fault::field(
                    "update_mask",
                    format!("must name only {FIELDS}"),
                ));
            }
        }
    }
    Ok(paths.iter().map(String::as_str).collect())
}

const FIELDS: &str = "order, disabled, expire_time, allowed_models, label";

pub(super) async fn delete(
    vault: &Vault,
    granted: &Granted<DeleteKeyRequest>,
) -> Result<DeleteKeyResponse, Fault> {
    let request = granted.get_ref();
    let path: KeyPath = fields::parsed("name", &request.name)?;
    let mut write = vault.store.write().await?;
    living_owner(write.on(), &path.owner).await?;
    let owner = path.owner.to_string();
    let row = rows::find(
        write.on(),
        &owner,
        path.provider.as_str(),
        path.name.as_str(),
    )
    .await?;
    count_one_less(&write, &path, row.is_some()).await?;
    let version = match row {
        Some(row) => {
            check_etag(&request.etag, &keys::etag(&row))?;
            Some(bury(&write, row).await?)
        }
        None => None,
    };
    let change = Change {
        kind: ChangeKind::Key,
        owner,
        provider: path.provider.to_string(),
        ..Change::default()
    };
    let revision = write.change(&change).await?;
    let facts = json!({ "version": version, "row_found": version.is_some() });
    let chain = chain_of(&path.owner);
    write
        .audit(&done(granted, chain, DELETE, path.to_string(), facts))
        .await?;
    write.commit().await?;
    let routers_behind = if request.wait_for_routers {
        vault
            .wait_for_routers(revision, wait_bound(granted.deadline()))
            .await
    } else {
        Vec::new()
    };
    Ok(DeleteKeyResponse {
        revision,
        routers_behind,
    })
}

/// Marks a row deleted and empties its envelope: taking the mark away again revives nothing.
async fn bury(write: &Write, mut row: KeyRow) -> Result<i64, Fault> {
    row.envelope = Vec::new();
    row.fingerprint = String::new();
    row.deleted_at = Some(write.now().0);
    row.updated_at = write.now().0;
    row.change_number = row.change_number.saturating_add(1);
    let version = row.version;
    rows::update(write.on(), row).await?;
    Ok(version)
}

/// Takes a row off the pool record. A row that is counted and gone can be deleted too: that is how
/// its owner gets rid of it.
async fn count_one_less(write: &Write, path: &KeyPath, row_found: bool) -> Result<(), Fault> {
    let (owner, provider) = (path.owner.to_string(), path.provider.as_str());
    let found = rows::live(write.on(), &owner, provider).await?.len();
    let found = i64::try_from(found).unwrap_or(i64::MAX);
    let record = rows::pool(write.on(), &owner, provider).await?;
    let counted = record.as_ref().map_or(0, |record| record.live_count);
    if !row_found && counted <= found {
        return Err(not_found());
    }
    if let Some(record) = record {
        let live_count = counted.max(found).saturating_sub(1);
        rows::put_pool(
            write.on(),
            PoolRow {
                live_count,
                ..record
            },
        )
        .await?;
    }
    Ok(())
}

fn key_changed(row: &KeyRow) -> Change {
    Change {
        kind: ChangeKind::Key,
        owner: row.owner.clone(),
        provider: row.provider.clone(),
        ..Change::default()
    }
}

/// What the caller's deadline leaves for waiting, with room for the answer; 10 s without one.
pub(crate) fn wait_bound(deadline: Deadline) -> Duration {
    deadline
        .remaining()
        .saturating_sub(Duration::from_millis(50))
        .min(Duration::from_secs(10))
}
