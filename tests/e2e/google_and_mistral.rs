//! Google and Mistral as a caller sees them: what a call costs follows from the price file and from what
//! the simulator counted.

use std::path::Path;

use keyway_proto::billing::v1::{Basis, Source, UsageEvent};
use keyway_proto::router::v1::{EmbedRequest, Image, Part, Reasoning, ResponseFormat, image, part};
use serde_json::{Value, json};

use crate::docs::root;
use crate::harness::{DEMO, Logs, Product, Speaker, only_attempt, say};

const CHATS: [&str; 2] = ["google/gemini-3.8-flash", "mistral/mistral-small-latest"];
const EMBEDDINGS: [&str; 2] = ["google/gemini-embedding-2", "mistral/mistral-embed"];
const ZERO: &str = "0.000000000000";

#[tokio::test]
async fn every_amount_follows_from_the_price_file_and_what_the_simulator_counted() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let counts =
        json!({"input": 1017, "cache_read": 640, "output": 152, "reasoning": 150, "tool_use": 17});
    let rule = json!({"match": {"provider": "google", "body_contains": "odd counts"}, "action": {"usage": counts}});
    product.simulator().script(&rule).await;
    let rule = json!({"match": {"provider": "mistral", "body_contains": "odd counts"},
        "action": {"usage": {"input": 333, "cache_read": 704, "output": 21}}});
    product.simulator().script(&rule).await;

    check(&product, Source::Hosted).await;
    for model in CHATS {
        let (provider, _) = model.split_once('/').unwrap();
        let secret = format!("keyway-test-own-{provider}-0001");
        product
            .admin()
            .put_key(DEMO, provider, &secret)
            .await
            .unwrap();
        product.until_served_by(model, Source::Own).await;
    }
    check(&product, Source::Own).await;
}

/// Makes every kind of call, and holds each event to what the simulator counted for it.
async fn check(product: &Product, source: Source) {
    let before = product.simulator().journal().await.len();
    let call_ids = calls(&product.caller()).await;
    let journal = product.simulator().journal().await.split_off(before);
    let ids: Vec<&str> = call_ids.iter().map(String::as_str).collect();
    let events = product.admin().events_of(DEMO, &ids).await;
    assert_eq!((journal.len(), events.len()), (ids.len(), ids.len()));
    for (id, entry) in ids.iter().zip(&journal) {
        let event = events.iter().find(|event| event.call_id == *id).unwrap();
        assert_eq!(
            (event.source(), event.basis()),
            (source, Basis::ProviderReported)
        );
        assert_eq!(event.provider, entry["provider"].as_str().unwrap());
        let header = match event.provider.as_str() {
            "google" => "x-goog-api-key",
            _ => "authorization",
        };
        assert_eq!(entry["credential"]["header"], header, "never in the URL");
        compare(event, entry);
    }
}

/// One call after the other; their ids.
async fn calls(caller: &Speaker) -> Vec<String> {
    let mut ids = Vec::new();
    for model in CHATS {
        for text in ["Say something short.", "odd counts"] {
            for effort in ["", "high"] {
                let mut request = say(model, text);
                request.max_output_tokens = Some(2048);
                request.reasoning = Some(Reasoning {
                    effort: effort.to_owned(),
                    ..Default::default()
                });
                let answer = caller.chat(request.clone()).await;
                let answer = answer.unwrap_or_else(|status| panic!("{model}: {status:?}"));
                ids.push(only_attempt(answer.receipt).1);
                ids.push(only_attempt(caller.stream_chat(request).await.receipt).1);
            }
        }
    }
    for model in EMBEDDINGS {
        let request = EmbedRequest {
            model: model.to_owned(),
            inputs: vec!["one text".to_owned(), "another text".to_owned()],
            ..Default::default()
        };
        let answer = caller.router.execution().embed(request).await;
        let answer = answer.unwrap_or_else(|status| panic!("{model}: {status:?}"));
        ids.push(only_attempt(answer.into_inner().receipt).1);
    }
    ids
}

