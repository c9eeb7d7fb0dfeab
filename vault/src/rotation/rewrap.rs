//! One pass over the data keys that another generation of the master key wraps.

use keyway_chassis::lifecycle::Shutdown;

use super::finish;
use crate::keyring::{DataKeyError, Hierarchy};
use crate::service::Vault;
use crate::service::seal::REWRAP_RPC;
use crate::store::audit::Chain;
use crate::store::data_keys::{self, DataKeyRow};
use crate::store::seal_jobs::{self, JobRow};

/// Wraps batch after batch. Data keys that do not unwrap stay as they are and are counted.
pub(super) async fn pass(
    vault: &Vault,
    job: &JobRow,
    shutdown: &Shutdown,
) -> Result<(), DataKeyError> {
    let mut after = String::new();
    let mut unreadable = 0_i64;
    while !shutdown.has_begun() {
        let read = vault.store.read().await?;
        let rows = data_keys::not_wrapped_by(read.on(), &job.target, &after, BATCH).await?;
        drop(read);
        let Some(last) = rows.last() else {
            return end(vault, job, unreadable).await;
        };
        after.clone_from(&last.id);
        let (wrapped, lost) = wrap_all(&vault.keyring.data_keys, &rows, &job.target).await?;
        unreadable = unreadable.saturating_add(lost);
        store(vault, job, wrapped).await?;
        vault.rotation.stepped();
    }
    Ok(())
}

/// Each row as it was read and as it will stand; and how many do not unwrap.
async fn wrap_all<'a>(
    hierarchy: &Hierarchy,
    rows: &'a [DataKeyRow],
    target: &str,
) -> Result<(Vec<(&'a DataKeyRow, DataKeyRow)>, i64), DataKeyError> {
    let mut wrapped = Vec::with_capacity(rows.len());
    let mut lost = 0_i64;
    for row in rows {
        match hierarchy.wrap_again(row, target).await {
            Ok(again) => wrapped.push((row, again)),
            Err(error) if error.is_lost() => {
                lost = lost.saturating_add(1);
                tracing::error!(%error, data_key = row.id, owner = row.owner, "data key does not unwrap");
            }
            Err(error) => return Err(error),
        }
    }
    Ok((wrapped, lost))
}

async fn store(
    vault: &Vault,
    job: &JobRow,
    wrapped: Vec<(&DataKeyRow, DataKeyRow)>,
) -> Result<(), DataKeyError> {
    let write = vault.store.write().await?;
    let mut done = 0_i64;
    for (read, row) in wrapped {
        let stood = data_keys::replace_wrapped(write.on(), read, row).await?;
        done = done.saturating_add(i64::from(stood));
    }
    seal_jobs::count(write.on(), job, done, write.now()).await?;
    Ok(write.commit().await?)
}

/// Ends the job, unless another process has wrapped a data key with an older generation meanwhile:
/// then the next pass finds it.
async fn end(vault: &Vault, job: &JobRow, unreadable: i64) -> Result<(), DataKeyError> {
    let write = vault.store.write().await?;
    let left = remaining(&data_keys::usage(write.on()).await?, &job.target);
    if i64::try_from(left).unwrap_or(i64::MAX) > unreadable {
        return Ok(());
    }
    let place = (
        Chain::System,
        REWRAP_RPC,
        format!("masterKeys/{}", job.target),
    );
    finish(&write, job, unreadable, place).await?;
    Ok(write.commit().await?)
}

/// How many data keys other generations wrap.
pub(crate) fn remaining(usage: &[(String, u64)], target: &str) -> u64 {
    usage
        .iter()
        .filter(|(id, _count)| id != target)
        .map(|(_id, count)| count)
        .sum()
}

const BATCH: u64 = 100;
