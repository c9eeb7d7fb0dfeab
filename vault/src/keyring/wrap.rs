//! What wraps data keys: keys in this process's memory, or a module that keeps them.

use futures::future::BoxFuture;
use keyway_vault_crypto::{CryptoError, DataKey, WrapContext};

/// The holder of the master key's generations. No answer is ever tried with another generation than
/// the one that is named.
///
/// The keyring puts a bound on the time of every answer.
pub(crate) trait KeyWrap: Send + Sync {
    /// Looks whether the holder works, and which generations it has now.
    fn status(&self) -> BoxFuture<'_, Result<Generations, WrapError>>;

    /// Wraps a data key with the named generation.
    fn wrap<'a>(
        &'a self,
        master_key_id: &'a str,
        context: WrapContext<'a>,
        data_key: &'a DataKey,
    ) -> BoxFuture<'a, Result<Vec<u8>, WrapError>>;

    /// Unwraps a data key that the named generation wrapped.
    fn unwrap<'a>(
        &'a self,
        master_key_id: &'a str,
        context: WrapContext<'a>,
        wrapped: &'a [u8],
    ) -> BoxFuture<'a, Result<DataKey, WrapError>>;

    /// Drops a retired generation: from now on it is not here.
    fn forget(&self, master_key_id: &str);
}

/// Every generation that a holder has, oldest first. The last one is the newest. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Generations(pub(crate) Vec<Generation>);

/// A generation of the master key by what is public of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Generation {
    /// Made from the key itself.
    pub(crate) id: String,
    /// Stored when the generation is first seen; another value under the same id is another key.
    pub(crate) check_value: String,
}

impl Generations {
    /// The id of the newest one.
    pub(crate) fn newest(&self) -> &str {
        self.0.last().map_or("", |generation| &generation.id)
    }

    /// Whether a generation is there.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.0.iter().any(|generation| generation.id == id)
    }

    /// The ids, for people.
    pub(crate) fn ids(&self) -> String {
        let ids: Vec<&str> = self
            .0
            .iter()
            .map(|generation| generation.id.as_str())
            .collect();
        ids.join(", ")
    }
}

/// Why nothing was wrapped or unwrapped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WrapError {
    /// The holder does not have this generation. Another is never tried.
    #[error("this vault was not given the master key {0}")]
    NotHere(String),
    /// The wrapped bytes are not what this generation wrapped for this place.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
    /// The holder does not answer, or not in time. It says nothing of the data key.
    #[error("what holds the master key does not answer: {0}")]
    Unavailable(String),
    /// The holder answers and is not set up as the settings say: a PIN that it refuses, a label that it
    /// does not have. It says nothing of the data key either.
    #[cfg_attr(
        not(feature = "pkcs11"),
        expect(
            dead_code,
            reason = "only a token is set up elsewhere than in the settings"
        )
    )]
    #[error("what holds the master key is not what the settings say: {0}")]
    Misconfigured(String),
}
