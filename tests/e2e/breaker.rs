//! A key with which its provider failed call after call rests: nothing is sent, the next key of the
//! pool serves, one attempt at a time finds out when the provider is well again, and nobody else
//! notices.

use std::time::Duration;

use keyway_proto::Reason;
use keyway_proto::billing::v1::Source;
use keyway_proto::router::v1::{ChatRequest, ExplainRouteRequest};
use keyway_proto::status::refusal;
use keyway_proto::vault::v1::PutKeyRequest;
use serde_json::{Value, json};

use crate::harness::{Logs, Product, Setup, Tenant, ask, only_attempt, reason, say, wait_for};

const MODEL: &str = "openai/gpt-5-mini";
/// Calls until a key rests.
const FAILURES: usize = 3;

fn setup() -> Setup {
    Setup::new()
        .with("KEYWAY_ROUTER__BREAKER__FAILURES", &FAILURES.to_string())
        .with("KEYWAY_ROUTER__BREAKER__REST", "2s")
        .with("KEYWAY_ROUTER__BREAKER__LONGEST_REST", "2s")
        .with("KEYWAY_ROUTER__ATTEMPTS__MOST", "2")
        .with("KEYWAY_ROUTER__TIMEOUTS__FIRST_BYTE", "300ms")
        .with("KEYWAY_ROUTER__TIMEOUTS__CONNECT", "300ms")
}

async fn with_key(product: &Product, id: &str, names: &[&str]) -> Tenant {
    let tenant = product.tenant(id).await;
    for name in names {
        let request = PutKeyRequest {
            owner: tenant.name.clone(),
            provider: "openai".to_owned(),
            key_name: (*name).to_owned(),
            secret: format!("sk-keyway-test-{id}-{name}"),
            ..Default::default()
        };
        tenant.admin.vault.keys().put_key(request).await.unwrap();
    }
    tenant
}

/// Requests that reached the provider with a key that ends so.
async fn sent(product: &Product, suffix: &str) -> usize {
    let journal = product.simulator().journal().await;
    let with_it = |entry: &&Value| {
        let last = entry["credential"]["last4"].as_str();
        last.is_some_and(|last| last.len() == 4 && suffix.ends_with(last))
    };
    journal.iter().filter(with_it).count()
}

async fn fails(product: &Product, suffix: &str, action: Value) {
    let rule = json!({"match": {"key_suffix": suffix}, "action": action});
    product.simulator().script(&rule).await;
}

/// Calls until the key rests: how each of them failed before.
async fn until_it_rests(tenant: &Tenant, request: &ChatRequest, before: Reason) {
    for _call in 0..FAILURES {
        let failed = tenant.caller.chat(request.clone()).await.unwrap_err();
        assert_eq!(reason(&failed), Some(before), "{failed:?}");
        assert!(!failed.message().contains("nothing was sent"), "{failed:?}");
    }
}

#[tokio::test]
async fn a_key_whose_provider_fails_rests_and_one_attempt_at_a_time_finds_out_when_it_is_well() {
    let product = setup().start().await;
    let _logs = Logs(&product);
    let (dead, well) = (
        with_key(&product, "dead", &["dead"]).await,
        with_key(&product, "well", &["well"]).await,
    );
    fails(&product, "-dead", json!({"status": 503, "body": "down"})).await;
    until_it_rests(&dead, &ask(MODEL), Reason::ProviderUnavailable).await;
    // The last of them made one attempt, after which the key rested.
    let before = 2 * FAILURES - 1;
    assert_eq!(sent(&product, "-dead").await, before);

    let rests = dead.caller.chat(ask(MODEL)).await.unwrap_err();
    assert_eq!(reason(&rests), Some(Reason::ProviderUnavailable));
    assert!(rests.message().contains("nothing was sent"), "{rests:?}");
    let wait = refusal(&rests).retry_after.expect("a time");
    assert!(wait <= Duration::from_secs(2), "{wait:?}");
    assert_eq!(sent(&product, "-dead").await, before);
    let question = ExplainRouteRequest {
        workspace: dead.name.clone(),
        model: MODEL.to_owned(),
    };
    let explained = dead.admin.router.execution().explain_route(question).await;
    let explained = explained.unwrap().into_inner();
    assert_eq!(explained.candidates[0].why_not, "UNAVAILABLE");
    // Nobody else notices.
    let (attempt, _) = well.caller.chat_once(MODEL).await;
    assert_eq!(attempt.source(), Source::Own);

    let tried = async || {
        let calls = (0..20).map(|_call| dead.caller.chat(ask(MODEL)));
        let ended = futures::future::join_all(calls).await;
        assert!(ended.iter().all(Result::is_err));
        let more = sent(&product, "-dead").await - before;
        (more > 0).then_some(more)
    };
    let (more, _) = wait_for("the end of the rest", tried).await;
    assert_eq!(more, 1, "one of twenty tries it");

    product.simulator().reset().await;
    let served = async || dead.caller.chat(ask(MODEL)).await.ok();
    wait_for("an answer", served).await;
    // Closed again: all of them are served.
    let calls = (0..20).map(|_call| dead.caller.chat(ask(MODEL)));
    let ended = futures::future::join_all(calls).await;
    assert!(ended.iter().all(Result::is_ok), "{ended:?}");
}

