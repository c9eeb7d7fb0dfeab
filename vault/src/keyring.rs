//! Keys of the hierarchy in use: the master key behind an async trait, and what is derived from the
//! data key of the owner `system`.

use futures::FutureExt as _;
use futures::future::BoxFuture;
use keyway_proto::{Fault, Reason};
use keyway_vault_crypto as crypto;
use keyway_vault_crypto::{
    CryptoError, DataKey, FingerprintKey, MasterKey, OsRandom, PageKey, TokenHashKey, WrapContext,
};
use uuid::Uuid;

use crate::store::data_keys::{self, ACTIVE, DataKeyRow};
use crate::store::{StoreError, Write};

/// What wraps data keys: a local key now, a key service or a security module later. No answer is
/// ever tried with another key.
pub(crate) trait KeyWrap: Send + Sync {
    /// Id of the generation that wraps.
    fn id(&self) -> &str;

    /// Its check value, stored when the generation is first seen.
    fn check_value(&self) -> String;

    /// Wraps a data key.
    fn wrap<'a>(
        &'a self,
        context: WrapContext<'a>,
        data_key: &'a DataKey,
    ) -> BoxFuture<'a, Result<Vec<u8>, CryptoError>>;

    /// Unwraps a data key that the generation `master_key_id` wrapped.
    fn unwrap<'a>(
        &'a self,
        master_key_id: &'a str,
        context: WrapContext<'a>,
        wrapped: &'a [u8],
    ) -> BoxFuture<'a, Result<DataKey, CryptoError>>;
}

/// A master key in this process's memory.
pub(crate) struct LocalKey {
    id: String,
    master: MasterKey,
}

impl LocalKey {
    pub(crate) fn new(master: MasterKey) -> Self {
        Self {
            id: master.id(),
            master,
        }
    }
}

impl KeyWrap for LocalKey {
    fn id(&self) -> &str {
        &self.id
    }

    fn check_value(&self) -> String {
        self.master.check_value()
    }

    fn wrap<'a>(
        &'a self,
        context: WrapContext<'a>,
        data_key: &'a DataKey,
    ) -> BoxFuture<'a, Result<Vec<u8>, CryptoError>> {
        let wrapped = crypto::wrap(&self.master, &context, data_key, &mut OsRandom);
        async { wrapped }.boxed()
    }

    fn unwrap<'a>(
        &'a self,
        master_key_id: &'a str,
        context: WrapContext<'a>,
        wrapped: &'a [u8],
    ) -> BoxFuture<'a, Result<DataKey, CryptoError>> {
        // The column is checked as well as the envelope's header: both must name this key.
        let unwrapped = if master_key_id == self.id {
            crypto::unwrap(&self.master, &context, wrapped)
        } else {
            Err(CryptoError::KeyIdUnknown)
        };
        async { unwrapped }.boxed()
    }
}

/// The keys of a running vault.
pub(crate) struct Keyring {
    wrap: Box<dyn KeyWrap>,
    /// Fingerprints of provider keys.
    pub(crate) fingerprint: FingerprintKey,
    /// Hashes of tokens.
    pub(crate) token_hash: TokenHashKey,
    /// Page tokens.
    pub(crate) page: PageKey,
}

/// Owner of the data key that the vault's own keys are derived from.
pub(crate) const SYSTEM: &str = "system";

/// Why there is no data key to work with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataKeyError {
    /// The row is gone, spent or of another owner.
    #[error("the data key is not there")]
    Absent,
    /// It does not unwrap.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<crypto::NoRandomness> for DataKeyError {
    fn from(error: crypto::NoRandomness) -> Self {
        Self::Crypto(error.into())
    }
}

impl From<DataKeyError> for Fault {
    fn from(error: DataKeyError) -> Self {
        match error {
            DataKeyError::Store(error) => error.into(),
            DataKeyError::Absent | DataKeyError::Crypto(_) => {
                tracing::error!(%error, "nothing can be sealed");
                Self::new(
                    Reason::Internal,
                    "the vault could not seal the secret; nothing was stored",
                )
            }
        }
    }
}

impl Keyring {
    /// The keyring of a database whose system data key has been read.
    pub(crate) fn new(wrap: Box<dyn KeyWrap>, system: &DataKey) -> Self {
        Self {
            wrap,
            fingerprint: FingerprintKey::derive(system),
            token_hash: TokenHashKey::derive(system),
            page: PageKey::derive(system),
        }
    }

    /// The generation that wraps new data keys.
    pub(crate) fn master_key_id(&self) -> &str {
        self.wrap.id()
    }

    /// Unwraps a data key for its owner.
    pub(crate) async fn unwrap(
        &self,
        row: &DataKeyRow,
        owner: &str,
    ) -> Result<DataKey, DataKeyError> {
        unwrap(&*self.wrap, row, owner).await
    }

    /// The data key that seals for an owner, made if there is none. One that no longer unwraps is
    /// left where it is and a new generation is made, so that storing a key again mends the owner.
    pub(crate) async fn for_sealing(
        &self,
        write: &Write,
        owner: &str,
    ) -> Result<(String, DataKey), DataKeyError> {
        if let Some(row) = data_keys::newest(write.on(), owner).await? {
            match self.unwrap(&row, owner).await {
                Ok(data_key) => return Ok((row.id, data_key)),
                Err(error) => {
                    tracing::error!(%error, data_key = row.id, owner, "data key does not unwrap");
                }
            }
        }
        make(&*self.wrap, write, owner).await
    }
}

/// Unwraps a data key for its owner with a given master key.
pub(crate) async fn unwrap(
    wrap: &dyn KeyWrap,
    row: &DataKeyRow,
    owner: &str,
) -> Result<DataKey, DataKeyError> {
    let Ok(generation) = u64::try_from(row.generation) else {
        return Err(DataKeyError::Absent);
    };
    if row.state != ACTIVE || row.owner != owner {
        return Err(DataKeyError::Absent);
    }
    let context = WrapContext {
        owner,
        data_key_id: &row.id,
        generation,
    };
    Ok(wrap
        .unwrap(&row.master_key_id, context, &row.wrapped)
        .await?)
}

/// Makes the next generation of an owner's data key.
pub(crate) async fn make(
    wrap: &dyn KeyWrap,
    write: &Write,
    owner: &str,
) -> Result<(String, DataKey), DataKeyError> {
    let generation = data_keys::last_generation(write.on(), owner)
        .await?
        .saturating_add(1);
    let id = Uuid::now_v7().to_string();
    let data_key = DataKey::generate(&mut OsRandom)?;
    let context = WrapContext {
        owner,
        data_key_id: &id,
        generation,
    };
    let wrapped = wrap.wrap(context, &data_key).await?;
    let row = DataKeyRow {
        id: id.clone(),
        owner: owner.to_owned(),
        generation: i64::try_from(generation).unwrap_or(i64::MAX),
        master_key_id: wrap.id().to_owned(),
        wrapped,
        state: ACTIVE.to_owned(),
        created_at: write.now().0,
    };
    data_keys::insert(write.on(), row).await?;
    Ok((id, data_key))
}
