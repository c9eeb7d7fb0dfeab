//! Turns of a conversation as messages.

use std::borrow::Cow;

use serde::Serialize;

use super::ids;
use crate::chat::{AssistantPart, Message, ReasoningPart, ToolCall, ToolResult, UserPart};
use crate::wire::EncodeError;
use crate::{checks, image};

#[derive(Serialize, Default)]
pub(super) struct WireMessage<'c> {
    role: &'static str,
    content: Content<'c>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<WireCall<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<Cow<'c, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'c str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'c> {
    Text(&'c str),
    Chunks(Vec<Chunk<'c>>),
}

impl Default for Content<'_> {
    fn default() -> Self {
        Self::Text("")
    }
}

impl<'c> Content<'c> {
    /// A single text stands for itself, nothing is an empty text, anything else is a list.
    fn of(mut chunks: Vec<Chunk<'c>>) -> Self {
        match (chunks.pop(), chunks.is_empty()) {
            (None, _none) => Self::default(),
            (Some(Chunk::Text { text }), true) => Self::Text(text),
            (Some(last), _several) => {
                chunks.push(last);
                Self::Chunks(chunks)
            }
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Chunk<'c> {
    Text {
        text: &'c str,
    },
    ImageUrl {
        image_url: String,
    },
    Thinking {
        thinking: [Thought<'c>; 1],
        closed: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        signature: Option<&'c str>,
    },
}

#[derive(Serialize)]
struct Thought<'c> {
    r#type: &'static str,
    text: &'c str,
}

#[derive(Serialize)]
struct WireCall<'c> {
    id: Cow<'c, str>,
    r#type: &'static str,
    function: CalledFunction<'c>,
    index: usize,
}

#[derive(Serialize)]
struct CalledFunction<'c> {
    name: &'c str,
    arguments: &'c str,
}

/// The conversation. Each result of a tool is a message of its own here.
pub(super) fn wire_messages(messages: &[Message]) -> Result<Vec<WireMessage<'_>>, EncodeError> {
    let mut wire = Vec::with_capacity(messages.len());
    for (at, message) in messages.iter().enumerate() {
        match message {
            Message::System(texts) => wire.push(plain(
                "system",
                texts.iter().map(|text| Chunk::Text { text }),
            )),
            Message::User(parts) => wire.push(plain("user", parts.iter().map(user_chunk))),
            Message::Assistant(parts) => wire.push(assistant(parts)?),
            Message::Tool(results) => {
                let before = messages.get(..at).unwrap_or_default();
                for result in results {
                    wire.push(tool_result(result, before)?);
                }
            }
        }
    }
    Ok(wire)
}

fn plain<'c>(role: &'static str, chunks: impl Iterator<Item = Chunk<'c>>) -> WireMessage<'c> {
    WireMessage {
        role,
        content: Content::of(chunks.collect()),
        ..WireMessage::default()
    }
}

fn user_chunk(part: &UserPart) -> Chunk<'_> {
    match part {
        UserPart::Text(text) => Chunk::Text { text },
        UserPart::Image(image) => Chunk::ImageUrl {
            image_url: image::url(image),
        },
    }
}

fn assistant(parts: &[AssistantPart]) -> Result<WireMessage<'_>, EncodeError> {
    let mut chunks = Vec::new();
    let mut tool_calls = Vec::new();
    for part in parts {
        match part {
            AssistantPart::Text(text) => chunks.push(Chunk::Text { text }),
            AssistantPart::Reasoning(reasoning) => chunks.push(thinking(reasoning)?),
            AssistantPart::ToolCall(call) => tool_calls.push(called(call, tool_calls.len())?),
            AssistantPart::Refusal(_text) => {
                return Err(EncodeError::Unsupported {
                    field: "messages.parts.refusal",
                    why: "this provider takes no refusal back; leave the turn out",
                });
            }
        }
    }
    Ok(WireMessage {
        role: "assistant",
        content: Content::of(chunks),
        tool_calls,
        ..WireMessage::default()
    })
}

fn thinking(part: &ReasoningPart) -> Result<Chunk<'_>, EncodeError> {
    if part.redacted {
        return Err(EncodeError::Unsupported {
            field: "messages.parts.reasoning.redacted",
            why: "this provider gives none and takes none back; leave it out",
        });
    }
    let signature = checks::opaque(&part.signature, "messages.parts.reasoning.signature")?;
    Ok(Chunk::Thinking {
        thinking: [Thought {
            r#type: "text",
            text: &part.text,
        }],
        closed: true,
        signature: Some(signature).filter(|signature| !signature.is_empty()),
    })
}

fn called(call: &ToolCall, index: usize) -> Result<WireCall<'_>, EncodeError> {
    if !call.signature.is_empty() {
        return Err(EncodeError::Unsupported {
            field: "messages.parts.tool_call.signature",
            why: "this provider gives none and takes none back; leave it out",
        });
    }
    Ok(WireCall {
        id: ids::accepted(&call.id),
        r#type: "function",
        function: CalledFunction {
            name: &call.name,
            arguments: &call.arguments,
        },
        index,
    })
}

fn tool_result<'c>(
    result: &'c ToolResult,
    before: &'c [Message],
) -> Result<WireMessage<'c>, EncodeError> {
    if result.is_error {
        return Err(EncodeError::Unsupported {
            field: "messages.parts.tool_result.is_error",
            why: "this provider has no mark for it; say so in the text",
        });
    }
    Ok(WireMessage {
        role: "tool",
        content: Content::Text(&result.text),
        tool_call_id: Some(ids::accepted(&result.call_id)),
        name: checks::tool_of(before, &result.call_id),
        ..WireMessage::default()
    })
}
