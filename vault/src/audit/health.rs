//! Whether the audit trail takes rows: the readiness condition `audit`.
//!
//! A row that is tried and taken back finds trouble before a caller does; a refused row takes the
//! condition away at once. It comes back when a row is durable again: the one that says since when
//! the trail was away.

use std::time::Duration;

use keyway_chassis::lifecycle::Shutdown;
use keyway_chassis::operations::Readiness;
use serde_json::json;
use tokio::time::timeout;

use crate::conditions::AUDIT;
use crate::store::audit::{Chain, Decision, Entry, Origin};
use crate::store::{Store, StoreError};

/// Watches until the shutdown; looks every `interval` while all is well.
pub(crate) async fn watch(
    store: Store,
    interval: Duration,
    readiness: Readiness,
    shutdown: Shutdown,
) {
    let mut refusals = store.trail().refusals();
    loop {
        let works = works(timeout(BOUND, rehearse(&store)).await);
        let was_refused = refusals.has_changed().unwrap_or(false);
        if works && !was_refused {
            readiness.set(AUDIT, true);
            tokio::select! {
                () = tokio::time::sleep(interval) => continue,
                _ = refusals.changed() => {}
                () = shutdown.wait() => return,
            }
        }
        readiness.set(AUDIT, false);
        if !comes_back(&store, &shutdown).await {
            return;
        }
        // The tries while it was away were refused too.
        refusals.mark_unchanged();
    }
}

/// Writes one row and takes it back.
async fn rehearse(store: &Store) -> Result<(), StoreError> {
    let write = store.write().await?;
    write.audit(&entry(json!({}))).await?;
    write.undo().await
}

/// A database that has too much to do is not one that refuses.
fn works(tried: Result<Result<(), StoreError>, tokio::time::error::Elapsed>) -> bool {
    match tried {
        Ok(Ok(()) | Err(StoreError::NoTurn)) => true,
        Ok(Err(error)) => {
            tracing::error!(%error, "the audit trail takes no rows");
            false
        }
        Err(_elapsed) => {
            tracing::error!("the audit trail takes no rows within {BOUND:?}");
            false
        }
    }
}

/// Tries until a row is durable; `false` if the shutdown came first.
async fn comes_back(store: &Store, shutdown: &Shutdown) -> bool {
    let since = store.now().rfc3339();
    loop {
        match timeout(BOUND, record(store, &since)).await {
            Ok(Ok(())) => {
                tracing::info!(since, "the audit trail takes rows again");
                return true;
            }
            Ok(Err(error)) => tracing::debug!(%error, "the audit trail takes no rows"),
            Err(_elapsed) => tracing::debug!("the audit trail takes no rows in time"),
        }
        if timeout(WHEN_AWAY, shutdown.wait()).await.is_ok() {
            return false;
        }
    }
}

async fn record(store: &Store, since: &str) -> Result<(), StoreError> {
    let write = store.write().await?;
    write
        .audit(&entry(json!({ "unavailable_since": since })))
        .await?;
    write.commit().await
}

fn entry(facts: serde_json::Value) -> Entry {
    Entry {
        chain: Chain::System,
        accessor: String::new(),
        subject: "system:vault".to_owned(),
        rpc: "AUDIT_RECOVERED".to_owned(),
        resource: "system".to_owned(),
        decision: Decision::Allowed,
        reason: "",
        facts,
        origin: Origin::default(),
    }
}

const WHEN_AWAY: Duration = Duration::from_secs(1);
/// Longer than the database's own bounds, so that it is they that say what is wrong.
const BOUND: Duration = Duration::from_secs(15);
