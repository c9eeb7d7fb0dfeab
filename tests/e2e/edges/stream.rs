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
