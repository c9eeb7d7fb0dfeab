//! A chat completion of Mistral's as a neutral answer.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::{ErrorObject, within_answer};
use super::{finish, usage};
use crate::chat::{AssistantPart, ChatReply, ReasoningPart, ToolCall};
use crate::metered::Metered;
use crate::wire::DecodeError;

#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
}

/// A text, or chunks as soon as the model reasons; a stream switches between both.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Chunks(Vec<Chunk>),
}

/// A chunk. Its type says which fields it has.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Chunk {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    thinking: Vec<Thought>,
    signature: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Thought {
    text: Option<String>,
}

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    id: String,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: Option<Box<RawValue>>,
}

/// Reads a completion.
pub(super) fn chat(body: &[u8]) -> Result<ChatReply, DecodeError> {
    let malformed = DecodeError::Malformed {
        what: "not a chat completion",
    };
    let completion: Completion =
        serde_json::from_slice(body).map_err(|_unparsable| malformed.clone())?;
    let Some(choices) = completion.choices else {
        return Err(ErrorObject::read(body).map_or(malformed, within_answer));
    };
    let choice = choices.into_iter().next().ok_or(DecodeError::Malformed {
        what: "a chat completion without a choice",
    })?;
    let mut metered = Metered {
        served_model: completion.model,
        ..Metered::default()
    };
    if let Some(report) = &completion.usage {
        usage::read(report, &mut metered);
    }
    let parts = parts(choice.message)?;
    let called = parts
        .iter()
        .any(|part| matches!(part, AssistantPart::ToolCall(_)));
    let provider_finish = choice.finish_reason.unwrap_or_default();
    Ok(ChatReply {
        parts,
        finish: finish(&provider_finish, called),
        provider_finish,
        metered,
    })
}

fn parts(message: Message) -> Result<Vec<AssistantPart>, DecodeError> {
    let mut parts = Vec::new();
    for piece in message.content.map(pieces).unwrap_or_default() {
        parts.push(match piece {
            Piece::Text(text) => AssistantPart::Text(text),
            Piece::Thinking(part) => AssistantPart::Reasoning(part),
        });
    }
    for call in message.tool_calls.unwrap_or_default() {
        parts.push(AssistantPart::ToolCall(ToolCall {
            id: call.id,
            name: call.function.name,
            arguments: arguments(call.function.arguments.as_deref())?,
            signature: Vec::new(),
        }));
    }
    Ok(parts)
}

/// A piece of content that says something.
pub(super) enum Piece {
    Text(String),
    Thinking(ReasoningPart),
}

/// What a content says; chunks of a kind that the schema has not are left out.
pub(super) fn pieces(content: Content) -> Vec<Piece> {
    let text = |text: String| (!text.is_empty()).then_some(Piece::Text(text));
    match content {
        Content::Text(whole) => text(whole).into_iter().collect(),
        Content::Chunks(chunks) => chunks
            .into_iter()
            .filter_map(|chunk| match chunk.kind.as_str() {
                "text" => text(chunk.text.unwrap_or_default()),
                "thinking" => thinking(chunk),
                _unknown => None,
            })
            .collect(),
    }
}

fn thinking(chunk: Chunk) -> Option<Piece> {
    let text: String = chunk
        .thinking
        .into_iter()
        .filter_map(|thought| thought.text)
        .collect();
    let signature = chunk.signature.unwrap_or_default().into_bytes();
    let says_nothing = text.is_empty() && signature.is_empty();
    (!says_nothing).then_some(Piece::Thinking(ReasoningPart {
        text,
        signature,
        redacted: false,
    }))
}

/// Arguments are JSON within a text, or the JSON itself: both are given on as its text.
pub(super) fn arguments(raw: Option<&RawValue>) -> Result<String, DecodeError> {
    let Some(raw) = raw.map(RawValue::get).filter(|raw| *raw != "null") else {
        return Ok(String::new());
    };
    if raw.starts_with('"') {
        return serde_json::from_str(raw).map_err(|_unparsable| DecodeError::Malformed {
            what: "arguments of a tool call are no text",
        });
    }
    Ok(raw.to_owned())
}
