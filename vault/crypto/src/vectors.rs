//! Published vectors, run through the functions that the envelope and the tokens use: RFC 5869 for
//! HKDF, RFC 4231 for HMAC, and Wycheproof's for the cipher and for both of these. The vectors of
//! RFC 8452 are tested beside the cipher.

use hkdf::Hkdf;
use hmac::Mac as _;
use sha2::Sha256;

use crate::aead::{self, NONCE, TAG};
use crate::key_bytes::{KEY_LENGTH, KeyBytes};

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.replace('-', "")).unwrap()
}

/// The lines of a file of vectors: number, whether the result is right, the other fields.
fn lines(text: &str) -> impl Iterator<Item = (&str, bool, Vec<&str>)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| {
        let mut fields = line.split(' ');
        let (number, verdict) = (fields.next().unwrap(), fields.next().unwrap());
        let right = match verdict {
            "valid" => true,
            "invalid" => false,
            other => panic!("{number} is {other}"),
        };
        (number, right, fields.collect())
    })
}

#[test]
fn every_wycheproof_vector_of_the_cipher_opens_or_is_refused_as_it_says() {
    let (mut opened, mut refused) = (0, 0);
    for (number, right, fields) in lines(include_str!("../vectors/aes_gcm_siv.txt")) {
        let fields: Vec<_> = fields.into_iter().map(bytes).collect();
        let [key, nonce, associated, plaintext, ciphertext, tag] = fields.try_into().unwrap();
        let Ok(nonce) = <[u8; NONCE]>::try_from(nonce) else {
            assert!(!right, "{number}: no nonce of ours has this length");
            continue;
        };
        let key: [u8; KEY_LENGTH] = key.try_into().unwrap();
        let tag: [u8; TAG] = tag.try_into().unwrap();
        let mut text = ciphertext.clone();
        let result = aead::decrypt(&key, &nonce, &associated, &mut text, &tag);
        assert_eq!(result.is_some(), right, "{number}");
        if right {
            assert_eq!(text, plaintext, "{number}");
            let again = aead::encrypt(&key, &nonce, &associated, &mut text).unwrap();
            assert_eq!((text, again), (ciphertext, tag), "{number}");
            opened += 1;
        } else {
            refused += 1;
        }
    }
    assert_eq!((opened, refused), CIPHER);
}

#[test]
fn every_wycheproof_vector_of_hkdf_gives_its_output_or_is_refused() {
    let mut compared = 0;
    for (number, right, fields) in lines(include_str!("../vectors/hkdf_sha256.txt")) {
        let [input, salt, info, length, expected] = fields.try_into().unwrap();
        let mut output = vec![0; length.parse().unwrap()];
        let hkdf = Hkdf::<Sha256>::new(Some(&bytes(salt)), &bytes(input));
        let result = hkdf.expand(&bytes(info), &mut output);
        assert_eq!(result.is_ok(), right, "{number}");
        if right {
            assert_eq!(output, bytes(expected), "{number}");
        }
        compared += 1;
    }
    assert_eq!(compared, HKDF);
}

#[test]
fn every_wycheproof_vector_of_hmac_with_a_key_of_our_length_passes() {
    let mut compared = 0;
    for (number, right, fields) in lines(include_str!("../vectors/hmac_sha256.txt")) {
        let fields: Vec<_> = fields.into_iter().map(bytes).collect();
        let [key, message, tag] = fields.try_into().unwrap();
        // Some vectors keep the first half of the tag, as we do in short ones.
        let same = mac(&key, &message).starts_with(&tag);
        assert_eq!(same, right, "{number}");
        compared += 1;
    }
    assert_eq!(compared, HMAC);
}

/// How many vectors there are, so that none is passed over.
const CIPHER: (usize, usize) = (69, 34);
const HKDF: usize = 86;
const HMAC: usize = 162;

/// Our HMAC without the lengths that it writes before each part.
fn mac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = KeyBytes::from_slice(key).unwrap().keyed();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

/// HKDF's three vectors of SHA-256 in RFC 5869, appendix A: input key, salt, info, output.
const RFC_5869: [[&str; 4]; 3] = [
    [
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ],
    [
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\
         202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f\
         404142434445464748494a4b4c4d4e4f",
        "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f\
         808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f\
         a0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
        "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf\
         d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeef\
         f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c\
         59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71\
         cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ],
    [
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
        "",
        "",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ],
];

#[test]
fn the_vectors_of_rfc_5869_pass() {
    for [key, salt, info, expected] in RFC_5869 {
        let expected = bytes(expected);
        let mut output = vec![0; expected.len()];
        Hkdf::<Sha256>::new(Some(&bytes(salt)), &bytes(key))
            .expand(&bytes(info), &mut output)
            .unwrap();
        assert_eq!(output, expected);
    }
}

/// HMAC-SHA-256 of RFC 4231: key, data, output. Keys shorter than ours are filled up with zeros,
/// which by the definition of HMAC is the same key; the two that are longer than a block are not
/// keys that we can have.
const RFC_4231: [[&str; 3]; 3] = [
    [
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
        "4869205468657265",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ],
    [
        "4a656665",
        "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ],
    [
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd\
         dddddddddddddddddddddddddddddddddddd",
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    ],
];

#[test]
fn the_vectors_of_rfc_4231_pass() {
    for [key, data, expected] in RFC_4231 {
        let mut key = bytes(key);
        key.resize(KEY_LENGTH, 0);
        assert_eq!(hex::encode(mac(&key, &bytes(data))), expected);
    }
}
