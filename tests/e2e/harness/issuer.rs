//! An identity provider: signs, and publishes its key in a file.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rcgen::KeyPair;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Its name.
pub(crate) const ISSUER: &str = "https://idp.example";

/// An issuer whose keys stand in a file.
pub(crate) struct Issuer {
    folder: TempDir,
    key: KeyPair,
}

impl Issuer {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().expect("a key"); // P-256
        let point = key.public_key_raw();
        let part = |from: usize| URL_SAFE_NO_PAD.encode(&point[from..from + 32]);
        let jwk = json!({ "kty": "EC", "crv": "P-256", "kid": "k1", "x": part(1), "y": part(33) });
        let folder = tempfile::tempdir().expect("a folder");
        let keys = json!({ "keys": [jwk] }).to_string();
        std::fs::write(folder.path().join("keys.json"), keys).expect("a file");
        Self { folder, key }
    }

    /// Where its keys are.
    pub(crate) fn keys(&self) -> String {
        self.folder.path().join("keys.json").display().to_string()
    }

    /// A token for an audience and a subject that ends in so many seconds.
    pub(crate) fn token(&self, audience: &str, sub: &str, seconds: i64, groups: &[&str]) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some("k1".to_owned());
        let now = std::time::SystemTime::UNIX_EPOCH
            .elapsed()
            .expect("a clock");
        let expires = i64::try_from(now.as_secs()).expect("a time") + seconds;
        let claims: Value = json!({
            "iss": ISSUER, "aud": audience, "sub": sub, "exp": expires, "groups": groups,
        });
        let key = EncodingKey::from_ec_der(&self.key.serialize_der());
        encode(&header, &claims, &key).expect("a token")
    }
}

/// The subject as the vault names it.
pub(crate) fn subject(sub: &str) -> String {
    format!("oidc:{ISSUER}#{sub}")
}
