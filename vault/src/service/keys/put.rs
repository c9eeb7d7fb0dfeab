//! `PutKey`: seals a secret before anything of it is written.

use keyway_chassis::access::Granted;
use keyway_proto::vault::v1::{ChangeKind, PutKeyRequest, PutKeyResponse};
use keyway_proto::{Fault, Reason};
use keyway_vault_crypto as crypto;
use keyway_words::{KeyName, KeyPath, Secret, Timestamp};
use serde_json::json;
use uuid::Uuid;

use crate::fields;
use crate::idempotent::{self, Repeatable};
use crate::keyring::DataKeyError;
use crate::keys;
use crate::resolve;
use crate::service::{Vault, chain_of, check_etag, done, living_owner};
use crate::store::Write;
use crate::store::feed::Change;
use crate::store::keys::{self as rows, KeyRow, PoolRow};

pub(super) const RPC: &str = "keyway.vault.v1.KeyService/PutKey";

/// The request with every field read.
struct Put {
    path: KeyPath,
    place: Option<u32>,
    expires_at: Option<Timestamp>,
    /// JSON array; `None`: not given.
    allowed_models: Option<String>,
    label: String,
}

pub(super) async fn put(
    vault: &Vault,
    granted: &Granted<PutKeyRequest>,
    secret: &Secret,
) -> Result<PutKeyResponse, Fault> {
    let request = granted.get_ref();
    fields::secret(secret, vault.limits.secret)?;
    fields::request_id(&request.request_id)?;
    let mut write = vault.store.write().await?;
    let put = read_fields(request, write.now())?;
    let owner = put.path.owner.to_string();
    let fingerprint = crypto::fingerprint(&vault.keyring.fingerprint, &owner, secret);
    let repeatable = Repeatable::new(
        &vault.keyring,
        (RPC, granted.caller().subject.as_str()),
        &owner,
        &request.request_id,
        request,
        &fingerprint,
    );
    if let Some(answer) = idempotent::earlier(&write, &repeatable).await? {
        return Ok(answer);
    }
    living_owner(write.on(), &put.path.owner).await?;
    let (row, is_new) = row_to_write(&write, &put, &request.etag).await?;
    let row = seal(vault, &write, row, secret).await?;
    let response = PutKeyResponse {
        key: Some(keys::to_wire(&row, true, write.now())),
    };
    store(&mut write, &put.path, row.clone(), is_new).await?;
    if request.validate_only {
        return Ok(response); // what the transaction did is undone
    }
    let facts = json!({
        "version": row.version, "fingerprint": row.fingerprint, "mask": row.mask, "new": is_new,
    });
    let chain = chain_of(&put.path.owner);
    write
        .audit(&done(granted, chain, RPC, put.path.to_string(), facts))
        .await?;
    idempotent::remember(&write, &repeatable, &response).await?;
    write.commit().await?;
    Ok(response)
}

fn read_fields(request: &PutKeyRequest, now: Timestamp) -> Result<Put, Fault> {
    let name = KeyName::or_default(&request.key_name)
        .map_err(|error| Fault::field("key_name", error.to_string()))?;
    Ok(Put {
        path: KeyPath {
            owner: fields::owner("owner", &request.owner)?,
            provider: fields::parsed("provider", &request.provider)?,
            name,
        },
        place: request.order,
        expires_at: fields::future("expire_time", request.expire_time.as_ref(), now)?,
        allowed_models: Some(fields::models(&request.allowed_models)?)
            .filter(|_list| !request.allowed_models.is_empty()),
        label: fields::text("label", &request.label)?,
    })
}

/// The row as it will stand, but for its secret; and whether it is new.
async fn row_to_write(write: &Write, put: &Put, given_etag: &str) -> Result<(KeyRow, bool), Fault> {
    let KeyPath {
        owner,
        provider,
        name,
    } = &put.path;
    let found = rows::find(
        write.on(),
        &owner.to_string(),
        provider.as_str(),
        name.as_str(),
    )
    .await?;
    let current = found.as_ref().map(keys::etag);
    check_etag(given_etag, current.as_deref().unwrap_or_default())?;
    let is_new = found.is_none();
    let mut row =
        found.unwrap_or_else(|| keys::new_row(&put.path, Uuid::now_v7().to_string(), write.now()));
    if is_new {
        // Health and bills go by name and version: no later key may be taken for an earlier one.
        let (owner, provider, name) = (owner.to_string(), provider.as_str(), name.as_str());
        row.version = rows::last_version(write.on(), &owner, provider, name).await?;
    }
    set_given(&mut row, put, write.now());
    row.change_number = row.change_number.saturating_add(1);
    row.updated_at = write.now().0;
    Ok((row, is_new))
}

/// What the request leaves out stays: a new secret must not lift what its key was bound to. A time
/// that is over goes, or the new secret would be of no use.
fn set_given(row: &mut KeyRow, put: &Put, now: Timestamp) {
    row.place = put.place.map_or(row.place, i64::from);
    let before = row.expires_at.filter(|at| *at > now.0);
    row.expires_at = put.expires_at.map(|at| at.0).or(before);
    if let Some(models) = &put.allowed_models {
        row.allowed_models.clone_from(models);
    }
    if !put.label.is_empty() {
        row.label.clone_from(&put.label);
    }
}

async fn seal(
    vault: &Vault,
    write: &Write,
    mut row: KeyRow,
    secret: &Secret,
) -> Result<KeyRow, Fault> {
    let (id, data_key) = vault
        .keyring
        .data_keys
        .for_sealing(write, &row.owner)
        .await?;
    keys::seal_next(&mut row, &vault.keyring, (id, &data_key), secret)
        .map_err(DataKeyError::from)?;
    Ok(row)
}

async fn store(write: &mut Write, path: &KeyPath, row: KeyRow, is_new: bool) -> Result<(), Fault> {
    let (owner, provider) = (row.owner.clone(), row.provider.clone());
    if is_new {
        count_one_more(write, path).await?;
        rows::insert(write.on(), row).await?;
    } else {
        rows::update(write.on(), row).await?;
    }
    let change = Change {
        kind: ChangeKind::Key,
        owner,
        provider,
        ..Change::default()
    };
    write.change(&change).await?;
    Ok(())
}

/// Counts the new row in the pool record, before it is inserted. Where rows were counted that are
/// gone, the new one takes the place of one of them: storing a key again mends the pool.
async fn count_one_more(write: &Write, path: &KeyPath) -> Result<(), Fault> {
    let (owner, provider) = (path.owner.to_string(), path.provider.as_str());
    let record = rows::pool(write.on(), &owner, provider).await?;
    let found = rows::live(write.on(), &owner, provider).await?.len();
    if found >= MOST_NAMES {
        return Err(Fault::new(
            Reason::LimitReached,
            "a pool holds at most 10 keys; KeyService.DeleteKey makes room",
        ));
    }
    let with_new = i64::try_from(found).unwrap_or(i64::MAX).saturating_add(1);
    let selection = resolve::default_order(&path.owner).as_str_name().to_owned();
    let record = record.unwrap_or(PoolRow {
        owner,
        provider: provider.to_owned(),
        selection,
        live_count: 0,
    });
    let live_count = record.live_count.max(with_new);
    rows::put_pool(
        write.on(),
        PoolRow {
            live_count,
            ..record
        },
    )
    .await?;
    Ok(())
}

const MOST_NAMES: usize = 10;
