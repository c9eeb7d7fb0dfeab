//! A streamed chat completion. It ends with `[DONE]`; whatever stops earlier is cut off.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::{ErrorObject, within_answer};
use super::response::finish;
use super::usage;
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
    refused: bool,
    calls: CallPieces,
    done: bool,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    error: Option<ErrorObject>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    service_tier: Option<String>,
    #[serde(default)]
    choices: Vec<Choice>,
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
    content: Option<String>,
    refusal: Option<String>,
    tool_calls: Option<Vec<Fragment>>,
}

#[derive(Deserialize)]
struct Fragment {
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
    arguments: Option<String>,
}

impl EventReader for ChatReader {
    fn read(&mut self, event: &SseEvent, deltas: &mut Vec<ChatDelta>) -> Result<(), DecodeError> {
        if event.data.trim() == "[DONE]" {
            self.done = true;
            return Ok(());
        }
        let chunk: Chunk =
            serde_json::from_str(&event.data).map_err(|_unparsable| DecodeError::Malformed {
                what: "not a chat chunk",
            })?;
        if chunk.model.is_some() {
            self.metered.served_model = chunk.model;
        }
        if chunk.service_tier.is_some() {
            self.metered.service_tier = chunk.service_tier;
        }
        let is_extra_chunk = chunk.choices.is_empty();
        if let Some(report) = &chunk.usage {
            usage::read(report, &mut self.metered);
        }
        if let Some(error) = chunk.error {
            return Err(within_answer(error));
        }
        for choice in chunk.choices.into_iter().filter(|choice| choice.index == 0) {
            self.choice(choice, deltas)?;
        }
        if chunk.usage.is_some() {
            // Compatible servers report running counts with every chunk; only the last is final.
            self.metered.complete &= is_extra_chunk || !self.provider_finish.is_empty();
        }
        Ok(())
    }

    fn end(&self) -> Option<StreamEnd> {
        let finish = finish(&self.provider_finish, self.refused, !self.calls.is_empty());
        self.done.then(|| StreamEnd {
            finish,
            provider_finish: self.provider_finish.clone(),
        })
    }

    fn meter(&self) -> &Metered {
        &self.metered
    }
}

impl ChatReader {
    fn choice(&mut self, choice: Choice, deltas: &mut Vec<ChatDelta>) -> Result<(), DecodeError> {
        let filled = |text: &String| !text.is_empty();
        deltas.extend(choice.delta.content.filter(filled).map(ChatDelta::Text));
        if let Some(refusal) = choice.delta.refusal.filter(filled) {
            self.refused = true;
            deltas.push(ChatDelta::Refusal(refusal));
        }
        for fragment in choice.delta.tool_calls.unwrap_or_default() {
            deltas.push(ChatDelta::ToolCall(self.calls.add(fragment.into())?));
        }
        if let Some(word) = choice.finish_reason {
            self.provider_finish = word;
        }
        Ok(())
    }
}

impl From<Fragment> for Piece {
    fn from(fragment: Fragment) -> Self {
        Self {
            index: fragment.index,
            id: fragment.id,
            name: fragment.function.name,
            arguments: fragment.function.arguments.unwrap_or_default(),
        }
    }
}
