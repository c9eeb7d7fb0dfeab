//! A deadline holds whatever the provider does: the caller hears so in time, the provider's answer
//! is ended or read on as the workspace's policy says, and the attempt is settled once.

use std::time::Duration;

use keyway_proto::Reason;
use keyway_proto::billing::v1::{Basis, Outcome, Source, UsageEvent};
use keyway_proto::router::v1::StreamChatRequest;
use keyway_proto::router::v1::stream_chat_response::Event;
use keyway_proto::vault::v1::{OnDisconnect, Policy, WorkspaceServiceUpdateRequest};
use prost_types::FieldMask;
use serde_json::{Value, json};
use tonic::{Code, Request, Status};

use crate::harness::{Logs, Product, Setup, Speaker, Tenant, ask, reason, wait_for};

const MODEL: &str = "openai/gpt-5-mini";
const DEADLINE: Duration = Duration::from_millis(500);

/// Where the provider falls silent.
fn silences() -> [(&'static str, Value); 3] {
    [
        ("before-the-head", json!({"hold": "gate"})),
        (
            "after-the-head",
            json!({"stall_after_chunks": 0, "stall_hold": "gate"}),
        ),
        (
            "within",
            json!({"stall_after_chunks": 2, "stall_hold": "gate"}),
        ),
    ]
}

/// A streamed call with a deadline, whose client reads on until the server ends it: the client keeps
/// no time of its own once the call id is there. The call's id, and its end.
pub(crate) async fn stream_until_refused(
    caller: &Speaker,
    model: &str,
    deadline: Duration,
) -> (String, Status) {
    let mut request = Request::new(StreamChatRequest {
        request: Some(ask(model)),
    });
    request.set_timeout(deadline);
    let answer = caller.router.execution().stream_chat(request).await;
    let mut stream = answer.expect("a stream").into_inner();
    let mut id = String::new();
    loop {
        match stream.message().await {
            Err(status) => return (id, status),
            Ok(message) => match message.expect("no end").event.expect("an event") {
                Event::CallId(call) => id = call,
                Event::End(end) => panic!("{end:?}"),
                _ => {}
            },
        }
    }
}

async fn on_disconnect(tenant: &Tenant, own: OnDisconnect, hosted: OnDisconnect) {
    let update = WorkspaceServiceUpdateRequest {
        name: tenant.name.clone(),
        policy: Some(Policy {
            on_disconnect_own: own.into(),
            on_disconnect_hosted: hosted.into(),
            ..Default::default()
        }),
        update_mask: Some(FieldMask {
            paths: ["own", "hosted"]
                .map(|source| format!("policy.on_disconnect_{source}"))
                .to_vec(),
        }),
        ..Default::default()
    };
    tenant
        .admin
        .vault
        .workspaces()
        .update(update)
        .await
        .unwrap();
}

/// How the only reply of this key ended at the provider; `None` while it runs.
async fn end_at_provider(product: &Product, number: usize) -> Option<String> {
    let journal = product.simulator().journal().await;
    journal.get(number)?["sent"].as_str().map(str::to_owned)
}

/// The only event of the call: beside it stands that of a later call alone. Which is settled first is
/// nobody's promise.
async fn only_event(product: &Product, tenant: &Tenant, call: &str) -> UsageEvent {
    product.simulator().reset().await;
    let (_, later) = tenant.caller.chat_once(MODEL).await;
    let mut events = tenant.admin.first_events(&tenant.name, 2).await;
    events.sort_by(|one, other| one.call_id.cmp(&other.call_id));
    let ids: Vec<_> = events.iter().map(|event| event.call_id.as_str()).collect();
    assert_eq!(ids, [call, later.as_str()], "by the time of the call");
    events.into_iter().next().expect("an event")
}

async fn a_silent_provider(product: &Product, source: Source, policy: OnDisconnect) {
    for (place, action) in silences() {
        let id = format!("{place}-{}-{}", source as i32, policy as i32);
        let tenant = product.tenant(&id).await;
        on_disconnect(&tenant, policy, policy).await;
        if source == Source::Own {
            let secret = "sk-keyway-test-deadline";
            tenant
                .admin
                .put_key(&tenant.name, "openai", secret)
                .await
                .unwrap();
        }
        let simulator = product.simulator();
        let before = simulator.journal().await.len();
        simulator.script(&json!({"action": action})).await;
        let (call, ended) = stream_until_refused(&tenant.caller, MODEL, DEADLINE).await;
        assert_eq!(ended.code(), Code::DeadlineExceeded, "{id}: {ended:?}");
        assert_eq!(reason(&ended), Some(Reason::Deadline), "{id}: {ended:?}");
        if policy == OnDisconnect::Drain {
            assert_eq!(end_at_provider(product, before).await, None, "{id}");
            simulator.release("gate").await;
        }
        let over = async || end_at_provider(product, before).await;
        let (end, _) = wait_for("the end at the provider", over).await;
        let drained = policy == OnDisconnect::Drain;
        assert_eq!(end, if drained { "whole" } else { "abandoned" }, "{id}");
        let event = only_event(product, &tenant, &call).await;
        assert_eq!(event.source(), source, "{id}");
        assert_eq!(event.outcome(), Outcome::Abandoned, "{id}");
        assert_eq!(event.reason, "DEADLINE", "{id}");
        assert_eq!(
            event.basis() == Basis::ProviderReported,
            drained,
            "{id}: {event:?}"
        );
    }
}

#[tokio::test]
async fn past_its_deadline_a_call_says_so_and_its_connection_is_closed_where_calls_are_cancelled() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    for source in [Source::Own, Source::Hosted] {
        a_silent_provider(&product, source, OnDisconnect::Cancel).await;
    }
}

