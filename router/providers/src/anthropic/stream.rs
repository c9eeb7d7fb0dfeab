//! A streamed message. It ends with `message_stop`; whatever stops earlier is cut off.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::{ErrorObject, within_answer};
use super::finish;
use super::response::Block;
use super::usage::Reports;
use crate::chat::{ChatDelta, ReasoningPart, StreamEnd, ToolCallDelta};
use crate::event_stream::EventReader;
use crate::metered::Metered;
use crate::sse::SseEvent;
use crate::wire::DecodeError;

/// Reads the events.
#[derive(Debug, Default)]
pub(super) struct MessageReader {
    metered: Metered,
    reports: Reports,
    blocks: BTreeMap<u64, OpenBlock>,
    calls: u32,
    has_final_counts: bool,
    provider_finish: String,
    stopped: bool,
}

/// A block that has begun.
#[derive(Debug)]
enum OpenBlock {
    Text,
    Thinking { signature: String },
    Tool { index: u32, has_arguments: bool },
    Unknown,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    message: Option<Start>,
    #[serde(default)]
    index: u64,
    #[serde(default)]
    content_block: Option<Block>,
    #[serde(default)]
    delta: Delta,
    #[serde(default)]
    usage: Option<Box<RawValue>>,
    #[serde(default)]
    error: Option<ErrorObject>,
}

#[derive(Deserialize)]
struct Start {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<Box<RawValue>>,
}

/// A delta of a block, or of the message.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Delta {
    #[serde(rename = "type")]
    kind: String,
    text: String,
    partial_json: String,
    thinking: String,
    signature: String,
    stop_reason: Option<String>,
}

impl EventReader for MessageReader {
    fn read(&mut self, event: &SseEvent, deltas: &mut Vec<ChatDelta>) -> Result<(), DecodeError> {
        let malformed = DecodeError::Malformed {
            what: "not an event of a message",
        };
        let kind: Kind =
            serde_json::from_str(&event.data).map_err(|_unparsable| malformed.clone())?;
        if !KNOWN.contains(&kind.name.as_str()) {
            return Ok(());
        }
        let event: Event = serde_json::from_str(&event.data).map_err(|_unparsable| malformed)?;
        match event.kind.as_str() {
            "message_start" => self.start(event.message),
            "content_block_start" => {
                self.begin(event.index, event.content_block.unwrap_or_default(), deltas);
            }
            "content_block_delta" => self.append(event.index, event.delta, deltas)?,
            "content_block_stop" => self.close(event.index, deltas),
            "message_delta" => self.message_delta(event.delta.stop_reason, event.usage.as_deref()),
            "message_stop" => {
                self.stopped = true;
                self.metered.complete = self.has_final_counts && self.metered.has_both_sides();
            }
            _error => return Err(within_answer(event.error.unwrap_or_default())),
        }
        Ok(())
    }

    fn end(&self) -> Option<StreamEnd> {
        let finish = finish(&self.provider_finish);
        self.stopped.then(|| StreamEnd {
            finish,
            provider_finish: self.provider_finish.clone(),
        })
    }

    fn meter(&self) -> &Metered {
        &self.metered
    }
}

/// Only the name: an event of a kind that is new may have fields of any shape.
#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    name: String,
}

/// The events that are read; `ping` and whatever is new are skipped.
const KNOWN: [&str; 7] = [
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "error",
];

impl MessageReader {
    fn start(&mut self, message: Option<Start>) {
        let Some(message) = message else { return };
        self.metered.served_model = message.model;
        if let Some(report) = &message.usage {
            self.reports
                .merge("message_start", report, &mut self.metered);
        }
    }

    fn message_delta(&mut self, stop_reason: Option<String>, usage: Option<&RawValue>) {
        if let Some(word) = stop_reason {
            self.provider_finish = word;
        }
        if let Some(report) = usage {
            self.has_final_counts = true;
            self.reports
                .merge("message_delta", report, &mut self.metered);
        }
    }

