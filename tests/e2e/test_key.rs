//! A test of a key asks its provider, says in words what was found and at what cost, and changes
//! only what a definite answer changes.

use std::time::Duration;

use keyway_proto::billing::v1::{EventKind, Outcome, Source};
use keyway_proto::router::v1::{TestKeyRequest, TestKeyResponse};
use keyway_proto::vault::v1::{GetKeyRequest, Key, KeyState, UpdateKeyRequest};
use keyway_proto::{Reason, status};
use serde_json::json;
use tokio::time::Instant;
use tonic::Status;

use crate::harness::{DEMO, Product, Setup, Speaker, ask, reason, wait_for};

const MODEL: &str = "openai/gpt-5-mini";
const ZERO: &str = "0.000000000000";

async fn test(speaker: &Speaker, name: &str) -> Result<TestKeyResponse, Status> {
    let request = TestKeyRequest {
        name: name.to_owned(),
    };
    let answer = speaker.router.execution().test_key(request).await?;
    assert!(answer.metadata().contains_key("keyway-call-id"));
    Ok(answer.into_inner())
}

async fn stored(speaker: &Speaker, name: &str) -> Key {
    let request = GetKeyRequest {
        name: name.to_owned(),
    };
    let answer = speaker.vault.keys().get_key(request).await.unwrap();
    answer.into_inner().key.expect("a key")
}

fn key(owner: &str, provider: &str) -> String {
    format!("{owner}/keys/{provider}/default")
}

#[tokio::test]
async fn a_good_key_of_every_provider_is_found_good_and_the_test_is_on_the_stream_at_no_charge() {
    let product = Product::start().await;
    let (admin, operator) = (product.admin(), product.operator());
    for provider in ["anthropic", "exa", "google", "mistral", "openai"] {
        let secret = format!("{provider}-keyway-test-probe-0001");
        admin.put_key(DEMO, provider, &secret).await.unwrap();
        for (speaker, owner) in [(&admin, DEMO), (&operator, "platform")] {
            let found = test(speaker, &key(owner, provider)).await.unwrap();
            assert_eq!(found.state(), KeyState::Active, "{provider} {found:?}");
            let costs = provider == "exa";
            assert_eq!(found.models.is_empty(), costs, "{found:?}");
            assert_eq!(
                found.state_reason.contains("cost nothing"),
                !costs,
                "{found:?}"
            );
            let attempt = &found.receipt.as_ref().unwrap().attempts[0];
            assert_eq!(attempt.charge_usd.as_deref(), Some(ZERO));
            let listed = attempt.list_price_usd.as_deref();
            assert_eq!(listed != Some(ZERO), costs, "{provider} {listed:?}");
        }
    }
    let events = operator.first_events("", 10).await;
    assert!(events.iter().all(|event| event.kind() == EventKind::Probe
        && event.charge_usd.as_deref() == Some(ZERO)
        && event.endpoint == "test_key"
        && event.outcome() == Outcome::Completed));
    let of = |owner: &str| {
        events
            .iter()
            .filter(|event| event.workspace == owner)
            .count()
    };
    assert_eq!((of(DEMO), of("platform")), (5, 5));
    // Nobody but the operator tests the platform's, nobody but its admin a workspace's.
    for (speaker, owner) in [
        (&admin, "platform"),
        (&operator, DEMO),
        (&product.caller(), DEMO),
    ] {
        let refused = test(speaker, &key(owner, "openai")).await.unwrap_err();
        assert_eq!(reason(&refused), Some(Reason::Denied));
    }
    let missing = test(&admin, &format!("{DEMO}/keys/openai/none"))
        .await
        .unwrap_err();
    assert_eq!(reason(&missing), Some(Reason::KeyNotFound));
    let slip = test(&admin, &format!("{DEMO}/keys/nobody/x"))
        .await
        .unwrap_err();
    assert_eq!(reason(&slip), Some(Reason::FieldInvalid));
}

