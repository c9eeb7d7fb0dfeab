//! The compact form of a token, read strictly: three parts, each base64url without padding, and of
//! the two JSON objects no name twice.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyway_words::Timestamp;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;

use super::{Invalid, LONGEST, Named, Times};

/// A token as it says of itself. Nothing in it is known to be true.
#[derive(Debug)]
pub struct Unverified<'t> {
    signed: &'t str,
    header: Object,
    claims: Object,
    signature: Vec<u8>,
}

impl<'t> Unverified<'t> {
    /// Reads the form. Refuses a header that demands what is not understood (`crit`) and a token
    /// that says to be something else than an identity.
    pub fn parse(token: &'t str) -> Result<Self, Invalid> {
        if token.len() > LONGEST {
            return Err(Invalid::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Invalid::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Invalid::Malformed)?;
        let unverified = Self {
            signed,
            header: object(header)?,
            claims: object(claims)?,
            signature: base64url(signature)?,
        };
        let kind = unverified.header.get("typ");
        let is_identity = match kind {
            None => true,
            Some(kind) => kind.as_str().is_some_and(|kind| {
                kind.eq_ignore_ascii_case("jwt") || kind.eq_ignore_ascii_case("at+jwt")
            }),
        };
        if !is_identity || unverified.header.get("crit").is_some() {
            return Err(Invalid::Header);
        }
        Ok(unverified)
    }

    /// `alg`; empty without one.
    pub(super) fn algorithm(&self) -> &str {
        self.header.text("alg")
    }

    /// `kid`; empty without one, which is no key's id.
    pub fn key_id(&self) -> &str {
        self.header.text("kid")
    }

    /// `iss`; empty without one.
    pub fn issuer(&self) -> &str {
        self.claims.text("iss")
    }

    /// Whether an audience is among `aud`, which is a text or a list of texts.
    pub fn is_for(&self, audience: &str) -> bool {
        match self.claims.get("aud") {
            Some(Value::String(one)) => one == audience,
            Some(Value::Array(all)) => all.iter().any(|one| one.as_str() == Some(audience)),
            _ => false,
        }
    }

    /// `sub`, if it is visible ASCII and not too long to stand in a name.
    pub(super) fn subject(&self) -> Option<&str> {
        let subject = self.claims.text("sub");
        let fits = (1..=LONGEST_SUBJECT).contains(&subject.len())
            && subject.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then_some(subject)
    }

    /// `jti`; empty without one.
    pub(super) fn token_id(&self) -> &str {
        self.claims.text("jti")
    }

    pub(super) fn times(&self) -> Times {
        let named = |name, round| match self.claims.get(name) {
            None => Named::Absent,
            Some(value) => time(value, round).map_or(Named::Unreadable, Named::At),
        };
        Times {
            expires: named("exp", f64::floor),
            not_before: named("nbf", f64::ceil),
            issued: named("iat", f64::floor),
        }
    }

    pub(super) fn signed(&self) -> &[u8] {
        self.signed.as_bytes()
    }

    pub(super) fn signature(&self) -> &[u8] {
        &self.signature
    }

    pub(super) fn claims(&self) -> &Object {
        &self.claims
    }
}

/// A `NumericDate`: seconds since the epoch, perhaps with a fraction.
fn time(value: &Value, round: fn(f64) -> f64) -> Option<Timestamp> {
    if let Some(seconds) = value.as_i64() {
        return (0..=LATEST)
            .contains(&seconds)
            .then(|| Timestamp(0).plus_seconds(seconds));
    }
    let seconds = round(value.as_f64()?);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "the bounds are whole numbers that a double holds exactly"
    )]
    (0.0..=LATEST as f64)
        .contains(&seconds)
        .then(|| Timestamp(0).plus_seconds(seconds as i64))
}

fn base64url(text: &str) -> Result<Vec<u8>, Invalid> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_form| Invalid::Malformed)
}

fn object(part: &str) -> Result<Object, Invalid> {
    serde_json::from_slice(&base64url(part)?).map_err(|_form| Invalid::Malformed)
}

/// A JSON object in which no name stands twice: two readers could take either.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Object(serde_json::Map<String, Value>);

impl Object {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Names)
    }
}

struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = Object;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object, M::Error> {
        let mut object = serde_json::Map::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if object.insert(name, value).is_some() {
                return Err(M::Error::custom("a name stands twice"));
            }
        }
        Ok(Object(object))
    }
}

const LONGEST_SUBJECT: usize = 200;
/// 9999-12-31T23:59:59Z.
const LATEST: i64 = 253_402_300_799;
