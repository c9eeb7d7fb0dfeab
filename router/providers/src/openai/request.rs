//! A neutral chat call as a chat completions request.

use serde::Serialize;

use super::messages::{WireMessage, wire_messages};
use super::rules;
use crate::chat::{ChatCall, Effort, ResponseFormat, Tool, ToolChoice};
use crate::json::{JsonObject, ProviderOptions};
use crate::text::{Decimal, Name};
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
        tools: call.tools.iter().map(WireTool::from).collect(),
        tool_choice: call.tool_choice.as_ref().map(WireChoice::from),
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

#[derive(Serialize)]
struct WireTool<'c> {
    r#type: &'static str,
    function: Function<'c>,
}

#[derive(Serialize)]
struct Function<'c> {
    name: &'c str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'c JsonObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

impl<'c> From<&'c Tool> for WireTool<'c> {
    fn from(tool: &'c Tool) -> Self {
        let function = Function {
            name: tool.name.as_str(),
            description: &tool.description,
            parameters: tool.parameters.as_ref(),
            strict: tool.strict,
        };
        Self {
            r#type: "function",
            function,
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum WireChoice<'c> {
    Mode(&'static str),
    Tool {
        r#type: &'static str,
        function: NamedFunction<'c>,
    },
}

#[derive(Serialize)]
struct NamedFunction<'c> {
    name: &'c str,
}

impl<'c> From<&'c ToolChoice> for WireChoice<'c> {
    fn from(choice: &'c ToolChoice) -> Self {
        match choice {
            ToolChoice::Auto => Self::Mode("auto"),
            ToolChoice::None => Self::Mode("none"),
            ToolChoice::Required => Self::Mode("required"),
            ToolChoice::Tool(name) => {
                let function = NamedFunction {
                    name: name.as_str(),
                };
                Self::Tool {
                    r#type: "function",
                    function,
                }
            }
        }
    }
}

#[derive(Serialize)]
struct WireFormat<'c> {
    r#type: &'static str,
    json_schema: JsonSchema<'c>,
}

#[derive(Serialize)]
struct JsonSchema<'c> {
    name: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
    schema: &'c JsonObject,
}

impl<'c> From<&'c ResponseFormat> for WireFormat<'c> {
    fn from(format: &'c ResponseFormat) -> Self {
        // The provider demands a name; the model sees it.
        let name = format.name.as_ref().map_or("answer", Name::as_str);
        let json_schema = JsonSchema {
            name,
            strict: format.strict,
            schema: &format.schema,
        };
        Self {
            r#type: "json_schema",
            json_schema,
        }
    }
}
