//! `WatchChanges`: changes in revision order, bookmarks that were just read, acknowledgements.
//!
//! A bookmark says "you have everything up to here, as of now": it is sent only after the revision
//! row was read. A watch that can't read the database falls silent, and the router notices.

use std::sync::Arc;

use futures::Stream;
use keyway_chassis::access::{self, Caller};
use keyway_proto::vault::v1::watch_changes_request::Message as Asked;
use keyway_proto::vault::v1::watch_changes_response::Message as Told;
use keyway_proto::vault::v1::{
    Bookmark, Change, Resync, WatchChangesRequest, WatchChangesResponse, WatchStart, WatchStarted,
};
use keyway_proto::{Fault, convert};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Status, Streaming};

use crate::routers::{Joined, Watcher};
use crate::service::Vault;
use crate::store::feed::{self, KEPT, Position};

type Sender = mpsc::Sender<Result<WatchChangesResponse, Status>>;

/// Opens a watch: reads the start, says where the feed is, and follows it.
pub(super) async fn open(
    vault: Arc<Vault>,
    request: Request<Streaming<WatchChangesRequest>>,
) -> Result<impl Stream<Item = Result<WatchChangesResponse, Status>> + Send + use<>, Fault> {
    let (_metadata, extensions, mut messages) = request.into_parts();
    let first = timeout(vault.limits.bookmark, messages.message()).await;
    let first = first
        .ok()
        .and_then(Result::ok)
        .flatten()
        .unwrap_or_default();
    let granted = access::grant(&*vault.authority, &extensions, first)?;
    let (message, caller) = granted.into_parts();
    let Some(Asked::Start(start)) = message.message else {
        return Err(Fault::field(
            "start",
            "must be the first message of the stream",
        ));
    };
    if start.instance.is_empty() || start.instance.len() > 64 {
        return Err(Fault::field("start.instance", "must be 1 to 64 bytes"));
    }
    let (sender, receiver) = mpsc::channel(BUFFER);
    let follower = Follower::start(vault, &caller, &start, sender).await?;
    tokio::spawn(follower.run(messages));
    Ok(ReceiverStream::new(receiver))
}

/// One watch.
struct Follower {
    vault: Arc<Vault>,
    caller: Caller,
    joined: Joined,
    sender: Sender,
    epoch: String,
    /// Everything up to here has been sent.
    sent: u64,
    /// When the last bookmark was sent.
    marked: Instant,
}

impl Follower {
    async fn start(
        vault: Arc<Vault>,
        caller: &Caller,
        start: &WatchStart,
        sender: Sender,
    ) -> Result<Self, Fault> {
        let (position, now) = {
            let read = vault.store.read().await?;
            (feed::current(read.on()).await?, read.now())
        };
        let joined = vault.routers.join(Watcher {
            identity: caller.subject.clone(),
            instance: start.instance.clone(),
            acknowledged: 0,
            seen: now,
        });
        let started = WatchStarted {
            epoch: position.epoch.clone(),
            revision: position.revision,
        };
        let resync = resync(start, &position);
        let sent = if resync.is_some() || start.epoch.is_empty() {
            position.revision
        } else {
            start.revision
        };
        let epoch = position.epoch;
        let follower = Self {
            vault,
            caller: caller.clone(),
            joined,
            sender,
            epoch,
            sent,
            marked: Instant::now(),
        };
        // The channel is empty and larger than these two.
        follower.tell(Told::Started(started)).await;
        if let Some(resync) = resync {
            follower.tell(Told::Resync(resync)).await;
        }
        Ok(follower)
    }

