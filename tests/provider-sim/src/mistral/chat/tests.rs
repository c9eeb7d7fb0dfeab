use super::*;
use crate::mistral;
use crate::provider::Provider;
use crate::request::tests::of;

fn reply(body: &Value, action: &Action) -> Reply {
    let request = of(Provider::Mistral, "/v1/chat/completions", &body.to_string());
    mistral::answer(&request, action)
}

fn parsed(body: &Value, action: &Action) -> Value {
    serde_json::from_slice(&reply(body, action).body()).unwrap()
}

fn chunks(body: &Value, action: &Action) -> Vec<Value> {
    let mut body = body.clone();
    body["stream"] = json!(true);
    let text = String::from_utf8(reply(&body, action).body()).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
    lines
        .filter_map(|data| serde_json::from_str(data).ok())
        .collect()
}

fn hello() -> Value {
    json!({"model": "mistral-small-latest", "messages": [{"role": "user", "content": "hello"}]})
}

fn with(extra: &Value) -> Value {
    let mut body = hello();
    body.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    body
}

#[test]
fn the_stream_is_the_whole_answer_in_pieces_with_usage_on_its_last_chunk() {
    let action = Action::default();
    let body = parsed(&hello(), &action);
    assert_eq!(
        body["usage"],
        json!({"prompt_tokens": 5, "total_tokens": 9, "completion_tokens": 4})
    );
    let all = chunks(&hello(), &action);
    let text: String = all
        .iter()
        .filter_map(|c| c["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(body["choices"][0]["message"]["content"], text);
    let last = all.last().unwrap();
    assert_eq!(
        (&last["usage"], &last["choices"][0]["finish_reason"]),
        (&body["usage"], &json!("stop"))
    );
    assert!(
        all.iter()
            .rev()
            .skip(1)
            .all(|chunk| chunk.get("usage").is_none())
    );
}

#[test]
fn calls_have_ids_of_nine_characters_and_come_whole() {
    let tool = |name: &str| json!({"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}});
    let mut body = with(&json!({"tools": [tool("f"), tool("g")]}));
    body["messages"][0]["content"] = json!("[sim:tools]");
    let whole = parsed(&body, &Action::default());
    let calls = &whole["choices"][0]["message"]["tool_calls"];
    assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(calls.as_array().unwrap().len(), 2);
    assert_eq!(
        (calls[1]["id"].as_str().unwrap().len(), &calls[1]["index"]),
        (9, &json!(1))
    );
    let all = chunks(&body, &Action::default());
    assert_eq!(
        &all.last().unwrap()["choices"][0]["delta"]["tool_calls"],
        calls
    );
}

#[test]
fn reasoning_is_a_chunk_of_its_own_and_within_the_output() {
    let body = with(&json!({"reasoning_effort": "high"}));
    let whole = parsed(&body, &Action::default());
    let content = &whole["choices"][0]["message"]["content"];
    assert_eq!(
        (&content[0]["type"], &content[1]["text"]),
        (&json!("thinking"), &json!("You said: hello"))
    );
    assert_eq!(whole["usage"]["completion_tokens"], 256 + 4);
    let all = chunks(&body, &Action::default());
    let thought: String = all
        .iter()
        .filter_map(|chunk| {
            chunk["choices"][0]["delta"]["content"][0]["thinking"][0]["text"].as_str()
        })
        .collect();
    assert_eq!(thought, THOUGHT);
}

#[test]
fn what_is_scripted_is_told() {
    let action = |text: &str| serde_json::from_str::<Action>(text).unwrap();
    let cached = action(r#"{"usage": {"input": 10, "cache_read": 64, "output": 3}}"#);
    let usage = parsed(&hello(), &cached)["usage"].clone();
    assert_eq!(
        (
            &usage["prompt_tokens"],
            &usage["prompt_tokens_details"]["cached_tokens"]
        ),
        (&json!(74), &json!(64))
    );
    let silent = action(r#"{"no_usage": true}"#);
    assert_eq!(parsed(&hello(), &silent).get("usage"), None);
    let broken = chunks(&hello(), &action(r#"{"error_after_chunks": 1}"#));
    assert_eq!(broken.last().unwrap()["object"], "error");
    let refused = parsed(&hello(), &action(r#"{"refuse": true}"#));
    assert!(
        refused["choices"][0]["message"]["content"]
            .as_str()
            .unwrap()
            .contains("sorry")
    );
    let mut filtered = hello();
    filtered["messages"][0]["content"] = json!("[sim:filter]");
    assert_eq!(reply(&filtered, &Action::default()).status, 403);
}

#[test]
fn errors_have_the_shapes_of_the_provider() {
    let body = parsed(&with(&json!({"seed": 1})), &Action::default());
    assert_eq!(body["detail"][0]["loc"], json!(["body", "seed"]));
    let body = parsed(&with(&json!({"model": "mistral-nope"})), &Action::default());
    assert_eq!(
        (&body["object"], &body["type"]),
        (&json!("error"), &json!("invalid_model"))
    );
}
