//! A data key wrapped by a master key that a module holds. The module does the one step that needs
//! the key, AES-256-GCM; everything around it is done here, so that it is checked in one place.

use hkdf::Hkdf;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{COMMITMENT, CryptoError, HELD_ALGORITHM, Header, NONCE, Parts, SALT, bounds};
use crate::{DataKey, Random, WrapContext};

/// What a module is asked to encrypt, and the envelope that will hold it.
pub struct HeldSealing {
    master_key_id: String,
    salt: [u8; SALT],
    commitment: [u8; COMMITMENT],
    nonce: [u8; NONCE],
    context: Vec<u8>,
    plaintext: Zeroizing<Vec<u8>>,
}

impl HeldSealing {
    /// Prepares to wrap a data key with the named master key.
    pub fn new(
        master_key_id: &str,
        context: &WrapContext<'_>,
        data_key: &DataKey,
        random: &mut dyn Random,
    ) -> Result<Self, CryptoError> {
        bounds(master_key_id, data_key.bytes())?;
        let context = context.canonical_held(master_key_id)?;
        let mut salt = [0; SALT];
        let mut nonce = [0; NONCE];
        random.fill(&mut salt)?;
        random.fill(&mut nonce)?;
        Ok(Self {
            master_key_id: master_key_id.to_owned(),
            salt,
            commitment: commitment(data_key, &salt, &context)?,
            nonce,
            context,
            plaintext: Zeroizing::new(data_key.bytes().to_vec()),
        })
    }

    /// The nonce of AES-256-GCM: 12 random bytes.
    pub fn nonce(&self) -> [u8; 12] {
        self.nonce
    }

    /// The associated data.
    pub fn context(&self) -> &[u8] {
        &self.context
    }

    /// What is to be encrypted.
    pub fn plaintext(&self) -> &[u8] {
        &self.plaintext
    }

    /// The envelope around what the module answered: the ciphertext and its 16-byte tag.
    pub fn finish(&self, sealed: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let (id_length, sealed_length) = bounds(&self.master_key_id, &self.plaintext)?;
        if sealed.len() != usize::from(sealed_length) || sealed.starts_with(&self.plaintext) {
            return Err(CryptoError::OutOfBounds {
                what: "the module did not answer with a ciphertext and a tag of 16 bytes",
            });
        }
        let header = Header {
            algorithm: HELD_ALGORITHM,
            id_length,
            key_id: &self.master_key_id,
            salt: &self.salt,
            commitment: &self.commitment,
            nonce: &self.nonce,
            sealed_length,
        };
        let mut envelope = header.write();
        envelope.extend_from_slice(sealed);
        Ok(envelope)
    }
}

/// What a module is asked to decrypt, and what its answer is held against.
pub struct HeldOpening {
    salt: [u8; SALT],
    commitment: [u8; COMMITMENT],
    nonce: [u8; NONCE],
    context: Vec<u8>,
    sealed: Vec<u8>,
}

impl HeldOpening {
    /// Takes an envelope apart. It must name this master key; no other is tried.
    pub fn new(
        master_key_id: &str,
        context: &WrapContext<'_>,
        envelope: &[u8],
    ) -> Result<Self, CryptoError> {
        let parts = Parts::parse(envelope, HELD_ALGORITHM)?;
        if parts.key_id != master_key_id {
            return Err(CryptoError::KeyIdUnknown);
        }
        Ok(Self {
            salt: *parts.salt,
            commitment: *parts.commitment,
            nonce: *parts.nonce,
            context: context.canonical_held(master_key_id)?,
            sealed: [parts.ciphertext, parts.tag].concat(),
        })
    }

    /// The nonce of AES-256-GCM.
    pub fn nonce(&self) -> [u8; 12] {
        self.nonce
    }

    /// The associated data.
    pub fn context(&self) -> &[u8] {
        &self.context
    }

