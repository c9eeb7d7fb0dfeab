//! Chat answers and embeddings that come whole.

use keyway_router_providers::chat::{AssistantPart, ChatReply, Finish};
use keyway_router_providers::{DecodeError, FailureClass, Metered, registry};
use keyway_words::{Basis, ProviderId};
use serde_json::{Value, json};

use crate::manifest::{Row, rows};

pub(crate) fn tested_ids() -> Vec<String> {
    chats().chain(embeddings()).map(|row| row.id).collect()
}

fn chats() -> impl Iterator<Item = Row> {
    rows("response")
        .into_iter()
        .filter(|row| row.expect.get("finish").is_some())
}

fn embeddings() -> impl Iterator<Item = Row> {
    rows("response")
        .into_iter()
        .filter(|row| row.expect.get("vectors").is_some())
}

/// What the manifest's `expect` says of a model's turn. Empty text is no text.
pub(crate) fn turn(parts: &[AssistantPart]) -> Value {
    let text = |of: fn(&AssistantPart) -> Option<&str>| {
        let text: String = parts.iter().filter_map(of).collect();
        (!text.is_empty()).then_some(text)
    };
    let call = |part: &AssistantPart| match part {
        AssistantPart::ToolCall(call) => Some(json!({
            "id": call.id,
            "name": call.name,
            "arguments": serde_json::from_str::<Value>(&call.arguments).unwrap(),
        })),
        _other => None,
    };
    json!({
        "text": text(|part| match part {
            AssistantPart::Text(text) => Some(text),
            _other => None,
        }),
        "reasoning": text(|part| match part {
            AssistantPart::Reasoning(reasoning) => Some(&reasoning.text),
            _other => None,
        }),
        "refusal": text(|part| match part {
            AssistantPart::Refusal(refusal) => Some(refusal),
            _other => None,
        }),
        "tool_calls": parts.iter().filter_map(call).collect::<Vec<_>>(),
    })
}

/// The part of an `expect` that [`turn`] gives.
pub(crate) fn expected_turn(expect: &Value) -> Value {
    let text = |name: &str| expect[name].as_str().filter(|text| !text.is_empty());
    json!({
        "text": text("text"),
        "reasoning": text("reasoning"),
        "refusal": text("refusal"),
        "tool_calls": with_ids(&expect["tool_calls"]),
    })
}

/// A call without an id has a made-up one, counted from 0.
fn with_ids(calls: &Value) -> Value {
    let mut calls = calls.clone();
    for (number, call) in calls.as_array_mut().into_iter().flatten().enumerate() {
        if call["id"].is_null() {
            call["id"] = json!(format!("keyway-{number}"));
        }
    }
    calls
}

/// Compares normalised usage; a part that the provider does not mention is expected as 0.
pub(crate) fn assert_usage(id: &str, metered: &Metered, expect: &Value) {
    assert!(!metered.flagged, "{id}");
    assert!(metered.raw.is_some(), "{id}");
    assert_eq!(metered.basis(), Basis::ProviderReported, "{id}");
    let usage = metered.usage.unwrap_or_else(|| panic!("{id}: no usage"));
    for (name, count) in [
        ("input", usage.input_tokens),
        ("cache_read", usage.cache_read_tokens),
        ("cache_write", usage.cache_write_tokens),
        ("cache_write_1h", usage.cache_write_1h_tokens),
        ("output", usage.output_tokens),
        ("reasoning", usage.reasoning_tokens),
    ] {
        if let Some(expected) = expect[name].as_u64() {
            assert_eq!(count.unwrap_or(0), expected, "{id}: {name}");
        }
    }
}

fn read(row: &Row) -> ChatReply {
    row.adapter()
        .chat_reply(&row.bytes())
        .unwrap_or_else(|error| panic!("{}: {error}", row.id))
}

fn reply(id: &str) -> ChatReply {
    read(&chats().find(|row| row.id == id).unwrap())
}

#[test]
fn every_chat_answer_reads_as_expected() {
    for row in chats() {
        if row.expect["finish"] == "failed" {
            let answer = row.adapter().chat_reply(&row.bytes());
            let Err(DecodeError::Provider(failure)) = answer else {
                panic!("{}: {answer:?}", row.id)
            };
            assert_eq!(
                failure.code.as_deref(),
                row.expect["error"]["code"].as_str()
            );
            assert_eq!(failure.class, FailureClass::Unavailable, "{}", row.id);
            continue;
        }
        let reply = read(&row);
        assert_eq!(turn(&reply.parts), expected_turn(&row.expect), "{}", row.id);
        assert_eq!(reply.provider_finish, row.expect["finish"], "{}", row.id);
        assert_usage(&row.id, &reply.metered, &row.expect["usage"]);
        let body = row.json();
        let served = body["model"].as_str().or(body["modelVersion"].as_str());
        assert_eq!(reply.metered.served_model.as_deref(), served);
    }
}