    /// Ends when the router leaves. The chassis cuts the stream when the process drains.
    async fn run(mut self, mut messages: Streaming<WatchChangesRequest>) {
        let mut commits = self.vault.store.commits();
        let mut poll = tokio::time::interval(self.vault.limits.poll);
        poll.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut open = true;
        loop {
            tokio::select! {
                _ = commits.changed() => {}
                _ = poll.tick() => {}
                message = messages.message(), if open => {
                    match message {
                        Ok(Some(message)) => self.acknowledge(&message),
                        // The router may close its side and go on reading.
                        Ok(None) | Err(_) => open = false,
                    }
                    continue;
                }
                () = self.sender.closed() => return,
            }
            commits.mark_unchanged();
            if let Err(error) = self.advance().await {
                tracing::error!(reason = error.reason.as_str(), "watch can't read the feed");
            }
            if self.sender.is_closed() {
                return;
            }
        }
    }

    fn acknowledge(&self, message: &WatchChangesRequest) {
        if let Some(Asked::Acknowledge(acknowledge)) = &message.message {
            // A revision that was not sent can't have been applied.
            let revision = acknowledge.revision.min(self.sent);
            self.joined.acknowledge(revision, self.vault.store.now());
        }
    }

    /// Sends what is new, and a bookmark after it or when one is due.
    async fn advance(&mut self) -> Result<(), Fault> {
        let (position, changes, now) = {
            let read = self.vault.store.read().await?;
            let position = feed::current(read.on()).await?;
            let changes = if position.revision == self.sent {
                Vec::new()
            } else {
                feed::after(read.on(), self.sent, BATCH).await?
            };
            (position, changes, read.now())
        };
        if position.epoch != self.epoch || position.revision < self.sent {
            let reason = "the vault's database was replaced";
            return self.start_over(&position, reason).await;
        }
        if changes
            .first()
            .is_some_and(|change| change.revision != self.sent + 1)
        {
            let reason = "the changes since are no longer kept";
            return self.start_over(&position, reason).await;
        }
        let is_new = !changes.is_empty();
        for change in changes {
            self.sent = change.revision;
            if self.may_see(&change) {
                self.tell(Told::Change(change)).await;
            }
        }
        let whole = self.sent == position.revision;
        if whole && (is_new || self.marked.elapsed() >= self.vault.limits.bookmark) {
            let read_time = Some(convert::timestamp(now));
            self.tell(Told::Bookmark(Bookmark {
                revision: self.sent,
                read_time,
            }))
            .await;
            self.marked = Instant::now();
        }
        Ok(())
    }

    /// Has the router drop what it has and go on from here.
    async fn start_over(&mut self, position: &Position, reason: &str) -> Result<(), Fault> {
        self.epoch.clone_from(&position.epoch);
        self.sent = position.revision;
        let resync = Resync {
            epoch: position.epoch.clone(),
            revision: position.revision,
            reason: reason.to_owned(),
        };
        self.tell(Told::Resync(resync)).await;
        Ok(())
    }

    /// A router with an allow-list sees its workspaces, the platform and what is for everybody.
    fn may_see(&self, change: &Change) -> bool {
        let Some(listed) = &self.caller.listed else {
            return true;
        };
        change.owner.is_empty()
            || change.owner == "platform"
            || listed.iter().any(|id| id.resource() == change.owner)
    }

    /// Waits while the router is slow; a router that is gone shows in `sender.closed()`.
    async fn tell(&self, message: Told) {
        let message = WatchChangesResponse {
            message: Some(message),
        };
        let told = self.sender.send(Ok(message)).await;
        drop(told);
    }
}

/// Why a router that comes back must drop its cache.
fn resync(start: &WatchStart, position: &Position) -> Option<Resync> {
    let reason = if start.epoch.is_empty() {
        return None;
    } else if start.epoch != position.epoch {
        "the epoch is another one"
    } else if start.revision > position.revision {
        "the router is ahead of the database, which was restored from a backup"
    } else if position.revision - start.revision >= KEPT {
        "the changes since are no longer kept"
    } else {
        return None;
    };
    Some(Resync {
        epoch: position.epoch.clone(),
        revision: position.revision,
        reason: reason.to_owned(),
    })
}

const BUFFER: usize = 64;
const BATCH: u64 = 256;
