//! One exchange with a provider: send, read, decode, pass on.
//!
//! What was measured stands in [`Progress`], which outlives the exchange however it ends.

use std::future::Future;
use std::sync::Arc;

use keyway_router_billing::LedgerError;
use keyway_router_providers::chat::ChatDelta;
use keyway_router_providers::{Adapter, DecodeError, Metered, WireRequest};
use keyway_words::{Secret, Source, Timestamp};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::failure::Failure;
use super::native::{self, Relay};
use super::{Answer, Answering, NativePiece, NativeRefusal, Notes};
use crate::call::Work;
use crate::media_type::{JSON, PAGE, is_of};
use crate::upstream::{Reply, Room, SendError, Upstream};

/// How far an exchange came.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The request is out, or may be.
    pub(super) left: bool,
    /// The caller received a piece of the answer.
    pub(super) content: bool,
    /// When it received the first one of a streamed answer.
    pub(super) first_piece: Option<Instant>,
    /// What was measured so far.
    pub(super) metered: Metered,
    /// An error answer, where it may be passed on as it is.
    pub(super) refusal: Option<NativeRefusal>,
}

/// What an exchange needs.
pub(super) struct Exchange<'a, D> {
    pub(super) adapter: &'static dyn Adapter,
    pub(super) upstream: &'a Upstream,
    pub(super) key: &'a Secret,
    /// Room for the answer.
    pub(super) room: Room,
    pub(super) work: &'a Work,
    pub(super) deltas: Option<mpsc::Sender<ChatDelta>>,
    pub(super) native: Option<mpsc::Sender<NativePiece>>,
    pub(super) source: Source,
    /// The key as its caller may know it.
    pub(super) key_name: String,
    pub(super) notes: Arc<Notes>,
    /// Ends when the attempt is durably open.
    pub(super) open: D,
    pub(super) now: Timestamp,
}

impl<D: Future<Output = Result<(), LedgerError>>> Exchange<'_, D> {
    /// Runs it to the answer's end.
    pub(super) async fn run(
        self,
        request: WireRequest,
        progress: &mut Progress,
    ) -> Result<Answer, Failure> {
        progress.left = true;
        let path = request.path.clone();
        let mut reply = self
            .upstream
            .send(request, self.key, self.room.clone())
            .await
            .map_err(Failure::Send)?;
        if !(200..300).contains(&reply.status()) {
            return Err(self.refused(&mut reply, progress).await);
        }
        // What something between here and the provider says to people, with whatever status.
        if is_of(reply.headers(), PAGE) {
            let what = "it is an HTML page";
            return Err(Failure::Decode(DecodeError::Malformed { what }));
        }
        // No byte of the answer reaches the caller before the attempt is on the disk.
        self.open.await.map_err(Failure::Ledger)?;
        self.notes.answering.get_or_init(|| Answering {
            source: self.source,
            key: self.key_name.clone(),
        });
        match self.work {
            Work::StreamChat(_) if !is_of(reply.headers(), JSON) => {
                let deltas = self.deltas;
                stream(self.adapter, &mut reply, deltas, progress).await
            }
            Work::Native(call) => {
                let relay = Relay {
                    call,
                    listener: self.native,
                    source: self.source,
                    key: self.key,
                    key_name: self.key_name,
                };
                relay.run(&mut reply, progress).await
            }
            work => {
                let body = reply.whole().await.map_err(Failure::Send)?;
                let read = whole(self.adapter, work, &body, progress);
                if read.is_err() {
                    progress.metered = self.adapter.measured(&path, &body);
                }
                let read = match work {
                    // Asked for events, it answered at once: an error, or what nobody waits for.
                    Work::StreamChat(_) => read.and(Err(DecodeError::Malformed {
                        what: "it is one answer, not a stream of events",
                    })),
                    _ => read,
                };
                read.map_err(Failure::Decode)
            }
        }
    }

    async fn refused(&self, reply: &mut Reply, progress: &mut Progress) -> Failure {
        let status = reply.status();
        let headers = reply.headers().clone();
        let body = reply.error_body().await;
        if matches!(self.work, Work::Native(_)) {
            progress.refusal = native::refusal((status, &headers, &body), self.source, self.key);
        }
        Failure::Provider(self.adapter.failure(status, &headers, &body, self.now))
    }
}

fn whole(
    adapter: &dyn Adapter,
    work: &Work,
    body: &[u8],
    progress: &mut Progress,
) -> Result<Answer, DecodeError> {
    match work {
        Work::Chat(_) | Work::StreamChat(_) => {
            let reply = adapter.chat_reply(body)?;
            progress.metered.clone_from(&reply.metered);
            Ok(Answer::Chat(reply))
        }
        Work::Embed(call) => embedded(adapter, &call.inputs, body, progress),
        Work::StreamEmbed(parts) => embedded(adapter, &parts.current().inputs, body, progress),
        Work::Search(call) => {
            let reply = adapter.search_reply(&call.model, body)?;
            progress.metered.clone_from(&reply.metered);
            Ok(Answer::Search(reply))
        }
        Work::Native(_) => Err(DecodeError::NotOffered { what: "native" }),
    }
}

fn embedded(
    adapter: &dyn Adapter,
    inputs: &[String],
    body: &[u8],
    progress: &mut Progress,
) -> Result<Answer, DecodeError> {
    let reply = adapter.embed_reply(body, inputs.len())?;
    progress.metered.clone_from(&reply.metered);
    let bytes = inputs.iter().map(String::len).sum::<usize>();
    progress
        .metered
        .answered_texts(u64::try_from(bytes).unwrap_or(u64::MAX));
    Ok(Answer::Embed(reply))
}

async fn stream(
    adapter: &dyn Adapter,
    reply: &mut Reply,
    listener: Option<mpsc::Sender<ChatDelta>>,
    progress: &mut Progress,
) -> Result<Answer, Failure> {
    let mut decoder = adapter.chat_stream().map_err(Failure::Decode)?;
    let mut deltas = Vec::new();
    while !decoder.is_finished() {
        let Some(bytes) = reply.next().await.map_err(broke_off)? else {
            break;
        };
        let read = decoder.push(&bytes, &mut deltas);
        progress.metered.clone_from(decoder.meter());
        for delta in deltas.drain(..) {
            progress.content = true;
            progress.first_piece.get_or_insert_with(Instant::now);
            if let Some(listener) = &listener {
                // A caller that left is noticed elsewhere; the answer may be read on.
                drop(listener.send(delta).await);
            }
        }
        read.map_err(Failure::Decode)?;
    }
    let end = decoder.end();
    progress.metered.clone_from(decoder.meter());
    end.map(Answer::Stream).map_err(Failure::Decode)
}

/// A connection that breaks while a stream runs cuts the answer, whatever it had said.
pub(super) fn broke_off(error: SendError) -> Failure {
    match error {
        SendError::Broken => Failure::Decode(DecodeError::Truncated),
        other => Failure::Send(other),
    }
}