#[tokio::test]
async fn past_its_deadline_a_call_says_so_and_is_read_on_where_calls_are_drained() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    for source in [Source::Own, Source::Hosted] {
        a_silent_provider(&product, source, OnDisconnect::Drain).await;
    }
}

#[tokio::test]
async fn a_unary_call_with_a_short_deadline_is_over_for_everybody() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let tenant = product.tenant("short").await;
    let secret = "sk-keyway-test-deadline";
    tenant
        .admin
        .put_key(&tenant.name, "openai", secret)
        .await
        .unwrap();
    product
        .simulator()
        .script(&json!({"action": {"hold": "gate"}}))
        .await;
    let mut request = Request::new(ask(MODEL));
    request.set_timeout(DEADLINE);
    // Either side may be the first to say so.
    let ended = tenant
        .caller
        .router
        .execution()
        .chat(request)
        .await
        .unwrap_err();
    let said = [Code::DeadlineExceeded, Code::Cancelled, Code::Unknown].contains(&ended.code());
    assert!(said, "{ended:?}");
    let over = async || end_at_provider(&product, 0).await;
    let (end, _) = wait_for("the end at the provider", over).await;
    assert_eq!(end, "abandoned");
    product.simulator().reset().await;
    tenant.caller.chat_once(MODEL).await;
    let events = tenant.admin.first_events(&tenant.name, 2).await;
    let outcomes: Vec<_> = events.iter().map(UsageEvent::outcome).collect();
    assert_eq!(outcomes, [Outcome::Abandoned, Outcome::Completed]);
}

/// A client that asks for more than the cap, or for nothing, waits no longer than the cap.
#[tokio::test]
async fn a_client_that_keeps_no_time_is_held_to_the_cap() {
    let setup = Setup::new().with("KEYWAY_ROUTER__SERVER__DEADLINE_CAP", "1s");
    let product = setup.start().await;
    let _logs = Logs(&product);
    product
        .simulator()
        .script(&json!({"action": {"hold": "gate"}}))
        .await;
    let hours = Duration::from_hours(3);
    let (_, ended) = stream_until_refused(&product.caller(), MODEL, hours).await;
    assert_eq!(reason(&ended), Some(Reason::Deadline), "{ended:?}");
}
