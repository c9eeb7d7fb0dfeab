//! A neutral chat call as a chat completions request.

use serde::Serialize;

use super::messages::{WireMessage, wire_messages};
use super::rules;
use crate::chat::{ChatCall, Effort};
use crate::chat_completions::{WireChoice, WireFormat, WireTool};
use crate::json::ProviderOptions;
use crate::text::Decimal;
use crate::wire::{EncodeError, WireRequest};
use crate::{checks, options};

/// Writes the request. Usage is always asked for: without it a stream reports none.
pub(super) fn chat(call: &ChatCall, stream: bool) -> Result<WireRequest, EncodeError> {
    checks::chat(call)?;
    rules::check(call)?;
    options::check(&call.provider_options, &rules::CHAT_OPTIONS, call.hosted)?;
    let mut messages = Vec::with_capacity(call.messages.len());
    for message in &call.messages {
        wire_messages(message, &mut messages)?;
    }
    let body = Body {
        model: &call.model,
        messages,
        tools: call.tools.iter().map(WireTool::of).collect(),
        tool_choice: call
            .tool_choice
            .as_ref()
            .map(|choice| WireChoice::of(choice, "required")),
        parallel_tool_calls: call.parallel_tool_calls,
        response_format: call.response_format.as_ref().map(WireFormat::from),
        reasoning_effort: call.reasoning.effort.map(Effort::as_str),
        max_completion_tokens: call.max_output_tokens,
        temperature: call.temperature.as_ref(),
        top_p: call.top_p.as_ref(),
        stop: &call.stop,
        seed: call.seed,
        safety_identifier: call.end_user.as_deref(),
        store: call.hosted.then_some(false),
        stream: stream.then_some(true),
        stream_options: stream.then_some(StreamOptions {
            include_usage: true,
        }),
        options: &call.provider_options,
    };
    WireRequest::post("/chat/completions", &body)
}

#[derive(Serialize)]
struct Body<'c> {
    model: &'c str,
    messages: Vec<WireMessage<'c>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WireTool<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<WireChoice<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<WireFormat<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'c Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'c Decimal>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'c [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_identifier: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(flatten)]
    options: &'c ProviderOptions,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}
