//! Keys: a sealed row, and what is made of it. The row and its plaintext are different types, and
//! the plaintext is never written.

use std::collections::HashMap;

use keyway_proto::vault::v1::{Key, KeyState};
use keyway_proto::{Fault, convert};
use keyway_vault_crypto::{self as crypto, CryptoError, DataKey, OsRandom, SealContext};
use keyway_words::{KeyPath, Secret, Timestamp};
use sea_orm::ConnectionTrait;

use crate::health::{self, Health};
use crate::keyring::{DataKeyError, Keyring};
use crate::store::StoreError;
use crate::store::data_keys::{self, DataKeyRow};
use crate::store::keys::KeyRow;

/// The data keys of some rows, to open them with.
pub(crate) struct Opener<'a> {
    keyring: &'a Keyring,
    data_keys: HashMap<String, DataKeyRow>,
}

impl<'a> Opener<'a> {
    /// Reads the data keys that the rows name. Those that are not there make a row unreadable.
    pub(crate) async fn read(
        keyring: &'a Keyring,
        on: &impl ConnectionTrait,
        rows: &[KeyRow],
    ) -> Result<Self, StoreError> {
        let mut ids: Vec<String> = rows.iter().map(|row| row.data_key_id.clone()).collect();
        ids.sort_unstable();
        ids.dedup();
        let found = data_keys::by_ids(on, ids).await?;
        let data_keys = found.into_iter().map(|row| (row.id.clone(), row)).collect();
        Ok(Self { keyring, data_keys })
    }

    /// Opens a row; `None`, and an alert in the log, if anything that is bound or sealed is not as
    /// it was when it was sealed. An error says nothing of the row: the master key's holder does not
    /// answer, or has not the generation that wraps it.
    pub(crate) async fn open(
        &self,
        on: &impl ConnectionTrait,
        row: &KeyRow,
    ) -> Result<Option<Secret>, Fault> {
        let error = match self.try_open(row).await {
            Ok(secret) => return Ok(Some(secret)),
            Err(error) => error,
        };
        if !error.is_lost() && !names_no_generation(on, &error).await? {
            return Err(error.into());
        }
        let (owner, provider) = (&row.owner, &row.provider);
        tracing::error!(%error, row = row.row_id, owner, provider, "key is unreadable");
        Ok(None)
    }

    /// Opens a row, with the reason if it does not.
    pub(crate) async fn try_open(&self, row: &KeyRow) -> Result<Secret, DataKeyError> {
        let data_key_row = self
            .data_keys
            .get(&row.data_key_id)
            .ok_or(DataKeyError::Absent)?;
        let data_key = self
            .keyring
            .data_keys
            .unwrap(data_key_row, &row.owner)
            .await?;
        let version = u64::try_from(row.version).map_err(|_negative| CryptoError::Malformed)?;
        let context = SealContext {
            owner: &row.owner,
            provider: &row.provider,
            name: &row.name,
            row_id: &row.row_id,
            version,
            data_key_id: &row.data_key_id,
        };
        Ok(crypto::open(&data_key, &context, &row.envelope)?)
    }
}

/// Whether a data key names a generation of the master key that this database never had, which only a
/// damaged row does.
async fn names_no_generation(
    on: &impl ConnectionTrait,
    error: &DataKeyError,
) -> Result<bool, StoreError> {
    let DataKeyError::MasterKeyNotHere(named) = error else {
        return Ok(false);
    };
    let known = data_keys::masters(on).await?;
    Ok(known.iter().all(|master| master.id != *named))
}

/// Seals a secret into a row, as the row's next version. Its health starts anew.
pub(crate) fn seal_next(
    row: &mut KeyRow,
    keyring: &Keyring,
    (data_key_id, data_key): (String, &DataKey),
    secret: &Secret,
) -> Result<(), CryptoError> {
    let version = u64::try_from(row.version).unwrap_or(0).saturating_add(1);
    let context = SealContext {
        owner: &row.owner,
        provider: &row.provider,
        name: &row.name,
        row_id: &row.row_id,
        version,
        data_key_id: &data_key_id,
    };
    row.envelope = crypto::seal(data_key, &context, secret, &mut OsRandom)?;
    row.version = i64::try_from(version).unwrap_or(i64::MAX);
    row.data_key_id = data_key_id;
    row.mask = crypto::mask(secret);
    row.fingerprint = crypto::fingerprint(&keyring.fingerprint, &row.owner, secret);
    Health::active().write_to(row);
    Ok(())
}

