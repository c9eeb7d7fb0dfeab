//! JSON Web Tokens: who a bearer is by the word of an issuer that the configuration trusts.
//!
//! Pure: a token, the issuer's keys, what is asked of the token, and the time. The algorithm comes
//! from the configuration and the key from the issuer's set; of the header only `alg`, `kid`,
//! `typ` and `crit` are looked at, so an embedded key or address (`jwk`, `jku`, `x5u`, `x5c`) means
//! nothing. There is no `none` and no shared secret among the algorithms. A key is chosen by its
//! id, never by trying. [`check`] is all of it in one call and the entry for fuzzing; the services
//! take the two steps apart, because the issuer is named inside the token.

mod compact;
mod keys;
#[cfg(test)]
mod tests;

use std::str::FromStr;
use std::time::Duration;

pub use compact::Unverified;
pub use keys::{KeySet, NoKeys};
use keyway_words::Timestamp;
use serde_json::Value;

/// Longest token that is read, in bytes.
pub const LONGEST: usize = 8 * 1024;

/// A signature algorithm with a public key. There is no other kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// RSA PKCS#1 v1.5 with SHA-256.
    Rs256,
    /// RSA PKCS#1 v1.5 with SHA-384.
    Rs384,
    /// RSA PKCS#1 v1.5 with SHA-512.
    Rs512,
    /// RSA PSS with SHA-256.
    Ps256,
    /// RSA PSS with SHA-384.
    Ps384,
    /// RSA PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    const NAMES: [(&'static str, Self); 9] = [
        ("RS256", Self::Rs256),
        ("RS384", Self::Rs384),
        ("RS512", Self::Rs512),
        ("PS256", Self::Ps256),
        ("PS384", Self::Ps384),
        ("PS512", Self::Ps512),
        ("ES256", Self::Es256),
        ("ES384", Self::Es384),
        ("EdDSA", Self::EdDsa),
    ];
}

impl FromStr for Algorithm {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let found = Self::NAMES.into_iter().find(|(name, _)| *name == text);
        found
            .map(|(_, algorithm)| algorithm)
            .ok_or(Invalid::Algorithm)
    }
}

/// What is asked of an issuer's tokens.
#[derive(Debug, Clone)]
pub struct Policy {
    /// `iss`, exactly.
    pub issuer: String,
    /// One of `aud`, exactly.
    pub audience: String,
    /// The algorithms that the issuer signs with.
    pub algorithms: Vec<Algorithm>,
    /// How far the two clocks may be apart.
    pub skew: Duration,
    /// Longest time until `exp`.
    pub longest: Duration,
}

/// Why a token is not taken. The caller hears none of it; it is for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Not three parts of base64url, not JSON, a name twice, or too long.
    #[error("malformed")]
    Malformed,
    /// An algorithm that this issuer does not sign with.
    #[error("algorithm")]
    Algorithm,
    /// A header that asks for more than is understood, or another kind of token.
    #[error("header")]
    Header,
    /// Of another issuer.
    #[error("issuer")]
    Issuer,
    /// For somebody else.
    #[error("audience")]
    Audience,
    /// Expired, not yet valid, or valid for longer than is accepted.
    #[error("time")]
    Time,
    /// Without a subject that can stand in a name.
    #[error("subject")]
    Subject,
    /// Signed by a key that is not in the set.
    #[error("unknown key")]
    UnknownKey,
    /// Not signed by that key.
    #[error("signature")]
    Signature,
}

/// What an issuer says of the bearer.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// `sub`.
    pub subject: String,
    /// `jti`; empty without one.
    pub token_id: String,
    /// When the token ends here: `exp` and the skew.
    pub ends: Timestamp,
    claims: compact::Object,
}

impl Verified {
    /// The texts of a claim that is a text or a list of texts; none of any other.
    pub fn texts(&self, claim: &str) -> Vec<&str> {
        match self.claims.get(claim) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

/// Reads a token and checks everything about it. Never panics, whatever the bytes.
pub fn check(
    token: &[u8],
    keys: &KeySet,
    policy: &Policy,
    now: Timestamp,
) -> Result<Verified, Invalid> {
    let text = std::str::from_utf8(token).map_err(|_form| Invalid::Malformed)?;
    Unverified::parse(text)?.verify(keys, policy, now)
}

impl Unverified<'_> {
    /// Checks everything: what is cheap first, the signature last. Nothing of the token counts
    /// before.
    pub fn verify(
        &self,
        keys: &KeySet,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Verified, Invalid> {
        let algorithm: Algorithm = self.algorithm().parse()?;
        if !policy.algorithms.contains(&algorithm) {
            return Err(Invalid::Algorithm);
        }
        if self.issuer() != policy.issuer {
            return Err(Invalid::Issuer);
        }
        if !self.is_for(&policy.audience) {
            return Err(Invalid::Audience);
        }
        let ends = self.times().check(policy, now)?;
        let subject = self.subject().ok_or(Invalid::Subject)?.to_owned();
        let key = keys
            .find(self.key_id(), algorithm)
            .ok_or(Invalid::UnknownKey)?;
        if !key.verifies(algorithm, self.signed(), self.signature()) {
            return Err(Invalid::Signature);
        }
        let token_id = self.token_id().to_owned();
        Ok(Verified {
            subject,
            token_id,
            ends,
            claims: self.claims().clone(),
        })
    }
}

/// A time that a token names, or does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Absent,
    At(Timestamp),
    /// It is there and is no time, so nothing is known of it.
    Unreadable,
}

impl Named {
    /// Whether it is there and can't be said to have come.
    fn is_ahead_of(self, now: Timestamp) -> bool {
        match self {
            Self::Absent => false,
            Self::At(time) => time > now,
            Self::Unreadable => true,
        }
    }
}

/// The three times of a token, in whole seconds; `exp` and `nbf` cut towards "not valid".
struct Times {
    expires: Named,
    not_before: Named,
    issued: Named,
}

impl Times {
    /// When the token ends, if it is valid now.
    fn check(&self, policy: &Policy, now: Timestamp) -> Result<Timestamp, Invalid> {
        let Named::At(expires) = self.expires else {
            return Err(Invalid::Time);
        };
        let latest = later(now, policy.skew);
        let ends = later(expires, policy.skew);
        let lives = ends > now && expires <= later(latest, policy.longest);
        let begun = !self.not_before.is_ahead_of(latest) && !self.issued.is_ahead_of(latest);
        if lives && begun && !self.issued.is_ahead_of(expires) {
            Ok(ends)
        } else {
            Err(Invalid::Time)
        }
    }
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    let micros = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    Timestamp(time.0.saturating_add(micros))
}
