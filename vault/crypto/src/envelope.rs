//! The sealed format: one parser, one way to seal, one way to open.
//!
//! An envelope opens only with the one key that its header names, in the context it was sealed in.

mod held;

use hkdf::Hkdf;
use keyway_words::Secret;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

pub use self::held::{HeldOpening, HeldSealing, held_key_marks};
use crate::aead::{self, NONCE, TAG};
use crate::key_bytes::KEY_LENGTH;
use crate::{DataKey, MasterKey, NoRandomness, Random, SealContext, WrapContext};

/// Seals a secret with a data key. At most 16 KiB of secret.
pub fn seal(
    data_key: &DataKey,
    context: &SealContext<'_>,
    secret: &Secret,
    random: &mut dyn Random,
) -> Result<Vec<u8>, CryptoError> {
    let key = Key {
        bytes: data_key.bytes(),
        id: context.data_key_id,
    };
    seal_bytes(
        &key,
        &context.canonical()?,
        secret.expose().as_bytes(),
        random,
    )
}

/// Opens a secret. The envelope must name `context.data_key_id`, and everything in the context must
/// be as it was when the secret was sealed.
pub fn open(
    data_key: &DataKey,
    context: &SealContext<'_>,
    envelope: &[u8],
) -> Result<Secret, CryptoError> {
    let key = Key {
        bytes: data_key.bytes(),
        id: context.data_key_id,
    };
    let mut plaintext = open_bytes(&key, &context.canonical()?, envelope)?;
    // The bytes move into the secret; on failure they come back and are wiped.
    match String::from_utf8(std::mem::take(&mut *plaintext)) {
        Ok(text) => Ok(Secret::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(CryptoError::Malformed)
        }
    }
}

/// Wraps a data key with a master key, whose id the envelope names.
pub fn wrap(
    master: &MasterKey,
    context: &WrapContext<'_>,
    data_key: &DataKey,
    random: &mut dyn Random,
) -> Result<Vec<u8>, CryptoError> {
    let id = master.id();
    let key = Key {
        bytes: master.bytes(),
        id: &id,
    };
    seal_bytes(&key, &context.canonical(&id)?, data_key.bytes(), random)
}

/// Unwraps a data key. The envelope must name this master key.
pub fn unwrap(
    master: &MasterKey,
    context: &WrapContext<'_>,
    envelope: &[u8],
) -> Result<DataKey, CryptoError> {
    let id = master.id();
    let key = Key {
        bytes: master.bytes(),
        id: &id,
    };
    let plaintext = open_bytes(&key, &context.canonical(&id)?, envelope)?;
    DataKey::from_slice(&plaintext).ok_or(CryptoError::Malformed)
}

/// The id of the one key that can open an envelope: a data key's for a secret, a master key's for a
/// wrapped data key. It is not authenticated before the envelope is opened.
pub fn key_id(envelope: &[u8]) -> Result<&str, CryptoError> {
    Parts::parse(envelope, ALGORITHM).map(|parts| parts.key_id)
}

/// Why nothing was sealed or opened. The first four say what is wrong with an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The envelope names another key than the one at hand. No other key is tried.
    #[error("the envelope names another key id")]
    KeyIdUnknown,
    /// The key bytes, the context or the salt are not those it was sealed with: a wrong key under
    /// the right id, or an envelope moved from another row.
    #[error("the envelope was sealed with other key bytes or for another place")]
    CommitmentMismatch,
    /// Key and context are right; the nonce, ciphertext or tag was changed.
    #[error("the sealed bytes were changed")]
    Tampered,
    /// Not an envelope of this version.
    #[error("the bytes are not an envelope of this version")]
    Malformed,
    /// A field, the context or the plaintext is outside the format's bounds.
    #[error("{what}")]
    OutOfBounds {
        /// What is outside, and the bound.
        what: &'static str,
    },
    /// There were no random bytes to seal with.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// A key and the id that envelopes name it by.
struct Key<'a> {
    bytes: &'a [u8; KEY_LENGTH],
    id: &'a str,
}

fn seal_bytes(
    key: &Key<'_>,
    context: &[u8],
    plaintext: &[u8],
    random: &mut dyn Random,
) -> Result<Vec<u8>, CryptoError> {
    let (id_length, sealed_length) = bounds(key.id, plaintext)?;
    let mut salt = [0; SALT];
    let mut nonce = [0; NONCE];
    random.fill(&mut salt)?;
    random.fill(&mut nonce)?;
    let derived = Derived::new(key.bytes, &salt, context)?;

    let header = Header {
        algorithm: ALGORITHM,
        id_length,
        key_id: key.id,
        salt: &salt,
        commitment: &derived.commitment,
        nonce: &nonce,
        sealed_length,
    };
    let mut envelope = Zeroizing::new(header.write());
    let start = envelope.len();
    envelope.extend_from_slice(plaintext);
    let (_header, in_place) = envelope.split_at_mut(start);
    let tag = aead::encrypt(&derived.key, &nonce, context, in_place).ok_or(PLAINTEXT_BOUND)?;
    envelope.extend_from_slice(&tag);
    Ok(std::mem::take(&mut *envelope))
}

fn open_bytes(
    key: &Key<'_>,
    context: &[u8],
    envelope: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let parts = Parts::parse(envelope, ALGORITHM)?;
    if parts.key_id != key.id {
        return Err(CryptoError::KeyIdUnknown);
    }
    let derived = Derived::new(key.bytes, parts.salt, context)?;
    if !bool::from(derived.commitment.ct_eq(parts.commitment)) {
        return Err(CryptoError::CommitmentMismatch);
    }
    let mut plaintext = Zeroizing::new(parts.ciphertext.to_vec());
    aead::decrypt(
        &derived.key,
        parts.nonce,
        context,
        &mut plaintext,
        parts.tag,
    )
    .ok_or(CryptoError::Tampered)?;
    Ok(plaintext)
}

