//! An issuer's public keys (RFC 7517), each for signatures only and found by its id.

use aws_lc_rs::signature::{
    self as signing, EcdsaVerificationAlgorithm, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use super::Algorithm;

/// The keys of one issuer.
#[derive(Debug, Clone, Default)]
pub struct KeySet(Vec<Key>);

/// Not a key set, or none of its keys can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON Web Key Set with a usable signature key that has a `kid`")]
pub struct NoKeys;

#[derive(Debug, Clone)]
pub(super) struct Key {
    id: String,
    /// The algorithm that the set binds it to.
    bound: Option<Algorithm>,
    public: Public,
}

#[derive(Debug, Clone)]
enum Public {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// A key as the set spells it. What is not named here means nothing.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: String,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads a set. Keys of other kinds or purposes, without an id, or too weak are left out; a set
    /// without any that can be used is no set.
    pub fn parse(json: &[u8]) -> Result<Self, NoKeys> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(json).map_err(|_form| NoKeys)?;
        let keys: Vec<Key> = set
            .keys
            .into_iter()
            .filter_map(|key| serde_json::from_value(key).ok())
            .filter_map(|key: Jwk| read(&key))
            .take(MOST)
            .collect();
        if keys.is_empty() {
            Err(NoKeys)
        } else {
            Ok(Self(keys))
        }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn find(&self, id: &str, algorithm: Algorithm) -> Option<&Key> {
        self.0
            .iter()
            .find(|key| key.id == id && key.fits(algorithm))
    }
}

impl Key {
    /// Whether signatures of this algorithm are this key's business.
    fn fits(&self, algorithm: Algorithm) -> bool {
        let kind = matches!(
            (&self.public, algorithm),
            (
                Public::Rsa { .. },
                Algorithm::Rs256
                    | Algorithm::Rs384
                    | Algorithm::Rs512
                    | Algorithm::Ps256
                    | Algorithm::Ps384
                    | Algorithm::Ps512
            ) | (Public::P256(_), Algorithm::Es256)
                | (Public::P384(_), Algorithm::Es384)
                | (Public::Ed25519(_), Algorithm::EdDsa)
        );
        kind && self.bound.is_none_or(|bound| bound == algorithm)
    }

    /// Whether it made a signature.
    pub(super) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match &self.public {
            Public::Rsa { modulus, exponent } => {
                let Some(parameters) = rsa(algorithm) else {
                    return false;
                };
                let key = RsaPublicKeyComponents {
                    n: modulus,
                    e: exponent,
                };
                key.verify(parameters, message, signature).is_ok()
            }
            Public::P256(point) => ecdsa(&signing::ECDSA_P256_SHA256_FIXED, point)
                .verify(message, signature)
                .is_ok(),
            Public::P384(point) => ecdsa(&signing::ECDSA_P384_SHA384_FIXED, point)
                .verify(message, signature)
                .is_ok(),
            Public::Ed25519(point) => {
                let algorithm: &'static dyn VerificationAlgorithm = &signing::ED25519;
                UnparsedPublicKey::new(algorithm, point)
                    .verify(message, signature)
                    .is_ok()
            }
        }
    }
}

fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        Algorithm::Rs256 => Some(&signing::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => Some(&signing::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => Some(&signing::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => Some(&signing::RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => Some(&signing::RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => Some(&signing::RSA_PSS_2048_8192_SHA512),
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => None,
    }
}

fn ecdsa<'p>(
    algorithm: &'static EcdsaVerificationAlgorithm,
    point: &'p [u8],
) -> UnparsedPublicKey<&'p [u8]> {
    UnparsedPublicKey::new(algorithm, point)
}

fn read(jwk: &Jwk) -> Option<Key> {
    let signs = jwk
        .purpose
        .as_deref()
        .is_none_or(|purpose| purpose == "sig")
        && jwk
            .key_ops
            .as_ref()
            .is_none_or(|ops| ops.iter().any(|op| op == "verify"));
    if !signs || !(1..=LONGEST_ID).contains(&jwk.kid.len()) {
        return None;
    }
    let bound = match &jwk.alg {
        Some(name) => Some(name.parse().ok()?),
        None => None,
    };
    Some(Key {
        id: jwk.kid.clone(),
        bound,
        public: public(jwk)?,
    })
}

fn public(jwk: &Jwk) -> Option<Public> {
    match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", None) => {
            let modulus = number(jwk.n.as_deref()?)?;
            let exponent = number(jwk.e.as_deref()?)?;
            // 2048 to 8192 bits, and an exponent that fits 32.
            let strong = (256..=1024).contains(&modulus.len()) && exponent.len() <= 4;
            strong.then_some(Public::Rsa { modulus, exponent })
        }
        ("EC", Some("P-256")) => point(jwk, 32).map(Public::P256),
        ("EC", Some("P-384")) => point(jwk, 48).map(Public::P384),
        ("OKP", Some("Ed25519")) => {
            let point = bytes(jwk.x.as_deref()?)?;
            (point.len() == 32).then_some(Public::Ed25519(point))
        }
        _ => None,
    }
}

/// An uncompressed point: 4, x, y.
fn point(jwk: &Jwk, width: usize) -> Option<Vec<u8>> {
    let (x, y) = (bytes(jwk.x.as_deref()?)?, bytes(jwk.y.as_deref()?)?);
    (x.len() == width && y.len() == width).then(|| [&[4][..], &x, &y].concat())
}

/// A number without the leading zeros that some issuers write.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = bytes(text)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).map(<[u8]>::to_vec)
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Keys of a set that are looked at.
const MOST: usize = 64;
const LONGEST_ID: usize = 256;
