//! Signs every chain that grows: after so many rows, or so much time. Each checkpoint goes into the
//! database and, for whoever keeps the log elsewhere, into a log line of its own.

use std::sync::Arc;
use std::time::Duration;

use keyway_chassis::lifecycle::Shutdown;
use keyway_vault_crypto::CheckpointKey;
use keyway_vault_crypto::checkpoint::Signer;
use metrics::counter;

use super::checkpoint::{CheckpointError, sign};
use super::json;
use crate::service::Vault;
use crate::store::StoreError;
use crate::store::checkpoints::{self, CheckpointRow};

/// Says which key signs, so that it can be pinned.
fn announce(key: &CheckpointKey) {
    match Signer::new(key) {
        Ok(signer) => {
            let public_key = hex::encode(signer.public_key());
            tracing::info!(public_key, "audit checkpoints are signed by {public_key}");
        }
        Err(error) => tracing::error!(%error, "audit checkpoints can't be signed"),
    }
}

/// Signs until the shutdown, and once more then.
pub(crate) async fn run(vault: Arc<Vault>, shutdown: Shutdown) {
    announce(&vault.keyring.checkpoint);
    let pace = vault.limits.audit;
    let mut grown = vault.store.trail().uncovered();
    let mut tick = tokio::time::interval(pace.signed_interval);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let least = tokio::select! {
            _ = tick.tick() => 1,
            found = grown.wait_for(|rows| *rows >= pace.signed_rows) => match found {
                Ok(_rows) => pace.signed_rows,
                Err(_closed) => return,
            },
            () = shutdown.wait() => break,
        };
        grown.mark_unchanged();
        cover(&vault, least).await;
        vault.store.trail().covered();
    }
    let last = tokio::time::timeout(AT_THE_END, cover(&vault, 1)).await;
    if last.is_err() {
        tracing::warn!("the audit chains were not all signed at the end");
    }
}

/// Signs every chain that has so many rows without a checkpoint.
async fn cover(vault: &Vault, least: u64) {
    let mut behind = String::new();
    loop {
        let chains = match uncovered(vault, least, &behind).await {
            Ok(chains) => chains,
            Err(error) => {
                tracing::error!(%error, "the audit chains can't be signed");
                return;
            }
        };
        let Some(last) = chains.last().cloned() else {
            return;
        };
        cover_these(vault, &chains).await;
        behind = last;
    }
}

async fn uncovered(vault: &Vault, least: u64, behind: &str) -> Result<Vec<String>, StoreError> {
    let read = vault.store.read().await?;
    checkpoints::uncovered(read.on(), least, behind, BATCH).await
}

async fn cover_these(vault: &Vault, chains: &[String]) {
    let mut signed = Vec::new();
    for chain in chains {
        match sign_one(vault, chain).await {
            Ok(row) => signed.extend(row),
            Err(error) => {
                if matches!(error, CheckpointError::Broken { .. }) {
                    counter!("keyway_vault_audit_breaks_total").increment(1);
                }
                tracing::error!(chain, %error, "{chain} is not signed");
            }
        }
    }
    if let Err(error) = store(vault, signed).await {
        tracing::error!(%error, "checkpoints can't be stored");
    }
}

async fn sign_one(vault: &Vault, chain: &str) -> Result<Option<CheckpointRow>, CheckpointError> {
    let read = vault.store.read().await?;
    sign(read.on(), &vault.keyring.checkpoint, chain, read.now()).await
}

/// Stores checkpoints, and tells of those that no other replica stored before.
async fn store(vault: &Vault, signed: Vec<CheckpointRow>) -> Result<(), StoreError> {
    let mut stored = Vec::new();
    let write = vault.store.write().await?;
    for row in signed {
        if checkpoints::insert(write.on(), row.clone()).await? {
            stored.push(row);
        }
    }
    write.commit().await?;
    for row in stored {
        let (chain, sequence) = (row.chain.clone(), row.sequence);
        let checkpoint = json::checkpoint(&row).to_string();
        tracing::info!(
            chain,
            sequence,
            checkpoint,
            "checkpoint of {chain} at {sequence}"
        );
    }
    Ok(())
}

/// Chains that are signed in one transaction.
const BATCH: u64 = 50;
const AT_THE_END: Duration = Duration::from_secs(3);
