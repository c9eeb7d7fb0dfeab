use serde_json::{Value, json};

use super::*;
use crate::provider::Provider;
use crate::request::tests::of;

fn request(extra: &Value) -> Request {
    let mut body = json!({"model": "claude-haiku-5-5", "max_tokens": 100, "messages": [{"role": "user", "content": "hello"}]});
    body.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    of(Provider::Anthropic, "/v1/messages", &body.to_string())
}

fn refused(extra: &Value) -> String {
    message(&request(extra)).unwrap_err().message
}

#[test]
fn every_request_fixture_is_accepted() {
    for name in [
        "message_plain",
        "message_plain_stream",
        "tool_single",
        "tool_parallel",
        "tool_result",
        "image",
        "json_schema",
        "thinking",
        "cached",
    ] {
        let body = crate::fixtures::json(&format!("anthropic/{name}.request.json"));
        assert!(body.is_object(), "{name}");
        let request = of(Provider::Anthropic, "/v1/messages", &body.to_string());
        assert_eq!(message(&request), Ok(()), "{name}");
    }
}

#[test]
fn a_version_is_required_and_decides_about_sampling() {
    let mut old = request(&json!({"model": "claude-haiku-4-5", "temperature": 0.5}));
    assert_eq!(
        message(&old).unwrap_err().message,
        "temperature: Extra inputs are not permitted"
    );
    old.headers
        .insert("anthropic-version", "2023-06-01".parse().unwrap());
    assert_eq!(message(&old), Ok(()));
    let mut strict = request(&json!({"temperature": 0.5}));
    strict
        .headers
        .insert("anthropic-version", "2023-06-01".parse().unwrap());
    assert!(message(&strict).is_err());
    strict
        .headers
        .insert("anthropic-version", "2024-01-01".parse().unwrap());
    assert!(version(&strict).is_err());
    strict.headers.remove("anthropic-version");
    assert!(version(&strict).unwrap_err().message.contains("required"));
}

#[test]
fn wrong_fields_are_refused_by_name() {
    for (extra, word) in [
        (json!({"max_tokens": null}), "max_tokens"),
        (json!({"max_tokens": 1_000_000}), "max_tokens"),
        (json!({"seed": 5}), "seed"),
        (json!({"n": 2}), "n: Extra"),
        (json!({"messages": []}), "messages"),
        (
            json!({"messages": [{"role": "tool", "content": "x"}]}),
            "role",
        ),
        (
            json!({"messages": [{"role": "assistant", "content": "x"}]}),
            "first message",
        ),
        (
            json!({"messages": [{"role": "user", "content": ""}]}),
            "messages.0",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}),
            "non-empty",
        ),
        (
            json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}),
            "prefill",
        ),
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 100}}),
            "budget_tokens",
        ),
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 2000}}),
            "max_tokens",
        ),
        (json!({"thinking": {"type": "deep"}}), "thinking.type"),
        (json!({"output_config": {"effort": "huge"}}), "effort"),
        (
            json!({"output_config": {"format": {"type": "json_object"}}}),
            "format",
        ),
        (json!({"tools": [{"name": "f"}]}), "input_schema"),
        (json!({"tool_choice": {"type": "any"}}), "tool_choice"),
        (json!({"service_tier": "gold"}), "service_tier"),
        (json!({"metadata": {"email": "x"}}), "metadata.email"),
        (json!({"stop_sequences": [" "]}), "stop_sequences"),
    ] {
        let message = refused(&extra);
        assert!(message.contains(word), "{extra}: {message}");
    }
    assert_eq!(
        message(&request(&json!({"model": "claude-nope"})))
            .unwrap_err()
            .status,
        404
    );
}

#[test]
fn calls_and_results_belong_together() {
    let user = json!({"role": "user", "content": "x"});
    let call = json!({"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]});
    let result = json!({"type": "tool_result", "tool_use_id": "a", "content": "x"});
    let text = json!({"type": "text", "text": "x"});
    let good = json!({"messages": [user, call, {"role": "user", "content": [result, text]}]});
    assert_eq!(message(&request(&good)), Ok(()));
    let late = json!({"messages": [user, call, {"role": "user", "content": [text, result]}]});
    assert!(refused(&late).contains("first"));
    assert!(refused(&json!({"messages": [user, call, user]})).contains("immediately after"));
    assert!(
        refused(&json!({"messages": [{"role": "user", "content": [result]}]}))
            .contains("unexpected")
    );
}

#[test]
fn some_models_refuse_forced_tools() {
    let tools = json!([{"name": "f", "input_schema": {"type": "object"}}]);
    let forced = |model: &str| {
        request(&json!({"model": model, "tools": tools, "tool_choice": {"type": "any"}}))
    };
    assert!(
        message(&forced("claude-sonnet-5-5"))
            .unwrap_err()
            .message
            .contains("forced")
    );
    assert_eq!(message(&forced("claude-haiku-5-5")), Ok(()));
}

#[test]
fn counting_takes_no_max_tokens() {
    assert!(
        counting(&request(&json!({})))
            .unwrap_err()
            .message
            .contains("max_tokens")
    );
}
