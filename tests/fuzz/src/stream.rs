//! Streamed answers: no bytes panic a decoder, however they are cut what they say is the same, and
//! nothing comes after the end.

use keyway_router_providers::chat::{ChatDelta, StreamEnd};
use keyway_router_providers::{DecodeError, registry};
use keyway_words::ProviderId;

use crate::bytes::Bytes;

/// How a stream was read.
#[derive(Debug, PartialEq)]
struct Read {
    deltas: Vec<ChatDelta>,
    end: Result<StreamEnd, DecodeError>,
}

pub(crate) fn holds(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let providers = ProviderId::ALL;
    let provider = providers[usize::from(bytes.byte()) % providers.len()];
    let size = usize::from(bytes.byte()).max(1);
    let stream = bytes.rest();
    let Some(whole) = read(provider, [stream].into_iter()) else { return };
    let Some(pieces) = read(provider, stream.chunks(size).map(seen)) else { return };
    assert_eq!(whole, pieces, "{provider} in pieces of {size} bytes");
}

/// `None` where the provider streams nothing.
fn read<'a>(provider: ProviderId, pieces: impl Iterator<Item = &'a [u8]>) -> Option<Read> {
    let mut decoder = registry::adapter(provider)?.chat_stream().ok()?;
    let mut deltas = Vec::new();
    for piece in pieces {
        if decoder.is_finished() {
            break;
        }
        if let Err(error) = decoder.push(piece, &mut deltas) {
            return Some(Read { deltas, end: Err(error) });
        }
    }
    let said = deltas.len();
    let finished = decoder.is_finished();
    let end = decoder.end();
    assert_eq!(deltas.len(), said, "the end adds nothing");
    assert!(!finished || end.is_ok(), "finished, and yet: {end:?}");
    Some(Read { deltas, end })
}

/// A piece as the decoder is given it.
fn seen(piece: &[u8]) -> &[u8] {
    match piece {
        // Takes a line end at the border of two pieces for one that was there already.
        [b'\n', rest @ ..] if cfg!(feature = "seeded-bug") => rest,
        _ => piece,
    }
}
