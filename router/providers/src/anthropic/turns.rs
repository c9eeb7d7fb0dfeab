//! A conversation as the system prompt and turns of messages.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};

use crate::chat::{AssistantPart, Image, Message, ReasoningPart, ToolCall, ToolResult, UserPart};
use crate::checks;
use crate::json::JsonObject;
use crate::wire::EncodeError;

#[derive(Serialize)]
pub(super) struct Turn<'c> {
    role: &'static str,
    content: Content<'c>,
}

/// A single text stands for itself; anything else is a list of blocks.
pub(super) struct Content<'c>(Vec<Block<'c>>);

impl Content<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [Block::Text { text }] => text.serialize(serializer),
            blocks => blocks.serialize(serializer),
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'c> {
    Text {
        text: &'c str,
    },
    Image {
        source: Source<'c>,
    },
    ToolUse {
        id: &'c str,
        name: &'c str,
        input: JsonObject,
    },
    ToolResult {
        tool_use_id: &'c str,
        content: &'c str,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
    Thinking {
        thinking: &'c str,
        signature: &'c str,
    },
    RedactedThinking {
        data: &'c str,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Source<'c> {
    Base64 {
        media_type: &'static str,
        data: String,
    },
    Url {
        url: &'c str,
    },
}

/// Splits the conversation into the system prompt, which stands apart here, and turns. What the
/// user says after results of tools belongs to their turn.
pub(super) fn turns(messages: &[Message]) -> Result<(Content<'_>, Vec<Turn<'_>>), EncodeError> {
    let mut system = Vec::new();
    let mut turns: Vec<Turn<'_>> = Vec::with_capacity(messages.len());
    let mut after_results = false;
    for message in messages {
        let (role, blocks) = match message {
            Message::System(texts) if turns.is_empty() => {
                system.extend(texts.iter().map(|text| Block::Text { text }));
                continue;
            }
            Message::System(_later) => {
                let why = "this provider takes instructions only before the conversation";
                return Err(EncodeError::Unsupported {
                    field: "messages.role",
                    why,
                });
            }
            Message::User(parts) => ("user", parts.iter().map(user_part).collect::<Vec<_>>()),
            Message::Assistant(parts) => (
                "assistant",
                parts.iter().map(assistant_part).collect::<Result<_, _>>()?,
            ),
            Message::Tool(results) => ("user", results.iter().map(tool_result).collect()),
        };
        match turns.last_mut() {
            Some(turn) if after_results && role == "user" => turn.content.0.extend(blocks),
            _new_turn => turns.push(Turn {
                role,
                content: Content(blocks),
            }),
        }
        after_results = matches!(message, Message::Tool(_)) || (after_results && role == "user");
    }
    Ok((Content(system), turns))
}

fn user_part(part: &UserPart) -> Block<'_> {
    match part {
        UserPart::Text(text) => Block::Text { text },
        UserPart::Image(Image::Url(url)) => Block::Image {
            source: Source::Url { url },
        },
        UserPart::Image(Image::Inline { media_type, data }) => {
            let data = STANDARD.encode(data);
            Block::Image {
                source: Source::Base64 {
                    media_type: media_type.as_str(),
                    data,
                },
            }
        }
    }
}

fn tool_result(result: &ToolResult) -> Block<'_> {
    Block::ToolResult {
        tool_use_id: &result.call_id,
        content: &result.text,
        is_error: result.is_error,
    }
}

fn assistant_part(part: &AssistantPart) -> Result<Block<'_>, EncodeError> {
    match part {
        AssistantPart::Text(text) => Ok(Block::Text { text }),
        AssistantPart::ToolCall(call) => tool_use(call),
        AssistantPart::Reasoning(reasoning) => reasoning_block(reasoning),
        AssistantPart::Refusal(_text) => Err(EncodeError::Unsupported {
            field: "messages.parts.refusal",
            why: "this provider takes no refusal back; leave the turn out",
        }),
    }
}

fn tool_use(call: &ToolCall) -> Result<Block<'_>, EncodeError> {
    if !call.signature.is_empty() {
        let field = "messages.parts.tool_call.signature";
        let why = "this provider gives none and takes none back; leave it out";
        return Err(EncodeError::Unsupported { field, why });
    }
    let arguments = if call.arguments.is_empty() {
        "{}"
    } else {
        &call.arguments
    };
    let input = JsonObject::parse(arguments).map_err(|_invalid| EncodeError::Invalid {
        field: "messages.parts.tool_call.arguments_json",
        accepted: "a JSON object with this provider",
    })?;
    Ok(Block::ToolUse {
        id: &call.id,
        name: &call.name,
        input,
    })
}

fn reasoning_block(part: &ReasoningPart) -> Result<Block<'_>, EncodeError> {
    let field = "messages.parts.reasoning.signature";
    if part.signature.is_empty() {
        return Err(EncodeError::Invalid {
            field,
            accepted: "as the provider gave it",
        });
    }
    let signature = checks::opaque(&part.signature, field)?;
    Ok(if part.redacted {
        Block::RedactedThinking { data: signature }
    } else {
        Block::Thinking {
            thinking: &part.text,
            signature,
        }
    })
}