#[tokio::test]
async fn the_next_key_of_the_pool_serves_while_the_first_one_rests() {
    let product = setup().start().await;
    let _logs = Logs(&product);
    let pool = with_key(&product, "pool", &["first", "other"]).await;
    fails(&product, "-first", json!({"status": 500, "body": "down"})).await;
    for _call in 0..FAILURES {
        let answer = pool.caller.chat(ask(MODEL)).await.unwrap();
        assert_eq!(answer.receipt.unwrap().attempts.len(), 2);
    }
    let answer = pool.caller.chat(ask(MODEL)).await.unwrap();
    let receipt = answer.receipt.unwrap();
    assert_eq!(receipt.skipped[0].why, "UNAVAILABLE", "{receipt:?}");
    let (attempt, _) = only_attempt(Some(receipt));
    assert!(attempt.key_name.ends_with("/other"), "{attempt:?}");
    assert_eq!(sent(&product, "-first").await, FAILURES);
}

#[tokio::test]
async fn on_the_platforms_key_a_workspace_closes_nothing_to_another() {
    let product = setup().start().await;
    let _logs = Logs(&product);
    let (unlucky, other) = (
        product.tenant("unlucky").await,
        product.tenant("other").await,
    );
    let poisoned = say(MODEL, "poison");
    let rule =
        json!({"match": {"body_contains": "poison"}, "action": {"status": 500, "body": "boom"}});
    product.simulator().script(&rule).await;
    until_it_rests(&unlucky, &poisoned, Reason::ProviderUnavailable).await;
    let rests = unlucky.caller.chat(ask(MODEL)).await.unwrap_err();
    assert_eq!(reason(&rests), Some(Reason::ProviderUnavailable));
    let (attempt, _) = other.caller.chat_once(MODEL).await;
    assert_eq!(attempt.source(), Source::Hosted);
}

#[tokio::test]
async fn timeouts_count_and_what_the_provider_refuses_does_not() {
    let product = setup().start().await;
    let _logs = Logs(&product);
    let silent = with_key(&product, "silent", &["hush"]).await;
    fails(&product, "-hush", json!({"hold": "gate"})).await;
    until_it_rests(&silent, &ask(MODEL), Reason::ProviderTimeout).await;
    let rests = silent.caller.chat(ask(MODEL)).await.unwrap_err();
    assert_eq!(reason(&rests), Some(Reason::ProviderUnavailable));
    assert_eq!(sent(&product, "-hush").await, FAILURES);

    product.simulator().reset().await;
    let refused = with_key(&product, "refused", &["nope"]).await;
    fails(
        &product,
        "-nope",
        json!({"fixture": "openai/403_country.error"}),
    )
    .await;
    for _call in 0..3 * FAILURES {
        let failed = refused.caller.chat(ask(MODEL)).await.unwrap_err();
        assert_eq!(reason(&failed), Some(Reason::ProviderRejectedRequest));
    }
}
