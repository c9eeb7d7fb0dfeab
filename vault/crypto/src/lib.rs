//! The vault's cryptography.

mod context;
mod display;
mod envelope;
mod key_bytes;
mod keys;
pub mod page;
mod random;
pub mod token;

pub use context::{SealContext, WrapContext};
pub use display::{fingerprint, mask};
pub use envelope::{CryptoError, key_id, open, seal, unwrap, wrap};
pub use keys::{DataKey, FingerprintKey, MasterKey, MasterKeyMalformed, PageKey, TokenHashKey};
pub use random::{NoRandomness, OsRandom, Random};
