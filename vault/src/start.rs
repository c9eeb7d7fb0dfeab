//! From a database file and a master key to a vault that can serve, or a refusal that says what to
//! do. A first start beside an empty database remembers the key's check value; after that only the
//! same key opens the vault, and nothing is ever made anew beside existing data.

use std::path::Path;
use std::sync::Arc;

use keyway_chassis::clock::Clock;
use keyway_migrations::SchemaError;
use keyway_vault_crypto::MasterKey;
use uuid::Uuid;

use crate::keyring::{self, DataKeyError, KeyWrap, Keyring, LocalKey, SYSTEM};
use crate::store::data_keys::{self, MasterKeyRow};
use crate::store::{Store, StoreError, Write, feed};

/// Why the vault does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// There is no database file, or it is not migrated.
    #[error("{path} is not there; run `keyway-migrate vault --database {path}`", path = .0.display())]
    NoDatabase(std::path::PathBuf),
    /// The schema is another one.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The database belongs to another key.
    #[error(
        "the database was sealed with the master key {expected}, the file holds {given}; bring the \
         key with that id back"
    )]
    OtherKey {
        /// Ids that the database knows.
        expected: String,
        /// Id of the key in the file.
        given: String,
    },
    /// The id fits and the key does not.
    #[error("the master key {0} does not fit its stored check value; the database row is damaged")]
    CheckValue(String),
    /// The vault's own data key does not open.
    #[error("the vault's own data key can't be opened ({0}); restore the database from a backup")]
    SystemKey(DataKeyError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Opens the database with its key.
pub(crate) async fn open(
    database: &Path,
    master: MasterKey,
    clock: Arc<dyn Clock>,
) -> Result<(Store, Keyring), StartError> {
    if !database.exists() {
        return Err(StartError::NoDatabase(database.to_owned()));
    }
    let store = Store::open(database, clock).await?;
    keyway_migrations::vault::check(store.connection()).await?;
    let wrap = Box::new(LocalKey::new(master));
    let write = store.write().await?;
    let known = data_keys::masters(write.on()).await?;
    let system = if known.is_empty() {
        let system = first_start(&write, &*wrap).await?;
        write.commit().await?;
        system
    } else {
        check(&known, &*wrap)?;
        system_key(&write, &*wrap)
            .await
            .map_err(StartError::SystemKey)?
    };
    Ok((store, Keyring::new(wrap, &system)))
}

async fn first_start(
    write: &Write,
    wrap: &dyn KeyWrap,
) -> Result<keyway_vault_crypto::DataKey, StartError> {
    let row = MasterKeyRow {
        id: wrap.id().to_owned(),
        generation: 1,
        check_value: wrap.check_value(),
        created_at: write.now().0,
    };
    data_keys::insert_master(write.on(), row).await?;
    feed::start(write.on(), Uuid::now_v7().to_string()).await?;
    let made = keyring::make(wrap, write, SYSTEM).await;
    made.map(|(_id, data_key)| data_key)
        .map_err(StartError::SystemKey)
}

fn check(known: &[MasterKeyRow], wrap: &dyn KeyWrap) -> Result<(), StartError> {
    let Some(row) = known.iter().find(|row| row.id == wrap.id()) else {
        let expected: Vec<&str> = known.iter().map(|row| row.id.as_str()).collect();
        let (expected, given) = (expected.join(", "), wrap.id().to_owned());
        return Err(StartError::OtherKey { expected, given });
    };
    if row.check_value == wrap.check_value() {
        Ok(())
    } else {
        Err(StartError::CheckValue(row.id.clone()))
    }
}

async fn system_key(
    write: &Write,
    wrap: &dyn KeyWrap,
) -> Result<keyway_vault_crypto::DataKey, DataKeyError> {
    let row = data_keys::newest(write.on(), SYSTEM)
        .await?
        .ok_or(DataKeyError::Absent)?;
    keyring::unwrap(wrap, &row, SYSTEM).await
}
