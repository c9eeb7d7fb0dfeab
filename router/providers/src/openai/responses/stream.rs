//! A streamed response: named events, the last of which carries the whole response. There is no
//! `[DONE]`; whatever stops earlier is cut off.

use serde::Deserialize;
use serde_json::Value;

use super::super::error::{ErrorObject, within_answer};
use super::reply::{BETWEEN_PARTS, Item, ReasoningItem, Response};
use crate::call_pieces::{CallPieces, Piece};
use crate::chat::{ChatDelta, ReasoningPart, StreamEnd};
use crate::event_stream::EventReader;
use crate::metered::Metered;
use crate::sse::SseEvent;
use crate::wire::DecodeError;

/// Reads the events.
#[derive(Debug, Default)]
pub(in super::super) struct ResponseReader {
    metered: Metered,
    refused: bool,
    calls: CallPieces,
    /// Places of the calls whose arguments came in pieces.
    with_arguments: Vec<u64>,
    /// Place of the reasoning text that came last: item, kind and number of the part.
    reasoning: Option<(u64, Kind, u64)>,
    end: Option<StreamEnd>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Summary,
    Open,
}

/// What every event says. Many more types exist than are read, and their fields may be anything.
#[derive(Deserialize)]
struct Typed {
    r#type: String,
}

/// The fields of the events that are read.
#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    output_index: u64,
    #[serde(default, alias = "content_index")]
    summary_index: u64,
    #[serde(default)]
    delta: String,
    #[serde(default)]
    item: Option<Item>,
    #[serde(default)]
    response: Option<Response>,
}

/// A failure: flat as documented, or in the object that chat completions have.
#[derive(Deserialize)]
struct Failed {
    #[serde(default)]
    error: Option<ErrorObject>,
    #[serde(default)]
    code: Option<Value>,
    #[serde(default)]
    message: Option<String>,
}

impl EventReader for ResponseReader {
    fn read(&mut self, event: &SseEvent, deltas: &mut Vec<ChatDelta>) -> Result<(), DecodeError> {
        let Typed { r#type } = parse(event)?;
        match r#type.as_str() {
            "response.output_text.delta" => {
                let delta = Some(parse::<Event>(event)?.delta).filter(|text| !text.is_empty());
                deltas.extend(delta.map(ChatDelta::Text));
            }
            "response.refusal.delta" => {
                let delta = Some(parse::<Event>(event)?.delta).filter(|text| !text.is_empty());
                self.refused |= delta.is_some();
                deltas.extend(delta.map(ChatDelta::Refusal));
            }
            "response.function_call_arguments.delta" => {
                deltas.push(self.arguments(parse(event)?)?);
            }
            "response.reasoning_summary_text.delta" => {
                deltas.extend(self.reasoning(Kind::Summary, parse(event)?));
            }
            "response.reasoning_text.delta" => {
                deltas.extend(self.reasoning(Kind::Open, parse(event)?));
            }
            "response.output_item.added" => deltas.extend(self.added(parse(event)?)?),
            "response.output_item.done" => deltas.extend(self.done(parse(event)?)?),
            "response.created" | "response.in_progress" => {
                if let Some(mut response) = parse::<Event>(event)?.response {
                    response.measure(&mut self.metered);
                }
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                self.ended(parse(event)?)?;
            }
            "error" => return Err(failed(parse(event)?)),
            _unknown => {}
        }
        Ok(())
    }

    fn end(&self) -> Option<StreamEnd> {
        self.end.clone()
    }

    fn meter(&self) -> &Metered {
        &self.metered
    }
}

impl ResponseReader {
    fn added(&mut self, event: Event) -> Result<Option<ChatDelta>, DecodeError> {
        let Some(Item::FunctionCall { call_id, name, .. }) = event.item else {
            return Ok(None);
        };
        let piece = Piece {
            index: event.output_index,
            id: Some(call_id),
            name: Some(name),
            arguments: String::new(),
        };
        self.calls.add(piece).map(ChatDelta::ToolCall).map(Some)
    }

    fn arguments(&mut self, event: Event) -> Result<ChatDelta, DecodeError> {
        let index = event.output_index;
        if !event.delta.is_empty() && !self.with_arguments.contains(&index) {
            self.with_arguments.push(index);
        }
        let piece = Piece {
            index,
            arguments: event.delta,
            ..Piece::default()
        };
        self.calls.add(piece).map(ChatDelta::ToolCall)
    }

    /// An item at its end: reasoning has its signature now, and a call its arguments, which are
    /// passed on here if they did not come in pieces.
    fn done(&mut self, event: Event) -> Result<Option<ChatDelta>, DecodeError> {
        let index = event.output_index;
        match event.item {
            Some(Item::Reasoning(item)) => Ok(signed(&item)),
            Some(Item::FunctionCall {
                call_id,
                name,
                arguments,
            }) if !self.with_arguments.contains(&index) => {
                let piece = Piece {
                    index,
                    id: Some(call_id),
                    name: Some(name),
                    arguments,
                };
                self.calls.add(piece).map(ChatDelta::ToolCall).map(Some)
            }
            _nothing_new => Ok(None),
        }
    }

    fn reasoning(&mut self, kind: Kind, event: Event) -> Option<ChatDelta> {
        if event.delta.is_empty() {
            return None;
        }
        let part = (event.output_index, kind, event.summary_index);
        let last = self.reasoning.replace(part);
        let is_next_part = last.is_some_and(|last| last.0 == part.0 && last != part);
        let text = if is_next_part {
            format!("{BETWEEN_PARTS}{}", event.delta)
        } else {
            event.delta
        };
        Some(ChatDelta::Reasoning(ReasoningPart {
            text,
            ..ReasoningPart::default()
        }))
    }

    fn ended(&mut self, event: Event) -> Result<(), DecodeError> {
        let mut response = event.response.ok_or(DecodeError::Malformed {
            what: "the end of a response without the response",
        })?;
        response.measure(&mut self.metered);
        let (finish, provider_finish) = response.finish(self.refused, !self.calls.is_empty())?;
        self.end = Some(StreamEnd {
            finish,
            provider_finish,
        });
        Ok(())
    }
}

fn signed(item: &ReasoningItem) -> Option<ChatDelta> {
    let signature = item.signature();
    (!signature.is_empty()).then(|| {
        ChatDelta::Reasoning(ReasoningPart {
            signature,
            ..ReasoningPart::default()
        })
    })
}

fn failed(failed: Failed) -> DecodeError {
    let flat = ErrorObject::of(failed.code, failed.message);
    within_answer(failed.error.unwrap_or(flat))
}

fn parse<T: for<'de> Deserialize<'de>>(event: &SseEvent) -> Result<T, DecodeError> {
    serde_json::from_str(&event.data).map_err(|_unparsable| DecodeError::Malformed {
        what: "not an event of a response",
    })
}
