//! Every way in which a token can be bad, beside the good one that differs in nothing else.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::*;
use crate::tests::issuer::{SigningKey, base64, key_set};

const NOW: Timestamp = Timestamp(1_795_478_400_000_000);
const SECONDS: i64 = 1_795_478_400;
const ISSUER: &str = "https://idp.example";

static RSA: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::rsa("r1"));
static P256: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::p256("e1"));
static ED25519: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::ed25519("d1"));
static KEYS: LazyLock<KeySet> =
    LazyLock::new(|| KeySet::parse(key_set(&[&RSA, &P256, &ED25519]).as_bytes()).unwrap());

fn policy(algorithms: &[Algorithm]) -> Policy {
    Policy {
        issuer: ISSUER.to_owned(),
        audience: "keyway".to_owned(),
        algorithms: algorithms.to_vec(),
        skew: Duration::from_mins(1),
        longest: Duration::from_hours(24),
    }
}

const ALL: [Algorithm; 3] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": "keyway", "sub": "alice", "jti": "t-1",
        "exp": SECONDS + 600, "nbf": SECONDS - 10, "iat": SECONDS - 10, "groups": ["ops", 7, "dev"],
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn read(token: &str) -> Result<Verified, Invalid> {
    check(token.as_bytes(), &KEYS, &policy(&ALL), NOW)
}

#[track_caller]
fn refused(token: &str, why: Invalid) {
    assert_eq!(read(token), Err(why));
}

#[test]
fn a_good_token_of_each_kind_of_key_says_who_bears_it() {
    for key in [&*RSA, &*P256, &*ED25519] {
        let verified = read(&key.token(&claims())).unwrap();
        assert_eq!(verified.subject, "alice");
        assert_eq!(verified.token_id, "t-1");
        assert_eq!(verified.ends, NOW.plus_seconds(660));
        assert_eq!(verified.texts("groups"), ["ops", "dev"]);
        assert_eq!(verified.texts("sub"), ["alice"]);
        assert!(verified.texts("none").is_empty());
    }
}

#[test]
fn a_token_made_by_another_library_is_read() {
    use jsonwebtoken::{Algorithm as Theirs, EncodingKey, Header, encode};
    let made = |key: &SigningKey, algorithm, encoding: EncodingKey| {
        let mut header = Header::new(algorithm);
        header.kid = Some(key.id.clone());
        encode(&header, &claims(), &encoding).unwrap()
    };
    let es256 = made(
        &P256,
        Theirs::ES256,
        EncodingKey::from_ec_der(&P256.pkcs8()),
    );
    assert_eq!(read(&es256).unwrap().subject, "alice");
    let eddsa = made(
        &ED25519,
        Theirs::EdDSA,
        EncodingKey::from_ed_der(&ED25519.pkcs8()),
    );
    assert_eq!(read(&eddsa).unwrap().subject, "alice");
}

#[test]
fn a_token_without_a_signature_is_refused_whatever_it_calls_its_algorithm() {
    for none in ["none", "None", "NONE", "nOnE", ""] {
        let header = json!({ "alg": none, "kid": "r1" }).to_string();
        let signed = format!(
            "{}.{}",
            base64(header.as_bytes()),
            base64(claims().to_string().as_bytes())
        );
        refused(&format!("{signed}."), Invalid::Algorithm);
        refused(&signed, Invalid::Malformed);
    }
    let good = RSA.token(&claims());
    let (signed, _) = good.rsplit_once('.').unwrap();
    refused(&format!("{signed}."), Invalid::Signature);
}

#[test]
fn the_public_key_as_a_shared_secret_is_refused() {
    use jsonwebtoken::{Algorithm as Theirs, EncodingKey, Header, encode};
    for algorithm in [Theirs::HS256, Theirs::HS384, Theirs::HS512] {
        for secret in [RSA.jwk().to_string(), key_set(&[&RSA, &P256, &ED25519])] {
            let mut header = Header::new(algorithm);
            header.kid = Some("r1".to_owned());
            let key = EncodingKey::from_secret(secret.as_bytes());
            refused(
                &encode(&header, &claims(), &key).unwrap(),
                Invalid::Algorithm,
            );
        }
    }
}

