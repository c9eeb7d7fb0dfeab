//! What every provider's streamed answer has in common: events in, deltas out, one end.

use std::fmt;

use crate::adapter::StreamDecoder;
use crate::chat::{ChatDelta, StreamEnd};
use crate::metered::Metered;
use crate::sse::{SseDecoder, SseError, SseEvent};
use crate::wire::DecodeError;

/// How one provider's events are read.
pub(crate) trait EventReader: fmt::Debug + Send {
    /// Reads one event and appends its deltas.
    fn read(&mut self, event: &SseEvent, deltas: &mut Vec<ChatDelta>) -> Result<(), DecodeError>;

    /// Whether the provider has no terminator: its stream ends with its body, which is read to its
    /// end.
    const ENDS_WITH_BODY: bool = false;

    /// How the provider frames its events.
    fn sse() -> SseDecoder {
        SseDecoder::default()
    }

    /// The end, once it was told.
    fn end(&self) -> Option<StreamEnd>;

    /// What was measured so far.
    fn meter(&self) -> &Metered;
}

/// A stream of events that one reader understands.
#[derive(Debug)]
pub(crate) struct EventStream<R> {
    sse: SseDecoder,
    reader: R,
    failed: Option<DecodeError>,
}

impl<R: EventReader + Default> Default for EventStream<R> {
    fn default() -> Self {
        Self {
            sse: R::sse(),
            reader: R::default(),
            failed: None,
        }
    }
}

impl<R: EventReader> EventStream<R> {
    fn read(&mut self, bytes: &[u8], deltas: &mut Vec<ChatDelta>) -> Result<(), DecodeError> {
        let mut events = Vec::new();
        let result = self.sse.push(bytes, &mut events);
        for event in events {
            if self.is_finished() {
                return Ok(());
            }
            self.reader.read(&event, deltas)?;
        }
        if self.is_finished() {
            return Ok(());
        }
        result.map_err(|error| match error {
            SseError::TooLong { limit } => DecodeError::EventTooLong { limit },
            SseError::NotUtf8 => DecodeError::Malformed {
                what: "an event is not UTF-8",
            },
        })
    }
}

impl<R: EventReader> StreamDecoder for EventStream<R> {
    fn push(&mut self, bytes: &[u8], deltas: &mut Vec<ChatDelta>) -> Result<(), DecodeError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        if self.is_finished() {
            return Ok(());
        }
        let result = self.read(bytes, deltas);
        self.failed = result.as_ref().err().cloned();
        result
    }

    fn is_finished(&self) -> bool {
        !R::ENDS_WITH_BODY && self.reader.end().is_some()
    }

    fn end(&mut self) -> Result<StreamEnd, DecodeError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.reader.end().ok_or(DecodeError::Truncated)
    }

    fn meter(&self) -> &Metered {
        self.reader.meter()
    }
}
