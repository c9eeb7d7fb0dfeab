//! On the platform's key nothing is stored at the provider, and nothing that is stored there can be
//! named: all workspaces share its account.

use keyway_proto::billing::v1::Source;
use serde_json::{Value, json};

use super::harness::Http;
use crate::harness::{DEMO, Logs, Product};

/// Requests that would store or name something, by path.
fn stateful() -> Vec<(&'static str, Value)> {
    let text = json!([{"role": "user", "content": "hello"}]);
    let chat = |more: Value| with(json!({"model": "gpt-5-mini", "messages": text}), &more);
    let response = |more: Value| with(json!({"model": "gpt-5.4-mini", "input": "hello"}), &more);
    let message = |more: Value| {
        let whole = json!({"model": "claude-haiku-4-5", "max_tokens": 9, "messages": text});
        with(whole, &more)
    };
    let generate = |more: Value| with(json!({"contents": [{"parts": [{"text": "hello"}]}]}), &more);
    let mut requests = Vec::new();
    for more in [
        json!({"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}]}),
        json!({"messages": [{"role": "assistant", "audio": {"id": "audio_1"}}]}),
        json!({"web_search_options": {}}),
        json!({"invented_tomorrow": "id_1"}),
    ] {
        requests.push(("/openai/v1/chat/completions", chat(more)));
    }
    for more in [
        json!({"previous_response_id": "resp_1"}),
        json!({"conversation": "conv_1"}),
        json!({"background": true}),
        json!({"prompt": {"id": "pmpt_1"}}),
        json!({"input": [{"type": "item_reference", "id": "msg_1"}]}),
        json!({"input": [{"id": "msg_1"}]}),
        json!({"input": [{"type": null, "id": "msg_1"}]}),
        json!({"input": [{"id": "msg_1", "role": "user", "content": "hello"}]}),
        json!({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}]}),
        json!({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]}]}),
        json!({"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}),
        json!({"tools": [{"type": "code_interpreter", "container": "cntr_1"}]}),
    ] {
        requests.push(("/openai/v1/responses", response(more)));
    }
    for more in [
        json!({"container": "container_1"}),
        json!({"mcp_servers": [{"type": "url", "url": "https://x"}]}),
        json!({"tools": [{"type": "code_execution_20250522", "name": "code_execution"}]}),
        json!({"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "file", "file_id": "file_1"}}]}]}),
        json!({"messages": [{"role": "user", "content": [{"type": "container_upload", "file_id": "file_1"}]}]}),
    ] {
        requests.push(("/anthropic/v1/messages", message(more)));
    }
    for more in [
        json!({"cachedContent": "cachedContents/1"}),
        json!({"cached_content": "cachedContents/1"}),
        json!({"contents": [{"parts": [{"fileData": {"fileUri": "files/1"}}]}]}),
        json!({"contents": [{"parts": [{"file_data": {"file_uri": "files/1"}}]}]}),
        json!({"tools": [{"codeExecution": {}}]}),
        json!({"continuationToken": "x"}),
    ] {
        requests.push((
            "/google/v1beta/models/gemini-3.8-flash:generateContent",
            generate(more),
        ));
    }
    let file = json!({"model": "mistral-small-latest", "messages": [{"role": "user", "content": [{"type": "file", "file_id": "1"}]}]});
    requests.push(("/mistral/v1/chat/completions", file));
    requests
}

fn with(mut whole: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().expect("an object") {
        whole[name] = value.clone();
    }
    whole
}

#[tokio::test]
async fn what_would_store_or_name_an_object_is_refused_and_reaches_no_provider() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    for (path, body) in stateful() {
        let answer = http.at(path, &body).await;
        assert_eq!(
            answer.reason(),
            "HOSTED_STATE_FORBIDDEN",
            "{body}: {}",
            answer.text()
        );
        assert_eq!(answer.status, 400);
    }
    let journal = product.simulator().journal().await;
    assert!(journal.is_empty(), "{journal:?}");
}

#[tokio::test]
async fn nothing_is_stored_on_the_platforms_key_whatever_the_body_says_and_an_own_key_may() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    let path = "/openai/v1/responses";
    let bodies = [
        json!({"model": "gpt-5.4-mini", "input": "hello", "store": true}),
        json!({"model": "gpt-5.4-mini", "input": "hello"}),
    ];
    for body in &bodies {
        assert_eq!(http.at(path, body).await.status, 200);
    }
    let sent = product.simulator().journal().await;
    let stored: Vec<bool> = sent
        .iter()
        .filter(|entry| entry["kind"] != "end")
        .map(stores)
        .collect();
    assert_eq!(stored, [false, false]);
    let twice = br#"{"model":"gpt-5.4-mini","input":"hello","store":false,"store":true}"#;
    let refused = http.send(reqwest::Method::POST, path, twice.to_vec()).await;
    assert_eq!(
        (refused.status, refused.reason().as_str()),
        (400, "FIELD_INVALID")
    );

    product
        .admin()
        .put_key(DEMO, "openai", "sk-keyway-test-own-0001")
        .await
        .unwrap();
    product
        .until_served_by("openai/gpt-5-mini", Source::Own)
        .await;
    assert_eq!(http.at(path, &bodies[0]).await.status, 200);
    let sent = product.simulator().journal().await;
    let last = sent.iter().rfind(|entry| entry["kind"] != "end");
    assert!(stores(last.expect("a request")));
}

fn stores(entry: &Value) -> bool {
    let body: Value = serde_json::from_str(entry["body"].as_str().expect("a body")).expect("JSON");
    body["store"] != json!(false)
}
