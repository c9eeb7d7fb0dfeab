//! Master keys in this process's memory, read from where the configuration says.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use keyway_vault_crypto::{self as crypto, DataKey, MasterKey, OsRandom, WrapContext};

use super::wrap::{Generation, Generations, KeyWrap, WrapError};
use crate::master_key::MasterKeyError;
use crate::master_key::source::Source;

/// The generations that were read, and where to look for newer ones.
pub(crate) struct LocalKeys(Arc<Held>);

struct Held {
    source: Source,
    /// By id; `None` for one that must not be used again, whatever its file says.
    keys: RwLock<BTreeMap<String, Option<Arc<MasterKey>>>>,
}

impl LocalKeys {
    /// Reads them for the first time.
    pub(crate) fn read(source: Source) -> Result<Self, MasterKeyError> {
        let held = Held {
            source,
            keys: RwLock::default(),
        };
        held.read_again()?;
        Ok(Self(Arc::new(held)))
    }

    fn held(&self, id: &str) -> Result<Arc<MasterKey>, WrapError> {
        let keys = self.0.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.get(id)
            .cloned()
            .flatten()
            .ok_or_else(|| WrapError::NotHere(id.to_owned()))
    }
}

impl Held {
    /// Reads them again and keeps what is new. A generation whose file is gone stays until this
    /// process ends: it may still wrap data keys, and the start after this one says so.
    fn read_again(&self) -> Result<Generations, MasterKeyError> {
        let read = self.source.read()?;
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let mut found = Vec::with_capacity(read.len());
        for key in read {
            let generation = Generation {
                id: key.id(),
                check_value: key.check_value(),
            };
            keys.entry(generation.id.clone())
                .or_insert_with(|| Some(Arc::new(key)));
            found.push(generation);
        }
        Ok(Generations(found))
    }
}

impl KeyWrap for LocalKeys {
    fn status(&self) -> BoxFuture<'_, Result<Generations, WrapError>> {
        let held = Arc::clone(&self.0);
        // A mount may hang, and a worker of the runtime must not hang with it.
        let read = tokio::task::spawn_blocking(move || held.read_again());
        read.map(|read| match read {
            Ok(Ok(generations)) => Ok(generations),
            Ok(Err(error)) => Err(WrapError::Unavailable(error.to_string())),
            Err(error) => Err(WrapError::Unavailable(error.to_string())),
        })
        .boxed()
    }

    fn wrap<'a>(
        &'a self,
        master_key_id: &'a str,
        context: WrapContext<'a>,
        data_key: &'a DataKey,
    ) -> BoxFuture<'a, Result<Vec<u8>, WrapError>> {
        let wrapped = self
            .held(master_key_id)
            .and_then(|master| Ok(crypto::wrap(&master, &context, data_key, &mut OsRandom)?));
        async { wrapped }.boxed()
    }

    fn unwrap<'a>(
        &'a self,
        master_key_id: &'a str,
        context: WrapContext<'a>,
        wrapped: &'a [u8],
    ) -> BoxFuture<'a, Result<DataKey, WrapError>> {
        // The column is checked as well as the envelope's header: both must name the same key.
        let unwrapped = self
            .held(master_key_id)
            .and_then(|master| Ok(crypto::unwrap(&master, &context, wrapped)?));
        async { unwrapped }.boxed()
    }

    fn forget(&self, master_key_id: &str) {
        let mut keys = self.0.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.insert(master_key_id.to_owned(), None);
    }
}
