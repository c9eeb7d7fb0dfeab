//! An answer that is read on after its caller left has bounds: so long, so many bytes, so many at
//! once. Then its connection ends, and the call is settled with what was counted until then.

use keyway::Part;
use keyway_proto::billing::v1::{Basis, Outcome};
use keyway_proto::router::v1::StreamChatRequest;
use keyway_proto::router::v1::stream_chat_response::Event;
use serde_json::json;

use crate::harness::{DEMO, Logs, Product, Setup, ask, wait_for};

const MODEL: &str = "openai/gpt-5-mini";

#[tokio::test]
async fn an_answer_is_read_on_for_so_many_bytes() {
    let setup = Setup::new().with("KEYWAY_ROUTER__LIMITS__DRAINED_BYTES", "20KiB");
    let product = setup.start().await;
    let _logs = Logs(&product);
    // Whole, it would take minutes and megabytes.
    let text = "word ".repeat(200_000);
    let endless = json!({"action": {"text": text, "chunk_delay_ms": 1}});
    product.simulator().script(&endless).await;
    leave_one(&product).await;
    until_held(&product, 0).await;
    settled_without_an_end(&product, 1).await;
}

#[tokio::test]
async fn an_answer_is_read_on_for_so_long() {
    let setup = Setup::new().with("KEYWAY_ROUTER__TIMEOUTS__DRAINED", "1s");
    let product = setup.start().await;
    let _logs = Logs(&product);
    let silent = json!({"action": {"stall_after_chunks": 4}});
    product.simulator().script(&silent).await;
    leave_one(&product).await;
    until_held(&product, 0).await;
    settled_without_an_end(&product, 1).await;
}

#[tokio::test]
async fn so_many_answers_are_read_on_at_once() {
    let setup = Setup::new().with("KEYWAY_ROUTER__LIMITS__DRAINED_CALLS", "2");
    let product = setup.start().await;
    let _logs = Logs(&product);
    let held = json!({"action": {"stall_after_chunks": 4, "stall_hold": "gate"}});
    product.simulator().script(&held).await;
    for _ in 0..3 {
        leave_one(&product).await;
    }
    until_held(&product, 2).await;
    product.simulator().release("gate").await;
    let events = product.admin().first_events(DEMO, 3).await;
    let whole = events
        .iter()
        .filter(|event| event.basis() == Basis::ProviderReported);
    assert_eq!(whole.count(), 2, "{events:?}");
}

/// One call whose caller leaves after the first piece of its answer.
async fn leave_one(product: &Product) {
    let request = StreamChatRequest {
        request: Some(ask(MODEL)),
    };
    let caller = product.caller();
    let answer = caller.router.execution().stream_chat(request).await;
    let mut stream = answer.expect("a stream").into_inner();
    loop {
        let message = stream.message().await.expect("no error");
        if let Some(Event::Text(_)) = message.expect("no end").event {
            return;
        }
    }
}

/// Waits until so many answers are under way at the provider, and in the router.
async fn until_held(product: &Product, count: u64) {
    let over = async || {
        let counts = product.counts(Part::Router).await;
        let (_, replies) = product.simulator().open().await;
        let calls = counts.sum("keyway_router_calls_in_flight", "");
        (calls == count && replies == count).then_some(())
    };
    wait_for("the bound of what is read on", over).await;
}

async fn settled_without_an_end(product: &Product, count: usize) {
    let events = product.admin().first_events(DEMO, count).await;
    for event in &events {
        assert_eq!(event.outcome(), Outcome::Abandoned, "{event:?}");
        assert_ne!(event.basis(), Basis::ProviderReported, "{event:?}");
    }
}
