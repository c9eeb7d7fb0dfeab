//! Data keys: unwrapped for their owner, made, and wrapped again.

use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use keyway_vault_crypto::{DataKey, OsRandom, WrapContext};
use uuid::Uuid;

use super::DataKeyError;
use super::cache::{Cache, CacheBounds};
use super::wrap::{Generations, KeyWrap, WrapError};
use crate::store::Write;
use crate::store::data_keys::{self, ACTIVE, DataKeyRow};

/// Times and sizes of the hierarchy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Longest time for one answer of what holds the master key.
    pub(crate) timeout: Duration,
    /// Of the unwrapped data keys.
    pub(crate) cache: CacheBounds,
}

/// The master key's holder, the generation that wraps, and the data keys unwrapped lately.
pub(crate) struct Hierarchy {
    wrap: Box<dyn KeyWrap>,
    timeout: Duration,
    current: RwLock<String>,
    cache: Cache,
}

impl Hierarchy {
    /// A hierarchy without a current generation: [`Hierarchy::promote`] names it.
    pub(crate) fn new(wrap: Box<dyn KeyWrap>, bounds: Bounds) -> Self {
        Self {
            wrap,
            timeout: bounds.timeout,
            current: RwLock::default(),
            cache: Cache::new(bounds.cache),
        }
    }

    /// The generation that wraps new data keys.
    pub(crate) fn current(&self) -> String {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// Lets a generation wrap from now on.
    pub(crate) fn promote(&self, master_key_id: &str) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        master_key_id.clone_into(&mut current);
    }

    /// Drops a retired generation and every data key that is held unwrapped.
    pub(crate) fn forget(&self, master_key_id: &str) {
        self.wrap.forget(master_key_id);
        self.cache.clear();
    }

    /// Wipes data keys whose time in the cache is over.
    pub(crate) fn sweep(&self) {
        self.cache.sweep();
    }

    /// What the holder of the master key has now.
    pub(crate) async fn status(&self) -> Result<Generations, WrapError> {
        self.bounded(self.wrap.status()).await
    }

    /// Unwraps a data key for its owner.
    pub(crate) async fn unwrap(
        &self,
        row: &DataKeyRow,
        owner: &str,
    ) -> Result<Arc<DataKey>, DataKeyError> {
        if row.state != ACTIVE || row.owner != owner {
            return Err(DataKeyError::Absent);
        }
        if let Some(data_key) = self.cache.get(row) {
            return Ok(data_key);
        }
        let data_key = Arc::new(self.unwrap_now(row).await?);
        self.cache.put(row, &data_key);
        Ok(data_key)
    }

    /// Another process may have wrapped it with a generation that its holder was given a moment ago:
    /// before one is said not to be here, the holder of this one is looked at.
    async fn unwrap_now(&self, row: &DataKeyRow) -> Result<DataKey, DataKeyError> {
        match self.ask_to_unwrap(row).await {
            Err(DataKeyError::MasterKeyNotHere(_)) => {
                self.status().await?;
                self.ask_to_unwrap(row).await
            }
            answer => answer,
        }
    }

    async fn ask_to_unwrap(&self, row: &DataKeyRow) -> Result<DataKey, DataKeyError> {
        let unwrapping = self
            .wrap
            .unwrap(&row.master_key_id, context(row)?, &row.wrapped);
        Ok(self.bounded(unwrapping).await?)
    }

    /// The same data key wrapped by another generation: the row as it will stand. Passes the cache
    /// by, since a rewrap meets every data key once.
    pub(crate) async fn wrap_again(
        &self,
        row: &DataKeyRow,
        master_key_id: &str,
    ) -> Result<DataKeyRow, DataKeyError> {
        let data_key = self.unwrap_now(row).await?;
        let wrapping = self.wrap.wrap(master_key_id, context(row)?, &data_key);
        Ok(DataKeyRow {
            wrapped: self.bounded(wrapping).await?,
            master_key_id: master_key_id.to_owned(),
            ..row.clone()
        })
    }

    /// The data key that seals for an owner, made if there is none. One that is lost is left where
    /// it is and a new generation is made, so that storing a key again mends the owner. One that
    /// can't be unwrapped for now is not lost.
    pub(crate) async fn for_sealing(
        &self,
        write: &Write,
        owner: &str,
    ) -> Result<(String, Arc<DataKey>), DataKeyError> {
        if let Some(row) = data_keys::newest(write.on(), owner).await? {
            match self.unwrap(&row, owner).await {
                Ok(data_key) => return Ok((row.id, data_key)),
                Err(error) if error.is_lost() => {
                    tracing::error!(%error, data_key = row.id, owner, "data key does not unwrap");
                }
                Err(error) => return Err(error),
            }
        }
        let (row, data_key) = self.make(write, owner).await?;
        Ok((row.id, data_key))
    }

    /// Makes the next generation of an owner's data key.
    pub(crate) async fn make(
        &self,
        write: &Write,
        owner: &str,
    ) -> Result<(DataKeyRow, Arc<DataKey>), DataKeyError> {
        let last = data_keys::last_generation(write.on(), owner).await?;
        let mut row = DataKeyRow {
            id: Uuid::now_v7().to_string(),
            owner: owner.to_owned(),
            generation: i64::try_from(last.saturating_add(1)).unwrap_or(i64::MAX),
            master_key_id: self.current(),
            wrapped: Vec::new(),
            state: ACTIVE.to_owned(),
            created_at: write.now().0,
        };
        let data_key = DataKey::generate(&mut OsRandom)?;
        let wrapping = self
            .wrap
            .wrap(&row.master_key_id, context(&row)?, &data_key);
        row.wrapped = self.bounded(wrapping).await?;
        data_keys::insert(write.on(), row.clone()).await?;
        Ok((row, Arc::new(data_key)))
    }

    async fn bounded<T>(
        &self,
        answer: impl Future<Output = Result<T, WrapError>>,
    ) -> Result<T, WrapError> {
        let late = |_elapsed| WrapError::Unavailable(format!("no answer in {:?}", self.timeout));
        tokio::time::timeout(self.timeout, answer)
            .await
            .map_err(late)?
    }
}

/// What a wrapped data key is bound to.
fn context(row: &DataKeyRow) -> Result<WrapContext<'_>, DataKeyError> {
    let generation = u64::try_from(row.generation).map_err(|_negative| DataKeyError::Absent)?;
    Ok(WrapContext {
        owner: &row.owner,
        data_key_id: &row.id,
        generation,
    })
}

#[cfg(test)]
mod tests;