/// The row with the same secret sealed by another data key: nothing else of it changes.
pub(crate) fn reseal(
    row: &KeyRow,
    data_key_id: &str,
    data_key: &DataKey,
    secret: &Secret,
) -> Result<KeyRow, CryptoError> {
    let version = u64::try_from(row.version).map_err(|_negative| CryptoError::Malformed)?;
    let context = SealContext {
        owner: &row.owner,
        provider: &row.provider,
        name: &row.name,
        row_id: &row.row_id,
        version,
        data_key_id,
    };
    Ok(KeyRow {
        envelope: crypto::seal(data_key, &context, secret, &mut OsRandom)?,
        data_key_id: data_key_id.to_owned(),
        ..row.clone()
    })
}

/// Whether calls can use a row that could be opened, and why.
pub(crate) fn state(row: &KeyRow, now: Timestamp) -> (KeyState, String) {
    if row.disabled {
        return (
            KeyState::Disabled,
            "switched off; UpdateKey switches it on".to_owned(),
        );
    }
    if row.expires_at.is_some_and(|at| at <= now.0) {
        return (
            KeyState::Expired,
            "past its expire_time; UpdateKey or PutKey sets another".to_owned(),
        );
    }
    let health = Health::of(row, now);
    let words = health::words(&health, &row.provider, row.health_since.map(Timestamp));
    (health.state, words)
}

/// What people are told of a row that can't be opened.
pub(crate) const UNREADABLE: &str =
    "the stored row is damaged or was moved; PutKey stores the secret again";

/// The key as callers see it.
pub(crate) fn to_wire(row: &KeyRow, readable: bool, now: Timestamp) -> Key {
    let (state, state_reason) = if readable {
        state(row, now)
    } else {
        (KeyState::Unreadable, UNREADABLE.to_owned())
    };
    let shows_until = matches!(state, KeyState::Exhausted | KeyState::Limited);
    Key {
        name: format!("{}/keys/{}/{}", row.owner, row.provider, row.name),
        owner: row.owner.clone(),
        provider: row.provider.clone(),
        key_name: row.name.clone(),
        version: u64::try_from(row.version).unwrap_or(0),
        mask: row.mask.clone(),
        fingerprint: row.fingerprint.clone(),
        state: state.into(),
        state_reason,
        order: u32::try_from(row.place).unwrap_or(u32::MAX),
        disabled: row.disabled,
        expire_time: row.expires_at.map(|at| convert::timestamp(Timestamp(at))),
        allowed_models: models(row),
        label: row.label.clone(),
        etag: etag(row),
        create_time: Some(convert::timestamp(Timestamp(row.created_at))),
        update_time: Some(convert::timestamp(Timestamp(row.updated_at))),
        state_until: row
            .health_until
            .filter(|_| shows_until)
            .map(|at| convert::timestamp(Timestamp(at))),
    }
}

/// The models a row may be used for; a list that can't be read allows none.
pub(crate) fn models(row: &KeyRow) -> Vec<String> {
    serde_json::from_str(&row.allowed_models).unwrap_or_else(|_damaged| vec![String::new()])
}

/// Changes with every change of the row.
pub(crate) fn etag(row: &KeyRow) -> String {
    format!("{}.{}", row.row_id, row.change_number)
}

/// A row for a key that has never been stored, without its secret.
pub(crate) fn new_row(path: &KeyPath, row_id: String, now: Timestamp) -> KeyRow {
    KeyRow {
        row_id,
        owner: path.owner.to_string(),
        provider: path.provider.to_string(),
        name: path.name.to_string(),
        version: 0,
        data_key_id: String::new(),
        envelope: Vec::new(),
        mask: String::new(),
        fingerprint: String::new(),
        place: 0,
        disabled: false,
        expires_at: None,
        allowed_models: "[]".to_owned(),
        label: String::new(),
        health: health::HEALTHY.to_owned(),
        health_reason: String::new(),
        health_until: None,
        change_number: 0,
        created_at: now.0,
        updated_at: now.0,
        deleted_at: None,
        health_since: None,
        health_number: None,
    }
}
