//! Turns of a conversation as input items of a response.

use serde::Serialize;

use super::signature;
use crate::chat::{AssistantPart, Message, ReasoningPart, ToolCall, ToolResult, UserPart};
use crate::image;
use crate::wire::EncodeError;

/// The conversation: a single question stands for itself, anything else is a list.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Input<'c> {
    Text(&'c str),
    Items(Vec<Item<'c>>),
}

/// One item.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Item<'c> {
    Message {
        role: &'static str,
        content: Content<'c>,
    },
    /// A refusal stands only in an output message, which has an id. Nothing is looked up by it.
    Refused {
        r#type: &'static str,
        id: String,
        role: &'static str,
        status: &'static str,
        content: [Refusal<'c>; 1],
    },
    Reasoning {
        r#type: &'static str,
        id: &'c str,
        summary: Vec<Summary<'c>>,
        encrypted_content: &'c str,
    },
    Call {
        r#type: &'static str,
        call_id: &'c str,
        name: &'c str,
        arguments: &'c str,
    },
    Result {
        r#type: &'static str,
        call_id: &'c str,
        output: &'c str,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Content<'c> {
    Text(&'c str),
    Parts(Vec<Part<'c>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part<'c> {
    InputText {
        text: &'c str,
    },
    InputImage {
        image_url: String,
        detail: &'static str,
    },
}

#[derive(Serialize)]
pub(super) struct Refusal<'c> {
    r#type: &'static str,
    refusal: &'c str,
}

#[derive(Serialize)]
pub(super) struct Summary<'c> {
    r#type: &'static str,
    text: &'c str,
}

/// Instructions and the rest of the conversation. A first turn of one text are the instructions.
pub(super) fn write(messages: &[Message]) -> Result<(Option<&str>, Input<'_>), EncodeError> {
    let (instructions, turns) = match messages {
        [Message::System(texts), turns @ ..] if !turns.is_empty() => match texts.as_slice() {
            [text] => (Some(text.as_str()), turns),
            _several => (None, messages),
        },
        _no_instructions => (None, messages),
    };
    if let [Message::User(parts)] = turns
        && let [UserPart::Text(text)] = parts.as_slice()
    {
        return Ok((instructions, Input::Text(text)));
    }
    let mut items = Vec::with_capacity(turns.len());
    for turn in turns {
        push(turn, &mut items)?;
    }
    Ok((instructions, Input::Items(items)))
}

fn push<'c>(turn: &'c Message, items: &mut Vec<Item<'c>>) -> Result<(), EncodeError> {
    match turn {
        Message::System(texts) => items.push(Item::Message {
            role: "system",
            content: content(texts.iter().map(|text| Part::InputText { text })),
        }),
        Message::User(parts) => items.push(Item::Message {
            role: "user",
            content: content(parts.iter().map(user_part)),
        }),
        Message::Assistant(parts) => {
            for part in parts {
                let item = assistant(part, items.len())?;
                items.push(item);
            }
        }
        Message::Tool(results) => {
            for result in results {
                items.push(tool_result(result)?);
            }
        }
    }
    Ok(())
}

fn content<'c>(parts: impl Iterator<Item = Part<'c>>) -> Content<'c> {
    let parts: Vec<_> = parts.collect();
    match parts.as_slice() {
        [Part::InputText { text }] => Content::Text(text),
        _other => Content::Parts(parts),
    }
}

fn user_part(part: &UserPart) -> Part<'_> {
    match part {
        UserPart::Text(text) => Part::InputText { text },
        UserPart::Image(image) => Part::InputImage {
            image_url: image::url(image),
            detail: "auto",
        },
    }
}

fn assistant(part: &AssistantPart, position: usize) -> Result<Item<'_>, EncodeError> {
    match part {
        AssistantPart::Text(text) => Ok(Item::Message {
            role: "assistant",
            content: Content::Text(text),
        }),
        AssistantPart::Refusal(refusal) => Ok(Item::Refused {
            r#type: "message",
            id: format!("msg_{position}"),
            role: "assistant",
            status: "completed",
            content: [Refusal {
                r#type: "refusal",
                refusal,
            }],
        }),
        AssistantPart::ToolCall(call) => called(call),
        AssistantPart::Reasoning(part) => reasoning(part),
    }
}

fn called(call: &ToolCall) -> Result<Item<'_>, EncodeError> {
    if !call.signature.is_empty() {
        let field = "messages.parts.tool_call.signature";
        let why = "this provider gives none and takes none back; leave it out";
        return Err(EncodeError::Unsupported { field, why });
    }
    Ok(Item::Call {
        r#type: "function_call",
        call_id: &call.id,
        name: &call.name,
        arguments: &call.arguments,
    })
}

fn reasoning(part: &ReasoningPart) -> Result<Item<'_>, EncodeError> {
    if part.redacted {
        let field = "messages.parts.reasoning.redacted";
        let why = "this provider redacts none and takes none back; leave it out";
        return Err(EncodeError::Unsupported { field, why });
    }
    let (id, encrypted_content) = signature::read(&part.signature)?;
    let summary = (!part.text.is_empty()).then_some(Summary {
        r#type: "summary_text",
        text: &part.text,
    });
    Ok(Item::Reasoning {
        r#type: "reasoning",
        id,
        summary: summary.into_iter().collect(),
        encrypted_content,
    })
}

fn tool_result(result: &ToolResult) -> Result<Item<'_>, EncodeError> {
    if result.is_error {
        let field = "messages.parts.tool_result.is_error";
        let why = "this provider has no mark for it; say so in the text";
        return Err(EncodeError::Unsupported { field, why });
    }
    Ok(Item::Result {
        r#type: "function_call_output",
        call_id: &result.call_id,
        output: &result.text,
    })
}
