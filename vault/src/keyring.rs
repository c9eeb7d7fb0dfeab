//! Keys of the hierarchy in use: the master key behind an async trait, the data keys that it wraps,
//! and what is derived from the data key of the owner `system`.

mod cache;
mod hierarchy;
mod holders;
mod local;
#[cfg_attr(not(feature = "pkcs11"), path = "keyring/without_token.rs")]
mod token;
mod wrap;

use keyway_proto::{Fault, Reason};
use keyway_vault_crypto::{self as crypto, CryptoError, DataKey};
use keyway_vault_crypto::{CheckpointKey, FingerprintKey, PageKey, TokenHashKey};

pub(crate) use self::cache::CacheBounds;
pub(crate) use self::hierarchy::{Bounds, Hierarchy};
pub(crate) use self::holders::{HolderError, Holders};
pub(crate) use self::token::TokenSettings;
#[cfg(feature = "pkcs11")]
pub(crate) use self::token::{Pin, make_key};
pub(crate) use self::wrap::{Generation, Generations, WrapError};
use crate::store::StoreError;

/// The keys of a running vault.
pub(crate) struct Keyring {
    /// Data keys, and the master key that wraps them.
    pub(crate) data_keys: Hierarchy,
    /// Fingerprints of provider keys.
    pub(crate) fingerprint: FingerprintKey,
    /// Hashes of tokens.
    pub(crate) token_hash: TokenHashKey,
    /// Page tokens.
    pub(crate) page: PageKey,
    /// Checkpoints of the audit chains.
    pub(crate) checkpoint: CheckpointKey,
}

impl Keyring {
    /// The keyring of a database whose system data key has been read.
    pub(crate) fn new(data_keys: Hierarchy, system: &DataKey) -> Self {
        Self {
            data_keys,
            fingerprint: FingerprintKey::derive(system),
            token_hash: TokenHashKey::derive(system),
            page: PageKey::derive(system),
            checkpoint: CheckpointKey::derive(system),
        }
    }
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
    /// A generation of the master key is not here. Says nothing of the data key.
    #[error(
        "the data key is wrapped by the master key {0}, which this vault was not given; bring the \
         key with that id back"
    )]
    MasterKeyNotHere(String),
    /// The master key's holder does not answer. Says nothing of the data key.
    #[error("what holds the master key does not answer: {0}")]
    Unavailable(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DataKeyError {
    /// Whether the data key itself is known to be lost: absent, or damaged.
    pub(crate) const fn is_lost(&self) -> bool {
        matches!(self, Self::Absent | Self::Crypto(_))
    }
}

impl From<WrapError> for DataKeyError {
    fn from(error: WrapError) -> Self {
        match error {
            WrapError::NotHere(id) => Self::MasterKeyNotHere(id),
            WrapError::Crypto(error) => Self::Crypto(error),
            WrapError::Unavailable(why) | WrapError::Misconfigured(why) => Self::Unavailable(why),
        }
    }
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
            DataKeyError::MasterKeyNotHere(_) | DataKeyError::Unavailable(_) => {
                tracing::error!(%error, "the master key can't be used");
                Self::new(
                    Reason::VaultUnavailable,
                    "the vault can't use its master key; /readyz and its log say why",
                )
                .retry_after(RETRY)
            }
        }
    }
}

const RETRY: std::time::Duration = std::time::Duration::from_secs(5);