#[test]
fn every_way_to_stop_is_told_apart() {
    for (id, finish) in [
        ("openai/chat_plain.response", Finish::Stop),
        ("openai/chat_max_tokens.response", Finish::Length),
        ("openai/chat_tool_single.response", Finish::ToolCalls),
        ("openai/chat_content_filter.response", Finish::ContentFilter),
        ("openai/chat_refusal.response", Finish::Refusal),
        ("openai/responses_plain.response", Finish::Stop),
        ("openai/responses_max_tokens.response", Finish::Length),
        ("openai/responses_tool_parallel.response", Finish::ToolCalls),
        (
            "openai/responses_content_filter.response",
            Finish::ContentFilter,
        ),
        ("openai/responses_refusal.response", Finish::Refusal),
        ("anthropic/message_plain.response", Finish::Stop),
        ("anthropic/stop_sequence.response", Finish::Stop),
        ("anthropic/max_tokens.response", Finish::Length),
        ("anthropic/context_window.response", Finish::Length),
        ("anthropic/tool_single.response", Finish::ToolCalls),
        ("anthropic/refusal.response", Finish::Refusal),
        ("anthropic/pause_turn.response", Finish::Pause),
        ("google/generate_plain.response", Finish::Stop),
        ("google/tool_single.response", Finish::ToolCalls),
        ("google/max_tokens_thinking.response", Finish::Length),
        ("google/prompt_blocked.response", Finish::ContentFilter),
        ("google/safety_stop.response", Finish::ContentFilter),
        ("google/recitation.response", Finish::ContentFilter),
        ("google/malformed_function_call.response", Finish::Other),
        ("google/continuation.response", Finish::Pause),
        ("mistral/chat_plain.response", Finish::Stop),
        ("mistral/chat_max_tokens.response", Finish::Length),
        ("mistral/chat_model_length.response", Finish::Length),
        ("mistral/chat_tool_single.response", Finish::ToolCalls),
        ("mistral/chat_finish_error.response", Finish::Other),
    ] {
        assert_eq!(reply(id).finish, finish, "{id}");
    }
}

#[test]
fn thinking_keeps_its_signature_and_a_redacted_block_its_content() {
    let signatures = |id: &str| -> Vec<(bool, String)> {
        let parts = reply(id).parts;
        let parts = parts.into_iter().filter_map(|part| match part {
            AssistantPart::Reasoning(part) => {
                Some((part.redacted, String::from_utf8(part.signature).unwrap()))
            }
            _other => None,
        });
        parts.collect()
    };
    assert_eq!(
        signatures("anthropic/thinking_redacted.response"),
        [
            (true, "EroBCkgexampleOpaque==".into()),
            (false, "EqoBCkgomitted==".into())
        ],
    );
    assert_eq!(
        signatures("anthropic/thinking.response"),
        [(false, "EqoBCkgIARABGAIiQexampleSignature==".into())],
    );
    assert_eq!(
        signatures("openai/responses_reasoning.response"),
        [(false, "rs_02:gAAAAABexampleopaque2==".into())],
    );
}

