//! Google and Mistral as a caller sees them: what a call costs follows from the price file and from what
//! the simulator counted, and a conversation with tools goes there and back.

use std::path::Path;

use keyway_proto::billing::v1::{Basis, Source, UsageEvent};
use keyway_proto::router::v1::{
    ChatRequest, ChatResponse, ChatRole, EmbedRequest, FinishReason, Message, Part, Reasoning,
    StreamChatRequest, Tool, ToolCall, ToolResult, part, stream_chat_response,
};
use serde_json::{Value, json};

use crate::docs::root;
use crate::harness::{DEMO, Logs, Product, Speaker, ask, only_attempt};

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
        compare(event, entry);
    }
}

/// One call after the other; their ids.
async fn calls(caller: &Speaker) -> Vec<String> {
    let mut ids = Vec::new();
    for model in CHATS {
        for text in ["Say something short.", "odd counts"] {
            for effort in ["", "high"] {
                let mut request = said(model, text);
                request.reasoning = Some(Reasoning {
                    effort: effort.to_owned(),
                    ..Default::default()
                });
                let answer = caller.chat(request.clone()).await;
                let answer = answer.unwrap_or_else(|status| panic!("{model}: {status:?}"));
                ids.push(only_attempt(answer.receipt).1);
                ids.push(only_attempt(streamed(caller, request).await.receipt).1);
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

fn said(model: &str, text: &str) -> ChatRequest {
    let part = Some(part::Part::Text(text.to_owned()));
    ChatRequest {
        messages: vec![Message {
            role: ChatRole::User.into(),
            parts: vec![Part { part }],
        }],
        max_output_tokens: Some(2048),
        ..ask(model)
    }
}

fn compare(event: &UsageEvent, entry: &Value) {
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
async fn parallel_calls_go_there_and_their_results_come_back() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    for model in CHATS {
        for stream in [false, true] {
            there_and_back(&product, model, stream).await;
        }
    }
}

async fn there_and_back(product: &Product, model: &str, stream: bool) {
    let caller = product.caller();
    let mut request = said(model, "[sim:tools]");
    request.tools = ["get_weather", "get_time"].map(tool).into();
    let send = async |request: ChatRequest| {
        if stream {
            return streamed(&caller, request).await;
        }
        let answer = caller.chat(request).await;
        answer.unwrap_or_else(|status| panic!("{model}: {status:?}"))
    };
    let answer = send(request.clone()).await;
    assert_eq!(
        answer.finish_reason(),
        FinishReason::ToolCalls,
        "{answer:?}"
    );
    let asked = answer.message.clone().unwrap();
    let calls = called(&asked);
    let names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
    assert_eq!(names, ["get_weather", "get_time"]);
    assert!(
        calls
            .iter()
            .all(|call| call.arguments_json == r#"{"city":"sample"}"#)
    );
    assert_ne!(calls[0].id, calls[1].id);
    let results = calls.iter().zip(["18 C", "noon"]).map(|(call, text)| Part {
        part: Some(part::Part::ToolResult(ToolResult {
            call_id: call.id.clone(),
            text: text.to_owned(),
            is_error: false,
        })),
    });
    request.messages.push(asked.clone());
    request.messages.push(Message {
        role: ChatRole::Tool.into(),
        parts: results.collect(),
    });
    let answer = send(request.clone()).await;
    let text = text(&answer.message.unwrap());
    assert!(
        text.starts_with("The tool said: ") && text.contains("noon"),
        "{text}"
    );

    // Google demands its signature back with the first call of the group: the simulator checks it.
    let signed = calls.iter().map(|call| !call.signature.is_empty());
    let google = model.starts_with("google/");
    assert_eq!(signed.collect::<Vec<_>>(), [google, false]);
    if google {
        for part in &mut request.messages[1].parts {
            if let Some(part::Part::ToolCall(call)) = &mut part.part {
                call.signature.clear();
            }
        }
        let refused = caller.chat(request).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{refused:?}");
    }
}

fn tool(name: &str) -> Tool {
    Tool {
        name: name.to_owned(),
        parameters_json: r#"{"type":"object","properties":{"city":{"type":"string"}}}"#.to_owned(),
        ..Default::default()
    }
}

fn called(message: &Message) -> Vec<ToolCall> {
    let parts = message.parts.iter().filter_map(|part| match &part.part {
        Some(part::Part::ToolCall(call)) => Some(call.clone()),
        _ => None,
    });
    parts.collect()
}

fn text(message: &Message) -> String {
    let parts = message.parts.iter().filter_map(|part| match &part.part {
        Some(part::Part::Text(text)) => Some(text.as_str()),
        _ => None,
    });
    parts.collect()
}

/// A streamed answer as the unary one would be: texts joined, calls by their index.
async fn streamed(caller: &Speaker, request: ChatRequest) -> ChatResponse {
    let mut execution = caller.router.execution();
    let request = StreamChatRequest {
        request: Some(request),
    };
    let answer = execution.stream_chat(request).await;
    let mut stream = answer
        .unwrap_or_else(|status| panic!("{status:?}"))
        .into_inner();
    let (mut said, mut calls) = (String::new(), Vec::<ToolCall>::new());
    loop {
        let event = stream.message().await.unwrap().expect("an end");
        match event.event.expect("an event") {
            stream_chat_response::Event::Text(text) => said.push_str(&text),
            stream_chat_response::Event::ToolCall(delta) => {
                let index = usize::try_from(delta.index).unwrap();
                calls.resize(calls.len().max(index + 1), ToolCall::default());
                let call = &mut calls[index];
                call.id.push_str(&delta.id);
                call.name.push_str(&delta.name);
                call.arguments_json.push_str(&delta.arguments_json);
                call.signature.extend(delta.signature);
            }
            stream_chat_response::Event::End(end) => {
                let text = (!said.is_empty()).then_some(part::Part::Text(said));
                let calls = calls.into_iter().map(part::Part::ToolCall);
                let parts = text
                    .into_iter()
                    .chain(calls)
                    .map(|part| Part { part: Some(part) });
                return ChatResponse {
                    message: Some(Message {
                        role: ChatRole::Assistant.into(),
                        parts: parts.collect(),
                    }),
                    finish_reason: end.finish_reason,
                    provider_finish: end.provider_finish,
                    receipt: end.receipt,
                };
            }
            _ => {}
        }
    }
}
