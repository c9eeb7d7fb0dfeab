//! One base URL for every provider: what an application in `OpenAI`'s shape meets beside the features.

use keyway::Part;
use keyway_proto::billing::v1::{Basis, Outcome, Source};
use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{Answer, Http};
use crate::harness::{DEMO, Logs, Product};

const CHAT: &str = "/v1/chat/completions";
const MODELS: [&str; 4] = [
    "openai/gpt-5-mini",
    "anthropic/claude-haiku-4-5",
    "google/gemini-3.8-flash",
    "mistral/mistral-small-latest",
];

fn ask(model: &str, stream: bool) -> Value {
    json!({"model": model, "stream": stream, "messages": [{"role": "user", "content": "Say something short."}]})
}

/// A conversation whose model called a tool of which the provider demands its signature back.
async fn called(http: &Http) -> Value {
    let tool = json!({"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}});
    let mut body = ask(MODELS[2], false);
    body["tools"] = json!([tool]);
    body["messages"] = json!([{"role": "user", "content": "[sim:tool]"}]);
    let answer = http.at(CHAT, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let message = answer.json()["choices"][0]["message"].clone();
    let id = message["tool_calls"][0]["id"].clone();
    let turns = body["messages"].as_array_mut().unwrap();
    turns.push(message);
    turns.push(json!({"role": "tool", "tool_call_id": id, "content": "sunny"}));
    body
}

fn param(answer: &Answer) -> String {
    let param = &answer.json()["error"]["param"];
    param.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_call_in_openais_shape_is_on_the_stream_with_what_its_answer_told() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    for model in MODELS {
        for stream in [false, true] {
            let answer = http.at(CHAT, &ask(model, stream)).await;
            assert_eq!(answer.status, 200, "{model}: {}", answer.text());
            for (name, value) in [
                ("source", "hosted"),
                ("key", "platform"),
                ("workspace", "demo"),
            ] {
                assert_eq!(answer.header(&format!("keyway-{name}")), value, "{model}");
            }
            let id = answer.header("keyway-call-id");
            let event = product.admin().events_of(DEMO, &[&id]).await.remove(0);
            assert_eq!(event.outcome(), Outcome::Completed, "{event:?}");
            assert_eq!(event.basis(), Basis::ProviderReported, "{event:?}");
            assert_eq!(event.source(), Source::Hosted);
            if !stream {
                let answer = answer.json();
                let attempt = &answer["keyway"]["receipt"]["attempts"][0];
                assert_eq!(answer["id"], format!("chatcmpl-{id}"));
                assert_eq!(answer["model"], model);
                assert_eq!(attempt["charge_usd"], event.charge_usd.as_deref().unwrap());
                let output = event.usage.and_then(|usage| usage.output_tokens);
                assert_eq!(answer["usage"]["completion_tokens"].as_u64(), output);
            }
        }
    }
}

#[tokio::test]
async fn a_signature_goes_back_to_its_provider_and_a_changed_id_is_refused_by_its_place() {
    let mut product = Product::start().await;
    let http = Http::of(&product);
    let body = called(&http).await;
    // Nothing of it is kept by the router that gave it.
    product.kill(Part::Router).await;
    product.start_again(Part::Router).await;
    let answer = http.at(CHAT, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut changed = body.clone();
    let id = &mut changed["messages"][1]["tool_calls"][0]["id"];
    let text = id.as_str().unwrap().to_owned();
    let last = text.chars().last().unwrap();
    let other = if last == 'A' { "B" } else { "A" };
    *id = format!("{}{other}", text.strip_suffix(last).unwrap()).into();
    let answer = http.at(CHAT, &changed).await;
    let place = "messages[1].tool_calls[0].id";
    assert_eq!((answer.status, param(&answer).as_str()), (400, place));
    // The provider does demand it: without the seal it is refused there.
    let mut plain = body;
    plain["messages"][1]["tool_calls"][0]["id"] = "call_1".into();
    plain["messages"][2]["tool_call_id"] = "call_1".into();
    let answer = http.at(CHAT, &plain).await;
    assert_eq!(answer.reason(), "PROVIDER_REJECTED_REQUEST");
}

#[tokio::test]
async fn a_sealed_id_is_good_in_its_own_workspace_only() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let body = called(&Http::of(&product)).await;
    let other = product.tenant("other-one").await;
    let http = Http::bearing(&product, &other.call_token);
    let answer = http.at(CHAT, &body).await;
    let place = "messages[1].tool_calls[0].id";
    assert_eq!((answer.status, param(&answer).as_str()), (400, place));
}

#[tokio::test]
async fn failures_have_openais_shape_with_the_field_and_what_a_client_should_do() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    for (path, body, status, reason, field) in [
        (
            CHAT,
            json!({"model": "nobody-knows"}),
            404,
            "MODEL_UNKNOWN",
            "model",
        ),
        (CHAT, json!({"messages": []}), 400, "FIELD_INVALID", "model"),
        (
            CHAT,
            json!({"model": MODELS[0], "messages": []}),
            400,
            "FIELD_INVALID",
            "messages",
        ),
        (CHAT, json!([]), 400, "FIELD_INVALID", "body"),
        (
            "/v1/embeddings",
            json!({"model": "openai/text-embedding-3-small", "input": [[1, 2]]}),
            400,
            "FIELD_UNSUPPORTED",
            "input[0]",
        ),
        (
            "/v1/embeddings",
            json!({"model": MODELS[1], "input": "x"}),
            400,
            "FIELD_UNSUPPORTED",
            "model",
        ),
        ("/v1/files", json!({}), 404, "FIELD_UNSUPPORTED", "path"),
        (
            "/v1/chat/completions?x=1",
            ask(MODELS[0], false),
            400,
            "FIELD_UNSUPPORTED",
            "query",
        ),
    ] {
        let answer = http.at(path, &body).await;
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.text());
        assert_eq!(
            (answer.reason().as_str(), param(&answer).as_str()),
            (reason, field)
        );
        assert_eq!(answer.header("x-should-retry"), "false");
    }
    let nobody = Http::bearing(&product, "kwc_nobody");
    let answer = nobody.at(CHAT, &ask(MODELS[0], true)).await;
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (401, "CALLER_UNKNOWN")
    );
    assert!(product.simulator().journal().await.is_empty());
}

