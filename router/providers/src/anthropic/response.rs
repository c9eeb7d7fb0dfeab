//! A message as a neutral answer.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::{ErrorObject, within_answer};
use super::finish;
use super::usage::Reports;
use crate::chat::{AssistantPart, ChatReply, ReasoningPart, ToolCall};
use crate::metered::Metered;
use crate::wire::DecodeError;

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    error: Option<ErrorObject>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    content: Option<Vec<Block>>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Option<Box<RawValue>>,
}

/// A block, or the start of one in a stream. Its type says which fields it has.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Block {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) text: String,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) input: Option<Box<RawValue>>,
    pub(super) thinking: String,
    pub(super) signature: String,
    pub(super) data: String,
}

/// Reads a message.
pub(super) fn chat(body: &[u8]) -> Result<ChatReply, DecodeError> {
    let message: Message =
        serde_json::from_slice(body).map_err(|_unparsable| DecodeError::Malformed {
            what: "not a message",
        })?;
    if let Some(error) = message.error {
        return Err(within_answer(error));
    }
    let blocks = message.content.ok_or(DecodeError::Malformed {
        what: "a message without content",
    })?;
    let mut metered = Metered {
        served_model: message.model,
        ..Metered::default()
    };
    if let Some(report) = &message.usage {
        Reports::whole(report, &mut metered);
    }
    let provider_finish = message.stop_reason.unwrap_or_default();
    Ok(ChatReply {
        parts: blocks.into_iter().filter_map(part).collect(),
        finish: finish(&provider_finish),
        provider_finish,
        metered,
    })
}

/// A block as a part; one of a kind that the schema has not is left out.
fn part(block: Block) -> Option<AssistantPart> {
    let reasoning = |text, signature: String, redacted| {
        let signature = signature.into_bytes();
        Some(AssistantPart::Reasoning(ReasoningPart {
            text,
            signature,
            redacted,
        }))
    };
    match block.kind.as_str() {
        "text" => (!block.text.is_empty()).then_some(AssistantPart::Text(block.text)),
        "thinking" => reasoning(block.thinking, block.signature, false),
        "redacted_thinking" => reasoning(String::new(), block.data, true),
        "tool_use" => Some(AssistantPart::ToolCall(ToolCall {
            id: block.id,
            name: block.name,
            arguments: block
                .input
                .map_or_else(|| "{}".to_owned(), |input| input.get().to_owned()),
            signature: Vec::new(),
        })),
        _unknown => None,
    }
}
