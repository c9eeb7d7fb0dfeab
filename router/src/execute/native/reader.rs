//! A stream that passes, event by event: what a meter makes of each, and what of them passes.

use bytes::{Bytes, BytesMut};
use keyway_router_providers::DecodeError;
use keyway_router_providers::native::{Frames, NativeMeter, Seen};
use keyway_router_providers::sse::{SseDecoder, SseError, SseEvent};
use keyway_words::Source;

/// What one piece of a stream gave.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) passing: Bytes,
    /// The error that ends it, and the provider's words.
    pub(super) error: Option<(DecodeError, Bytes)>,
}

/// Reads whole events.
#[derive(Debug)]
pub(super) struct Reader {
    frames: Frames,
    sse: SseDecoder,
    source: Source,
}

impl Reader {
    pub(super) fn of(source: Source) -> Self {
        Self {
            frames: Frames::default(),
            // An error may stand in the stream as plain JSON.
            sse: SseDecoder::with_bare_json(),
            source,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8], meter: &mut dyn NativeMeter) -> Read {
        match self.frames.push(bytes) {
            Ok(frames) => self.read(&frames, meter),
            Err(error) => Read {
                error: Some((unreadable(error), Bytes::new())),
                ..Read::default()
            },
        }
    }

    /// The body has ended: what is left passes too. It is read as if its event were whole, since an
    /// error whose last line has no end is one all the same.
    pub(super) fn end(&mut self, meter: &mut dyn NativeMeter) -> Read {
        let rest = self.frames.rest();
        if rest.is_empty() {
            return Read::default();
        }
        let read = self.read(std::slice::from_ref(&rest), meter);
        if read.error.is_some() {
            return read;
        }
        let ended = self.read(&[Bytes::from_static(b"\n\n")], meter);
        match ended.error {
            None => read,
            Some((error @ DecodeError::Provider(_), _end)) => Read {
                error: Some((error, rest)),
                ..Read::default()
            },
            // A piece of an event: the answer was cut there.
            Some(_unreadable) => Read::default(),
        }
    }

    fn read(&mut self, frames: &[Bytes], meter: &mut dyn NativeMeter) -> Read {
        let mut passing = BytesMut::new();
        let mut events = Vec::new();
        for frame in frames {
            let read = self.sse.push(frame, &mut events).map_err(unreadable);
            let mut hidden = false;
            let mut failed = read.err();
            for event in events.drain(..) {
                let seen = meter.event(&event);
                let seen = seen.and_then(|seen| self.readable(&event).map(|()| seen));
                match seen {
                    Ok(seen) => hidden |= seen == Seen::OnlyUsage,
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
            if let Some(error) = failed {
                return Read {
                    passing: passing.freeze(),
                    error: Some((error, frame.clone())),
                };
            }
            if !hidden {
                passing.extend_from_slice(frame);
            }
        }
        Read {
            passing: passing.freeze(),
            error: None,
        }
    }

    fn readable(&self, event: &SseEvent) -> Result<(), DecodeError> {
        // One without data keeps a connection alive.
        if event.data == TERMINATOR || event.data.is_empty() {
            return Ok(());
        }
        readable(self.source, event.data.as_bytes())
    }
}

/// The one event that is no JSON.
const TERMINATOR: &str = "[DONE]";

/// On the platform's key only what can be read passes: anything else may be words about its account.
pub(super) fn readable(source: Source, body: &[u8]) -> Result<(), DecodeError> {
    let own = matches!(source, Source::Own);
    let json = || serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
    if own || json() {
        return Ok(());
    }
    Err(DecodeError::Malformed {
        what: "it is no JSON",
    })
}

fn unreadable(error: SseError) -> DecodeError {
    match error {
        SseError::TooLong { limit } => DecodeError::EventTooLong { limit },
        SseError::NotUtf8 => DecodeError::Malformed {
            what: "an event is not UTF-8",
        },
    }
}
