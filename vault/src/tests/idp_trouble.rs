//! A provider that is away, answers nonsense or changes its keys: good keys stay, nobody is let in,
//! nobody who is good is called unknown, and no other credential suffers.

use std::time::Duration;

use keyway_proto::Reason;
use keyway_proto::vault::v1::*;
use serde_json::json;
use tonic::Status;

use super::harness::{Bearer, World, reason};
use super::idp::{Answer, Idp};
use super::issuer::{SigningKey, key_set};
use crate::issuers::{Address, IssuerConfig, KeyTimes, KeysAt, Web};

const ADMINS: &[&str] = &["acme=workspaces/acme:admin"];

fn token(idp: &Idp, key: &SigningKey) -> Bearer {
    let mut claims = idp.claims("alice");
    claims["groups"] = json!(["acme"]);
    Bearer::new(&key.token(&claims))
}

async fn who(world: &World, bearer: &Bearer) -> Result<(), Status> {
    let mut tokens = world.tokens(bearer);
    tokens
        .who_am_i(TokenServiceWhoAmIRequest {})
        .await
        .map(drop)
}

/// A provider's entry with other times, in milliseconds.
fn timed(mut config: IssuerConfig, refresh: u64, cooldown: u64, kept: u64) -> IssuerConfig {
    config.times = KeyTimes {
        refresh: Duration::from_millis(refresh),
        cooldown: Duration::from_millis(cooldown),
        kept: Duration::from_millis(kept),
    };
    config
}

const LONG: u64 = 3_600_000;

/// Waits until a call with this token is answered with that, for ten seconds at most.
async fn until(world: &World, bearer: &Bearer, wanted: Option<Reason>) {
    let answered = async {
        loop {
            let answer = who(world, bearer).await;
            if answer.err().map(|status| reason(Err::<(), _>(status))) == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), answered).await;
    waited.unwrap_or_else(|_passed| panic!("never {wanted:?}"));
}

#[tokio::test]
async fn a_flood_of_unknown_key_ids_makes_one_fetch_per_cooldown_and_good_tokens_pass() {
    let key = SigningKey::p256("k1");
    let idp = Idp::start(&[&key]).await;
    let config = timed(idp.people(ADMINS), LONG, 2_000, LONG);
    let begun = tokio::time::Instant::now();
    let world = World::with_issuers(vec![config]).await;
    world.workspace("acme").await;
    let good = token(&idp, &key);
    who(&world, &good).await.unwrap();
    for round in 0..10 {
        let calls = (0..50).map(|n| {
            let stranger = token(&idp, &SigningKey::p256(&format!("unknown-{round}-{n}")));
            let world = &world;
            async move { reason(who(world, &stranger).await) }
        });
        let answers = futures::future::join_all(calls).await;
        assert!(
            answers
                .iter()
                .all(|reason| *reason == Reason::CallerUnknown)
        );
        who(&world, &good).await.unwrap();
    }
    let cooldowns = usize::try_from(begun.elapsed().as_secs() / 2).unwrap() + 1;
    assert!(
        (1..=cooldowns).contains(&idp.fetched()),
        "{} in {cooldowns}",
        idp.fetched()
    );
}

#[tokio::test]
async fn a_key_that_the_provider_adds_works_at_its_first_token_and_one_that_it_drops_ends() {
    let (old, new) = (SigningKey::p256("k1"), SigningKey::p256("k2"));
    let idp = Idp::start(&[&old]).await;
    let config = timed(idp.people(ADMINS), LONG, 50, LONG);
    let world = World::with_issuers(vec![config]).await;
    world.workspace("acme").await;
    who(&world, &token(&idp, &old)).await.unwrap();
    idp.keys(&[&old, &new]);
    until(&world, &token(&idp, &new), None).await;
    who(&world, &token(&idp, &old)).await.unwrap();
    idp.keys(&[&new]);
    let stranger = token(&idp, &SigningKey::p256("k3"));
    let fetched = idp.fetched();
    while idp.fetched() == fetched {
        assert_eq!(reason(who(&world, &stranger).await), Reason::CallerUnknown);
    }
    until(&world, &token(&idp, &old), Some(Reason::CallerUnknown)).await;
    who(&world, &token(&idp, &new)).await.unwrap();
}

#[tokio::test]
async fn a_provider_that_is_away_at_the_start_is_no_reason_not_to_start_nor_to_call_anybody_unknown()
 {
    let key = SigningKey::p256("k1");
    let idp = Idp::start(&[&key]).await;
    idp.answer(Answer::Nothing);
    let config = timed(idp.people(ADMINS), LONG, 50, LONG);
    let world = World::with_issuers(vec![config]).await;
    let acme = world.workspace("acme").await;
    let good = token(&idp, &key);
    let refused = who(&world, &good).await;
    assert_eq!(reason(refused.clone()), Reason::VaultUnavailable);
    assert_eq!(refused.unwrap_err().code(), tonic::Code::Unavailable);
    // API tokens and routers do not notice.
    who(&world, &acme).await.unwrap();
    assert!(world.verify(&acme, "").await.known);
    let asked = VerifyCallerRequest {
        token: good.0.clone().unwrap(),
        ..Default::default()
    };
    let refused = world.lease(&world.router).verify_caller(asked).await;
    assert_eq!(reason(refused), Reason::VaultUnavailable);
    idp.keys(&[&key]);
    until(&world, &good, None).await;
}

