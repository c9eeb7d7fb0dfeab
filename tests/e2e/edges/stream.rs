//! An event passes the moment it is complete: the provider sends the next one only after the client
//! has the last.

use keyway::Part;
use keyway_proto::billing::v1::{Basis, Outcome};
use serde_json::{Value, json};

use super::harness::{Http, PROVIDERS, chat};
use crate::harness::{DEMO, Logs, Product, wait_for};

/// Events of a whole stream, as they end.
fn ends(text: &str) -> usize {
    text.replace("\r\n", "\n").matches("\n\n").count()
}

fn asked(provider: &str) -> (String, Value) {
    let (path, mut body) = chat(provider, true);
    if provider == "openai" {
        // Else the last event but one is taken out.
        body["stream_options"] = json!({"include_usage": true});
    }
    (format!("/{provider}{path}"), body)
}

#[tokio::test]
async fn no_event_is_held_back() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let (http, simulator) = (Http::of(&product), product.simulator());
    let responses = json!({"model": "gpt-5.4-mini", "input": "hello", "stream": true});
    let chats = PROVIDERS.into_iter().map(asked);
    for (path, body) in chats.chain([("/openai/v1/responses".to_owned(), responses)]) {
        let whole = http.at(&path, &body).await;
        let events = ends(&whole.text());
        assert!(events >= 3, "{path}: {}", whole.text());
        for seen in 1..events {
            let gate = format!("gate{seen}-{}", path.len());
            let rule = json!({"times": 1, "match": {"stream": true}, "action": {"stall_after_chunks": seen, "stall_hold": gate}});
            simulator.script(&rule).await;
            let mut stream = http.open(&path, &body).await;
            let before = stream.until(|text| ends(text) >= seen).await;
            assert_eq!(ends(&before), seen, "{path}: {before}");
            simulator.release(&gate).await;
            let rest = stream.until(|_text| false).await;
            assert_eq!(ends(&rest), events, "{path}: {rest}");
        }
    }
}

/// The shapes that every model is served in, and a request in each.
fn shapes(model: &str) -> [(&'static str, Value); 3] {
    let messages = json!([{"role": "user", "content": "Say something short."}]);
    [
        (
            "/v1/chat/completions",
            json!({"model": model, "messages": messages, "stream": true}),
        ),
        (
            "/v1/messages",
            json!({"model": model, "messages": messages, "stream": true, "max_tokens": 64}),
        ),
        (
            "/v1/responses",
            json!({"model": model, "input": messages, "stream": true}),
        ),
    ]
}

/// Where a piece of the answer's text may stand in an event, of a provider or of a shape.
const TEXTS: [&str; 4] = [
    "/choices/0/delta/content",
    "/delta/text",
    "/delta",
    "/candidates/0/content/parts/0/text",
];

/// The text that the first whole events of a stream hold.
fn said(stream: &str, events: usize) -> String {
    let stream = stream.replace("\r\n", "\n");
    let whole = stream
        .split_inclusive("\n\n")
        .filter(|event| event.ends_with("\n\n"));
    let data = whole
        .take(events)
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("data:"));
    let said = data.filter_map(|data| {
        let event: Value = serde_json::from_str(data).ok()?;
        let places = TEXTS.iter().filter_map(|place| event.pointer(place));
        Some(places.filter_map(Value::as_str).collect::<String>())
    });
    said.collect()
}

#[tokio::test]
async fn no_text_is_held_back_by_a_shape_of_another_provider() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let (http, simulator) = (Http::of(&product), product.simulator());
    for provider in PROVIDERS {
        let (path, body) = asked(provider);
        let native = http.at(&path, &body).await.text();
        let model = native_model(provider, &body);
        for (shape, body) in shapes(&model) {
            let mut checked = 0;
            for seen in 1..ends(&native) {
                let expected = said(&native, seen);
                if expected.is_empty() {
                    continue; // before the first text another attempt may still be made
                }
                let gate = format!("{model}-{shape}-{seen}");
                let rule = json!({"times": 1, "match": {"stream": true}, "action": {"stall_after_chunks": seen, "stall_hold": gate}});
                simulator.script(&rule).await;
                let mut stream = http.open(shape, &body).await;
                let before = stream
                    .until(|text| said(text, usize::MAX) == expected)
                    .await;
                assert_eq!(said(&before, usize::MAX), expected, "{shape}: {before}");
                checked += 1;
                simulator.release(&gate).await;
                let rest = stream.rest_of_it().await;
                assert_eq!(
                    said(&rest, usize::MAX),
                    said(&native, usize::MAX),
                    "{shape}: {rest}"
                );
            }
            assert!(checked >= 2, "{model}, {shape}: {checked} of {native}");
        }
    }
}

/// The name of a model for every shape.
fn native_model(provider: &str, body: &Value) -> String {
    let name = body["model"].as_str().unwrap_or("gemini-3.8-flash");
    format!("{provider}/{name}")
}

#[tokio::test]
async fn the_call_of_a_client_that_hangs_up_is_settled_with_all_that_its_provider_counted() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let (http, simulator) = (Http::of(&product), product.simulator());
    for provider in ["openai", "anthropic"] {
        let rule = json!({"times": 1, "action": {"stall_after_chunks": 2, "stall_hold": provider}});
        simulator.script(&rule).await;
        let (path, body) = asked(provider);
        let mut stream = http.open(&path, &body).await;
        let id = stream.call_id();
        stream.until(|text| ends(text) >= 2).await;
        drop(stream);
        until_read_on(&product).await;
        simulator.release(provider).await;
        let events = product.admin().events_of(DEMO, &[&id]).await;
        assert_eq!(events[0].outcome(), Outcome::Abandoned, "{events:?}");
        assert_eq!(events[0].basis(), Basis::ProviderReported, "{events:?}");
    }
}

/// The router has noticed, while its provider is silent, and reads the answer on.
async fn until_read_on(product: &Product) {
    let noticed = async || {
        let counts = product.counts(Part::Router).await;
        (counts.sum("keyway_router_answers_read_on", "") == 1).then_some(())
    };
    wait_for("the hang-up to be noticed", noticed).await;
}
