//! Turns of a conversation as messages of chat completions.

use serde::Serialize;

use crate::chat::{AssistantPart, Message, ToolCall, ToolResult, UserPart};
use crate::image;
use crate::wire::EncodeError;

#[derive(Serialize, Default)]
pub(super) struct WireMessage<'c> {
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
pub(super) fn wire_messages<'c>(
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
            image_url: ImageUrl {
                url: image::url(image),
            },
        },
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
