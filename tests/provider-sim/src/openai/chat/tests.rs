use super::*;
use crate::openai;
use crate::request::tests::openai as request;

fn reply(body: &Value, action: &Action) -> Reply {
    openai::answer(&request("/v1/chat/completions", &body.to_string()), action)
}

fn parsed(body: &Value) -> Value {
    serde_json::from_slice(&reply(body, &Action::default()).body()).unwrap()
}

fn chunks(body: &Value, action: &Action) -> Vec<Value> {
    let text = String::from_utf8(reply(body, action).body()).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
    lines
        .filter_map(|data| serde_json::from_str(data).ok())
        .collect()
}

fn hello() -> Value {
    json!({"model": "gpt-4.1-mini", "messages": [{"role": "system", "content": "Terse."}, {"role": "user", "content": "hello"}]})
}

fn streamed(mut body: Value) -> Value {
    body["stream"] = json!(true);
    body["stream_options"] = json!({"include_usage": true});
    body
}

#[test]
fn the_counts_follow_the_documented_rule() {
    let body = parsed(&hello());
    // 3 + ceil(6/4) and 3 + ceil(5/4); "You said: hello" has 15 bytes.
    assert_eq!(body["usage"]["prompt_tokens"], 10);
    assert_eq!(body["usage"]["completion_tokens"], 4);
    assert_eq!(body["usage"]["total_tokens"], 14);
    assert_eq!(body["model"], "gpt-4.1-mini-2025-04-14");
    assert_eq!(body["choices"][0]["message"]["content"], "You said: hello");
}

#[test]
fn the_stream_is_the_whole_answer_in_pieces() {
    let all = chunks(&streamed(hello()), &Action::default());
    let text: String = all
        .iter()
        .filter_map(|c| c["choices"][0]["delta"]["content"].as_str())
        .collect();
    let body = parsed(&hello());
    assert_eq!(body["choices"][0]["message"]["content"], text);
    assert_eq!(all.last().unwrap()["usage"], body["usage"]);
    assert!(
        all.iter()
            .rev()
            .skip(1)
            .all(|chunk| chunk["usage"].is_null() && chunk.get("usage").is_some())
    );
}

#[test]
fn without_include_usage_no_chunk_has_usage() {
    let mut body = streamed(hello());
    body.as_object_mut().unwrap().remove("stream_options");
    assert!(
        chunks(&body, &Action::default())
            .iter()
            .all(|chunk| chunk.get("usage").is_none())
    );
}

#[test]
fn streamed_calls_join_to_the_unary_ones() {
    let mut body = hello();
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    body["tools"] =
        json!([{"type": "function", "function": {"name": "weather", "parameters": schema}}]);
    body["messages"][1]["content"] = json!("[sim:tool]");
    let whole = parsed(&body);
    let all = chunks(&streamed(body), &Action::default());
    let pieces = all
        .iter()
        .map(|c| &c["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"]);
    let joined: String = pieces.filter_map(Value::as_str).collect();
    assert_eq!(
        whole["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"],
        joined
    );
    assert_eq!(joined, r#"{"city":"sample"}"#);
    assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn the_script_can_take_usage_away_and_break_the_stream() {
    let silent = Action {
        no_usage: true,
        ..Action::default()
    };
    assert!(
        chunks(&streamed(hello()), &silent)
            .iter()
            .all(|chunk| chunk["usage"].is_null())
    );
    let broken = Action {
        error_after_chunks: Some(2),
        ..Action::default()
    };
    let all = chunks(&streamed(hello()), &broken);
    assert_eq!(all.len(), 3);
    assert_eq!(all[2]["error"]["type"], "server_error");
}

#[test]
fn refused_and_cached_answers_have_the_fixtures_shape() {
    let action = Action {
        refuse: true,
        usage: Some(Counts {
            input: 5,
            cache_read: 7,
            ..Counts::default()
        }),
        ..Action::default()
    };
    let body: Value = serde_json::from_slice(&reply(&hello(), &action).body()).unwrap();
    assert!(body["choices"][0]["message"]["content"].is_null());
    assert!(body["choices"][0]["message"]["refusal"].is_string());
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    assert_eq!(body["usage"]["prompt_tokens"], 12);
    assert_eq!(body["usage"]["prompt_tokens_details"]["cached_tokens"], 7);
}
