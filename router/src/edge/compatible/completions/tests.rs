//! The translation, both ways: here what is refused.

mod any_body;
mod turns;

use keyway_proto::{Fault, Reason};
use keyway_words::ProviderId;
use serde_json::{Value, json};

use super::super::sealed::Sealing;
use super::super::shape::Asked;
use super::super::tests::turn::seal;
use super::read::chat;

fn sealing() -> Sealing {
    Sealing {
        seal: seal(),
        provider: ProviderId::Anthropic,
    }
}

fn read_for(provider: ProviderId, body: &str) -> Result<Asked, Fault> {
    chat(body.as_bytes(), String::new(), &seal(), |_name| {
        Ok(provider)
    })
}

fn read(body: &Value) -> Result<Asked, Fault> {
    read_for(ProviderId::Anthropic, &body.to_string())
}

/// A request with these members besides the least that there must be.
fn with(more: &Value) -> Value {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn refused(body: &Value) -> (Reason, String) {
    let fault = read(body).expect_err(&body.to_string());
    let field = fault.field.expect("a field");
    assert!(fault.message.starts_with(&field), "{}", fault.message);
    (fault.reason, field)
}

#[test]
fn what_the_neutral_schema_has_no_place_for_is_refused_by_its_name() {
    for (more, field) in [
        (json!({"n": 2}), "n"),
        (json!({"logprobs": true}), "logprobs"),
        (json!({"frequency_penalty": 0.5}), "frequency_penalty"),
        (json!({"logit_bias": {"50256": -100}}), "logit_bias"),
        (json!({"store": true}), "store"),
        (json!({"service_tier": "flex"}), "service_tier"),
        (json!({"modalities": ["text", "audio"]}), "modalities"),
        (json!({"functions": [{"name": "f"}]}), "functions"),
        (
            json!({"tools": [{"type": "custom", "custom": {}}]}),
            "tools[0].type",
        ),
        (
            json!({"tool_choice": {"type": "allowed_tools"}}),
            "tool_choice.type",
        ),
        (
            json!({"response_format": {"type": "json_object"}}),
            "response_format.type",
        ),
        (json!({"max_token": 5}), "max_token"),
        (json!({"keyway": {"surprise": 1}}), "keyway.surprise"),
        (
            json!({"messages": [{"role": "user", "content": "x", "name": "n"}]}),
            "messages[0].name",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}),
            "messages[0].content[0].type",
        ),
        (
            json!({"messages": [{"role": "user", "content": [
                {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]}]}),
            "messages[0].content[0].cache_control",
        ),
        (
            json!({"messages": [{"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": "https://x", "detail": "high"}}]}]}),
            "messages[0].content[0].image_url.detail",
        ),
    ] {
        let found = refused(&with(&more));
        assert_eq!(found, (Reason::FieldUnsupported, field.to_owned()));
    }
}

#[test]
fn what_has_another_form_than_it_must_have_is_refused_by_its_name() {
    for (more, field) in [
        (json!({"messages": "hi"}), "messages"),
        (
            json!({"messages": [{"role": "user"}]}),
            "messages[0].content",
        ),
        (
            json!({"messages": [{"role": "wizard", "content": "x"}]}),
            "messages[0].role",
        ),
        (
            json!({"messages": [{"role": "assistant"}]}),
            "messages[0].content",
        ),
        (json!({"temperature": "hot"}), "temperature"),
        (json!({"max_tokens": 0}), "max_tokens"),
        (
            json!({"max_tokens": 5, "max_completion_tokens": 6}),
            "max_completion_tokens",
        ),
        (json!({"seed": 1.5}), "seed"),
        (json!({"stop": [1]}), "stop[0]"),
        (
            json!({"stream_options": {"include_usage": true}}),
            "stream_options",
        ),
        (json!({"metadata": {"a": 1}}), "metadata"),
        (
            json!({"user": "a", "safety_identifier": "b"}),
            "safety_identifier",
        ),
        (
            json!({"messages": [{"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": "data:image/bmp;base64,AAAA"}}]}]}),
            "messages[0].content[0].image_url.url",
        ),
        (
            json!({"messages": [{"role": "tool", "tool_call_id": "kwtc1_AAAA", "content": "x"}]}),
            "messages[0].tool_call_id",
        ),
    ] {
        let found = refused(&with(&more));
        assert_eq!(found, (Reason::FieldInvalid, field.to_owned()));
    }
    let twice = r#"{"model":"m","model":"m","messages":[]}"#;
    let fault = read_for(ProviderId::OpenAi, twice).unwrap_err();
    assert!(fault.message.contains("twice"), "{}", fault.message);
}

#[test]
fn what_says_only_what_is_so_anyway_is_taken() {
    let asked = read(&with(&json!({
        "n": 1, "logprobs": false, "top_logprobs": null, "frequency_penalty": 0, "presence_penalty": 0.0,
        "logit_bias": {}, "store": false, "service_tier": "auto", "modalities": ["text"],
        "response_format": {"type": "text"}, "tools": null, "stream": false,
        "messages": [{"role": "assistant", "content": "x", "refusal": null, "annotations": [],
                      "audio": null, "function_call": null, "reasoning_content": "shown"}],
    })))
    .unwrap();
    assert_eq!(asked.request.messages[0].parts.len(), 1);
    assert_eq!(asked.request.response_format, None);
}

#[test]
fn embedded_documents_keep_their_order_and_the_spelling_of_their_numbers() {
    let schema = r#"{ "type":"object","properties":{"z":{"const":1.50},"a":{"const":10000000000000000001}} }"#;
    let options = r#"{"b":1E-1,  "a":0.50}"#;
    let body = format!(
        r#"{{"model":"m","temperature":0.20,"top_p":1.0,"keyway":{{"provider_options":{options}}},
            "messages":[{{"role":"user","content":"hi"}}],
            "response_format":{{"type":"json_schema","json_schema":{{"name":"n","schema":{schema}}}}},
            "tools":[{{"type":"function","function":{{"name":"f","parameters":{schema}}}}}]}}"#
    );
    let request = read_for(ProviderId::OpenAi, &body).unwrap().request;
    assert_eq!(request.tools[0].parameters_json, schema);
    assert_eq!(request.response_format.unwrap().schema_json, schema);
    assert_eq!(request.provider_options_json, options);
    assert_eq!(request.temperature.as_deref(), Some("0.20"));
    assert_eq!(request.top_p.as_deref(), Some("1.0"));
}
