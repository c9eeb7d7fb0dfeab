//! `keyway-vault restore`: tells the world that a backup took the place of the database. It gives
//! the database a new epoch, so that routers drop what they hold, and puts a row into every chain
//! that says what is known to be missing. Rows are never hashed again.

use std::collections::BTreeMap;

use keyway_migrations::DatabaseAddress;
use keyway_vault_crypto::checkpoint::{KeyUnusable, Signer};
use keyway_words::WorkspaceId;
use sea_orm::DbErr;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::checkpoint::is_signed;
use crate::audit::verify::RESTORED;
use crate::keyring::Keyring;
use crate::store::audit::{self, Chain, Decision, Entry, Head, Origin};
use crate::store::checkpoints::CheckpointRow;
use crate::store::{Store, StoreError, Write, archive, feed};

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    /// Somebody works on the database.
    #[error("a vault is connected to the database; stop every vault first")]
    InUse,
    /// It is no backup of a vault.
    #[error("no vault has ever started on this database; put the backup in its place first")]
    Empty,
    /// The checkpoint is of another vault, or not what was signed.
    #[error("the checkpoint of {0} was not signed by the vault of this database")]
    Foreign(String),
    /// A chain has a name that no vault gives.
    #[error(
        "the audit trail has the chain `{0}`, which is no workspace's; `keyway-vault audit verify` says more"
    )]
    Chain(String),
    /// There is no key to compare with.
    #[error(transparent)]
    Key(#[from] KeyUnusable),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database can't be read.
    #[error("the database can't be read: {0}")]
    Database(#[from] DbErr),
}

/// What was done.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Restored {
    /// The new epoch.
    pub(crate) epoch: String,
    /// Chains that got their row.
    pub(crate) chains: u64,
    /// Rows that the given checkpoints name and that are not there.
    pub(crate) missing: u64,
}

/// Refuses a database that a vault works on, or that none ever has. Changes nothing.
pub(crate) async fn check(address: &DatabaseAddress) -> Result<(), RestoreError> {
    let database = archive::open(address).await?;
    let others = archive::others(&database).await?;
    let started = feed::position(&database).await;
    database.close().await?;
    if others > 0 {
        return Err(RestoreError::InUse);
    }
    match started {
        Ok(None) => Err(RestoreError::Empty),
        // A schema that can't be read is told of by whoever opens the database.
        Ok(Some(_)) | Err(_) => Ok(()),
    }
}

/// Writes the new epoch and the rows, all or none.
pub(crate) async fn restore(
    store: &Store,
    keyring: &Keyring,
    kept: &BTreeMap<String, Vec<CheckpointRow>>,
) -> Result<Restored, RestoreError> {
    let signer = Signer::new(&keyring.checkpoint)?;
    for row in kept.values().flatten() {
        if row.public_key != signer.public_key() || !is_signed(row) {
            return Err(RestoreError::Foreign(row.chain.clone()));
        }
    }
    let write = store.write().await?;
    let before = feed::current(write.on()).await?.epoch;
    let epoch = Uuid::now_v7().to_string();
    feed::set_epoch(write.on(), &epoch).await?;
    let mut restored = Restored {
        epoch,
        chains: 0,
        missing: 0,
    };
    let mut behind = None;
    while let Some(chain) = next(&write, kept, behind.as_deref()).await? {
        let newest = kept
            .get(&chain)
            .and_then(|rows| rows.iter().max_by_key(|row| row.sequence));
        let missing = tell(&write, &chain, newest, (&before, &restored.epoch)).await?;
        restored.chains = restored.chains.saturating_add(1);
        restored.missing = restored.missing.saturating_add(missing);
        behind = Some(chain);
    }
    write.commit().await?;
    Ok(restored)
}

async fn next(
    write: &Write,
    kept: &BTreeMap<String, Vec<CheckpointRow>>,
    behind: Option<&str>,
) -> Result<Option<String>, RestoreError> {
    let is_behind = |chain: &&String| behind.is_none_or(|behind| chain.as_str() > behind);
    let kept = kept.keys().find(is_behind).cloned();
    let found = archive::next_chain(write.on(), behind).await?;
    Ok([kept, found].into_iter().flatten().min())
}

/// Writes a chain's row; how many rows are known to be missing before it.
async fn tell(
    write: &Write,
    chain: &str,
    kept: Option<&CheckpointRow>,
    (before, epoch): (&str, &str),
) -> Result<u64, RestoreError> {
    let head = audit::head(write.on(), chain).await?;
    let here = head.as_ref().map_or(0, |head| head.sequence);
    let mut facts = json!({ "epoch_before": before, "epoch": epoch, "rows_here": here });
    let mut missing = 0;
    if let Some(kept) = kept {
        let named = u64::try_from(kept.sequence).unwrap_or(0);
        missing = named.saturating_sub(here);
        let (hash, time) = (
            hex::encode(&kept.hash),
            keyway_words::Timestamp(kept.time).rfc3339(),
        );
        put(
            &mut facts,
            "checkpoint",
            json!({ "sequence": named, "hash": hash, "time": time }),
        );
        put(&mut facts, "missing", json!(missing));
        let same = missing > 0 || has(write, chain, kept, head).await?;
        put(&mut facts, "same_history", json!(same));
    }
    let entry = Entry {
        chain: parse(chain)?,
        accessor: String::new(),
        subject: "service:keyway-vault".to_owned(),
        rpc: RESTORED.to_owned(),
        resource: chain.to_owned(),
        decision: Decision::Allowed,
        reason: "",
        facts,
        origin: Origin::default(),
    };
    write.audit(&entry).await?;
    Ok(missing)
}

/// Whether the row that the checkpoint names is here.
async fn has(
    write: &Write,
    chain: &str,
    kept: &CheckpointRow,
    head: Option<Head>,
) -> Result<bool, RestoreError> {
    if head.is_none() {
        return Ok(false);
    }
    let before = kept.sequence.saturating_sub(1);
    let rows = archive::rows(write.on(), chain, before, 1).await?;
    let row = rows.first();
    Ok(row.is_some_and(|row| row.sequence == kept.sequence && row.hash == kept.hash))
}

fn put(facts: &mut Value, name: &str, value: Value) {
    if let Some(facts) = facts.as_object_mut() {
        facts.insert(name.to_owned(), value);
    }
}

fn parse(chain: &str) -> Result<Chain, RestoreError> {
    if chain == Chain::System.name() {
        return Ok(Chain::System);
    }
    let id = WorkspaceId::from_resource(chain);
    id.map(Chain::Workspace)
        .map_err(|_name| RestoreError::Chain(chain.to_owned()))
}
