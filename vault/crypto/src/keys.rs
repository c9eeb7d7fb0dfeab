//! The keys of the hierarchy: a master key wraps data keys, a data key seals secrets.
//!
//! None of them prints, clones or compares; each is wiped when dropped.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::key_bytes::{KEY_LENGTH, KeyBytes};
use crate::{NoRandomness, Random};

/// A generation of the master key. It never stands in the database.
pub struct MasterKey(KeyBytes);

impl MasterKey {
    /// A new one.
    pub fn generate(random: &mut dyn Random) -> Result<Self, NoRandomness> {
        KeyBytes::generate(random).map(Self)
    }

    /// Reads the text of a key file: one line, `keyway-master-v1:` and the base64 (with padding) of
    /// 32 bytes. A line end may follow; anything else is refused.
    pub fn parse_file(text: &str) -> Result<Self, MasterKeyMalformed> {
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let encoded = line.strip_prefix(FILE_PREFIX).ok_or(MasterKeyMalformed)?;
        // A longer text does not fit, which is an error and not a cut.
        let mut decoded = Zeroizing::new([0; KEY_LENGTH]);
        let length = STANDARD
            .decode_slice(encoded, &mut decoded[..])
            .map_err(|_cause| MasterKeyMalformed)?;
        let bytes = decoded.get(..length).ok_or(MasterKeyMalformed)?;
        KeyBytes::from_slice(bytes)
            .map(Self)
            .ok_or(MasterKeyMalformed)
    }

    /// The text of a key file, with its line end; wiped when dropped.
    pub fn to_file_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(FILE_LENGTH));
        text.push_str(FILE_PREFIX);
        STANDARD.encode_string(self.0.bytes(), &mut text);
        text.push('\n');
        text
    }

    /// The id, made from the key itself so that two keys never share one: 16 hex characters. Public.
    pub fn id(&self) -> String {
        self.0.short_mac(&[b"keyway/master-id/v1"])
    }

    /// The key-check value: 16 hex characters, stored beside the id. A vault that starts with a key
    /// whose value differs holds the wrong key. Public.
    pub fn check_value(&self) -> String {
        self.0.short_mac(&[b"keyway/master-check/v1"])
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_LENGTH] {
        self.0.bytes()
    }
}

/// A data key: one per owner and generation. It seals that owner's secrets.
pub struct DataKey(KeyBytes);

impl DataKey {
    /// A new one.
    pub fn generate(random: &mut dyn Random) -> Result<Self, NoRandomness> {
        KeyBytes::generate(random).map(Self)
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        KeyBytes::from_slice(bytes).map(Self)
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_LENGTH] {
        self.0.bytes()
    }
}

macro_rules! system_keys {
    ($($(#[$doc:meta])+ $name:ident = $purpose:literal;)+) => {$(
        $(#[$doc])+
        pub struct $name(KeyBytes);

        impl $name {
            /// Derived from a data key of the owner `system`, for this purpose only. The same data
            /// key gives unrelated keys for different purposes.
            pub fn derive(system: &DataKey) -> Self {
                Self(system.0.derive($purpose))
            }

            pub(crate) fn bytes(&self) -> &KeyBytes {
                &self.0
            }
        }
    )+};
}

system_keys! {
    /// The key under which provider keys are fingerprinted.
    FingerprintKey = "keyway/fingerprint/v1";
    /// The key under which tokens are hashed.
    TokenHashKey = "keyway/token-hash/v1";
    /// The key under which page tokens are authenticated.
    PageKey = "keyway/page-token/v1";
    /// The seed of the Ed25519 key that signs checkpoints of the audit chains.
    CheckpointKey = "keyway/checkpoint-key/v1";
}

/// The text of a key file is not of its form. The text itself is never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a master key is one line: `keyway-master-v1:` and the base64 of 32 bytes")]
pub struct MasterKeyMalformed;

const FILE_PREFIX: &str = "keyway-master-v1:";
/// Prefix, 44 characters of base64, line end: the text is written without growing.
const FILE_LENGTH: usize = FILE_PREFIX.len() + 44 + 1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OsRandom;

    #[test]
    fn a_key_file_reads_back_as_it_was_written() {
        let key = MasterKey::generate(&mut OsRandom).unwrap();
        let text = key.to_file_text();
        assert_eq!((text.len(), text.capacity()), (FILE_LENGTH, FILE_LENGTH));
        for form in [
            text.to_string(),
            text.trim_end().to_owned(),
            text.replace('\n', "\r\n"),
        ] {
            let read = MasterKey::parse_file(&form).unwrap();
            assert_eq!(read.bytes(), key.bytes());
        }
    }

    #[test]
    fn a_key_file_of_another_form_is_refused() {
        let good = "keyway-master-v1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        assert!(MasterKey::parse_file(good).is_ok());
        let bad = [
            String::new(),
            good.replace("v1", "v2"),
            good.replace("keyway", " keyway"),
            good.replace('=', ""),
            good.replace("8=", "9="), // bits left over at the end
            good.replace("AAEC", "AAE"),
            good.replace("AAEC", "AAECAAEC"),
            good.replace("AAEC", "AA C"),
            format!("{good}\n\n"),
            format!("{good} "),
            format!("{good}\n{good}"),
        ];
        for text in bad {
            assert!(MasterKey::parse_file(&text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn id_and_check_value_are_pinned_and_differ_from_each_other_and_between_keys() {
        let key = MasterKey(KeyBytes::from_slice(&[7; 32]).unwrap());
        let other = MasterKey(KeyBytes::from_slice(&[8; 32]).unwrap());
        assert_eq!((key.id().as_str(), key.check_value().as_str()), PINNED);
        let all = [key.id(), key.check_value(), other.id(), other.check_value()];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), 4);
    }

    const PINNED: (&str, &str) = ("f9f719fc414cf2cf", "197bc159d486a5cd");

    #[test]
    fn one_system_key_gives_unrelated_keys_for_each_purpose() {
        let system = DataKey::generate(&mut OsRandom).unwrap();
        let macs = [
            *FingerprintKey::derive(&system).bytes().mac(&[b"x"]),
            *TokenHashKey::derive(&system).bytes().mac(&[b"x"]),
            *PageKey::derive(&system).bytes().mac(&[b"x"]),
            *CheckpointKey::derive(&system).bytes().mac(&[b"x"]),
            *system.0.mac(&[b"x"]),
        ];
        let distinct: std::collections::BTreeSet<_> = macs.iter().collect();
        assert_eq!(distinct.len(), 5);
    }
}
