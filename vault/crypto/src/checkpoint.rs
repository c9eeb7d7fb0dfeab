//! Checkpoints of the audit chains: "at this time this chain ended here", signed with Ed25519.
//!
//! Whoever kept a checkpoint can see that the chain was cut or written anew, with the public key
//! alone.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use crate::CheckpointKey;

/// Length of a public key, in bytes.
pub const PUBLIC_KEY: usize = 32;
/// Length of a signature, in bytes.
pub const SIGNATURE: usize = 64;

/// What a checkpoint says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement<'a> {
    /// `workspaces/{id}` or `system`.
    pub chain: &'a str,
    /// Last sequence of the chain.
    pub sequence: u64,
    /// Hash of the row with that sequence.
    pub hash: &'a [u8],
    /// When it was signed, microseconds since 1970.
    pub time: i64,
    /// The database's epoch.
    pub epoch: &'a str,
}

impl Statement<'_> {
    /// What is signed: domain and fields, each with its length (8 bytes, big-endian) before it;
    /// numbers are 8 bytes, big-endian.
    fn bytes(&self) -> Vec<u8> {
        let (sequence, time) = (self.sequence.to_be_bytes(), self.time.to_be_bytes());
        let fields: [&[u8]; 6] = [
            b"keyway/checkpoint/v1",
            self.chain.as_bytes(),
            &sequence,
            self.hash,
            &time,
            self.epoch.as_bytes(),
        ];
        let mut bytes = Vec::new();
        for field in fields {
            bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
            bytes.extend_from_slice(field);
        }
        bytes
    }
}

/// The signing key can't be made of its seed; never seen with a seed of 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the checkpoint key can't be used")]
pub struct KeyUnusable;

/// Signs checkpoints. It does not print, and the library wipes its key when it is dropped.
pub struct Signer(Ed25519KeyPair);

impl Signer {
    /// The signer of a key.
    pub fn new(key: &CheckpointKey) -> Result<Self, KeyUnusable> {
        let pair = Ed25519KeyPair::from_seed_unchecked(key.bytes().bytes());
        pair.map(Self).map_err(|_rejected| KeyUnusable)
    }

    /// The public half, which is all that a verifier needs.
    pub fn public_key(&self) -> [u8; PUBLIC_KEY] {
        let mut key = [0; PUBLIC_KEY];
        for (place, byte) in key.iter_mut().zip(self.0.public_key().as_ref()) {
            *place = *byte;
        }
        key
    }

    /// The signature of a statement.
    pub fn sign(&self, statement: &Statement<'_>) -> Vec<u8> {
        self.0.sign(&statement.bytes()).as_ref().to_vec()
    }
}

/// Whether `signature` is that of the statement by the holder of the public key.
pub fn verify(public_key: &[u8], statement: &Statement<'_>, signature: &[u8]) -> bool {
    public_key.len() == PUBLIC_KEY
        && UnparsedPublicKey::new(&ED25519, public_key)
            .verify(&statement.bytes(), signature)
            .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DataKey;

    fn signer(byte: u8) -> Signer {
        let system = DataKey::from_slice(&[byte; 32]).unwrap();
        Signer::new(&CheckpointKey::derive(&system)).unwrap()
    }

    const HASH: [u8; 32] = [7; 32];
    const STATEMENT: Statement<'static> = Statement {
        chain: "workspaces/acme",
        sequence: 9,
        hash: &HASH,
        time: 1_795_478_400_000_000,
        epoch: "e-1",
    };

    #[test]
    fn only_the_same_statement_under_the_same_key_verifies() {
        let (signer, other) = (signer(1), signer(2));
        let (key, signature) = (signer.public_key(), signer.sign(&STATEMENT));
        assert!(verify(&key, &STATEMENT, &signature));
        let longer = [7; 33];
        let changes: [fn(&mut Statement<'_>); 5] = [
            |it| it.chain = "workspaces/acme2",
            |it| it.sequence = 10,
            |it| it.hash = &[8; 32],
            |it| it.time += 1,
            |it| it.epoch = "e-2",
        ];
        for change in changes {
            let mut changed = STATEMENT;
            change(&mut changed);
            assert!(!verify(&key, &changed, &signature), "{changed:?}");
        }
        let moved = Statement {
            hash: &longer,
            ..STATEMENT
        };
        assert!(!verify(&key, &moved, &signature));
        assert!(!verify(&other.public_key(), &STATEMENT, &signature));
        for at in 0..SIGNATURE {
            let mut bad = signature.clone();
            bad[at] ^= 1;
            assert!(!verify(&key, &STATEMENT, &bad), "byte {at}");
        }
        assert!(!verify(&key, &STATEMENT, &signature[1..]));
        assert!(!verify(&key[1..], &STATEMENT, &signature));
        assert!(!verify(&[], &STATEMENT, &[]));
    }

    /// Made with another implementation of HMAC-SHA-256 and Ed25519 (Python's `hmac` and
    /// `cryptography`): archives of checkpoints must stay good.
    #[test]
    fn key_and_signature_are_pinned() {
        let signer = signer(1);
        assert_eq!(hex::encode(signer.public_key()), KEY);
        assert_eq!(hex::encode(signer.sign(&STATEMENT)), SIGNED);
    }

    const KEY: &str = "3842c9b6c02489458968670585bc949a6d9b7db0af9a98db70b798a23c95b37a";
    const SIGNED: &str = "0eb42eaa456f5cdb4dbec1fa9f94c2f06783cafa8084969b7b49f2f9bb259cfc45ed6b1ca5b6ad18c82f8b9d840c023a2009d6f6af7ac72c6f9a703fce0e0f01";
}
