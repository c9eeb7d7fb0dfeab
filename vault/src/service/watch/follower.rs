//! One watch: reads what is new and tells it, until the router leaves or does not listen.

use std::sync::Arc;

use keyway_chassis::access::Caller;
use keyway_proto::vault::v1::watch_changes_request::Message as Asked;
use keyway_proto::vault::v1::watch_changes_response::Message as Told;
use keyway_proto::vault::v1::{
    Bookmark, Change, Resync, WatchChangesRequest, WatchChangesResponse, WatchStart, WatchStarted,
};
use keyway_proto::{Fault, convert};
use keyway_words::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tonic::{Status, Streaming};

use crate::counters;
use crate::health;
use crate::routers::Joined;
use crate::service::Vault;
use crate::store::StoreError;
use crate::store::feed::{self, KEPT, Position};
use crate::store::health as health_rows;
use crate::store::keys::KeyRow;

type Sender = mpsc::Sender<Result<WatchChangesResponse, Status>>;

/// One watch.
pub(super) struct Follower {
    vault: Arc<Vault>,
    caller: Caller,
    joined: Joined,
    sender: Sender,
    epoch: String,
    /// Every change up to here has been sent.
    sent: u64,
    /// Every change of health up to here has been sent.
    health_sent: u64,
    /// Number of the last acknowledgement.
    acknowledgement: u64,
}

/// The router has gone, or takes nothing any more.
struct Gone;

/// One reading of the feed.
struct News {
    position: Position,
    changes: Vec<Change>,
    health: Vec<KeyRow>,
    now: Timestamp,
}

/// What ends a watch or has it go on.
enum Heard {
    Acknowledged,
    Left,
    Closed,
}

impl Follower {
    pub(super) async fn start(
        vault: Arc<Vault>,
        caller: &Caller,
        start: &WatchStart,
        sender: Sender,
    ) -> Result<Self, Fault> {
        let position = {
            let read = vault.store.read().await?;
            feed::current(read.on()).await?
        };
        let seen = (start.epoch.as_str(), start.revision);
        vault.rollback.check_router(caller, seen, &position)?;
        let resync = resync(start, &position);
        let goes_on = resync.is_none() && !start.epoch.is_empty();
        // A router that goes on has applied everything up to where it was.
        let applied = if goes_on { start.revision } else { 0 };
        let now = vault.store.now();
        let joined = vault
            .routers
            .join(&caller.subject, &start.instance, applied, now)?;
        let (sent, health_sent) = if goes_on {
            (start.revision, start.health_number)
        } else {
            (position.revision, position.health_number)
        };
        let started = WatchStarted {
            epoch: position.epoch.clone(),
            revision: position.revision,
            health_number: position.health_number,
        };
        let follower = Self {
            vault,
            caller: caller.clone(),
            joined,
            sender,
            epoch: position.epoch,
            sent,
            health_sent,
            acknowledgement: 0,
        };
        // The channel is empty and larger than these two.
        let told = follower.tell(Told::Started(started)).await;
        if let (Ok(()), Some(resync)) = (told, resync) {
            counters::resync("start");
            drop(follower.tell(Told::Resync(resync)).await);
        }
        Ok(follower)
    }

    /// Ends when the router leaves, does not listen, or watches anew. The chassis cuts the stream
    /// when the process drains.
    pub(super) async fn run(mut self, mut messages: Streaming<WatchChangesRequest>) {
        let mut commits = self.vault.store.commits();
        let mut bookmarks = interval(self.vault.limits.bookmark);
        bookmarks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut open = true;
        loop {
            let due = tokio::select! {
                _ = commits.changed() => false,
                _ = bookmarks.tick() => true,
                message = messages.message(), if open => match self.hear(message) {
                    Heard::Acknowledged => continue,
                    Heard::Left => return,
                    // The router may close its side and go on reading.
                    Heard::Closed => { open = false; continue }
                },
                () = self.joined.replaced() => return counters::watch_cut("newer"),
                () = self.sender.closed() => return,
            };
            commits.mark_unchanged();
            if self.advance(due).await.is_err() {
                return;
            }
        }
    }

    fn hear(&mut self, message: Result<Option<WatchChangesRequest>, Status>) -> Heard {
        let Ok(Some(message)) = message else {
            return Heard::Closed;
        };
        match message.message {
            Some(Asked::Acknowledge(acknowledge)) => {
                // A revision that was not sent can't have been applied.
                let revision = acknowledge.revision.min(self.sent);
                self.acknowledgement = acknowledge.number.max(self.acknowledgement);
                self.joined.acknowledge(revision, self.vault.store.now());
                Heard::Acknowledged
            }
            Some(Asked::Leave(_)) => {
                self.joined.leave();
                Heard::Left
            }
            // A second start says nothing.
            Some(Asked::Start(_)) | None => Heard::Acknowledged,
        }
    }

