//! JSON Web Tokens: nothing panics the check, nothing is taken that the issuer did not sign, and what
//! is taken is for us, from it, and of this time.

use std::sync::LazyLock;
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyway_vault::jwt::{Algorithm, Invalid, KeySet, Policy, Verified, check};
use keyway_words::Timestamp;
use serde_json::Value;

use crate::bytes::{Bytes, changed};

const NOW: Timestamp = Timestamp(1_795_478_400_000_000);
const ISSUER: &str = "https://idp.example";
const AUDIENCE: &str = "keyway";

/// The issuer's key, and the set in which it is published.
static ISSUER_KEY: LazyLock<(Ed25519KeyPair, KeySet)> = LazyLock::new(|| {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed of 32 bytes");
    let x = URL_SAFE_NO_PAD.encode(pair.public_key());
    let set = format!(
        r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","use":"sig","kid":"d1","x":"{x}"}}]}}"#
    );
    let keys = KeySet::parse(set.as_bytes()).expect("a good set");
    (pair, keys)
});

pub(crate) fn holds(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    match bytes.byte() {
        0 => assert!(taken(bytes.rest()).is_err(), "nobody signed it, and it is taken"),
        1 => signed(bytes),
        _ => key_set(bytes.rest()),
    }
}

fn taken(token: &[u8]) -> Result<Verified, Invalid> {
    let policy = Policy {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        algorithms: vec![Algorithm::EdDsa],
        skew: Duration::from_mins(1),
        longest: Duration::from_hours(24),
    };
    check(token, &ISSUER_KEY.1, &policy, NOW)
}

/// Any header and claims, with the issuer's own signature.
fn signed(mut bytes: Bytes<'_>) {
    let (at, by) = (usize::from(bytes.byte()) << 3, bytes.byte());
    let header = bytes.part();
    let claims = bytes.rest();
    let part = |bytes| URL_SAFE_NO_PAD.encode(bytes);
    let said = format!("{}.{}", part(header), part(claims));
    let signature = ISSUER_KEY.0.sign(said.as_bytes());
    let token = format!("{said}.{}", part(signature.as_ref()));
    let Ok(verified) = believed(&token, claims) else { return };
    let claims: Value = serde_json::from_slice(claims).expect("claims that are taken are JSON");
    assert_eq!(claims["iss"], ISSUER);
    let audience = &claims["aud"];
    let ours = |value: &Value| value == AUDIENCE;
    assert!(ours(audience) || audience.as_array().is_some_and(|all| all.iter().any(ours)));
    assert_eq!(claims["sub"], verified.subject.as_str());
    assert!(verified.ends > NOW, "it is over");
    if let Some(other) = changed(token.as_bytes(), at, by) {
        assert!(taken(&other).is_err(), "it is taken although it was changed");
    }
}

/// What a token that is taken says.
struct Bearer {
    subject: String,
    ends: Timestamp,
}

fn believed(token: &str, claims: &[u8]) -> Result<Bearer, Invalid> {
    if cfg!(feature = "seeded-bug")
        && let Ok(claims) = serde_json::from_slice::<Value>(claims)
        && claims["aud"].is_array()
    {
        // Takes any list of audiences for one in which we are.
        let subject = claims["sub"].as_str().unwrap_or_default().to_owned();
        let ends = Timestamp(NOW.0 + 1);
        return Ok(Bearer { subject, ends });
    }
    let Verified { subject, ends, .. } = taken(token.as_bytes())?;
    Ok(Bearer { subject, ends })
}

/// A set of keys as an issuer might publish it, or somebody in its place.
fn key_set(json: &[u8]) {
    if let Ok(keys) = KeySet::parse(json) {
        assert!(!keys.is_empty(), "a set without a key is none");
        assert!(serde_json::from_slice::<Value>(json).is_ok());
    }
}