    /// What is to be decrypted: the ciphertext and its 16-byte tag.
    pub fn sealed(&self) -> &[u8] {
        &self.sealed
    }

    /// The data key that the module answered with, if it is the one that was wrapped here.
    pub fn finish(&self, plaintext: &[u8]) -> Result<DataKey, CryptoError> {
        let data_key = DataKey::from_slice(plaintext).ok_or(CryptoError::Malformed)?;
        let expected = commitment(&data_key, &self.salt, &self.context)?;
        if bool::from(expected.ct_eq(&self.commitment)) {
            Ok(data_key)
        } else {
            Err(CryptoError::CommitmentMismatch)
        }
    }
}

/// Id and check value of a key in a module, 16 hex characters each, made from what it answers to one
/// fixed question: the encryption of [`held_key_marks::PLAINTEXT`] under a nonce that is kept for
/// this. Public, and nothing of the key can be told from them.
pub mod held_key_marks {
    use sha2::{Digest as _, Sha256};

    use super::CryptoError;

    /// The nonce that no data key is wrapped with but by an accident of 2^-96.
    pub const NONCE: [u8; 12] = [0xff; 12];
    /// The associated data.
    pub const CONTEXT: &[u8] = b"keyway/held-key-check/v1";
    /// What is encrypted.
    pub const PLAINTEXT: [u8; 32] = [0; 32];

    /// Id and check value, from the ciphertext and its tag.
    pub fn of_answer(answer: &[u8]) -> Result<(String, String), CryptoError> {
        if answer.len() != PLAINTEXT.len() + 16 {
            return Err(CryptoError::OutOfBounds {
                what: "the module did not answer with a ciphertext and a tag of 16 bytes",
            });
        }
        let mark = |domain: &[u8]| {
            let digest = Sha256::new().chain_update(domain).chain_update(answer);
            let mut text = hex::encode(digest.finalize());
            text.truncate(16);
            text
        };
        Ok((
            mark(b"keyway/held-key-id/v1"),
            mark(b"keyway/held-key-check-value/v1"),
        ))
    }
}

