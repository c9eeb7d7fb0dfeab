//! A neutral chat call as a chat completions request of Mistral's.

use serde::Serialize;

use super::messages::{WireMessage, wire_messages};
use crate::chat::{ChatCall, Effort};
use crate::chat_completions::{WireChoice, WireFormat, WireTool};
use crate::json::ProviderOptions;
use crate::options::Rules;
use crate::text::Decimal;
use crate::wire::{EncodeError, WireRequest};
use crate::{checks, options};

/// Options of chat completions. `n` asks for what a neutral answer can't carry. A cache key that
/// the caller chooses would be shared between tenants of one hosted key.
const OPTIONS: Rules = Rules {
    taken: &[
        "temperature",
        "top_p",
        "stop",
        "seed",
        "random_seed",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "reasoning_effort",
        "n",
    ],
    hosted: &[
        "frequency_penalty",
        "presence_penalty",
        "repetition_penalty",
        "min_tokens",
        "top_k",
        "prompt_mode",
        "safe_prompt",
        "prediction",
    ],
};

/// Writes the request. Usage comes without being asked for.
pub(super) fn chat(call: &ChatCall, stream: bool) -> Result<WireRequest, EncodeError> {
    checks::chat(call)?;
    check(call)?;
    options::check(&call.provider_options, &OPTIONS, call.hosted)?;
    let body = Body {
        model: &call.model,
        messages: wire_messages(&call.messages)?,
        tools: call.tools.iter().map(WireTool::with_schema).collect(),
        tool_choice: call
            .tool_choice
            .as_ref()
            .map(|choice| WireChoice::of(choice, "any")),
        parallel_tool_calls: call.parallel_tool_calls,
        response_format: call.response_format.as_ref().map(WireFormat::from),
        reasoning_effort: call.reasoning.effort.map(Effort::as_str),
        max_tokens: call.max_output_tokens,
        temperature: call.temperature.as_ref(),
        top_p: call.top_p.as_ref(),
        stop: &call.stop,
        random_seed: call.seed,
        stream,
        options: &call.provider_options,
    };
    WireRequest::post("/v1/chat/completions", &body)
}

fn check(call: &ChatCall) -> Result<(), EncodeError> {
    if call.reasoning.budget_tokens.is_some() {
        return Err(EncodeError::Unsupported {
            field: "reasoning.budget_tokens",
            why: "this provider takes an effort, not a budget",
        });
    }
    if call.seed.is_some_and(i64::is_negative) {
        return Err(EncodeError::Invalid {
            field: "seed",
            accepted: "0 or more with this provider",
        });
    }
    if call.top_p.as_ref().is_some_and(|top_p| !top_p.at_most(1)) {
        return Err(EncodeError::Invalid {
            field: "top_p",
            accepted: "a number from 0 to 1",
        });
    }
    Ok(())
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
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'c Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'c Decimal>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'c [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    random_seed: Option<i64>,
    stream: bool,
    #[serde(flatten)]
    options: &'c ProviderOptions,
}
