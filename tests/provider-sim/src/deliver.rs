//! Sending a reply at the scripted pace, as far as it is scripted to go.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::journal::{End, Journal};
use crate::reply::Chunk;
use crate::script::Action;

/// A body as the server sends it.
pub(crate) type Body = UnsyncBoxBody<Bytes, Cut>;

/// The connection is broken on purpose.
#[derive(Debug)]
pub(crate) struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut by the script")
    }
}

impl std::error::Error for Cut {}

impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Named gates at which replies wait. A released gate stays open until a reset.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    gates: Mutex<HashMap<String, Gate>>,
}

#[derive(Debug)]
struct Gate {
    open: watch::Sender<bool>,
}

impl Gates {
    pub(crate) async fn pass(&self, name: &str) {
        let mut receiver = self.gate(name);
        // An error means that the gate is gone, which is as good as open.
        if receiver.wait_for(|open| *open).await.is_err() {}
    }

    fn gate(&self, name: &str) -> watch::Receiver<bool> {
        let mut gates = self.lock();
        let new = || Gate {
            open: watch::Sender::new(false),
        };
        gates
            .entry(name.to_owned())
            .or_insert_with(new)
            .open
            .subscribe()
    }

    pub(crate) fn release(&self, name: &str) {
        let mut gates = self.lock();
        let new = || Gate {
            open: watch::Sender::new(false),
        };
        gates
            .entry(name.to_owned())
            .or_insert_with(new)
            .open
            .send_replace(true);
    }

    /// Lets all pass that wait, and closes the gates for those that come.
    pub(crate) fn reset(&self) {
        self.lock().clear();
    }

    /// How many wait at each closed gate.
    pub(crate) fn waiting(&self) -> HashMap<String, usize> {
        let gates = self.lock();
        gates
            .iter()
            .map(|(name, gate)| (name.clone(), gate.open.receiver_count()))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Gate>> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reply on its way. Writes its end into the journal when it is dropped, however that comes.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(crate) journal: Arc<Journal>,
    pub(crate) gates: Arc<Gates>,
    pub(crate) number: u64,
    pub(crate) action: Action,
    chunks: VecDeque<Chunk>,
    /// Bytes that may still go; absent: all.
    room: Option<usize>,
    chunks_sent: usize,
    end: End,
}

impl Sending {
    pub(crate) fn new(
        journal: Arc<Journal>,
        gates: Arc<Gates>,
        number: u64,
        action: Action,
        chunks: Vec<Chunk>,
    ) -> Self {
        let chunks = pieces(chunks, action.piece_bytes);
        let room = action.cut_after_bytes.or_else(|| within(&chunks, &action));
        let end = End {
            sent: "abandoned",
            bytes: 0,
            usage: false,
        };
        Self {
            journal,
            gates,
            number,
            action,
            chunks,
            room,
            chunks_sent: 0,
            end,
        }
    }

    /// What comes before the first byte. Errors: the connection is to be broken here.
    pub(crate) async fn begin(&mut self) -> Result<(), Cut> {
        if let Some(name) = &self.action.hold {
            self.gates.pass(name).await;
        }
        sleep(self.action.delay_ms).await;
        if self.action.cut_after_bytes == Some(0) {
            Err(self.cut())
        } else {
            Ok(())
        }
    }

    /// Writes a head that never ends, until the caller leaves.
    pub(crate) async fn endless_header(mut self, mut stream: TcpStream) {
        let mut line = "HTTP/1.1 200 OK\r\n".to_owned();
        for number in 0_u64.. {
            if stream.write_all(line.as_bytes()).await.is_err() {
                return;
            }
            self.end.bytes += line.len();
            line = format!("x-endless-{number}: {}\r\n", "a".repeat(64));
            sleep(self.action.chunk_delay_ms).await;
        }
    }

    pub(crate) fn into_body(self) -> Body {
        let chunks = futures::stream::unfold(self, |mut sending| async move {
            sending
                .next()
                .await
                .map(|chunk| (chunk.map(Frame::data), sending))
        });
        StreamBody::new(chunks).boxed_unsync()
    }

    async fn next(&mut self) -> Option<Result<Bytes, Cut>> {
        let over = self.room == Some(0)
            || self
                .action
                .cut_after_chunks
                .is_some_and(|most| self.chunks_sent >= most);
        if over && self.end.sent != "cut" {
            // What was handed over before is flushed while this waits; then the connection breaks.
            tokio::task::yield_now().await;
            return Some(Err(self.cut()));
        }
        self.wait().await;
        let mut chunk = self.chunks.pop_front()?;
        if let Some(room) = &mut self.room {
            chunk.tells_usage &= *room >= chunk.bytes.len();
            chunk.bytes.truncate(*room);
            *room -= chunk.bytes.len();
        }
        self.chunks_sent += 1;
        self.end.bytes += chunk.bytes.len();
        self.end.usage |= chunk.tells_usage;
        Some(Ok(chunk.bytes))
    }

    async fn wait(&self) {
        if self.action.stall_after_chunks == Some(self.chunks_sent) {
            match (&self.action.stall_hold, self.action.stall_ms) {
                (Some(name), _) => self.gates.pass(name).await,
                (None, Some(milliseconds)) => sleep(milliseconds).await,
                (None, None) => std::future::pending().await,
            }
        }
        if self.chunks_sent > 0 && !self.chunks.is_empty() {
            sleep(self.action.chunk_delay_ms).await;
        }
    }

    fn cut(&mut self) -> Cut {
        self.end.sent = "cut";
        Cut
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        if self.end.sent == "abandoned" && self.chunks.is_empty() {
            self.end.sent = "whole";
        }
        // The journal's disk is full or gone: the request's own line told it first, with a 500.
        if self.journal.end(self.number, self.end).is_err() {}
    }
}

async fn sleep(milliseconds: u64) {
    if milliseconds > 0 {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

/// The bytes up to the middle of the chunk in which the connection is to break.
fn within(chunks: &VecDeque<Chunk>, action: &Action) -> Option<usize> {
    let at = action.cut_within_chunk?;
    let half = chunks.get(at)?.bytes.len() / 2;
    let before: usize = chunks.iter().take(at).map(|chunk| chunk.bytes.len()).sum();
    Some(before + half)
}

/// Cuts all chunks into pieces of one size; usage is told by the last piece of its chunk.
fn pieces(chunks: Vec<Chunk>, size: Option<usize>) -> VecDeque<Chunk> {
    let Some(size) = size.filter(|size| *size > 0) else {
        return chunks.into();
    };
    let mut out = VecDeque::new();
    for mut chunk in chunks {
        while chunk.bytes.len() > size {
            out.push_back(Chunk::plain(chunk.bytes.split_to(size)));
        }
        out.push_back(chunk);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_same_bytes() {
        let chunks = vec![Chunk::plain("abcdefgh"), Chunk::plain("ij").telling_usage()];
        let cut = pieces(chunks, Some(3));
        let texts: Vec<&[u8]> = cut.iter().map(|chunk| &chunk.bytes[..]).collect();
        assert_eq!(texts, [&b"abc"[..], b"def", b"gh", b"ij"]);
        assert!(cut.back().unwrap().tells_usage);
    }

    #[tokio::test]
    async fn a_released_gate_stays_open_until_the_reset() {
        let gates = Gates::default();
        gates.release("a");
        gates.pass("a").await;
        gates.reset();
        let waiting = gates.gate("a");
        assert_eq!(gates.waiting()["a"], 1);
        assert!(!*waiting.borrow());
    }
}
