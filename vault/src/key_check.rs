//! Keeps readiness in step with what holds the master key, and this process in step with what other
//! processes and operators did to its generations.

use std::sync::Arc;
use std::time::Duration;

use keyway_chassis::lifecycle::Shutdown;
use keyway_chassis::operations::Readiness;
use metrics::gauge;

use crate::conditions::MASTER_KEY;
use crate::generations;
use crate::keyring::{Generations, Hierarchy};
use crate::service::Vault;
use crate::store::data_keys::{self, MasterKeyRow};
use crate::store::seal_jobs::{self, REWRAP};
use crate::store::{Store, StoreError};

/// Looks every few seconds until the process stops.
pub(crate) async fn run(vault: Arc<Vault>, readiness: Readiness, shutdown: Shutdown) {
    let data_keys = &vault.keyring.data_keys;
    let mut seen = None;
    for look in 0_u64.. {
        if look.is_multiple_of(FORGET_AFTER) {
            seen = None; // compares anew, which shows the usage anew
        }
        data_keys.sweep();
        match data_keys.status().await {
            Ok(given) => {
                readiness.set(MASTER_KEY, true);
                follow(&vault.store, data_keys, &given, &mut seen).await;
            }
            Err(error) => {
                readiness.set(MASTER_KEY, false);
                tracing::error!(%error, "the master key can't be used");
            }
        }
        let stop = tokio::time::timeout(EVERY, shutdown.wait()).await;
        if stop.is_ok() {
            return;
        }
    }
}

/// Failures are left to the next look: the database's readiness tells of them.
async fn follow(
    store: &Store,
    data_keys: &Hierarchy,
    given: &Generations,
    seen: &mut Option<Vec<MasterKeyRow>>,
) {
    let followed = match known(store).await {
        Ok(known) if seen.as_ref() == Some(&known) && known_all(&known, given) => Ok(known),
        Ok(known) => adopt(store, data_keys, &known, given).await.map(|()| known),
        Err(error) => Err(error),
    };
    match followed {
        Ok(known) => {
            follow_rewrap(store, data_keys, given, &known).await;
            *seen = Some(known);
        }
        Err(error) => tracing::warn!(%error, "the generations of the master key were not compared"),
    }
}

/// Lets the generation wrap that another process was asked to rewrap with: else this one would go on
/// to make work for it.
async fn follow_rewrap(
    store: &Store,
    data_keys: &Hierarchy,
    given: &Generations,
    known: &[MasterKeyRow],
) {
    let asked = async {
        let read = store.read().await?;
        seal_jobs::find(read.on(), REWRAP, "").await
    };
    let Ok(Some(job)) = asked.await else { return };
    let number = |id: &str| {
        let row = known
            .iter()
            .find(|row| row.id == id && row.retired_at.is_none());
        row.map(|row| row.generation)
    };
    let is_newer = number(&job.target) > number(&data_keys.current());
    if is_newer && given.has(&job.target) {
        data_keys.promote(&job.target);
    }
}

async fn known(store: &Store) -> Result<Vec<MasterKeyRow>, StoreError> {
    let read = store.read().await?;
    data_keys::masters(read.on()).await
}

fn known_all(known: &[MasterKeyRow], given: &Generations) -> bool {
    let is_known = |id: &str| known.iter().any(|row| row.id == id);
    given.0.iter().all(|generation| is_known(&generation.id))
}

/// Remembers generations that appeared, drops those that were retired, and shows what each wraps.
async fn adopt(
    store: &Store,
    data_keys: &Hierarchy,
    known: &[MasterKeyRow],
    given: &Generations,
) -> Result<(), StoreError> {
    if !known_all(known, given) {
        let write = store.write().await?;
        let known = data_keys::masters(write.on()).await?;
        if generations::check(&known, &[], given).is_ok() {
            generations::remember(&write, &known, given).await?;
            write.commit().await?;
        }
    }
    let current = data_keys.current();
    for row in known.iter().filter(|row| row.retired_at.is_some()) {
        data_keys.forget(&row.id);
    }
    let retired = |id: &str| {
        known
            .iter()
            .any(|row| row.id == id && row.retired_at.is_some())
    };
    if retired(&current) && !retired(given.newest()) {
        data_keys.promote(given.newest());
    }
    show_usage(store, known).await
}

/// How many data keys each generation wraps, as a metric.
pub(crate) async fn show_usage(store: &Store, known: &[MasterKeyRow]) -> Result<(), StoreError> {
    let read = store.read().await?;
    let usage = data_keys::usage(read.on()).await?;
    for row in known {
        let count = usage.iter().find(|(id, _count)| *id == row.id);
        let count = count.map_or(0, |(_id, count)| *count);
        #[expect(
            clippy::cast_precision_loss,
            reason = "a gauge; counts are far below 2^53"
        )]
        gauge!("keyway_vault_data_keys", "master_key" => row.id.clone()).set(count as f64);
    }
    Ok(())
}

const EVERY: Duration = Duration::from_secs(5);
/// Looks between two counts of what each generation wraps: a minute.
const FORGET_AFTER: u64 = 12;