    fn begin(&mut self, index: u64, block: Block, deltas: &mut Vec<ChatDelta>) {
        let open = match block.kind.as_str() {
            "text" => {
                deltas.extend(text(block.text));
                OpenBlock::Text
            }
            "thinking" => {
                deltas.extend(thinking(block.thinking));
                OpenBlock::Thinking {
                    signature: block.signature,
                }
            }
            "redacted_thinking" => {
                let signature = block.data.into_bytes();
                let part = ReasoningPart {
                    text: String::new(),
                    signature,
                    redacted: true,
                };
                deltas.push(ChatDelta::Reasoning(part));
                OpenBlock::Unknown
            }
            "tool_use" => self.begin_call(block, deltas),
            _unknown => OpenBlock::Unknown,
        };
        self.blocks.insert(index, open);
    }

    /// A call starts with `{}`; compatible servers may give all arguments at once.
    fn begin_call(&mut self, block: Block, deltas: &mut Vec<ChatDelta>) -> OpenBlock {
        let index = self.calls;
        self.calls = self.calls.saturating_add(1);
        let input = block
            .input
            .as_deref()
            .map(RawValue::get)
            .unwrap_or_default();
        let is_empty = input
            .chars()
            .all(|c| c.is_ascii_whitespace() || c == '{' || c == '}');
        let arguments = if is_empty {
            String::new()
        } else {
            input.to_owned()
        };
        deltas.push(ChatDelta::ToolCall(ToolCallDelta {
            index,
            id: Some(block.id),
            name: Some(block.name),
            arguments,
            signature: Vec::new(),
        }));
        OpenBlock::Tool {
            index,
            has_arguments: !is_empty,
        }
    }

    fn append(
        &mut self,
        index: u64,
        delta: Delta,
        deltas: &mut Vec<ChatDelta>,
    ) -> Result<(), DecodeError> {
        let block = self.blocks.get_mut(&index).ok_or(DecodeError::Malformed {
            what: "a delta of a block that has not begun",
        })?;
        match (delta.kind.as_str(), block) {
            ("text_delta", _text) => deltas.extend(text(delta.text)),
            ("thinking_delta", _thinking) => deltas.extend(thinking(delta.thinking)),
            ("signature_delta", OpenBlock::Thinking { signature }) => {
                signature.push_str(&delta.signature);
            }
            (
                "input_json_delta",
                OpenBlock::Tool {
                    index,
                    has_arguments,
                },
            ) if !delta.partial_json.is_empty() => {
                *has_arguments = true;
                let arguments = delta.partial_json;
                let piece = ToolCallDelta {
                    index: *index,
                    arguments,
                    ..Default::default()
                };
                deltas.push(ChatDelta::ToolCall(piece));
            }
            _unknown => {}
        }
        Ok(())
    }

    /// A signature is passed on whole; a call whose pieces were all empty has the arguments `{}`.
    fn close(&mut self, index: u64, deltas: &mut Vec<ChatDelta>) {
        match self.blocks.remove(&index) {
            Some(OpenBlock::Thinking { signature }) if !signature.is_empty() => {
                let signature = signature.into_bytes();
                let part = ReasoningPart {
                    signature,
                    ..ReasoningPart::default()
                };
                deltas.push(ChatDelta::Reasoning(part));
            }
            Some(OpenBlock::Tool {
                index,
                has_arguments: false,
            }) => {
                let piece = ToolCallDelta {
                    index,
                    arguments: "{}".into(),
                    ..Default::default()
                };
                deltas.push(ChatDelta::ToolCall(piece));
            }
            _nothing_left => {}
        }
    }
}

fn text(text: String) -> Option<ChatDelta> {
    (!text.is_empty()).then_some(ChatDelta::Text(text))
}

fn thinking(text: String) -> Option<ChatDelta> {
    let part = ReasoningPart {
        text,
        ..ReasoningPart::default()
    };
    (!part.text.is_empty()).then_some(ChatDelta::Reasoning(part))
}
