//! A neutral chat call as the request of a response.

use serde::Serialize;

use super::super::rules;
use super::input::{self, Input};
use crate::chat::{ChatCall, ResponseFormat, Tool, ToolChoice};
use crate::json::{JsonObject, ProviderOptions};
use crate::text::{Decimal, Name};
use crate::wire::{EncodeError, WireRequest};
use crate::{checks, options};

/// Writes the request. Nothing is ever stored, so reasoning comes back encrypted.
pub(in super::super) fn chat(call: &ChatCall, stream: bool) -> Result<WireRequest, EncodeError> {
    checks::chat(call)?;
    rules::check(call)?;
    refuse_what_it_lacks(call)?;
    options::check(
        &call.provider_options,
        &rules::RESPONSE_OPTIONS,
        call.hosted,
    )?;
    let (instructions, input) = input::write(&call.messages)?;
    let body = Body {
        model: &call.model,
        instructions,
        input,
        tools: call.tools.iter().map(WireTool::from).collect(),
        tool_choice: call.tool_choice.as_ref().map(WireChoice::from),
        parallel_tool_calls: call.parallel_tool_calls,
        text: call.response_format.as_ref().map(Text::from),
        reasoning: call.reasoning.effort.map(|effort| Reasoning {
            effort: effort.as_str(),
        }),
        max_output_tokens: call.max_output_tokens,
        temperature: call.temperature.as_ref(),
        top_p: call.top_p.as_ref(),
        safety_identifier: call.end_user.as_deref(),
        include: ["reasoning.encrypted_content"],
        store: false,
        stream: stream.then_some(true),
        stream_options: stream.then_some(StreamOptions {
            include_obfuscation: false,
        }),
        options: &call.provider_options,
    };
    WireRequest::post("/responses", &body)
}

fn refuse_what_it_lacks(call: &ChatCall) -> Result<(), EncodeError> {
    let why = "this call needs the responses endpoint, which has none; leave it out";
    for (is_set, field) in [
        (!call.stop.is_empty(), "stop"),
        (call.seed.is_some(), "seed"),
    ] {
        if is_set {
            return Err(EncodeError::Unsupported { field, why });
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct Body<'c> {
    model: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'c str>,
    input: Input<'c>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WireTool<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<WireChoice<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'c Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'c Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_identifier: Option<&'c str>,
    include: [&'static str; 1],
    store: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(flatten)]
    options: &'c ProviderOptions,
}

#[derive(Serialize)]
struct StreamOptions {
    include_obfuscation: bool,
}

#[derive(Serialize)]
struct Reasoning {
    effort: &'static str,
}

/// A tool, flat. The endpoint demands both a schema and its strictness, as `null` where unset.
#[derive(Serialize)]
struct WireTool<'c> {
    r#type: &'static str,
    name: &'c str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'c str,
    parameters: Option<&'c JsonObject>,
    strict: Option<bool>,
}

impl<'c> From<&'c Tool> for WireTool<'c> {
    fn from(tool: &'c Tool) -> Self {
        Self {
            r#type: "function",
            name: tool.name.as_str(),
            description: &tool.description,
            parameters: tool.parameters.as_ref(),
            strict: tool.strict,
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum WireChoice<'c> {
    Mode(&'static str),
    Tool { r#type: &'static str, name: &'c str },
}

impl<'c> From<&'c ToolChoice> for WireChoice<'c> {
    fn from(choice: &'c ToolChoice) -> Self {
        match choice {
            ToolChoice::Auto => Self::Mode("auto"),
            ToolChoice::None => Self::Mode("none"),
            ToolChoice::Required => Self::Mode("required"),
            ToolChoice::Tool(name) => Self::Tool {
                r#type: "function",
                name: name.as_str(),
            },
        }
    }
}

#[derive(Serialize)]
struct Text<'c> {
    format: Format<'c>,
}

#[derive(Serialize)]
struct Format<'c> {
    r#type: &'static str,
    name: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
    schema: &'c JsonObject,
}

impl<'c> From<&'c ResponseFormat> for Text<'c> {
    fn from(format: &'c ResponseFormat) -> Self {
        Self {
            format: Format {
                r#type: "json_schema",
                // A name is demanded; the model sees it.
                name: format.name.as_ref().map_or("answer", Name::as_str),
                strict: format.strict,
                schema: &format.schema,
            },
        }
    }
}
