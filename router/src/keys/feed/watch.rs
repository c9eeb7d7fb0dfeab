//! One open watch: what is said on it, what is acknowledged, and how old a bookmark can be.

use std::collections::VecDeque;
use std::error::Error as _;
use std::time::Duration;

use keyway_proto::vault::v1 as wire;
use keyway_proto::vault::v1::watch_changes_request::Message as Ask;
use keyway_proto::vault::v1::watch_changes_response::Message as Said;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

use crate::keys::VaultClient;

/// An open watch.
pub(super) struct Watch {
    asks: mpsc::Sender<wire::WatchChangesRequest>,
    said: Streaming<wire::WatchChangesResponse>,
    dead_after: Duration,
    opened: Instant,
    /// Acknowledgements that no bookmark has answered yet, by number, and when each was sent.
    sent: VecDeque<(u64, Instant)>,
    number: u64,
    /// When the last one that a bookmark answered was sent.
    answered: Instant,
}

/// Why there is no watch.
pub(super) enum Closed {
    Refused {
        code: Code,
        why: String,
    },
    Silent,
    Broke,
    /// The database of the vault is an older copy of the one that was followed.
    RolledBack,
}

impl Closed {
    pub(super) fn log(&self) {
        match self {
            Self::Refused { code, why } => {
                tracing::warn!(?code, "the vault did not open the change feed: {why}");
            }
            Self::Silent => tracing::warn!("the vault is silent on the change feed; {STALE}"),
            Self::Broke => tracing::warn!("the change feed broke off; {STALE}"),
            Self::RolledBack => tracing::error!(
                "the vault's database is older than what this router saw of it, and `keyway-vault \
                 restore` was not run; nothing is taken from it, and {STALE}"
            ),
        }
    }
}

/// What the vault said, or, where nothing reached it, the innermost cause: a name that is not known,
/// a connection that is refused, a certificate that does not fit.
fn why(status: &Status) -> String {
    let mut said = status.message().to_owned();
    let mut cause = status.source();
    while let Some(error) = cause {
        said = error.to_string();
        cause = error.source();
    }
    said
}

const STALE: &str = "what is cached lives to the stale bound";

impl Watch {
    pub(super) async fn open(
        vault: &VaultClient,
        start: wire::WatchStart,
        dead_after: Duration,
    ) -> Result<Self, Closed> {
        let (asks, messages) = mpsc::channel(ASKS);
        let opened = Instant::now();
        // The channel is empty: there is room.
        drop(asks.try_send(request(Ask::Start(start))));
        let watch = vault.watch(ReceiverStream::new(messages));
        let said = match timeout(dead_after, watch).await {
            Ok(Ok(said)) => said,
            Ok(Err(status)) => {
                let (code, why) = (status.code(), why(&status));
                return Err(Closed::Refused { code, why });
            }
            Err(_passed) => return Err(Closed::Silent),
        };
        Ok(Self {
            asks,
            said,
            dead_after,
            opened,
            sent: VecDeque::new(),
            number: 0,
            answered: opened,
        })
    }

    /// The next message; an error if the watch ended or says nothing.
    pub(super) async fn next(&mut self) -> Result<Said, Closed> {
        loop {
            match timeout(self.dead_after, self.said.message()).await {
                Ok(Ok(Some(message))) => {
                    // What is not known is a kind of a newer vault.
                    if let Some(said) = message.message {
                        return Ok(said);
                    }
                }
                Ok(Ok(None) | Err(_)) => return Err(Closed::Broke),
                Err(_passed) => return Err(Closed::Silent),
            }
        }
    }

    /// When the watch was asked for.
    pub(super) const fn opened(&self) -> Instant {
        self.opened
    }

    /// Tells the vault that everything up to a revision is applied.
    pub(super) fn acknowledge(&mut self, revision: u64) {
        let number = self.number + 1;
        let acknowledge = wire::WatchAcknowledge { revision, number };
        let now = Instant::now();
        // A vault that reads no acknowledgements must not stop the feed.
        if self
            .asks
            .try_send(request(Ask::Acknowledge(acknowledge)))
            .is_ok()
        {
            self.number = number;
            self.sent.push_back((number, now));
        }
        if self.sent.len() > ASKS {
            self.sent.pop_front();
        }
    }

    /// The moment as of which a bookmark holds that names the last acknowledgement before it.
    pub(super) fn as_of(&mut self, acknowledgement: u64) -> Instant {
        while let Some((number, at)) = self.sent.front().copied() {
            if number > acknowledgement {
                break;
            }
            self.answered = at;
            self.sent.pop_front();
        }
        self.answered
    }

    /// Tells the vault that this router ends, and waits a moment until it has heard.
    pub(super) async fn leave(mut self) {
        drop(self.asks.try_send(request(Ask::Leave(wire::WatchLeave {}))));
        let ended = async { while let Ok(Some(_)) = self.said.message().await {} };
        drop(timeout(GOODBYE, ended).await);
    }
}

const fn request(ask: Ask) -> wire::WatchChangesRequest {
    wire::WatchChangesRequest { message: Some(ask) }
}

const ASKS: usize = 64;
const GOODBYE: Duration = Duration::from_millis(500);
