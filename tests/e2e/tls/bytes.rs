//! HTTP/2 by hand (RFC 9113), for what no client library would send.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::BOUND;

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
pub(super) const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;
const LARGEST: usize = 16_384;

/// One frame.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short payload");
    let mut bytes = length.to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A gRPC call's headers, as one HEADERS frame and as many CONTINUATIONs as it takes.
pub(super) fn call(stream: u32, rpc: &str, more: &[(&str, &str)], flags: u8) -> Vec<u8> {
    let path = format!("/{rpc}");
    let usual = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path.as_str()),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    let mut block = Vec::new();
    for (name, value) in usual.iter().chain(more) {
        literal(&mut block, name, value);
    }
    let pieces: Vec<&[u8]> = block.chunks(LARGEST).collect();
    let last = pieces.len() - 1;
    let framed = pieces.iter().enumerate().flat_map(|(index, piece)| {
        let kind = if index == 0 { HEADERS } else { CONTINUATION };
        let end = if index == last { END_HEADERS } else { 0 };
        let flags = if index == 0 { flags | end } else { end };
        frame(kind, flags, stream, piece)
    });
    framed.collect()
}

/// A header that is not indexed, with a new name (RFC 7541, section 6.2.2).
fn literal(block: &mut Vec<u8>, name: &str, value: &str) {
    block.push(0);
    for text in [name, value] {
        let length = u8::try_from(text.len()).expect("a short text");
        assert!(length < 127);
        block.push(length);
        block.extend(text.as_bytes());
    }
}

/// A frame that came back.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

/// A raw connection.
pub(super) struct Raw(pub(super) TcpStream);

impl Raw {
    pub(super) async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.expect("a connection"))
    }

    /// With preface and settings sent.
    pub(super) async fn http2(address: SocketAddr) -> Self {
        Self::try_http2(address).await.expect("sent")
    }

    /// The same, where the other end may close it before it has said anything.
    pub(super) async fn try_http2(address: SocketAddr) -> io::Result<Self> {
        let mut raw = Self::connect(address).await;
        raw.send(PREFACE).await?;
        raw.send(&frame(SETTINGS, 0, 0, &[])).await?;
        Ok(raw)
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await
    }

    /// The next frame that is not of the connection's upkeep; `None` at its end.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        loop {
            let read = tokio::time::timeout(BOUND, self.read()).await;
            let frame = read.expect("something in time").ok()?;
            match frame.kind {
                SETTINGS if frame.payload.is_empty() => {}
                SETTINGS => {
                    let acknowledged = super::bytes::frame(SETTINGS, ACK, 0, &[]);
                    self.send(&acknowledged).await.ok()?;
                }
                PING | 8 => {} // window updates too
                _ => return Some(frame),
            }
        }
    }

    async fn read(&mut self) -> io::Result<Frame> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; usize::try_from(length).expect("short")];
        self.0.read_exact(&mut payload).await?;
        Ok(Frame {
            kind: head[3],
            stream,
            payload,
        })
    }

    /// Waits until the other side has closed it.
    pub(super) async fn closed(mut self) {
        let end = async {
            let mut sink = [0; 4096];
            while self.0.read(&mut sink).await.is_ok_and(|read| read > 0) {}
        };
        let ended = tokio::time::timeout(BOUND, end).await;
        ended.expect("closed in time");
    }
}
