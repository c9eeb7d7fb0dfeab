//! The router's own protection: who is beyond a limit hears so, with the time to come back, and
//! holds up nobody else.

use std::time::Duration;

use keyway_proto::billing::v1::Source;
use keyway_proto::vault::v1::{Limits, OperatorLimits, Policy, WorkspaceServiceUpdateRequest};
use keyway_proto::{Reason, status};
use serde_json::json;
use tokio::task::JoinSet;
use tonic::Status;

use crate::harness::{Product, Setup, Speaker, Tenant, ask, reason, wait_for};

const MODEL: &str = "openai/gpt-5-mini";

async fn limit(speaker: &Speaker, workspace: &str, requests: u64, operator: bool) {
    let limits = Some(Limits {
        hosted_requests_per_minute: Some(requests),
        ..Default::default()
    });
    let request = WorkspaceServiceUpdateRequest {
        name: workspace.to_owned(),
        operator_limits: operator.then(|| OperatorLimits {
            limits: limits.clone(),
            ..Default::default()
        }),
        policy: (!operator).then(|| Policy {
            limits: limits.clone(),
            ..Default::default()
        }),
        ..Default::default()
    };
    speaker.vault.workspaces().update(request).await.unwrap();
}

/// `HOSTED_RATE_LIMITED`, with a time within a minute.
fn is_limited(refused: &Status) {
    assert_eq!(
        reason(refused),
        Some(Reason::HostedRateLimited),
        "{refused:?}"
    );
    let wait = status::refusal(refused)
        .retry_after
        .expect("a time to wait");
    assert!(
        wait > Duration::ZERO && wait <= Duration::from_secs(61),
        "{wait:?}"
    );
}

#[tokio::test]
async fn the_lower_hosted_rate_holds_and_calls_on_an_own_key_are_never_asked_about_it() {
    let product = Product::start().await;
    let Tenant {
        name,
        admin,
        caller,
        ..
    } = product.tenant("hurried").await;
    let other = product.tenant("patient").await;
    limit(&product.operator(), &name, 3, true).await;
    limit(&admin, &name, 2, false).await;
    // The first call comes after both: its lease is new.
    for _ in 0..2 {
        assert_eq!(caller.chat_once(MODEL).await.0.source(), Source::Hosted);
    }
    let refused = caller.chat(ask(MODEL)).await.unwrap_err();
    is_limited(&refused);
    assert_eq!(
        other.caller.chat_once(MODEL).await.0.source(),
        Source::Hosted
    );
    assert_eq!(product.simulator().journal().await.len(), 3);

    // Its own key is not touched by any of it.
    admin
        .put_key(&name, "openai", "sk-keyway-test-rate-0001")
        .await
        .unwrap();
    let own = async || {
        let answer = caller.chat(ask(MODEL)).await.ok()?;
        let source = answer.receipt?.attempts.first()?.source();
        (source == Source::Own).then_some(())
    };
    wait_for("the own key", own).await;
    for _ in 0..10 {
        assert_eq!(caller.chat_once(MODEL).await.0.source(), Source::Own);
    }
    // Elsewhere it has none and is limited still.
    let refused = caller
        .chat(ask("anthropic/claude-haiku-4-5"))
        .await
        .unwrap_err();
    is_limited(&refused);
}

#[tokio::test]
async fn what_finds_no_room_waits_in_a_bounded_queue_or_is_shed_at_once() {
    let setup = Setup::new()
        .with("KEYWAY_ROUTER__LIMITS__CALLS", "1")
        .with("KEYWAY_ROUTER__LIMITS__QUEUE", "1")
        .with("KEYWAY_ROUTER__LIMITS__QUEUE_WAIT", "60s");
    let product = setup.start().await;
    let simulator = product.simulator();
    simulator.script(&json!({"action": {"hold": "full"}})).await;
    let caller = product.caller();
    let call = || {
        let caller = caller.clone();
        async move { caller.chat(ask(MODEL)).await }
    };
    let first = tokio::spawn(call());
    simulator.until_held("full", 1).await;
    // One of five has the place in the queue; the others are shed while it waits.
    let mut rest: JoinSet<_> = (0..5).map(|_| call()).collect();
    for _ in 0..4 {
        let shed = rest.join_next().await.unwrap().unwrap().unwrap_err();
        assert_eq!(reason(&shed), Some(Reason::Overloaded), "{shed:?}");
        assert!(status::refusal(&shed).retry_after.is_some());
    }
    simulator.release("full").await;
    first.await.unwrap().unwrap();
    rest.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(simulator.journal().await.len(), 2);
}

#[tokio::test]
async fn bodies_in_flight_have_a_budget_and_give_it_back() {
    let setup = Setup::new().with("KEYWAY_ROUTER__LIMITS__BODIES", "64KiB");
    let product = setup.start().await;
    let caller = product.caller();
    let mut large = ask(MODEL);
    large.end_user = String::new();
    large.messages.push(large.messages[0].clone());
    let text = keyway_proto::router::v1::part::Part::Text("x".repeat(100 << 10));
    large.messages[1].parts[0].part = Some(text);
    let refused = caller.chat(large).await.unwrap_err();
    assert_eq!(reason(&refused), Some(Reason::Overloaded), "{refused:?}");
    assert!(status::refusal(&refused).retry_after.is_some());
    // Far more than the budget, one after the other.
    for _ in 0..30 {
        let mut request = ask(MODEL);
        let text = keyway_proto::router::v1::part::Part::Text("x".repeat(10 << 10));
        request.messages[0].parts[0].part = Some(text);
        caller.chat(request).await.unwrap();
    }
}
