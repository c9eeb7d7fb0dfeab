use serde_json::json;

use super::*;
use crate::request::tests::openai;

fn with(model: &str, extra: &Value) -> Result<(), Fault> {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": "hello"}]});
    body.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    chat(&openai("/v1/chat/completions", &body.to_string()))
}

fn tool() -> Value {
    json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}])
}

#[test]
fn every_request_fixture_is_accepted() {
    for name in [
        "plain",
        "plain_stream",
        "tool_single",
        "tool_parallel",
        "tool_result",
        "image",
        "json_schema",
        "reasoning",
    ] {
        let body = crate::fixtures::json(&format!("openai/chat_{name}.request.json"));
        assert!(body.is_object(), "{name}");
        let request = openai("/v1/chat/completions", &body.to_string());
        assert_eq!(chat(&request), Ok(()), "{name}");
    }
}

#[test]
fn wrong_fields_are_refused_by_name() {
    for (extra, param) in [
        (json!({"temperature": 2.1}), "temperature"),
        (json!({"top_p": -0.1}), "top_p"),
        (json!({"presence_penalty": 3}), "presence_penalty"),
        (json!({"top_logprobs": 3}), "top_logprobs"),
        (json!({"n": 0}), "n"),
        (json!({"max_completion_tokens": 0}), "max_completion_tokens"),
        (json!({"stop": ["a", "b", "c", "d", "e"]}), "stop"),
        (
            json!({"stream_options": {"include_usage": true}}),
            "stream_options",
        ),
        (json!({"verbosity": "loud"}), "verbosity"),
        (json!({"service_tier": "gold"}), "service_tier"),
        (json!({"metadata": {"a": 1}}), "metadata"),
        (json!({"logit_bias": {"1": 101}}), "logit_bias"),
        (
            json!({"safety_identifier": "x".repeat(65)}),
            "safety_identifier",
        ),
        (
            json!({"response_format": {"type": "xml"}}),
            "response_format",
        ),
        (
            json!({"response_format": {"type": "json_object"}}),
            "messages",
        ),
        (json!({"tools": []}), "tools"),
        (
            json!({"tools": [{"type": "function", "function": {"name": "a b"}}]}),
            "tools",
        ),
        (json!({"tool_choice": "required"}), "tool_choice"),
        (json!({"parallel_tool_calls": false}), "parallel_tool_calls"),
        (json!({"messages": []}), "messages"),
        (
            json!({"messages": [{"role": "robot", "content": "x"}]}),
            "messages",
        ),
        (
            json!({"messages": [{"role": "user", "content": 7}]}),
            "messages",
        ),
        (
            json!({"messages": [{"role": "tool", "tool_call_id": "a", "content": "x"}]}),
            "messages",
        ),
    ] {
        assert_eq!(
            with("gpt-4o", &extra).unwrap_err().param,
            Some(param),
            "{extra}"
        );
    }
    let unknown = with("gpt-4o", &json!({"top_k": 5})).unwrap_err();
    assert_eq!(
        (unknown.status, unknown.code),
        (400, Some("unknown_parameter"))
    );
}

#[test]
fn a_call_without_an_answer_is_refused() {
    let call = json!({"role": "assistant", "content": null, "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]});
    let answer = json!({"role": "tool", "tool_call_id": "a", "content": "x"});
    assert_eq!(with("gpt-4o", &json!({"messages": [call, answer]})), Ok(()));
    assert!(with("gpt-4o", &json!({"messages": [call]})).is_err());
    assert!(
        with(
            "gpt-4o",
            &json!({"messages": [call, {"role": "user", "content": "x"}]})
        )
        .is_err()
    );
}

#[test]
fn models_refuse_what_they_document() {
    for (model, extra, param) in [
        ("gpt-5.4-mini", json!({"max_tokens": 5}), "max_tokens"),
        ("o3", json!({"stop": "x"}), "stop"),
        (
            "gpt-4o",
            json!({"reasoning_effort": "low"}),
            "reasoning_effort",
        ),
        (
            "gpt-5",
            json!({"reasoning_effort": "none"}),
            "reasoning_effort",
        ),
        (
            "gpt-5.4",
            json!({"reasoning_effort": "minimal"}),
            "reasoning_effort",
        ),
        (
            "gpt-5.6-sol",
            json!({"reasoning_effort": "low", "tools": tool()}),
            "reasoning_effort",
        ),
        ("gpt-6-sol", json!({"tools": tool()}), "reasoning_effort"),
        (
            "gpt-6.1-sol",
            json!({"tools": tool(), "reasoning_effort": "low"}),
            "reasoning_effort",
        ),
        ("gpt-6-luna", json!({"temperature": 1}), "temperature"),
        ("gpt-6.2-sol", json!({"temperature": 0.5}), "temperature"),
        ("gpt-5-pro", json!({}), "model"),
        ("text-embedding-3-small", json!({}), "model"),
        ("", json!({}), "model"),
    ] {
        assert_eq!(
            with(model, &extra).unwrap_err().param,
            Some(param),
            "{model} {extra}"
        );
    }
    assert_eq!(with("gpt-nope", &json!({})).unwrap_err().status, 404);
    assert_eq!(with("gpt-77-new", &json!({"max_tokens": 5})), Ok(()));
    assert_eq!(
        with(
            "gpt-6-sol",
            &json!({"tools": tool(), "reasoning_effort": "none", "temperature": 0.5})
        ),
        Ok(())
    );
}

#[test]
fn a_prompt_longer_than_the_window_is_refused() {
    let request = openai("/v1/chat/completions", r#"{"model":"gpt-4o"}"#);
    assert_eq!(context(&request, 128_000), Ok(()));
    assert_eq!(
        context(&request, 128_001).unwrap_err().code,
        Some("context_length_exceeded")
    );
}
