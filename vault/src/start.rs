//! From a database and a master key to a vault that can serve, or a refusal that says what to do. A
//! first start beside an empty database remembers the key's check value; after that only keys that
//! belong to it open the vault, and nothing is ever made anew beside existing data.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use keyway_chassis::clock::Clock;
use keyway_migrations::{DatabaseAddress, NotReady, SchemaError};
use keyway_vault_crypto::DataKey;
use uuid::Uuid;

use crate::generations::{self, Mismatch};
use crate::keyring::{
    Bounds, DataKeyError, Generations, Hierarchy, HolderError, Holders, Keyring, SYSTEM, WrapError,
};
use crate::master_key::MasterKeyError;
use crate::master_key::source::Source;
use crate::settings::DatabaseSettings;
use crate::store::data_keys::{self, MasterKeyRow};
use crate::store::{Store, StoreError, Write, feed};

/// Why the vault does not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    /// There is no database file, or it is not migrated.
    #[error("{path} is not there; run `keyway-migrate vault --database {path}`", path = .0.display())]
    NoDatabase(PathBuf),
    /// The file with the database's password can't be read.
    #[error("database.password_file {path} can't be read: {cause}", path = path.display())]
    Password {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The schema is another one.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// There is no key to start with.
    #[error("{cause}; {remedy}")]
    NoKey {
        /// Where it was looked for.
        cause: MasterKeyError,
        /// What to do about it.
        remedy: String,
    },
    /// The keys can't be read.
    #[error(transparent)]
    Key(MasterKeyError),
    /// The keys are not those of this database.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// What holds the master key does not answer.
    #[error(transparent)]
    Holder(#[from] WrapError),
    /// The vault's own data key does not open.
    #[error("the vault's own data key can't be opened ({0}); restore the database from a backup")]
    SystemKey(DataKeyError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StartError {
    /// Whether what the operator gave this process is wrong: the exit code says so.
    pub(crate) const fn is_configuration(&self) -> bool {
        matches!(
            self,
            Self::NoKey { .. }
                | Self::Key(_)
                | Self::Mismatch(_)
                | Self::Holder(WrapError::Misconfigured(_))
        )
    }
}

/// Opens the database with its key.
pub(crate) async fn open(
    database: &DatabaseSettings,
    holders: impl Into<Holders>,
    bounds: Bounds,
    clock: Arc<dyn Clock>,
) -> Result<(Store, Keyring), StartError> {
    let address = address(database)?;
    let store = Store::open(&address, database.bounds, clock).await?;
    keyway_migrations::vault::check(&store.connection()).await?;
    let keyring = unlock(&store, holders.into(), bounds).await?;
    Ok((store, keyring))
}

/// Where the database is, with the password of its file.
pub(crate) fn address(settings: &DatabaseSettings) -> Result<DatabaseAddress, StartError> {
    let ready = settings.address.ready(settings.password_file.as_deref());
    ready.map_err(|error| match error {
        NotReady::NoFile(path) => StartError::NoDatabase(path),
        NotReady::Password { path, cause } => StartError::Password { path, cause },
    })
}

/// Finds the keys of an open database.
async fn unlock(store: &Store, holders: Holders, bounds: Bounds) -> Result<Keyring, StartError> {
    let write = store.write_first().await?;
    let known = data_keys::masters(write.on()).await?;
    let hierarchy = read_keys(holders, bounds, &known)?;
    let given = hierarchy.status().await?;
    let needed = data_keys::usage(write.on()).await?;
    generations::check(&known, &needed, &given)?;
    hierarchy.promote(given.newest());
    for row in known.iter().filter(|row| row.retired_at.is_some()) {
        hierarchy.forget(&row.id);
    }
    let new = generations::remember(&write, &known, &given).await?;
    let system = if known.is_empty() {
        first_start(&write, &hierarchy).await
    } else {
        system_key(&write, &hierarchy).await
    };
    let system = system.map_err(StartError::SystemKey)?;
    if new > 0 {
        write.commit().await?;
    }
    offer_rewrap(&needed, &given);
    Ok(Keyring::new(hierarchy, &system))
}

fn read_keys(
    holders: Holders,
    bounds: Bounds,
    known: &[MasterKeyRow],
) -> Result<Hierarchy, StartError> {
    let remedy = remedy(holders.local.as_ref(), known);
    match holders.open() {
        Ok(holder) => Ok(Hierarchy::new(holder, bounds)),
        Err(HolderError::Local(cause @ MasterKeyError::Missing(_))) => {
            Err(StartError::NoKey { cause, remedy })
        }
        Err(HolderError::Local(cause)) => Err(StartError::Key(cause)),
        Err(HolderError::Token(cause)) => Err(StartError::Holder(cause)),
    }
}

/// What to do where there is no key. Only beside a database that never stored anything is it to make
/// one.
fn remedy(source: Option<&Source>, known: &[MasterKeyRow]) -> String {
    let ids: Vec<&str> = generations::in_use(known)
        .map(|row| row.id.as_str())
        .collect();
    if !ids.is_empty() {
        return format!(
            "the database was sealed with the master key {}: bring the key with that id back",
            ids.join(", ")
        );
    }
    let file = source
        .and_then(Source::first_file)
        .map_or_else(|| "FILE".to_owned(), |path| path.display().to_string());
    format!(
        "this database never stored anything: a first key is made by `keyway-vault new-master-key \
         --out {file}`"
    )
}

async fn first_start(write: &Write, hierarchy: &Hierarchy) -> Result<Arc<DataKey>, DataKeyError> {
    feed::start(write.on(), Uuid::now_v7().to_string()).await?;
    let (_row, data_key) = hierarchy.make(write, SYSTEM).await?;
    Ok(data_key)
}

async fn system_key(write: &Write, hierarchy: &Hierarchy) -> Result<Arc<DataKey>, DataKeyError> {
    let row = data_keys::newest(write.on(), SYSTEM)
        .await?
        .ok_or(DataKeyError::Absent)?;
    hierarchy.unwrap(&row, SYSTEM).await
}

fn offer_rewrap(needed: &[(String, u64)], given: &Generations) {
    let current = given.newest();
    for (id, count) in needed.iter().filter(|(id, _count)| id != current) {
        tracing::warn!(
            master_key = id,
            data_keys = count,
            "the master key {id} still wraps {count} data keys; SealService.Rewrap wraps them with \
             {current}"
        );
    }
}
