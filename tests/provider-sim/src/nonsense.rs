//! Replies that no provider should give, and that have been seen.

use serde::Deserialize;

use crate::reply::{Chunk, Reply};
use crate::script::Action;

const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>\n";
const OVERSIZED: usize = 10 * 1024 * 1024;

/// A kind of nonsense, made of the reply that the request would get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Nonsense {
    /// A gateway's HTML page; status 502 unless the action gives another.
    Html,
    /// The right body as `text/plain`.
    WrongContentType,
    /// One event of `oversized_bytes` after the first; a unary body is that event alone.
    OversizedEvent,
    /// A 307 to `location`.
    Redirect,
    /// The right body, gzipped, whether the caller takes that or not.
    Gzip,
    /// No body.
    Empty,
    /// The first half of the body, sent as if it were all.
    Half,
    /// An event of a kind that is not known yet, after the first.
    UnknownEvent,
    /// A head that never ends: header after header, `chunk_delay_ms` apart.
    EndlessHeader,
}

/// Makes the reply nonsense.
pub(crate) fn spoil(mut reply: Reply, kind: Nonsense, action: &Action) -> Reply {
    match kind {
        Nonsense::Html => {
            reply.set_header("content-type", "text/html");
            reply.status = 502;
            replace(&mut reply, PAGE.as_bytes().to_vec());
        }
        Nonsense::WrongContentType => reply.set_header("content-type", "text/plain"),
        // The body never comes.
        Nonsense::EndlessHeader => reply.reported = serde_json::Value::Null,
        Nonsense::OversizedEvent => {
            oversize(&mut reply, action.oversized_bytes.unwrap_or(OVERSIZED));
        }
        Nonsense::Redirect => {
            reply.status = 307;
            let location = action
                .location
                .as_deref()
                .unwrap_or("http://127.0.0.1:9/elsewhere");
            reply.set_header("location", location);
            replace(&mut reply, Vec::new());
        }
        Nonsense::Gzip => {
            reply.set_header("content-encoding", "gzip");
            let packed = gzip(&reply.body());
            replace(&mut reply, packed);
        }
        Nonsense::Empty => replace(&mut reply, Vec::new()),
        Nonsense::Half => {
            let mut body = reply.body();
            body.truncate(body.len() / 2);
            replace(&mut reply, body);
        }
        Nonsense::UnknownEvent => {
            let event =
                "event: some_future_event\ndata: {\"type\":\"some_future_event\",\"x\":1}\n\n";
            reply
                .chunks
                .insert(1.min(reply.chunks.len()), Chunk::plain(event));
        }
    }
    reply
}

fn replace(reply: &mut Reply, body: Vec<u8>) {
    reply.chunks = vec![Chunk::plain(body)];
    reply.reported = serde_json::Value::Null;
}

fn oversize(reply: &mut Reply, bytes: usize) {
    let pad = "a".repeat(bytes);
    if reply.stream {
        let event = Chunk::plain(format!("data: {{\"type\":\"ping\",\"pad\":\"{pad}\"}}\n\n"));
        reply.chunks.insert(1.min(reply.chunks.len()), event);
    } else {
        replace(reply, format!("{{\"pad\":\"{pad}\"}}").into_bytes());
    }
}

/// A gzip file with the bytes stored, not compressed.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut blocks = bytes.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out.extend(crc32(bytes).to_le_bytes());
    out.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    let crc = bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
        })
    });
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_the_gzip_standard() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        let packed = gzip(b"abc");
        assert_eq!(
            packed.get(10..18),
            Some([1, 3, 0, 0xfc, 0xff, b'a', b'b', b'c'].as_slice())
        );
    }
}
