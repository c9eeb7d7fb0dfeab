//! SIGTERM: what runs may finish, what comes is refused, what was used is settled.

use keyway::Part;
use keyway_proto::Reason;
use keyway_proto::billing::v1::{Basis, Outcome};
use keyway_proto::router::v1::stream_chat_response::Event;
use keyway_proto::router::v1::{StreamChatRequest, StreamChatResponse};
use serde_json::json;
use tonic::Streaming;

use crate::harness::{DEMO, Product, Speaker, ask, reason, wait_for};

const MODEL: &str = "openai/gpt-5-mini";

#[tokio::test]
async fn a_stream_and_a_unary_call_finish_and_a_new_call_is_refused() {
    let mut product = Product::start().await;
    let caller = product.caller();
    let (before, _) = caller.chat_once(MODEL).await;
    assert!(before.charge_usd.is_some());
    let rules = json!([
        {"match": {"stream": true}, "action": {"stall_after_chunks": 2, "stall_hold": "stream"}},
        // The other provider answers: a call of it that comes before the signal must not wait here.
        {"match": {"provider": "openai", "stream": false}, "action": {"hold": "unary"}},
    ]);
    let simulator = product.simulator();
    simulator.script(&rules).await;
    let unary = tokio::spawn({
        let caller = caller.clone();
        async move { caller.chat_once(MODEL).await }
    });
    let mut stream = stream(&caller).await;
    let call_id = first_text(&mut stream).await;
    simulator.until_held("unary", 1).await;

    product.terminate(Part::Router);
    let refused = async || match caller.chat(ask("anthropic/claude-haiku-4-5")).await {
        Ok(_) => None, // the signal is still on its way
        Err(status) => {
            let named = status.metadata().contains_key("keyway-call-id");
            assert!(named, "{status:?}");
            Some(reason(&status))
        }
    };
    let (refusal, _) = wait_for("a refusal", refused).await;
    assert_eq!(refusal, Some(Reason::Draining));

    simulator.release("stream").await;
    simulator.release("unary").await;
    let end = end_of(&mut stream).await;
    let receipt = end.expect("a receipt on the last frame");
    assert_eq!(receipt, call_id);
    let (_, unary_id) = unary.await.expect("the unary call finishes");
    assert_eq!(product.exit_code(Part::Router).await, Some(0));

    product.start_again(Part::Router).await;
    for event in product
        .admin()
        .events_of(DEMO, &[&call_id, &unary_id])
        .await
    {
        assert_eq!(event.outcome(), Outcome::Completed);
        assert_eq!(event.basis(), Basis::ProviderReported);
        assert!(event.charge_usd.is_some());
    }
}

async fn stream(caller: &Speaker) -> Streaming<StreamChatResponse> {
    let request = StreamChatRequest {
        request: Some(ask(MODEL)),
    };
    caller
        .router
        .execution()
        .stream_chat(request)
        .await
        .expect("a stream")
        .into_inner()
}

/// Reads until text has come; the call id.
async fn first_text(stream: &mut Streaming<StreamChatResponse>) -> String {
    let mut call_id = String::new();
    while let Some(message) = stream.message().await.expect("a message") {
        match message.event {
            Some(Event::CallId(id)) => call_id = id,
            Some(Event::Text(_)) => return call_id,
            _ => {}
        }
    }
    panic!("the stream ended before any text");
}

/// Reads to the end; the call id of the receipt.
async fn end_of(stream: &mut Streaming<StreamChatResponse>) -> Option<String> {
    let mut found = None;
    while let Some(message) = stream.message().await.expect("the stream finishes") {
        if let Some(Event::End(end)) = message.event {
            found = end.receipt.map(|receipt| receipt.call_id);
        }
    }
    found
}
