//! Whole answers around what a line says of usage, read as the product reads them: by the adapter,
//! and by the meter of the native edge, which must say the same.

use http::Method;
use keyway_router_providers::{Adapter, Metered, registry};
use keyway_words::ProviderId;
use serde_json::{Value, json};

use super::Line;

/// What the product measures of the line's answer.
pub(super) fn metered(line: &Line) -> Metered {
    let body = serde_json::to_vec(&whole(line)).unwrap();
    let adapter = registry::adapter(line.provider).unwrap();
    let read = match line.endpoint.as_str() {
        "embed" => adapter.embed_reply(&body, 1).map(|reply| reply.metered),
        "search" => adapter
            .search_reply(&line.model, &body)
            .map(|reply| reply.metered),
        _chat => adapter.chat_reply(&body).map(|reply| reply.metered),
    };
    let read = read.unwrap_or_else(|error| panic!("{}: {error}", line.case));
    let passed = passed(adapter, line, &body);
    assert_eq!(figures(&read), figures(&passed), "{}", line.case);
    read
}

/// What an amount is made of.
fn figures(metered: &Metered) -> impl PartialEq + std::fmt::Debug {
    (
        metered.usage,
        metered.complete,
        metered.flagged,
        metered.service_tier.clone(),
        metered.dimensions.clone(),
        metered.provider_cost,
    )
}

/// The same answer as it passes the native edge.
fn passed(adapter: &dyn Adapter, line: &Line, body: &[u8]) -> Metered {
    let api = adapter.native().unwrap();
    let found = api.find(&Method::POST, &path(line)).unwrap();
    let mut meter = api.meter(found.endpoint, &line.model, None);
    meter.whole(body).unwrap();
    meter.metered().clone()
}

fn path(line: &Line) -> String {
    let model = &line.model;
    match (line.provider, line.endpoint.as_str()) {
        (ProviderId::OpenAi, "responses") => "/responses".to_owned(),
        (ProviderId::OpenAi, "embed") => "/embeddings".to_owned(),
        (ProviderId::OpenAi, _) => "/chat/completions".to_owned(),
        (ProviderId::Anthropic, _) => "/v1/messages".to_owned(),
        (ProviderId::Google, "embed") => format!("/v1beta/models/{model}:batchEmbedContents"),
        (ProviderId::Google, _) => format!("/v1beta/models/{model}:generateContent"),
        (ProviderId::Mistral, "embed") => "/v1/embeddings".to_owned(),
        (ProviderId::Mistral, _) => "/v1/chat/completions".to_owned(),
        (ProviderId::Exa, _) if ["contents", "answer"].contains(&model.as_str()) => {
            format!("/{model}")
        }
        (ProviderId::Exa, _) => "/search".to_owned(),
    }
}

fn whole(line: &Line) -> Value {
    let mut said = line.answer.clone();
    let fields = said.as_object_mut().unwrap();
    let calls = fields.remove("tool_calls").and_then(|count| count.as_u64());
    let calls = calls.unwrap_or_default();
    let mut body = match (line.provider, line.endpoint.as_str()) {
        (ProviderId::Google, "embed") => json!({"embeddings": [{"values": [0.5, 0.5]}]}),
        (_, "embed") => vectors(),
        (ProviderId::OpenAi, "responses") => response(&line.model),
        (ProviderId::OpenAi | ProviderId::Mistral, _) => completion(&line.model, calls),
        (ProviderId::Anthropic, _) => message(&line.model, calls),
        (ProviderId::Google, _) => content(&line.model, calls),
        (ProviderId::Exa, _) => found(fields),
    };
    let whole = body.as_object_mut().unwrap();
    whole.extend(std::mem::take(fields));
    body
}

fn vectors() -> Value {
    let row = json!({"object": "embedding", "index": 0, "embedding": [0.5, 0.5]});
    json!({"object": "list", "model": "", "data": [row]})
}

fn completion(model: &str, calls: u64) -> Value {
    let call = |at| {
        let function = json!({"name": "look_up", "arguments": "{}"});
        json!({"id": format!("callnum{at}x"), "type": "function", "function": function})
    };
    let calls: Vec<Value> = (0..calls).map(call).collect();
    let finish = if calls.is_empty() {
        "stop"
    } else {
        "tool_calls"
    };
    let message = json!({"role": "assistant", "content": "Yes.", "tool_calls": calls});
    let choice = json!({"index": 0, "finish_reason": finish, "message": message});
    json!({"id": "c", "object": "chat.completion", "created": 1, "model": model, "choices": [choice]})
}

fn response(model: &str) -> Value {
    let text = json!({"type": "output_text", "text": "Yes.", "annotations": []});
    let item = json!({"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [text]});
    json!({"id": "resp_1", "object": "response", "status": "completed", "model": model, "output": [item]})
}

fn message(model: &str, calls: u64) -> Value {
    let mut blocks = vec![json!({"type": "text", "text": "Yes."})];
    blocks.extend((0..calls).map(
        |at| json!({"type": "tool_use", "id": format!("toolu_{at}"), "name": "look_up", "input": {}}),
    ));
    let stop = if calls == 0 { "end_turn" } else { "tool_use" };
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": blocks, "stop_reason": stop})
}

fn content(model: &str, calls: u64) -> Value {
    let mut parts = vec![json!({"text": "Yes."})];
    parts.extend((0..calls).map(|_| json!({"functionCall": {"name": "look_up", "args": {}}})));
    let candidate =
        json!({"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": parts}});
    json!({"candidates": [candidate], "modelVersion": model})
}

fn found(said: &mut serde_json::Map<String, Value>) -> Value {
    let mut take = |name: &str| {
        let count = said.remove(name).and_then(|count| count.as_u64());
        count.unwrap_or_default()
    };
    let results = take("results");
    let counts = [
        ("summary", take("summaries")),
        ("text", take("texts")),
        ("highlights", take("highlights")),
    ];
    let page = |at: u64| {
        let mut page = json!({"url": format!("https://example.com/{at}"), "id": at.to_string()});
        for (name, _) in counts.iter().filter(|(_, count)| at < *count) {
            page[*name] = if *name == "highlights" {
                json!(["x"])
            } else {
                json!("x")
            };
        }
        page
    };
    let pages: Vec<Value> = (0..results).map(page).collect();
    json!({"requestId": "r", "results": pages, "answer": "Yes.", "citations": [], "statuses": []})
}
