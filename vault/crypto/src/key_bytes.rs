//! 32 bytes of key that stay at one place in memory and are wiped there.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{NoRandomness, Random};

/// Length of every key, in bytes.
pub(crate) const KEY_LENGTH: usize = 32;
/// Block of SHA-256, in bytes.
const HMAC_BLOCK: usize = 64;

/// A key. Boxed, so that moving it leaves no copies on the stack.
pub(crate) struct KeyBytes(Box<Zeroizing<[u8; KEY_LENGTH]>>);

impl KeyBytes {
    pub(crate) fn generate(random: &mut dyn Random) -> Result<Self, NoRandomness> {
        let mut key = Self::zeros();
        random.fill(&mut key.0[..])?;
        Ok(key)
    }

    /// `None` unless there are exactly 32 bytes.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = Self::zeros();
        if bytes.len() != KEY_LENGTH {
            return None;
        }
        key.0.copy_from_slice(bytes);
        Some(key)
    }

    /// The key that HMAC-SHA-256 makes of this one for a purpose.
    pub(crate) fn derive(&self, purpose: &str) -> Self {
        let mut key = Self::zeros();
        key.0.copy_from_slice(&self.mac(&[purpose.as_bytes()])[..]);
        key
    }

    /// HMAC-SHA-256 over the parts, each with its length before it, so that no two lists of parts
    /// give the same input.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
        let mut mac = self.keyed();
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Zeroizing::new(mac.finalize().into_bytes().into())
    }

    /// HMAC-SHA-256 with this key, before any input.
    pub(crate) fn keyed(&self) -> Hmac<Sha256> {
        // HMAC fills a short key up to a block with zeros; done here, it has no length to refuse.
        let mut block = Zeroizing::new([0; HMAC_BLOCK]);
        for (place, byte) in block.iter_mut().zip(self.bytes()) {
            *place = *byte;
        }
        Hmac::new((&*block).into())
    }

    /// The first 8 bytes of the same, as 16 hex characters.
    pub(crate) fn short_mac(&self, parts: &[&[u8]]) -> String {
        let mac = self.mac(parts);
        let (first, _rest) = mac.split_at(8);
        hex::encode(first)
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }

    fn zeros() -> Self {
        Self(Box::new(Zeroizing::new([0; KEY_LENGTH])))
    }
}
