//! AES-256-GCM-SIV (RFC 8452), in place. The only file that calls the cipher.

use aes_gcm_siv::aead::{AeadInOut, KeyInit};
use aes_gcm_siv::{Aes256GcmSiv, Nonce, Tag};

use crate::key_bytes::KEY_LENGTH;

/// Length of the nonce, in bytes.
pub(crate) const NONCE: usize = 12;
/// Length of the tag, in bytes.
pub(crate) const TAG: usize = 16;

/// Encrypts in place and returns the tag. `None` where the RFC's lengths are exceeded.
pub(crate) fn encrypt(
    key: &[u8; KEY_LENGTH],
    nonce: &[u8; NONCE],
    associated: &[u8],
    in_place: &mut [u8],
) -> Option<[u8; TAG]> {
    Aes256GcmSiv::new(key.into())
        .encrypt_inout_detached(&Nonce::from(*nonce), associated, in_place.into())
        .ok()
        .map(Into::into)
}

/// Decrypts in place. `None` if the tag does not fit; what stands in the buffer then is not to be
/// read.
pub(crate) fn decrypt(
    key: &[u8; KEY_LENGTH],
    nonce: &[u8; NONCE],
    associated: &[u8],
    in_place: &mut [u8],
    tag: &[u8; TAG],
) -> Option<()> {
    Aes256GcmSiv::new(key.into())
        .decrypt_inout_detached(
            &Nonce::from(*nonce),
            associated,
            in_place.into(),
            &Tag::from(*tag),
        )
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Vector {
        key: [u8; KEY_LENGTH],
        nonce: [u8; NONCE],
        associated: Vec<u8>,
        plaintext: Vec<u8>,
        ciphertext: Vec<u8>,
        tag: [u8; TAG],
    }

    fn vectors() -> Vec<Vector> {
        let lines = include_str!("../vectors/rfc8452.txt").lines();
        lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(vector)
            .collect()
    }

    fn vector(line: &str) -> Vector {
        let fields: Vec<Vec<u8>> = line
            .split(' ')
            .map(|field| hex::decode(field.replace('-', "")).unwrap())
            .collect();
        let [key, nonce, associated, plaintext, result] = fields.try_into().unwrap();
        let (ciphertext, tag) = result.split_last_chunk().unwrap();
        Vector {
            key: key.try_into().unwrap(),
            nonce: nonce.try_into().unwrap(),
            associated,
            plaintext,
            ciphertext: ciphertext.to_vec(),
            tag: *tag,
        }
    }

    #[test]
    fn the_vectors_of_rfc_8452_for_256_bits_and_counter_wrap_pass() {
        let vectors = vectors();
        assert_eq!(vectors.len(), 24 + 2);
        for (number, v) in vectors.into_iter().enumerate() {
            let mut bytes = v.plaintext.clone();
            let tag = encrypt(&v.key, &v.nonce, &v.associated, &mut bytes).unwrap();
            assert_eq!(
                (&bytes, tag),
                (&v.ciphertext, v.tag),
                "vector {number} encrypts"
            );

            decrypt(&v.key, &v.nonce, &v.associated, &mut bytes, &v.tag).unwrap();
            assert_eq!(bytes, v.plaintext, "vector {number} decrypts");
        }
    }

    #[test]
    fn a_vector_with_any_bit_of_its_tag_flipped_is_refused() {
        for v in vectors() {
            for bit in 0..TAG * 8 {
                let mut tag = v.tag;
                tag[bit / 8] ^= 1 << (bit % 8);
                let mut bytes = v.ciphertext.clone();
                assert_eq!(
                    decrypt(&v.key, &v.nonce, &v.associated, &mut bytes, &tag),
                    None
                );
            }
        }
    }
}
