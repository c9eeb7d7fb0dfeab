//! Checkpoints: the end of a chain, signed. The vault signs only what follows from the checkpoint
//! before, so that a chain that somebody changed in the database gets no signature of ours.

use keyway_vault_crypto::CheckpointKey;
use keyway_vault_crypto::checkpoint::{KeyUnusable, Signer, Statement, verify};
use keyway_words::Timestamp;
use sea_orm::ConnectionTrait;

use super::chain::Hash;
use super::walk::{Break, Walk};
use crate::store::checkpoints::{self, CheckpointRow};
use crate::store::{StoreError, audit, feed};

/// Why there is no checkpoint.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckpointError {
    /// The chain is not whole.
    #[error("the audit chain {chain} is broken at row {}: {}", .stop.sequence, .stop.cause)]
    Broken {
        /// The chain.
        chain: String,
        /// Where.
        stop: Break,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no key to sign with.
    #[error(transparent)]
    Key(#[from] KeyUnusable),
}

/// Signs the end of a chain as it is now; `None` for a chain that was never written to.
///
/// Reads what was written since the last stored checkpoint that this key signed.
pub(crate) async fn sign(
    on: &impl ConnectionTrait,
    key: &CheckpointKey,
    chain: &str,
    now: Timestamp,
) -> Result<Option<CheckpointRow>, CheckpointError> {
    let signer = Signer::new(key)?;
    let Some(head) = audit::head(on, chain).await? else {
        return Ok(None);
    };
    let before = checkpoints::newest(on, chain).await?;
    let mut walk = before
        .filter(|row| row.public_key == signer.public_key() && is_signed(row))
        .and_then(|row| known(&row))
        .unwrap_or_else(Walk::from_first);
    to_the_end(on, chain, &mut walk).await?;
    if head.sequence != walk.sequence || head.hash != walk.hash {
        let sequence = head.sequence.min(walk.sequence.saturating_add(1));
        let cause = super::walk::Cause::Head;
        return Err(broken(chain, Break { sequence, cause }));
    }
    let epoch = feed::current(on).await?.epoch;
    let mut row = CheckpointRow {
        chain: chain.to_owned(),
        sequence: i64::try_from(walk.sequence).unwrap_or(i64::MAX),
        hash: walk.hash.to_vec(),
        time: now.0,
        epoch,
        signature: Vec::new(),
        public_key: signer.public_key().to_vec(),
    };
    row.signature = signer.sign(&statement(&row));
    Ok(Some(row))
}

/// Walks to the end of the chain in batches.
async fn to_the_end(
    on: &impl ConnectionTrait,
    chain: &str,
    walk: &mut Walk,
) -> Result<(), CheckpointError> {
    loop {
        let rows = audit::after(on, chain, walk.sequence, BATCH).await?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in &rows {
            walk.step(row).map_err(|stop| broken(chain, stop))?;
        }
    }
}

fn broken(chain: &str, stop: Break) -> CheckpointError {
    CheckpointError::Broken {
        chain: chain.to_owned(),
        stop,
    }
}

fn known(row: &CheckpointRow) -> Option<Walk> {
    let hash: Hash = row.hash.as_slice().try_into().ok()?;
    Some(Walk::behind(u64::try_from(row.sequence).ok()?, hash))
}

/// Whether the signature is that of the public key beside it. Whose key it is, is another question.
pub(crate) fn is_signed(row: &CheckpointRow) -> bool {
    verify(&row.public_key, &statement(row), &row.signature)
}

fn statement(row: &CheckpointRow) -> Statement<'_> {
    Statement {
        chain: &row.chain,
        sequence: u64::try_from(row.sequence).unwrap_or(0),
        hash: &row.hash,
        time: row.time,
        epoch: &row.epoch,
    }
}

const BATCH: u64 = 500;