#[test]
fn an_algorithm_that_is_not_pinned_is_refused_though_the_key_is_there() {
    let only_rsa = policy(&[Algorithm::Rs256]);
    let token = P256.token(&claims());
    assert_eq!(
        check(token.as_bytes(), &KEYS, &only_rsa, NOW),
        Err(Invalid::Algorithm)
    );
    assert!(check(RSA.token(&claims()).as_bytes(), &KEYS, &only_rsa, NOW).is_ok());
}

#[test]
fn a_key_signs_with_the_algorithm_of_its_kind_only() {
    // The header names an RSA algorithm and the id of another kind of key.
    let header = json!({ "alg": "RS256", "kid": "e1" });
    refused(&P256.with_header(&header, &claims()), Invalid::UnknownKey);
    // The set binds the key to RS256.
    let header = json!({ "alg": "PS256", "kid": "r1" });
    let token = RSA.with_header(&header, &claims());
    let policy = policy(&[Algorithm::Ps256]);
    assert_eq!(
        check(token.as_bytes(), &KEYS, &policy, NOW),
        Err(Invalid::UnknownKey)
    );
}

#[test]
fn issuer_and_audience_count_to_the_last_character() {
    for issuer in [
        json!("https://idp.example/"),
        json!("https://idp.exampl"),
        json!("HTTPS://idp.example"),
        json!([ISSUER]),
        json!(null),
        json!(""),
    ] {
        refused(&P256.token(&with("iss", issuer)), Invalid::Issuer);
    }
    refused(&P256.token(&without("iss")), Invalid::Issuer);
    for audience in [
        json!("keyway2"),
        json!("Keyway"),
        json!(["other", "keyway "]),
        json!([]),
        json!({ "keyway": true }),
        json!(null),
    ] {
        refused(&P256.token(&with("aud", audience)), Invalid::Audience);
    }
    refused(&P256.token(&without("aud")), Invalid::Audience);
    assert!(read(&P256.token(&with("aud", json!(["other", "keyway"])))).is_ok());
}

#[test]
fn times_hold_with_a_minute_of_skew_and_no_more() {
    for (name, value, good) in [
        ("exp", json!(SECONDS - 59), true),
        ("exp", json!(SECONDS - 60), false),
        ("exp", json!(SECONDS + 86_460), true),
        ("exp", json!(SECONDS + 86_461), false),
        ("exp", json!("soon"), false),
        ("exp", json!(null), false),
        ("exp", json!(-1), false),
        ("exp", json!(1e300), false),
        ("exp", json!(1_795_478_400.9), true),
        ("nbf", json!(SECONDS + 60), true),
        ("nbf", json!(SECONDS + 61), false),
        ("nbf", json!(1_795_478_460.1), false),
        ("nbf", json!("now"), false),
        ("iat", json!(SECONDS + 60), true),
        ("iat", json!(SECONDS + 61), false),
        ("iat", json!(true), false),
    ] {
        let mut claims = without("iat");
        claims[name] = value.clone();
        let read = read(&P256.token(&claims));
        let wanted = if good { None } else { Some(Invalid::Time) };
        assert_eq!(read.err(), wanted, "{name} {value}");
    }
    refused(&P256.token(&without("exp")), Invalid::Time);
    for optional in ["nbf", "iat"] {
        assert!(read(&P256.token(&without(optional))).is_ok());
    }
    let mut backwards = claims();
    backwards["iat"] = json!(SECONDS + 30);
    backwards["exp"] = json!(SECONDS + 20);
    refused(&P256.token(&backwards), Invalid::Time);
}

#[test]
fn a_subject_that_can_not_stand_in_a_name_is_refused() {
    for subject in [
        json!(""),
        json!("a b"),
        json!("a\n"),
        json!("\u{430}lice"),
        json!("x".repeat(201)),
        json!(7),
    ] {
        refused(&P256.token(&with("sub", subject)), Invalid::Subject);
    }
    refused(&P256.token(&without("sub")), Invalid::Subject);
}

#[test]
fn a_key_is_found_by_its_id_and_never_by_trying() {
    for kid in [json!("e2"), json!(""), json!(null), json!(["e1"])] {
        let header = json!({ "alg": "ES256", "kid": kid });
        refused(&P256.with_header(&header, &claims()), Invalid::UnknownKey);
    }
    let header = json!({ "alg": "ES256" });
    refused(&P256.with_header(&header, &claims()), Invalid::UnknownKey);
    // Another key under the same id.
    let impostor = SigningKey::p256("e1");
    refused(&impostor.token(&claims()), Invalid::Signature);
}

