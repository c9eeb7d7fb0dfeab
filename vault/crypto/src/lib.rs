//! The vault's cryptography: what is sealed opens only in its own place, and nothing else opens.
//!
//! Pure: no network, no files, no clock, no log; randomness is given ([`Random`]).
//!
//! # Keys
//!
//! ```text
//! master key                 outside the database, several generations; id made from the key
//!   └─ wraps a data key      one per owner and generation            wrap, unwrap
//!        └─ seals secrets    one envelope per key row and version    seal, open
//! ```
//!
//! The owner `system` has data keys too; from them come the keys that fingerprint provider keys,
//! hash tokens, authenticate page tokens and sign checkpoints of the audit chains
//! ([`FingerprintKey`], [`TokenHashKey`], [`PageKey`], [`CheckpointKey`]).
//! They outlive a rotation of the master key, which only wraps them again.
//!
//! # Format
//!
//! Secrets and data keys are sealed in one format; the domain in the context tells them apart.
//!
//! | bytes | what |
//! |---|---|
//! | 3 | `KWE` |
//! | 1 | version, 1 |
//! | 1 | algorithm, 1: HKDF-SHA-256, then AES-256-GCM-SIV; 2: see below |
//! | 1 | length of the key id, 1 to 64 |
//! | n | id of the one key that opens it, visible ASCII |
//! | 32 | salt, random |
//! | 32 | commitment |
//! | 12 | nonce, random |
//! | 2 | length of what follows, big-endian |
//! | n + 16 | ciphertext and tag |
//!
//! The lengths leave no byte over: a truncated envelope and one with something behind it are both
//! [`CryptoError::Malformed`]. HKDF takes the wrapping key as input, the salt, and the context as
//! info; it gives a 32-byte record key, used for this one envelope, and the commitment. The context
//! is the associated data as well.
//!
//! Algorithm 2 wraps a data key with a master key that never leaves a module ([`HeldSealing`],
//! [`HeldOpening`]): the module encrypts by AES-256-GCM with the nonce and the context. The
//! commitment is HKDF's of the data key itself, with the salt and the context, and is compared after
//! the module has opened: an envelope is bound to one data key in one place, whichever key opens it.
//! Its nonce is random under one long-lived key, so a generation is to wrap less than 2^32 times.
//!
//! # What is bound
//!
//! The context is a list of fields, each with its length before it, so that no two lists give the
//! same bytes:
//! - a secret: `keyway/secret/v1`, algorithm, owner, provider, name, id of the key row, version of
//!   the secret, id of the data key;
//! - a data key: `keyway/data-key/v1` (`keyway/held-data-key/v1` in a module), algorithm, owner, id of the data key, generation, id of the
//!   master key.
//!
//! The rest of the header is bound by what it does: the version and the algorithm by the parser and
//! the context, the key id by the comparison with the key at hand, salt and commitment by the
//! derivation. Names for display, labels, policies, states and times are **not** bound: they change
//! without the secret being sealed again.
//!
//! # Opening, in order
//!
//! 1. The parser admits one whole envelope or nothing.
//! 2. The key id must be that of the key at hand: else [`CryptoError::KeyIdUnknown`]. No other key
//!    is tried, ever.
//! 3. The commitment must be the derived one, compared in constant time: else
//!    [`CryptoError::CommitmentMismatch`]; the key bytes are wrong, or the envelope came from
//!    another row.
//! 4. The tag must fit: else [`CryptoError::Tampered`].
//!
//! # Bounds
//!
//! RFC 8452, section 9, allows 2^61 messages of up to 16 KiB under one key with random nonces. Here
//! each envelope has a key of its own, by its 32-byte salt, so a nonce never meets its key twice and
//! no counter is kept. A plaintext is at most 16 KiB, a context at most 1 KiB, to stay where those
//! bounds were shown. Should a random source repeat itself wholly, equal secrets in the same place
//! would give equal envelopes, and nothing more would show.
//!
//! # Attacks considered
//!
//! - *Someone who writes the database* moves envelopes between workspaces, providers, names, rows or
//!   versions, swaps wrapped keys, puts an older envelope back under a newer version, flips bits,
//!   cuts: all refused.
//! - *An envelope made to open under two keys* (AES-GCM-SIV alone does not commit to its key): the
//!   commitment binds key and context, and only the named key is used.
//! - *A wrapped key passed off as a secret*, or the reverse: the domains differ.
//! - *Guessing a secret from what is shown*: the fingerprint is keyed; the mask shows at most the
//!   last 4 of 20 characters or more.
//! - *A stolen token table*: it holds keyed hashes of 256 random bits.
//! - *Page tokens made up or carried to another list*: authenticated, and bound to the question.
//!
//! # What is not protected
//!
//! - Whoever has the master key and the database has every secret. Whoever reads the memory of a
//!   running vault has what it holds at that moment.
//! - A whole database put back to an earlier time, or one row of it put back together with its
//!   version, opens: nothing in this crate knows which version is the newest. Rows that vanish are
//!   not noticed here either.
//! - The length of a secret shows, and that two secrets of one owner are equal shows by their
//!   fingerprints.
//! - Keys and plaintexts are wiped when dropped, and so are cipher and hash states. Compilers may
//!   keep copies in registers and stack frames, HKDF leaves its pseudo-random key on the stack, and
//!   the buffers of databases, HTTP and TLS are out of reach.
//! - AES and POLYVAL run in constant time where the processor multiplies in constant time.
//! - This is not a FIPS mode; the algorithm byte is there so that one can be added.
//!
//! ```
//! # use keyway_vault_crypto::{CryptoError, DataKey, OsRandom, SealContext, mask, open, seal};
//! # use keyway_words::Secret;
//! let data_key = DataKey::generate(&mut OsRandom)?;
//! let place = SealContext {
//!     owner: "workspaces/acme",
//!     provider: "openai",
//!     name: "default",
//!     row_id: "018f2b7e-0000-7000-8000-000000000001",
//!     version: 1,
//!     data_key_id: "dk-1",
//! };
//! let secret = Secret::new("sk-keyway-test-0123456789".to_owned());
//! let envelope = seal(&data_key, &place, &secret, &mut OsRandom)?;
//!
//! assert_eq!(mask(&open(&data_key, &place, &envelope)?), "…6789");
//! let moved = SealContext { owner: "workspaces/other", ..place };
//! assert_eq!(open(&data_key, &moved, &envelope).err(), Some(CryptoError::CommitmentMismatch));
//! # Ok::<(), CryptoError>(())
//! ```
//!
//! Secret types can't be printed or cloned:
//!
//! ```compile_fail,E0277
//! fn printable<T: std::fmt::Debug>() {}
//! printable::<keyway_vault_crypto::DataKey>();
//! ```
//! ```compile_fail,E0277
//! fn copied<T: Clone>() {}
//! copied::<keyway_vault_crypto::MasterKey>();
//! ```

mod aead;
pub mod checkpoint;
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
pub use envelope::{HeldOpening, HeldSealing, held_key_marks};
pub use keys::{
    CheckpointKey, DataKey, FingerprintKey, MasterKey, MasterKeyMalformed, PageKey, TokenHashKey,
};
pub use random::{NoRandomness, OsRandom, Random};

#[cfg(test)]
mod vectors;
