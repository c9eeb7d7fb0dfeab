//! Answers of either endpoint. What answers tells which one it is.

use serde::Deserialize;

use super::responses::{reply, stream::ResponseReader};
use super::{response, stream::ChatReader};
use crate::chat::{ChatDelta, ChatReply, StreamEnd};
use crate::event_stream::EventReader;
use crate::metered::Metered;
use crate::sse::SseEvent;
use crate::wire::DecodeError;

/// What tells the endpoint: a response names its kind, an event of one its type.
#[derive(Deserialize)]
struct Kind {
    #[serde(default)]
    object: Option<String>,
    #[serde(default)]
    r#type: Option<String>,
}

impl Kind {
    fn of(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }
}

/// Reads an answer that came whole.
pub(super) fn chat(body: &[u8]) -> Result<ChatReply, DecodeError> {
    match Kind::of(body).and_then(|kind| kind.object) {
        Some(object) if object == "response" => reply::chat(body),
        _completion => response::chat(body),
    }
}

/// Reads a streamed answer; its first event decides.
#[derive(Debug)]
pub(super) enum AnswerReader {
    Unread(Metered),
    Chat(ChatReader),
    Response(Box<ResponseReader>),
}

impl Default for AnswerReader {
    fn default() -> Self {
        Self::Unread(Metered::default())
    }
}

impl AnswerReader {
    fn begin(event: &SseEvent) -> Self {
        let kind = Kind::of(event.data.as_bytes()).and_then(|kind| kind.r#type);
        match kind.as_deref() {
            Some("error") => Self::Response(Box::default()),
            Some(name) if name.starts_with("response.") => Self::Response(Box::default()),
            _chunk => Self::Chat(ChatReader::default()),
        }
    }
}

impl EventReader for AnswerReader {
    fn read(&mut self, event: &SseEvent, deltas: &mut Vec<ChatDelta>) -> Result<(), DecodeError> {
        if let Self::Unread(_) = self {
            *self = Self::begin(event);
        }
        match self {
            Self::Unread(_) => Ok(()),
            Self::Chat(reader) => reader.read(event, deltas),
            Self::Response(reader) => reader.read(event, deltas),
        }
    }

    fn end(&self) -> Option<StreamEnd> {
        match self {
            Self::Unread(_) => None,
            Self::Chat(reader) => reader.end(),
            Self::Response(reader) => reader.end(),
        }
    }

    fn meter(&self) -> &Metered {
        match self {
            Self::Unread(metered) => metered,
            Self::Chat(reader) => reader.meter(),
            Self::Response(reader) => reader.meter(),
        }
    }
}