#[test]
fn a_key_inside_the_token_means_nothing() {
    let stranger = SigningKey::p256("e1");
    for (name, value) in [
        ("jwk", stranger.jwk()),
        ("jku", json!("http://127.0.0.1:1/keys")),
        ("x5u", json!("http://127.0.0.1:1/cert")),
        ("x5c", json!(["MIIB"])),
    ] {
        let mut header = stranger.header();
        header[name] = value.clone();
        refused(
            &stranger.with_header(&header, &claims()),
            Invalid::Signature,
        );
        let mut header = P256.header();
        header[name] = value;
        assert!(read(&P256.with_header(&header, &claims())).is_ok());
    }
}

#[test]
fn a_header_that_asks_for_more_or_for_something_else_is_refused() {
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("typ", json!("logout+jwt")),
        ("typ", json!("dpop+jwt")),
        ("typ", json!(1)),
    ] {
        let mut header = P256.header();
        header[name] = value;
        refused(&P256.with_header(&header, &claims()), Invalid::Header);
    }
    for kind in [json!("jwt"), json!("at+JWT")] {
        let mut header = P256.header();
        header["typ"] = kind;
        assert!(read(&P256.with_header(&header, &claims())).is_ok());
    }
}

#[test]
fn a_name_that_stands_twice_is_refused() {
    let header = P256.header().to_string();
    let doubled = claims()
        .to_string()
        .replacen('{', r#"{"sub":"mallory","#, 1);
    refused(&P256.raw(&header, &doubled), Invalid::Malformed);
    let unused = claims().to_string().replacen('{', r#"{"x":1,"x":2,"#, 1);
    refused(&P256.raw(&header, &unused), Invalid::Malformed);
    let header = header.replacen('{', r#"{"alg":"none","#, 1);
    refused(
        &P256.raw(&header, &claims().to_string()),
        Invalid::Malformed,
    );
}

#[test]
fn a_form_that_is_not_exactly_compact_is_refused() {
    let good = P256.token(&claims());
    for bad in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        format!("{good}="),
        format!("{good}."),
        format!(" {good}"),
        good.replace('.', ".."),
        format!("{good}.{good}"),
        P256.raw("[]", &claims().to_string()),
        P256.raw("{", &claims().to_string()),
        P256.raw(&P256.header().to_string(), "7"),
        P256.raw(&P256.header().to_string(), &"[".repeat(3000)),
        P256.token(&with("x", json!("x".repeat(LONGEST)))),
    ] {
        refused(&bad, Invalid::Malformed);
    }
}

#[test]
fn every_flipped_bit_of_a_token_is_refused() {
    let good = P256.token(&claims()).into_bytes();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            assert!(
                check(&bad, &KEYS, &policy(&ALL), NOW).is_err(),
                "{at} {bit}"
            );
        }
    }
}

#[test]
fn of_a_key_set_only_strong_signature_keys_with_an_id_are_taken() {
    let with = |name: &str, value: Value| {
        let mut jwk = P256.jwk();
        jwk[name] = value;
        json!({ "keys": [jwk] }).to_string()
    };
    for set in [
        with("kid", json!("")),
        with("kid", json!(null)),
        with("use", json!("enc")),
        with("key_ops", json!(["encrypt"])),
        with("alg", json!("ECDH-ES")),
        with("crv", json!("P-521")),
        with("x", json!("AA")),
        with("kty", json!("oct")),
        json!({ "keys": [{ "kty": "oct", "kid": "s", "k": "c2VjcmV0" }] }).to_string(),
        json!({ "keys": [{ "kty": "RSA", "kid": "w", "n": base64(&[0xff; 128]), "e": "AQAB" }] })
            .to_string(),
        json!({ "keys": [] }).to_string(),
        json!({}).to_string(),
        "<html>".to_owned(),
        String::new(),
    ] {
        assert_eq!(KeySet::parse(set.as_bytes()).err(), Some(NoKeys), "{set}");
    }
    let mixed = json!({ "keys": [7, { "kty": "new" }, P256.jwk()] }).to_string();
    assert_eq!(KeySet::parse(mixed.as_bytes()).unwrap().len(), 1);
}