#[tokio::test]
async fn whatever_a_provider_answers_instead_of_keys_the_good_ones_hold_for_their_time_and_no_longer()
 {
    let key = SigningKey::p256("k1");
    let redirected = Idp::start(&[&key]).await;
    for nonsense in [
        Answer::Nothing,
        Answer::Status(500),
        Answer::Status(404),
        Answer::Json("<html>".to_owned()),
        Answer::Json(r#"{"keys":[]}"#.to_owned()),
        Answer::Padded(32 << 20, key_set(&[&key])),
        Answer::Redirect(format!("{}/keys", redirected.issuer)),
    ] {
        let idp = Idp::start(&[&key]).await;
        let config = timed(idp.people(ADMINS), 20, 20, 1_500);
        let world = World::with_issuers(vec![config]).await;
        world.workspace("acme").await;
        let good = token(&idp, &key);
        who(&world, &good).await.unwrap();
        idp.answer(nonsense);
        let fetched = idp.fetched();
        while idp.fetched() < fetched + 2 {
            who(&world, &good).await.unwrap();
        }
        // Its key may be one that could not be fetched, so nobody calls it unknown.
        let other = token(&idp, &SigningKey::p256("k2"));
        until(&world, &other, Some(Reason::VaultUnavailable)).await;
        until(&world, &good, Some(Reason::VaultUnavailable)).await;
        idp.keys(&[&key]);
        until(&world, &good, None).await;
    }
    assert_eq!(redirected.fetched(), 0);
}

#[tokio::test]
async fn two_providers_with_the_same_key_id_do_not_stand_for_each_other() {
    let (one, two) = (SigningKey::p256("k1"), SigningKey::p256("k1"));
    let (first, second) = (Idp::start(&[&one]).await, Idp::start(&[&two]).await);
    let configs = vec![
        first.people(ADMINS),
        second.people(&["acme=workspaces/acme:reader"]),
    ];
    let world = World::with_issuers(configs).await;
    world.workspace("acme").await;
    who(&world, &token(&first, &one)).await.unwrap();
    who(&world, &token(&second, &two)).await.unwrap();
    for crossed in [token(&first, &two), token(&second, &one)] {
        assert_eq!(reason(who(&world, &crossed).await), Reason::CallerUnknown);
    }
}

#[tokio::test]
async fn keys_are_found_by_the_discovery_document_of_that_very_issuer() {
    let key = SigningKey::p256("k1");
    let idp = Idp::start(&[&key]).await;
    let mut config = timed(idp.people(ADMINS), LONG, 20, LONG);
    config.keys = KeysAt::Web(Web {
        address: Address::Discovery(idp.issuer.clone()),
        ca_file: None,
        bearer_file: None,
    });
    let good = token(&idp, &key);
    let keys = format!("{}/keys", idp.issuer);
    for (issuer, address) in [
        ("https://other.example", keys.as_str()),
        (&idp.issuer, "http://192.0.2.1/keys"),
    ] {
        idp.document(&json!({ "issuer": issuer, "jwks_uri": address }));
        let world = World::with_issuers(vec![config.clone()]).await;
        world.workspace("acme").await;
        assert_eq!(reason(who(&world, &good).await), Reason::VaultUnavailable);
        assert_eq!(idp.fetched(), 0);
    }
    idp.document(&json!({ "issuer": idp.issuer, "jwks_uri": keys }));
    let world = World::with_issuers(vec![config]).await;
    world.workspace("acme").await;
    until(&world, &good, None).await;
}

#[tokio::test]
async fn keys_in_a_file_are_read_anew_when_a_token_names_another() {
    let (old, new) = (SigningKey::p256("k1"), SigningKey::p256("k2"));
    let idp = Idp::start(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.json");
    std::fs::write(&file, key_set(&[&old])).unwrap();
    let mut config = timed(idp.people(ADMINS), LONG, 20, LONG);
    config.keys = KeysAt::File(file.clone());
    let world = World::with_issuers(vec![config]).await;
    world.workspace("acme").await;
    who(&world, &token(&idp, &old)).await.unwrap();
    assert_eq!(
        reason(who(&world, &token(&idp, &new)).await),
        Reason::CallerUnknown
    );
    std::fs::write(&file, key_set(&[&old, &new])).unwrap();
    until(&world, &token(&idp, &new), None).await;
    assert_eq!(idp.fetched(), 0);
}
