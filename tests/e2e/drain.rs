//! SIGTERM: what runs may finish, what comes is refused, what was used is settled.

use keyway::Part;
use keyway_proto::Reason;
use keyway_proto::billing::v1::{Basis, Outcome};
use keyway_proto::router::v1::stream_chat_response::Event;
use keyway_proto::router::v1::{StreamChatRequest, StreamChatResponse};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::Streaming;

use crate::harness::{BOUND, DEMO, Product, Setup, Speaker, ask, never_sent, reason, wait_for};

const MODEL: &str = "openai/gpt-5-mini";
/// Of a provider that counts from the first event on.
const PARTIAL: &str = "anthropic/claude-haiku-4-5";

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
        Err(status) if never_sent(&status) => None,
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

#[tokio::test]
async fn what_outlasts_the_drain_is_told_so_and_settled_whether_or_not_anybody_reads() {
    let setup = Setup::new().with("KEYWAY_ROUTER__SERVER__DRAIN", "1s");
    let mut product = setup.start().await;
    let caller = product.caller();
    let rule = json!({"match": {"stream": true}, "action": {"stall_after_chunks": 4, "stall_hold": "for-ever"}});
    product.simulator().script(&rule).await;
    let mut kept = stream_of(&caller, PARTIAL).await;
    let kept_id = first_text(&mut kept).await;
    let mut left = stream_of(&caller, PARTIAL).await;
    let left_id = first_text(&mut left).await;
    drop(left);
    let read_on = async || {
        let counts = product.counts(Part::Router).await;
        (counts.sum("keyway_router_answers_read_on", "") == 1).then_some(())
    };
    wait_for("the answer to be read on", read_on).await;

    product.terminate(Part::Router);
    let told = loop {
        match kept.message().await {
            Ok(message) => assert!(message.is_some(), "an end without a word"),
            Err(status) => break status,
        }
    };
    assert_eq!(reason(&told), Some(Reason::Draining), "{told:?}");
    assert_eq!(product.exit_code(Part::Router).await, Some(0));
    product.start_again(Part::Router).await;
    let events = product.admin().events_of(DEMO, &[&kept_id, &left_id]).await;
    for event in events {
        assert_eq!(event.outcome(), Outcome::Abandoned);
        assert_eq!(event.basis(), Basis::Partial);
        let why = if event.call_id == kept_id {
            "DRAINING"
        } else {
            ""
        };
        assert_eq!(event.reason, why);
    }
}

#[tokio::test]
async fn a_connection_without_a_call_is_told_to_go_when_the_drain_begins() {
    let mut product = Product::start().await;
    let caller = product.caller();
    let rule = json!({"match": {"stream": true}, "action": {"stall_after_chunks": 2, "stall_hold": "stream"}});
    product.simulator().script(&rule).await;
    let mut stream = stream_of(&caller, MODEL).await;
    first_text(&mut stream).await;
    let address = product.running.site.addresses.router;
    let mut idle = TcpStream::connect(address).await.unwrap();
    let request = "GET /nothing HTTP/1.1\r\nhost: keyway\r\n\r\n";
    idle.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 16];
    idle.read_exact(&mut answer).await.unwrap();

    product.terminate(Part::Router);
    let mut rest = Vec::new();
    let ended = timeout(BOUND, idle.read_to_end(&mut rest)).await;
    ended
        .expect("it is closed while another call runs")
        .unwrap();
    product.simulator().release("stream").await;
    end_of(&mut stream).await.expect("a receipt");
    assert_eq!(product.exit_code(Part::Router).await, Some(0));
}

async fn stream(caller: &Speaker) -> Streaming<StreamChatResponse> {
    stream_of(caller, MODEL).await
}

async fn stream_of(caller: &Speaker, model: &str) -> Streaming<StreamChatResponse> {
    let request = StreamChatRequest {
        request: Some(ask(model)),
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

/// As operators send it to whatever has files, and a terminal that closes to whatever runs in it.
#[tokio::test]
async fn a_hangup_ends_no_service_and_no_call() {
    let mut product = Product::start().await;
    let (simulator, caller) = (product.simulator(), product.caller());
    simulator.script(&json!({"action": {"hold": "call"}})).await;
    let call = tokio::spawn({
        let caller = caller.clone();
        async move { caller.chat_once(MODEL).await }
    });
    simulator.until_held("call", 1).await;
    for part in [Part::Vault, Part::Router] {
        product.signal(part, "HUP");
        let told = async || product.log(part).contains("SIGHUP").then_some(());
        wait_for("a line in the log", told).await;
    }
    simulator.release("call").await;
    call.await.expect("the call finishes");
    caller.chat_once(MODEL).await;
    assert!(
        product
            .admin()
            .put_key(DEMO, "exa", "exa-keyway-test-hangup-1")
            .await
            .is_ok()
    );
}