#[test]
fn what_the_price_depends_on_is_reported_as_served() {
    let cached = reply("anthropic/cached.response").metered;
    assert_eq!(cached.service_tier.as_deref(), Some("standard"));
    assert_eq!(cached.dimensions["inference_geo"], "global");
    let plain = reply("openai/chat_plain.response").metered;
    assert_eq!(plain.service_tier.as_deref(), Some("default"));
    assert!(plain.raw.unwrap().starts_with(r#"{"prompt_tokens":38,"#));
}

#[test]
fn an_error_inside_a_200_is_a_failure_of_its_class() {
    for (provider, body, class) in [
        (
            ProviderId::OpenAi,
            r#"{"error":{"type":"server_error"}}"#,
            FailureClass::Unavailable,
        ),
        (
            ProviderId::OpenAi,
            r#"{"error":{"code":"insufficient_quota"}}"#,
            FailureClass::KeyExhausted,
        ),
        (
            ProviderId::OpenAi,
            r#"{"error":{"code":"rate_limit_exceeded"}}"#,
            FailureClass::RateLimited,
        ),
        (
            ProviderId::Anthropic,
            r#"{"type":"error","error":{"type":"authentication_error"}}"#,
            FailureClass::KeyRejected,
        ),
        (
            ProviderId::Anthropic,
            r#"{"type":"error","error":{"type":"new_error"}}"#,
            FailureClass::Unavailable,
        ),
        (
            ProviderId::Mistral,
            r#"{"object":"error","message":"x","type":"rate_limited"}"#,
            FailureClass::RateLimited,
        ),
        (
            ProviderId::Google,
            r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}"#,
            FailureClass::RateLimited,
        ),
        (
            ProviderId::Google,
            r#"[{"error":{"code":503,"status":"UNAVAILABLE"}}]"#,
            FailureClass::Unavailable,
        ),
        (
            ProviderId::Mistral,
            r#"{"detail":"no"}"#,
            FailureClass::Unavailable,
        ),
    ] {
        let answer = registry::adapter(provider)
            .unwrap()
            .chat_reply(body.as_bytes());
        let Err(DecodeError::Provider(failure)) = answer else {
            panic!("{body}")
        };
        assert_eq!((failure.class, failure.status), (class, 200), "{body}");
    }
}

#[test]
fn a_response_that_failed_is_a_failure_of_its_class() {
    for (error, class) in [
        (r#"{"code":"invalid_prompt"}"#, FailureClass::BadRequest),
        (r#"{"code":"image_too_large"}"#, FailureClass::BadRequest),
        (r#"{"code":"vector_store_timeout"}"#, FailureClass::Timeout),
        (r#"{"code":"new_code"}"#, FailureClass::Unavailable),
        ("null", FailureClass::Unavailable),
    ] {
        let body = format!(r#"{{"object":"response","status":"failed","error":{error}}}"#);
        let openai = registry::adapter(ProviderId::OpenAi).unwrap();
        let Err(DecodeError::Provider(failure)) = openai.chat_reply(body.as_bytes()) else {
            panic!("{body}")
        };
        assert_eq!(failure.class, class, "{body}");
    }
}

#[test]
fn an_answer_of_another_shape_is_malformed_and_not_an_empty_answer() {
    for provider in [
        ProviderId::OpenAi,
        ProviderId::Anthropic,
        ProviderId::Google,
        ProviderId::Mistral,
    ] {
        let adapter = registry::adapter(provider).unwrap();
        for body in [
            "",
            "<html>",
            "{}",
            "[]",
            "{\"object\":\"response\"}",
            "{\"object\":\"response\",\"status\":\"in_progress\"}",
            "{\"choices\":[]}",
            "{\"choices\":[{}]}",
            "null",
        ] {
            let answer = adapter.chat_reply(body.as_bytes());
            assert!(
                matches!(answer, Err(DecodeError::Malformed { .. })),
                "{provider}: {body}"
            );
        }
    }
}

#[test]
fn an_answer_without_usage_is_unknown_and_never_zero() {
    let body = r#"{"model":"m","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}"#;
    let reply = registry::adapter(ProviderId::OpenAi)
        .unwrap()
        .chat_reply(body.as_bytes())
        .unwrap();
    assert_eq!(reply.metered.usage, None);
    assert_eq!(reply.metered.basis(), Basis::Unknown);
}

#[test]
fn embeddings_read_alike_from_base64_and_from_numbers() {
    for row in embeddings() {
        let expected: Vec<Vec<f32>> =
            serde_json::from_value(row.expect["vectors"].clone()).unwrap();
        let reply = row
            .adapter()
            .embed_reply(&row.bytes(), expected.len())
            .unwrap();
        assert_eq!(reply.vectors, expected, "{}", row.id);
        if row.expect["usage"].is_null() {
            assert_eq!(reply.metered.basis(), Basis::Unknown, "{}", row.id);
        } else {
            assert_usage(&row.id, &reply.metered, &row.expect["usage"]);
            let output = row.json()["usage"]["completion_tokens"].as_u64();
            let usage = reply.metered.usage.unwrap();
            assert_eq!(usage.output_tokens, output, "{}", row.id);
        }
        assert!(
            row.adapter()
                .embed_reply(&row.bytes(), expected.len() + 1)
                .is_err(),
            "{}",
            row.id
        );
    }
}
