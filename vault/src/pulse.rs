//! Changes that other vaults make: one task reads where the feed is, for all watches of this
//! process.
//!
//! It only wakes them. What a watch says, it has read itself.

use std::sync::Arc;

use keyway_chassis::lifecycle::Shutdown;
use tokio::time::{MissedTickBehavior, interval};

use crate::service::Vault;
use crate::store::feed::Position;
use crate::store::{Store, StoreError, feed};

/// Looks every so often, until the stop. While the database can't be read the watches stay silent,
/// and their routers notice.
pub(crate) async fn run(vault: Arc<Vault>, shutdown: Shutdown) {
    let mut tick = interval(vault.limits.poll);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known: Option<Position> = None;
    loop {
        tokio::select! {
            () = shutdown.wait() => return,
            _ = tick.tick() => {}
        }
        match look(&vault.store).await {
            Ok(position) if known.as_ref() != Some(&position) => {
                if let Some(known) = known.filter(|known| known.is_ahead_of(&position)) {
                    vault
                        .rollback
                        .found("this vault", known.revision, &position);
                }
                vault.store.noticed();
                known = Some(position);
            }
            Ok(_same) => {}
            Err(error) => tracing::error!(%error, "the feed can't be read"),
        }
    }
}

async fn look(store: &Store) -> Result<Position, StoreError> {
    let read = store.read().await?;
    feed::current(read.on()).await
}
