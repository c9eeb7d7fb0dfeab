//! What an envelope is bound to, written in one canonical way.
//!
//! Each field is written as its length (two bytes, big-endian) and its bytes. The domain comes
//! first and fixes how many fields follow, so no two contexts give the same bytes.

use crate::CryptoError;
use crate::envelope::{ALGORITHM, HELD_ALGORITHM};

/// Where a secret stands: every field must be the same when it is opened.
///
/// Nothing here may change without sealing again; labels, policies and times are not bound.
#[derive(Debug, Clone, Copy)]
pub struct SealContext<'a> {
    /// The key's owner, `workspaces/{id}` or `platform`.
    pub owner: &'a str,
    /// Provider id.
    pub provider: &'a str,
    /// Name in the pool.
    pub name: &'a str,
    /// Id of the database row.
    pub row_id: &'a str,
    /// Version of the secret, counted from 1.
    pub version: u64,
    /// Id of the data key that seals it.
    pub data_key_id: &'a str,
}

impl SealContext<'_> {
    pub(crate) fn canonical(&self) -> Result<Vec<u8>, CryptoError> {
        canonical(&[
            b"keyway/secret/v1",
            &[ALGORITHM],
            self.owner.as_bytes(),
            self.provider.as_bytes(),
            self.name.as_bytes(),
            self.row_id.as_bytes(),
            &self.version.to_be_bytes(),
            self.data_key_id.as_bytes(),
        ])
    }
}

/// Whose data key it is. The id of the master key is bound too: it comes from the master key itself.
#[derive(Debug, Clone, Copy)]
pub struct WrapContext<'a> {
    /// The owner, `workspaces/{id}`, `platform` or `system`.
    pub owner: &'a str,
    /// Id of the data key.
    pub data_key_id: &'a str,
    /// Generation of the owner's data key, counted from 1.
    pub generation: u64,
}

impl WrapContext<'_> {
    pub(crate) fn canonical(&self, master_key_id: &str) -> Result<Vec<u8>, CryptoError> {
        self.in_domain(b"keyway/data-key/v1", ALGORITHM, master_key_id)
    }

    /// Of a master key that a module holds.
    pub(crate) fn canonical_held(&self, master_key_id: &str) -> Result<Vec<u8>, CryptoError> {
        self.in_domain(b"keyway/held-data-key/v1", HELD_ALGORITHM, master_key_id)
    }

    fn in_domain(
        &self,
        domain: &[u8],
        algorithm: u8,
        master_key_id: &str,
    ) -> Result<Vec<u8>, CryptoError> {
        canonical(&[
            domain,
            &[algorithm],
            self.owner.as_bytes(),
            self.data_key_id.as_bytes(),
            &self.generation.to_be_bytes(),
            master_key_id.as_bytes(),
        ])
    }
}

fn canonical(fields: &[&[u8]]) -> Result<Vec<u8>, CryptoError> {
    let mut bytes = Vec::new();
    for field in fields {
        let length = u16::try_from(field.len()).map_err(|_too_long| TOO_LONG)?;
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(field);
    }
    if bytes.len() > MAX_CONTEXT {
        Err(TOO_LONG)
    } else {
        Ok(bytes)
    }
}

/// RFC 8452's bounds are for short associated data.
const MAX_CONTEXT: usize = 1024;
const TOO_LONG: CryptoError = CryptoError::OutOfBounds {
    what: "the context is over 1 KiB",
};