#[tokio::test]
async fn a_definite_answer_marks_the_key_and_success_is_the_way_back() {
    let product = Product::start().await;
    let (admin, simulator) = (product.admin(), product.simulator());
    let name = key(DEMO, "openai");
    admin
        .put_key(DEMO, "openai", "sk-keyway-test-probe-0002")
        .await
        .unwrap();
    for (fixture, state, refusal) in [
        (
            "openai/401_bad_key.error",
            KeyState::Rejected,
            Reason::KeyRejected,
        ),
        (
            "openai/429_quota.error",
            KeyState::Exhausted,
            Reason::KeyExhausted,
        ),
    ] {
        let rule = json!({"match": {"method": "GET"}, "action": {"fixture": fixture}});
        simulator.script(&rule).await;
        let found = test(&admin, &name).await.unwrap();
        assert_eq!(found.state(), state, "{found:?}");
        assert!(!found.state_reason.contains("test-probe"), "{found:?}");
        let marked = async || (stored(&admin, &name).await.state() == state).then_some(());
        wait_for("the mark at the vault", marked).await;
        let refused = product.caller().chat(ask(MODEL)).await.unwrap_err();
        assert_eq!(reason(&refused), Some(refusal));

        simulator.reset().await;
        let found = test(&admin, &name).await.unwrap();
        assert_eq!(found.state(), KeyState::Active);
        assert_eq!(
            product.caller().chat_once(MODEL).await.0.source(),
            Source::Own
        );
        let clear =
            async || (stored(&admin, &name).await.state() == KeyState::Active).then_some(());
        wait_for("the way back at the vault", clear).await;
    }
}

#[tokio::test]
async fn what_says_nothing_about_the_key_changes_nothing() {
    let setup = Setup::new()
        .with("KEYWAY_ROUTER__PROBES__LONGEST", "300ms")
        .with("KEYWAY_ROUTER__PROBES__PER_MINUTE", "6");
    let product = setup.start().await;
    let (admin, simulator) = (product.admin(), product.simulator());
    let name = key(DEMO, "openai");
    admin
        .put_key(DEMO, "openai", "sk-keyway-test-probe-0003")
        .await
        .unwrap();
    for action in [
        json!({"fixture": "openai/503_overloaded.error"}),
        json!({"fixture": "openai/429_rate.error"}),
        json!({"fixture": "openai/403_country.error"}),
        json!({"status": 200, "body": "<html>sign in to the network</html>"}),
        json!({"hold": "silent"}),
    ] {
        simulator
            .script(&json!({"match": {"method": "GET"}, "action": action}))
            .await;
        let begun = Instant::now();
        let found = test(&admin, &name).await.unwrap();
        assert_eq!(found.state(), KeyState::Unspecified, "{found:?}");
        assert!(found.state_reason.contains("learnt"), "{found:?}");
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "bounded by its setting"
        );
        let attempt = &found.receipt.as_ref().unwrap().attempts[0];
        assert_eq!(attempt.outcome(), Outcome::Failed);
        simulator.reset().await;
        assert_eq!(stored(&admin, &name).await.state(), KeyState::Active);
        assert_eq!(
            product.caller().chat_once(MODEL).await.0.source(),
            Source::Own
        );
    }
    // A disabled key is tested and stays disabled.
    let disable = UpdateKeyRequest {
        name: name.clone(),
        disabled: true,
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["disabled".to_owned()],
        }),
        ..Default::default()
    };
    admin.vault.keys().update_key(disable).await.unwrap();
    assert_eq!(test(&admin, &name).await.unwrap().state(), KeyState::Active);
    assert_eq!(stored(&admin, &name).await.state(), KeyState::Disabled);
    // Six within a minute are enough for one key; another one has its own.
    let refused = test(&admin, &name).await.unwrap_err();
    assert_eq!(reason(&refused), Some(Reason::WorkspaceBusy));
    assert!(status::refusal(&refused).retry_after.is_some());
    admin
        .put_key(DEMO, "exa", "exa-keyway-test-probe-0003")
        .await
        .unwrap();
    test(&admin, &key(DEMO, "exa")).await.unwrap();
}