fn commitment(
    data_key: &DataKey,
    salt: &[u8; SALT],
    context: &[u8],
) -> Result<[u8; COMMITMENT], CryptoError> {
    let mut commitment = [0; COMMITMENT];
    Hkdf::<Sha256>::new(Some(salt), data_key.bytes())
        .expand(context, &mut commitment)
        .map_err(|_length| CryptoError::Malformed)?;
    Ok(commitment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OsRandom;

    const PLACE: WrapContext<'_> = WrapContext {
        owner: "workspaces/acme",
        data_key_id: "dk-1",
        generation: 3,
    };

    /// Stands for a module that works: what matters here is that it gives back what it was given.
    fn module(plaintext: &[u8]) -> Vec<u8> {
        let flipped = plaintext.iter().map(|byte| byte ^ 0x5a);
        flipped.chain([7; 16]).collect()
    }

    fn module_opens(sealed: &[u8]) -> Vec<u8> {
        sealed[..32].iter().map(|byte| byte ^ 0x5a).collect()
    }

    fn wrapped(data_key: &DataKey) -> Vec<u8> {
        let sealing = HeldSealing::new("m-1", &PLACE, data_key, &mut OsRandom).unwrap();
        sealing.finish(&module(sealing.plaintext())).unwrap()
    }

    #[test]
    fn a_data_key_comes_back_from_a_module_in_its_own_place() {
        let data_key = DataKey::generate(&mut OsRandom).unwrap();
        let envelope = wrapped(&data_key);
        let opening = HeldOpening::new("m-1", &PLACE, &envelope).unwrap();
        let opened = opening.finish(&module_opens(opening.sealed())).unwrap();
        assert_eq!(opened.bytes(), data_key.bytes());
    }

    #[test]
    fn a_module_opens_with_the_nonce_and_in_the_place_that_it_sealed_with() {
        let data_key = DataKey::generate(&mut OsRandom).unwrap();
        let sealing = HeldSealing::new("m-1", &PLACE, &data_key, &mut OsRandom).unwrap();
        let envelope = sealing.finish(&module(sealing.plaintext())).unwrap();
        let opening = HeldOpening::new("m-1", &PLACE, &envelope).unwrap();
        assert_eq!(opening.nonce(), sealing.nonce());
        let place = PLACE.canonical_held("m-1").unwrap();
        assert_eq!(opening.context(), place);
        assert_eq!(sealing.context(), place);
        let again = HeldSealing::new("m-1", &PLACE, &data_key, &mut OsRandom).unwrap();
        assert_ne!(again.nonce(), sealing.nonce(), "no nonce is used twice");
    }

    /// The marks were worked out by another program.
    #[test]
    fn the_marks_of_a_held_key_are_digests_of_the_whole_answer() {
        let answer: Vec<u8> = (0..48).collect();
        let (id, check) = held_key_marks::of_answer(&answer).unwrap();
        assert_eq!((&*id, &*check), ("b65bfa7369074305", "8731b1d5dbe2122e"));
        for length in [0, 31, 32, 47, 49, 512] {
            assert!(held_key_marks::of_answer(&vec![0; length]).is_err());
        }
    }

    #[test]
    fn a_module_that_opens_in_another_place_or_to_another_key_is_not_believed() {
        let data_key = DataKey::generate(&mut OsRandom).unwrap();
        let envelope = wrapped(&data_key);
        let elsewhere = [
            WrapContext {
                owner: "workspaces/other",
                ..PLACE
            },
            WrapContext {
                data_key_id: "dk-2",
                ..PLACE
            },
            WrapContext {
                generation: 4,
                ..PLACE
            },
        ];
        for place in elsewhere {
            let opening = HeldOpening::new("m-1", &place, &envelope).unwrap();
            let opened = opening.finish(&module_opens(opening.sealed()));
            assert_eq!(opened.err(), Some(CryptoError::CommitmentMismatch));
        }
        let opening = HeldOpening::new("m-1", &PLACE, &envelope).unwrap();
        let other = opening.finish(&[1; 32]);
        assert_eq!(other.err(), Some(CryptoError::CommitmentMismatch));
        assert_eq!(opening.finish(&[1; 31]).err(), Some(CryptoError::Malformed));
    }

    #[test]
    fn the_two_kinds_of_wrapped_keys_never_pass_for_each_other() {
        let data_key = DataKey::generate(&mut OsRandom).unwrap();
        let held = wrapped(&data_key);
        let master = crate::MasterKey::generate(&mut OsRandom).unwrap();
        let local = crate::wrap(&master, &PLACE, &data_key, &mut OsRandom).unwrap();
        let opened = crate::unwrap(&master, &PLACE, &held);
        assert_eq!(opened.err(), Some(CryptoError::Malformed));
        let id = master.id();
        let opened = HeldOpening::new(&id, &PLACE, &local);
        assert_eq!(opened.err(), Some(CryptoError::Malformed));
        let opened = HeldOpening::new("m-2", &PLACE, &held);
        assert_eq!(opened.err(), Some(CryptoError::KeyIdUnknown));
        for length in 0..held.len() {
            assert!(HeldOpening::new("m-1", &PLACE, &held[..length]).is_err());
        }
    }

    #[test]
    fn a_module_that_does_not_encrypt_is_refused() {
        let data_key = DataKey::generate(&mut OsRandom).unwrap();
        let sealing = HeldSealing::new("m-1", &PLACE, &data_key, &mut OsRandom).unwrap();
        let plain = [sealing.plaintext(), &[0; 16]].concat();
        for answer in [plain, Vec::new(), module(sealing.plaintext())[1..].to_vec()] {
            assert!(sealing.finish(&answer).is_err());
        }
    }
}