fn bounds(key_id: &str, plaintext: &[u8]) -> Result<(u8, u16), CryptoError> {
    if !is_key_id(key_id.as_bytes()) {
        return Err(KEY_ID_BOUND);
    }
    if plaintext.len() > MAX_PLAINTEXT {
        return Err(PLAINTEXT_BOUND);
    }
    let id = u8::try_from(key_id.len()).map_err(|_length| KEY_ID_BOUND)?;
    let sealed = u16::try_from(plaintext.len() + TAG).map_err(|_length| PLAINTEXT_BOUND)?;
    Ok((id, sealed))
}

/// What HKDF makes of a wrapping key, a salt and a context.
struct Derived {
    /// Seals this one record.
    key: Zeroizing<[u8; KEY_LENGTH]>,
    /// Public: stands in the envelope.
    commitment: [u8; COMMITMENT],
}

impl Derived {
    fn new(key: &[u8; KEY_LENGTH], salt: &[u8; SALT], context: &[u8]) -> Result<Self, CryptoError> {
        let mut bytes = Zeroizing::new([0; KEY_LENGTH + COMMITMENT]);
        Hkdf::<Sha256>::new(Some(salt), key)
            .expand(context, &mut bytes[..])
            .map_err(|_length| CryptoError::Malformed)?;
        let (record_key, commitment) = bytes.split_at(KEY_LENGTH);
        let mut derived = Self {
            key: Zeroizing::new([0; KEY_LENGTH]),
            commitment: [0; COMMITMENT],
        };
        derived.key.copy_from_slice(record_key);
        derived.commitment.copy_from_slice(commitment);
        Ok(derived)
    }
}

/// Everything of an envelope before the sealed bytes.
struct Header<'a> {
    algorithm: u8,
    id_length: u8,
    key_id: &'a str,
    salt: &'a [u8; SALT],
    commitment: &'a [u8; COMMITMENT],
    nonce: &'a [u8; NONCE],
    sealed_length: u16,
}

impl Header<'_> {
    /// Reserved for the whole envelope: growing would leave copies of the plaintext behind.
    fn write(&self) -> Vec<u8> {
        let total = FIXED + self.key_id.len() + usize::from(self.sealed_length);
        let mut bytes = Vec::with_capacity(total);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[VERSION, self.algorithm, self.id_length]);
        bytes.extend_from_slice(self.key_id.as_bytes());
        bytes.extend_from_slice(self.salt);
        bytes.extend_from_slice(self.commitment);
        bytes.extend_from_slice(self.nonce);
        bytes.extend_from_slice(&self.sealed_length.to_be_bytes());
        bytes
    }
}

/// An envelope taken apart.
struct Parts<'a> {
    key_id: &'a str,
    salt: &'a [u8; SALT],
    commitment: &'a [u8; COMMITMENT],
    nonce: &'a [u8; NONCE],
    ciphertext: &'a [u8],
    tag: &'a [u8; TAG],
}

impl<'a> Parts<'a> {
    fn parse(envelope: &'a [u8], algorithm: u8) -> Result<Self, CryptoError> {
        Self::read(envelope, algorithm).ok_or(CryptoError::Malformed)
    }

    /// `None` for anything but one whole envelope: every byte has its place, and none is left over.
    fn read(envelope: &'a [u8], algorithm: u8) -> Option<Self> {
        let rest = envelope.strip_prefix(MAGIC)?;
        let (&[VERSION, written, id_length], rest) = rest.split_first_chunk()? else {
            return None;
        };
        if written != algorithm {
            return None;
        }
        let (key_id, rest) = rest.split_at_checked(usize::from(id_length))?;
        let key_id = std::str::from_utf8(key_id)
            .ok()
            .filter(|id| is_key_id(id.as_bytes()))?;
        let (salt, rest) = rest.split_first_chunk()?;
        let (commitment, rest) = rest.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (sealed_length, sealed) = rest.split_first_chunk()?;
        if sealed.len() != usize::from(u16::from_be_bytes(*sealed_length)) {
            return None;
        }
        let (ciphertext, tag) = sealed.split_last_chunk()?;
        (ciphertext.len() <= MAX_PLAINTEXT).then_some(Self {
            key_id,
            salt,
            commitment,
            nonce,
            ciphertext,
            tag,
        })
    }
}

/// 1 to 64 visible ASCII characters.
fn is_key_id(id: &[u8]) -> bool {
    (1..=MAX_KEY_ID).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

const MAGIC: &[u8; 3] = b"KWE";
const VERSION: u8 = 1;
/// HKDF-SHA-256, then AES-256-GCM-SIV. It stands in the header and in the context.
pub(crate) const ALGORITHM: u8 = 1;
/// AES-256-GCM with a key that a module holds, and a commitment to what is sealed.
pub(crate) const HELD_ALGORITHM: u8 = 2;
const SALT: usize = 32;
const COMMITMENT: usize = 32;
const MAX_KEY_ID: usize = 64;
const MAX_PLAINTEXT: usize = 16 * 1024;
/// Every byte but the key id, the ciphertext and the tag.
const FIXED: usize = MAGIC.len() + 3 + SALT + COMMITMENT + NONCE + 2;
const KEY_ID_BOUND: CryptoError = CryptoError::OutOfBounds {
    what: "a key id is 1 to 64 visible ASCII characters",
};
const PLAINTEXT_BOUND: CryptoError = CryptoError::OutOfBounds {
    what: "what is sealed is at most 16 KiB",
};

#[cfg(test)]
mod tests;