pub(crate) fn compare(event: &UsageEvent, entry: &Value) {
    let counts = &entry["reported"]["counts"];
    let usage = event.usage.unwrap();
    let told = [
        ("input", usage.input_tokens),
        ("cache_read", usage.cache_read_tokens),
        ("output", usage.output_tokens),
        ("reasoning", usage.reasoning_tokens),
    ];
    for (name, count) in told {
        assert_eq!(json!(count.unwrap_or(0)), counts[name], "{name} of {entry}");
    }
    let (_, model) = event
        .requested_model
        .split_once('/')
        .unwrap_or(("", &event.requested_model));
    let price = price(&event.provider, model, counts);
    assert_eq!(event.list_price_usd.as_deref(), Some(&*price), "{entry}");
    let charge = match event.source() {
        Source::Own => ZERO,
        _ => &price,
    };
    assert_eq!(event.charge_usd.as_deref(), Some(charge), "{entry}");
}

/// The list price of so many tokens, in whole pico-dollars: no price has more than six decimals for a
/// million of them.
fn price(provider: &str, model: &str, counts: &Value) -> String {
    let path = root().join(format!("router/pricing/prices/{provider}.json"));
    let row = row(&path, model);
    let each = |name: &str| pico(row[name].as_str().unwrap_or("0"));
    let cached = if row["cache_read"].is_null() {
        "input"
    } else {
        "cache_read"
    };
    let of = |name: &str| u128::from(counts[name].as_u64().unwrap());
    let total = of("input") * each("input")
        + of("cache_read") * each(cached)
        + of("output") * each("output");
    format!(
        "{}.{:012}",
        total / 1_000_000_000_000,
        total % 1_000_000_000_000
    )
}

fn row(path: &Path, model: &str) -> Value {
    let rows: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut rows = rows.as_array().unwrap().iter();
    rows.find(|row| row["model"] == model).unwrap().clone()
}

/// Pico-dollars for one token, of dollars for a million.
fn pico(price: &str) -> u128 {
    let (whole, decimals) = price.split_once('.').unwrap_or((price, ""));
    format!("{whole}{decimals:0<6}").parse().unwrap()
}

#[tokio::test]
async fn what_embeddings_cost_of_which_no_usage_is_told_is_unknown_and_not_zero() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let request = EmbedRequest {
        model: "google/gemini-embedding-001".to_owned(),
        inputs: vec!["twelve bytes".to_owned(), "and some more".to_owned()],
        dimensions: Some(8),
        ..Default::default()
    };
    let answer = product.caller().router.execution().embed(request).await;
    let answer = answer.unwrap().into_inner();
    assert_eq!(answer.embeddings[1].values.len(), 8);
    let (_, id) = only_attempt(answer.receipt);
    let [event] = product
        .admin()
        .events_of(DEMO, &[&id])
        .await
        .try_into()
        .unwrap();
    assert_eq!(event.source(), Source::Hosted);
    assert!(matches!(event.basis(), Basis::Unknown | Basis::Estimated));
    assert_eq!((event.charge_usd, event.list_price_usd), (None, None));
}

#[tokio::test]
async fn a_schema_and_an_image_reach_both_providers() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let caller = product.caller();
    for model in CHATS {
        let mut request = say(model, "What is on it?");
        let source = Some(image::Source::Data(b"\x89PNG\r\n\x1a\n".to_vec()));
        let image = Image {
            source,
            media_type: "image/png".to_owned(),
        };
        request.messages[0].parts.push(Part {
            part: Some(part::Part::Image(image)),
        });
        request.response_format = Some(ResponseFormat {
            schema_json: r#"{"type":"object","properties":{"things":{"type":"integer"}},"required":["things"],"additionalProperties":false}"#.to_owned(),
            name: "picture".to_owned(),
            ..Default::default()
        });
        let whole = caller.chat(request.clone()).await;
        let whole = whole.unwrap_or_else(|status| panic!("{model}: {status:?}"));
        let streamed = caller.stream_chat(request).await;
        let said = Some(part::Part::Text(r#"{"things":1}"#.to_owned()));
        assert_eq!(whole.message, streamed.message);
        assert_eq!(whole.message.unwrap().parts, [Part { part: said }]);
        assert_eq!(whole.finish_reason, streamed.finish_reason);
    }
    let journal = product.simulator().journal().await;
    let carried = journal.iter().filter(|entry| {
        let body = entry["body"].as_str().unwrap();
        body.contains("iVBORw0KGgo=") && body.contains("\"things\"")
    });
    assert_eq!(carried.count(), 2 * CHATS.len());
}