#[tokio::test]
async fn a_provider_that_fails_is_asked_as_often_as_may_be_and_its_client_told_not_to_try_again() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    let failing = json!({"times": 50, "match": {"provider": "mistral"}, "action": {"status": 503, "body": "{}"}});
    product.simulator().script(&failing).await;
    let answer = http.at(CHAT, &ask(MODELS[3], true)).await;
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (503, "PROVIDER_UNAVAILABLE")
    );
    assert_eq!(answer.header("x-should-retry"), "false");
}

#[tokio::test]
async fn a_stream_that_breaks_off_ends_with_an_error_and_is_never_told_as_done() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    let cut = json!({"times": 1, "match": {"stream": true}, "action": {"cut_after_chunks": 5}});
    product.simulator().script(&cut).await;
    let answer = http.at(CHAT, &ask(MODELS[1], true)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.text();
    assert!(text.contains("\"code\":\"STREAM_TRUNCATED\""), "{text}");
    assert!(!text.contains("[DONE]") && !answer.broken, "{text}");
}

#[tokio::test]
async fn the_list_of_models_is_what_the_workspace_can_use() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    let list = http.get("/v1/models").await.json();
    let list = list["data"].as_array().unwrap().clone();
    for name in MODELS.iter().chain(&["openai/text-embedding-3-small"]) {
        assert!(list.iter().any(|model| model["id"] == *name), "{name}");
    }
    assert!(list.iter().all(|model| model["object"] == "model"));
    assert!(list.iter().all(|model| model["owned_by"] != "exa"));
    for path in [
        "/v1/models/openai/gpt-5-mini",
        "/v1/models/openai%2Fgpt-5-mini",
        "/v1/models/gpt-5-mini",
    ] {
        let model = http.get(path).await;
        assert_eq!(model.json()["id"], "openai/gpt-5-mini", "{path}");
    }
    let unknown = http.get("/v1/models/openai/no-such-model").await;
    assert_eq!(
        (unknown.status, unknown.reason().as_str()),
        (404, "MODEL_NOT_AVAILABLE")
    );
    let refused = http.send(Method::DELETE, "/v1/models/x", Vec::new()).await;
    assert_eq!(refused.status, 405);
}
