use super::*;
use crate::anthropic;
use crate::provider::Provider;
use crate::request::tests::of;

fn reply(body: &Value, action: &Action) -> String {
    let request = of(Provider::Anthropic, "/v1/messages", &body.to_string());
    String::from_utf8(anthropic::answer(&request, action).body()).unwrap()
}

fn parsed(body: &Value) -> Value {
    serde_json::from_str(&reply(body, &Action::default())).unwrap()
}

fn events(body: &Value, action: &Action) -> Vec<Value> {
    let mut body = body.clone();
    body["stream"] = json!(true);
    let text = reply(&body, action);
    text.lines()
        .filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok())
        .collect()
}

fn hello() -> Value {
    json!({"model": "claude-haiku-5-5", "max_tokens": 100, "system": "Terse.", "messages": [{"role": "user", "content": "hello"}]})
}

#[test]
fn the_counts_follow_the_documented_rule() {
    let body = parsed(&hello());
    assert_eq!(body["usage"]["input_tokens"], 10);
    assert_eq!(body["usage"]["output_tokens"], 4);
    assert_eq!(
        body["content"],
        json!([{"type": "text", "text": "You said: hello"}])
    );
}

#[test]
fn the_stream_is_the_whole_message_in_pieces() {
    let whole = parsed(&hello());
    let all = events(&hello(), &Action::default());
    let text: String = all
        .iter()
        .filter_map(|event| event["delta"]["text"].as_str())
        .collect();
    assert_eq!(whole["content"][0]["text"], text);
    let last = all
        .iter()
        .find(|event| event["type"] == "message_delta")
        .unwrap();
    assert_eq!(
        last["usage"]["output_tokens"],
        whole["usage"]["output_tokens"]
    );
    assert_eq!(last["delta"]["stop_reason"], whole["stop_reason"]);
    assert_eq!(all.last().unwrap()["type"], "message_stop");
    assert_eq!(all[0]["message"]["usage"]["output_tokens"], 1);
}

#[test]
fn marked_blocks_count_as_written_for_their_lifetime() {
    let mut body = hello();
    body["system"] = json!([{"type": "text", "text": "12345678", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]);
    body["messages"][0]["content"] = json!([{"type": "text", "text": "1234", "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "hello"}]);
    let usage = &parsed(&body)["usage"];
    assert_eq!(usage["input_tokens"], 3 + 3 + 2);
    assert_eq!(usage["cache_creation_input_tokens"], 3);
    assert_eq!(
        usage["cache_creation"],
        json!({"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 2})
    );
}

#[test]
fn thinking_is_counted_and_streamed_with_its_signature() {
    let mut body = hello();
    body["thinking"] = json!({"type": "adaptive"});
    let whole = parsed(&body);
    assert_eq!(whole["usage"]["output_tokens"], 44);
    assert_eq!(
        whole["usage"]["output_tokens_details"]["thinking_tokens"],
        40
    );
    let all = events(&body, &Action::default());
    let thought: String = all
        .iter()
        .filter_map(|event| event["delta"]["thinking"].as_str())
        .collect();
    assert_eq!(whole["content"][0]["thinking"], thought);
}

#[test]
fn a_call_is_streamed_as_the_text_of_its_input() {
    let mut body = hello();
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    body["tools"] = json!([{"name": "weather", "input_schema": schema}]);
    body["tool_choice"] = json!({"type": "any"});
    let whole = parsed(&body);
    let all = events(&body, &Action::default());
    let input: String = all
        .iter()
        .filter_map(|event| event["delta"]["partial_json"].as_str())
        .collect();
    assert_eq!(whole["content"][0]["input"].to_string(), input);
    assert_eq!(whole["stop_reason"], "tool_use");
}

#[test]
fn refusals_cuts_and_missing_usage_are_as_documented() {
    let mut body = hello();
    body["messages"][0]["content"] = json!("[sim:refuse]");
    let refused = parsed(&body);
    assert_eq!(
        (
            refused["content"].as_array().unwrap().len(),
            &refused["stop_reason"]
        ),
        (0, &json!("refusal"))
    );
    let broken = Action {
        error_after_chunks: Some(3),
        ..Action::default()
    };
    assert_eq!(
        events(&hello(), &broken).last().unwrap()["error"]["type"],
        "overloaded_error"
    );
    let silent = Action {
        no_usage: true,
        ..Action::default()
    };
    assert!(!reply(&hello(), &silent).contains("usage"));
    let mut warm = hello();
    warm["max_tokens"] = json!(0);
    assert_eq!(parsed(&warm)["stop_reason"], "max_tokens");
    assert_eq!(parsed(&warm)["content"], json!([]));
}
