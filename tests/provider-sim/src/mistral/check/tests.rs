use serde_json::json;

use super::*;
use crate::provider::Provider;
use crate::request::tests::of;

fn with(model: &str, extra: &Value) -> Result<(), Fault> {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": "hello"}]});
    body.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    chat(&of(
        Provider::Mistral,
        "/v1/chat/completions",
        &body.to_string(),
    ))
}

fn turns(turns: &Value) -> Result<(), Fault> {
    with("mistral-small-latest", &json!({"messages": turns}))
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
        let body = crate::fixtures::json(&format!("mistral/chat_{name}.request.json"));
        assert!(body.is_object(), "{name}");
        let request = of(Provider::Mistral, "/v1/chat/completions", &body.to_string());
        assert_eq!(chat(&request), Ok(()), "{name}");
    }
}

#[test]
fn wrong_fields_are_named_by_their_place() {
    for (extra, place) in [
        (json!({"seed": 7}), "seed"),
        (
            json!({"stream_options": {"include_usage": true}}),
            "stream_options",
        ),
        (json!({"max_completion_tokens": 5}), "max_completion_tokens"),
        (json!({"temperature": 1.6}), "temperature"),
        (json!({"top_p": -0.1}), "top_p"),
        (json!({"random_seed": -1}), "random_seed"),
        (json!({"n": 0}), "n"),
        (
            json!({"tools": [{"type": "function", "function": {"name": "f"}}]}),
            "tools.0.function.parameters",
        ),
        (
            json!({"tools": [{"type": "function", "function": {"name": "a b", "parameters": {}}}]}),
            "tools.0.function.name",
        ),
        (json!({"tool_choice": "some"}), "tool_choice"),
        (
            json!({"response_format": {"type": "xml"}}),
            "response_format.type",
        ),
        (json!({"reasoning_effort": "huge"}), "reasoning_effort"),
        (json!({"messages": []}), "messages"),
        (
            json!({"messages": [{"role": "robot", "content": "x"}]}),
            "messages.0.role",
        ),
        (
            json!({"messages": [{"role": "user", "content": 7}]}),
            "messages.0.content",
        ),
        (
            json!({"messages": [{"role": "user", "content": "x", "refusal": null}]}),
            "messages.0.refusal",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "image"}]}]}),
            "messages.0.content.0",
        ),
    ] {
        match with("mistral-small-latest", &extra).unwrap_err() {
            Fault::Field { at, .. } => assert_eq!(at, place, "{extra}"),
            other @ Fault::Service { .. } => panic!("{extra}: {other:?}"),
        }
    }
}

#[test]
fn the_service_refuses_what_the_validator_lets_through() {
    for (model, extra, code) in [
        ("mistral-nope", json!({}), "1500"),
        ("mistral-embed", json!({}), "1500"),
        (
            "mistral-large-2512",
            json!({"reasoning_effort": "high"}),
            "3051",
        ),
        (
            "mistral-small-latest",
            json!({"tool_choice": "any"}),
            "3300",
        ),
    ] {
        match with(model, &extra).unwrap_err() {
            Fault::Service {
                status, code: told, ..
            } => assert_eq!((status, told), (400, code)),
            other @ Fault::Field { .. } => panic!("{model} {extra}: {other:?}"),
        }
    }
    let request = of(
        Provider::Mistral,
        "/v1/chat/completions",
        r#"{"model":"mistral-small-latest"}"#,
    );
    assert_eq!(context(&request, 262_144), Ok(()));
    assert!(context(&request, 262_145).is_err());
}

#[test]
fn calls_and_results_belong_together_and_ids_have_nine_characters() {
    let user = json!({"role": "user", "content": "x"});
    let call = |id: &str| json!({"role": "assistant", "content": "", "tool_calls": [{"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}]});
    let result = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "x"});
    assert_eq!(
        turns(&json!([user, call("abcdefgh1"), result("abcdefgh1")])),
        Ok(())
    );
    let prefix = json!({"role": "assistant", "content": "So", "prefix": true});
    assert_eq!(turns(&json!([user, prefix])), Ok(()));
    for wrong in [
        json!([user, call("call-0001"), result("call-0001")]),
        json!([user, call("abcdefgh12"), result("abcdefgh12")]),
        json!([user, call("abcdefgh1"), result("abcdefgh2")]),
        json!([user, call("abcdefgh1"), user]),
        json!([user, result("abcdefgh1")]),
        json!([user, call("abcdefgh1")]),
        json!([user, {"role": "assistant", "content": "So"}]),
    ] {
        assert!(
            matches!(turns(&wrong), Err(Fault::Service { .. })),
            "{wrong}"
        );
    }
}
