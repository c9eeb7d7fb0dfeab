//! Who waits for a call's answer, and how it is noticed that nobody does.

use std::sync::Arc;

use keyway_chassis::deadline::Deadline;
use keyway_proto::Fault;
use keyway_router_providers::chat::ChatDelta;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{Done, NativePiece, Notes};

/// Who waits for the answer.
#[derive(Debug)]
pub(super) struct Listener {
    reply: Option<oneshot::Sender<Result<Done, Fault>>>,
    pub(super) deltas: Option<mpsc::Sender<ChatDelta>>,
    pub(super) vectors: Option<mpsc::Sender<Vec<Vec<f32>>>>,
    pub(super) native: Option<mpsc::Sender<NativePiece>>,
    pub(super) notes: Arc<Notes>,
    pub(super) gone: CancellationToken,
    pub(super) deadline: Deadline,
}

/// Why nobody waits any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    Caller,
    Deadline,
}

impl Listener {
    pub(super) fn new(
        reply: oneshot::Sender<Result<Done, Fault>>,
        gone: CancellationToken,
        deadline: Deadline,
        notes: Arc<Notes>,
    ) -> Self {
        Self {
            reply: Some(reply),
            deltas: None,
            vectors: None,
            native: None,
            notes,
            gone,
            deadline,
        }
    }

    /// Ends when nobody waits for the answer any more.
    pub(super) async fn left(gone: CancellationToken, deadline: Deadline) -> Left {
        tokio::select! {
            () = gone.cancelled() => Left::Caller,
            () = deadline.wait() => Left::Deadline,
        }
    }

    pub(super) fn answer(&mut self, result: Result<Done, Fault>) {
        if let Some(reply) = self.reply.take() {
            // A caller that left reads nothing.
            drop(reply.send(result));
        }
    }
}
