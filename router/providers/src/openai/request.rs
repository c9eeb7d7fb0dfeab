//! A neutral chat call as a chat completions request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::rules;
use crate::chat::{
    AssistantPart, ChatCall, Image, Message, ResponseFormat, Tool, ToolCall, ToolChoice,
    ToolResult, UserPart,
};
use crate::json::{JsonObject, ProviderOptions};
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
        tools: call.tools.iter().map(WireTool::from).collect(),
        tool_choice: call.tool_choice.as_ref().map(WireChoice::from),
        parallel_tool_calls: call.parallel_tool_calls,
        response_format: call.response_format.as_ref().map(WireFormat::from),
        reasoning_effort: call.reasoning.effort.map(crate::chat::Effort::as_str),
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

#[derive(Serialize, Default)]
struct WireMessage<'c> {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'c str>,
    content: Content<'c>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'c str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<WireCall<'c>>,
}

/// A single text stands for itself; anything else is a list; nothing is null.
#[derive(Serialize, Default)]
#[serde(untagged)]
enum Content<'c> {
    #[default]
    Null,
    Text(&'c str),
    Parts(Vec<WirePart<'c>>),
}

impl<'c> Content<'c> {
    fn of(mut parts: Vec<WirePart<'c>>) -> Self {
        match (parts.pop(), parts.is_empty()) {
            (None, _none) => Self::Null,
            (Some(WirePart::Text { text }), true) => Self::Text(text),
            (Some(last), _several) => {
                parts.push(last);
                Self::Parts(parts)
            }
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WirePart<'c> {
    Text { text: &'c str },
    ImageUrl { image_url: ImageUrl },
}

#[derive(Serialize)]
struct ImageUrl {
    url: String,
}

#[derive(Serialize)]
struct WireCall<'c> {
    id: &'c str,
    r#type: &'static str,
    function: CalledFunction<'c>,
}

#[derive(Serialize)]
struct CalledFunction<'c> {
    name: &'c str,
    arguments: &'c str,
}

/// Appends a turn. Each result of a tool is a message of its own here.
fn wire_messages<'c>(
    message: &'c Message,
    messages: &mut Vec<WireMessage<'c>>,
) -> Result<(), EncodeError> {
    match message {
        Message::System(texts) => messages.push(WireMessage {
            role: "system",
            content: Content::of(texts.iter().map(|text| WirePart::Text { text }).collect()),
            ..WireMessage::default()
        }),
        Message::User(parts) => messages.push(WireMessage {
            role: "user",
            content: Content::of(parts.iter().map(user_part).collect()),
            ..WireMessage::default()
        }),
        Message::Assistant(parts) => messages.push(assistant(parts)?),
        Message::Tool(results) => {
            for result in results {
                messages.push(tool_result(result)?);
            }
        }
    }
    Ok(())
}

fn user_part(part: &UserPart) -> WirePart<'_> {
    match part {
        UserPart::Text(text) => WirePart::Text { text },
        UserPart::Image(image) => WirePart::ImageUrl {
            image_url: ImageUrl { url: url(image) },
        },
    }
}

fn url(image: &Image) -> String {
    match image {
        Image::Url(url) => url.clone(),
        Image::Inline { media_type, data } => {
            format!(
                "data:{};base64,{}",
                media_type.as_str(),
                STANDARD.encode(data)
            )
        }
    }
}

fn assistant(parts: &[AssistantPart]) -> Result<WireMessage<'_>, EncodeError> {
    let mut texts = Vec::new();
    let mut message = WireMessage {
        role: "assistant",
        ..WireMessage::default()
    };
    for part in parts {
        match part {
            AssistantPart::Text(text) => texts.push(WirePart::Text { text }),
            AssistantPart::Refusal(_second) if message.refusal.is_some() => {
                let accepted = "at most one in a turn with this provider";
                return Err(EncodeError::Invalid {
                    field: "messages.parts.refusal",
                    accepted,
                });
            }
            AssistantPart::Refusal(refusal) => message.refusal = Some(refusal),
            AssistantPart::ToolCall(call) => message.tool_calls.push(called(call)?),
            AssistantPart::Reasoning(_reasoning) => {
                let why = "chat completions take no reasoning back; leave it out";
                return Err(EncodeError::Unsupported {
                    field: "messages.parts.reasoning",
                    why,
                });
            }
        }
    }
    message.content = Content::of(texts);
    Ok(message)
}

fn called(call: &ToolCall) -> Result<WireCall<'_>, EncodeError> {
    if !call.signature.is_empty() {
        let field = "messages.parts.tool_call.signature";
        let why = "this provider gives none and takes none back; leave it out";
        return Err(EncodeError::Unsupported { field, why });
    }
    let function = CalledFunction {
        name: &call.name,
        arguments: &call.arguments,
    };
    Ok(WireCall {
        id: &call.id,
        r#type: "function",
        function,
    })
}

fn tool_result(result: &ToolResult) -> Result<WireMessage<'_>, EncodeError> {
    if result.is_error {
        let field = "messages.parts.tool_result.is_error";
        let why = "this provider has no mark for it; say so in the text";
        return Err(EncodeError::Unsupported { field, why });
    }
    Ok(WireMessage {
        role: "tool",
        tool_call_id: Some(&result.call_id),
        content: Content::Text(&result.text),
        ..WireMessage::default()
    })
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
        let name = format
            .name
            .as_ref()
            .map_or("answer", crate::text::Name::as_str);
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
