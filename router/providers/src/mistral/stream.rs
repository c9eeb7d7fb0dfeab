//! A streamed chat completion of Mistral's. It ends with `[DONE]`; whatever stops earlier is cut
//! off.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::{ErrorObject, within_answer};
use super::response::{self, Content, arguments, pieces};
use super::{finish, usage};
use crate::call_pieces::{CallPieces, Piece};
use crate::chat::{ChatDelta, StreamEnd};
use crate::event_stream::EventReader;
use crate::metered::Metered;
use crate::sse::SseEvent;
use crate::wire::DecodeError;

/// Reads the chunks.
#[derive(Debug, Default)]
pub(super) struct ChatReader {
    metered: Metered,
    provider_finish: String,
    calls: CallPieces,
    done: bool,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u64,
    #[serde(default)]
    delta: Delta,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Delta {
    content: Option<Content>,
    tool_calls: Option<Vec<Fragment>>,
}

#[derive(Deserialize)]
struct Fragment {
    #[serde(default)]
    index: u64,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: Function,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Function {
    name: Option<String>,
    arguments: Option<Box<RawValue>>,
}

impl EventReader for ChatReader {
    fn read(&mut self, event: &SseEvent, deltas: &mut Vec<ChatDelta>) -> Result<(), DecodeError> {
        if event.data.trim() == "[DONE]" {
            self.done = true;
            return Ok(());
        }
        let malformed = DecodeError::Malformed {
            what: "not a chat chunk",
        };
        let chunk: Chunk =
            serde_json::from_str(&event.data).map_err(|_unparsable| malformed.clone())?;
        // What has no choices is an error: the one mark that all of them have.
        let Some(choices) = chunk.choices else {
            let error = ErrorObject::read(event.data.as_bytes());
            return Err(error.map_or(malformed, within_answer));
        };
        if chunk.model.is_some() {
            self.metered.served_model = chunk.model;
        }
        for choice in choices.into_iter().filter(|choice| choice.index == 0) {
            self.choice(choice, deltas)?;
        }
        if let Some(report) = &chunk.usage {
            usage::read(report, &mut self.metered);
            // Counts before the last chunk may still grow.
            self.metered.complete &= !self.provider_finish.is_empty();
        }
        Ok(())
    }

    fn end(&self) -> Option<StreamEnd> {
        self.done.then(|| StreamEnd {
            finish: finish(&self.provider_finish, !self.calls.is_empty()),
            provider_finish: self.provider_finish.clone(),
        })
    }

    fn meter(&self) -> &Metered {
        &self.metered
    }
}

impl ChatReader {
    fn choice(&mut self, choice: Choice, deltas: &mut Vec<ChatDelta>) -> Result<(), DecodeError> {
        let said = choice.delta.content.map(pieces).unwrap_or_default();
        deltas.extend(said.into_iter().map(|piece| match piece {
            response::Piece::Text(text) => ChatDelta::Text(text),
            response::Piece::Thinking(part) => ChatDelta::Reasoning(part),
        }));
        for fragment in choice.delta.tool_calls.unwrap_or_default() {
            deltas.push(ChatDelta::ToolCall(self.calls.add(piece(fragment)?)?));
        }
        if let Some(word) = choice.finish_reason {
            self.provider_finish = word;
        }
        Ok(())
    }
}

/// The text `null` as an id means that none was given.
fn piece(fragment: Fragment) -> Result<Piece, DecodeError> {
    Ok(Piece {
        index: fragment.index,
        id: fragment.id.filter(|id| id != "null"),
        name: fragment.function.name,
        arguments: arguments(fragment.function.arguments.as_deref())?,
    })
}
