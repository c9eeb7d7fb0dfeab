//! Who waits for a call's answer, and how it is noticed that nobody does.

use std::sync::Arc;

use keyway_chassis::deadline::Deadline;
use keyway_chassis::drain::{Drain, draining};
use keyway_proto::{Fault, Reason};
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
    pub(super) drain: Drain,
}

/// Why nobody waits any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    Caller,
    Deadline,
    /// The process stops, and the time of its calls is over.
    Stopping,
}

impl Left {
    /// What the caller learns, if it still reads: what it was that took too long.
    pub(super) fn fault(self, of: &str) -> Fault {
        match self {
            Self::Caller | Self::Deadline => Deadline::fault(of),
            Self::Stopping => draining(),
        }
    }

    /// The reason on the attempt's event; a caller that went needs none.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Caller => "",
            Self::Deadline => Reason::Deadline.as_str(),
            Self::Stopping => Reason::Draining.as_str(),
        }
    }
}

impl Listener {
    pub(super) fn new(
        reply: oneshot::Sender<Result<Done, Fault>>,
        gone: CancellationToken,
        deadline: Deadline,
        (notes, drain): (Arc<Notes>, Drain),
    ) -> Self {
        Self {
            reply: Some(reply),
            deltas: None,
            vectors: None,
            native: None,
            notes,
            gone,
            deadline,
            drain,
        }
    }

    /// Ends when nobody waits for the answer any more.
    pub(super) fn left(&self) -> impl Future<Output = Left> + Send + use<> {
        let (gone, deadline, drain) = (self.gone.clone(), self.deadline, self.drain.clone());
        async move {
            tokio::select! {
                () = gone.cancelled() => Left::Caller,
                () = deadline.wait() => Left::Deadline,
                () = drain.cut_off() => Left::Stopping,
            }
        }
    }

    pub(super) fn answer(&mut self, result: Result<Done, Fault>) {
        if let Some(reply) = self.reply.take() {
            // A caller that left reads nothing.
            drop(reply.send(result));
        }
    }
}