    /// Sends what is new, and a bookmark after it or when one is due.
    async fn advance(&mut self, mut due: bool) -> Result<(), Gone> {
        loop {
            // Before the reading, so that the bookmark is no older than it.
            let acknowledgement = self.acknowledgement;
            let news = match self.read().await {
                Ok(news) => news,
                Err(error) => {
                    tracing::error!(%error, "watch can't read the feed");
                    return Ok(());
                }
            };
            self.check_history(&news.position)?;
            if let Some(reason) = self.broken(&news) {
                return self.start_over(&news.position, reason).await;
            }
            let is_new = !news.changes.is_empty() || !news.health.is_empty();
            self.send_changes(news.changes).await?;
            self.send_health(news.health, news.now).await?;
            let whole = self.sent >= news.position.revision;
            if whole && (is_new || due) {
                let bookmark = Bookmark {
                    revision: self.sent,
                    read_time: Some(convert::timestamp(news.now)),
                    acknowledgement,
                };
                self.tell(Told::Bookmark(bookmark)).await?;
                due = false;
            }
            if whole && self.health_sent >= news.position.health_number {
                return Ok(());
            }
        }
    }

    async fn read(&self) -> Result<News, StoreError> {
        let read = self.vault.store.read().await?;
        let position = feed::current(read.on()).await?;
        let mut news = News {
            changes: Vec::new(),
            health: Vec::new(),
            now: read.now(),
            position,
        };
        if news.position.revision != self.sent {
            news.changes = feed::after(read.on(), self.sent, BATCH).await?;
        }
        if news.position.health_number > self.health_sent {
            news.health = health_rows::after(read.on(), self.health_sent, BATCH).await?;
        }
        Ok(news)
    }

    /// Ends the watch if this database was further on before. The next one is refused, and says why.
    fn check_history(&self, position: &Position) -> Result<(), Gone> {
        if position.epoch == self.epoch && position.revision < self.sent {
            self.vault.rollback.found("a watch", self.sent, position);
            return Err(Gone);
        }
        Ok(())
    }

    /// Why the router can't go on from where it is.
    fn broken(&self, news: &News) -> Option<&'static str> {
        let position = &news.position;
        if position.epoch != self.epoch {
            return Some("the vault's database was replaced");
        }
        let first = news.changes.first().map(|change| change.revision);
        let missing = match first {
            Some(first) => first != self.sent + 1,
            None => position.revision != self.sent,
        };
        missing.then_some("the changes since are no longer kept")
    }

    async fn send_changes(&mut self, changes: Vec<Change>) -> Result<(), Gone> {
        for change in changes {
            self.sent = change.revision;
            if self.may_see(&change.owner) {
                self.tell(Told::Change(change)).await?;
            }
        }
        Ok(())
    }

    async fn send_health(&mut self, rows: Vec<KeyRow>, now: Timestamp) -> Result<(), Gone> {
        for row in rows {
            self.health_sent = health::number(&row).max(self.health_sent);
            if self.may_see(&row.owner) {
                self.tell(Told::Health(health::to_wire(&row, now))).await?;
            }
        }
        Ok(())
    }

    /// Has the router drop what it has and go on from here.
    async fn start_over(&mut self, position: &Position, reason: &str) -> Result<(), Gone> {
        counters::resync("feed");
        self.epoch.clone_from(&position.epoch);
        self.sent = position.revision;
        self.health_sent = position.health_number;
        self.joined.starts_over();
        self.tell(Told::Resync(resync_to(position, reason))).await
    }

    /// A router with an allow-list sees its workspaces, the platform and what is for everybody.
    fn may_see(&self, owner: &str) -> bool {
        let Some(listed) = &self.caller.listed else {
            return true;
        };
        owner.is_empty() || owner == "platform" || listed.iter().any(|id| id.resource() == owner)
    }

    /// Waits while the router is slow, but not for ever.
    async fn tell(&self, message: Told) -> Result<(), Gone> {
        let message = WatchChangesResponse {
            message: Some(message),
        };
        match timeout(self.vault.limits.slow, self.sender.send(Ok(message))).await {
            Ok(sent) => sent.map_err(|_closed| Gone),
            Err(_passed) => {
                counters::watch_cut("slow");
                tracing::warn!(router = %self.caller.subject, "a router does not read its watch; the watch ends");
                Err(Gone)
            }
        }
    }
}

/// Why a router that comes back must drop its cache.
fn resync(start: &WatchStart, position: &Position) -> Option<Resync> {
    let reason = if start.epoch.is_empty() {
        return None;
    } else if start.epoch != position.epoch {
        "the epoch is another one"
    } else if position.revision.saturating_sub(start.revision) >= KEPT {
        "the changes since are no longer kept"
    } else {
        return None;
    };
    Some(resync_to(position, reason))
}

fn resync_to(position: &Position, reason: &str) -> Resync {
    Resync {
        epoch: position.epoch.clone(),
        revision: position.revision,
        reason: reason.to_owned(),
        health_number: position.health_number,
    }
}

/// Changes that are read at once.
const BATCH: u64 = 256;
