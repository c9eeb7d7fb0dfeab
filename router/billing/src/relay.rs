//! The relay: publishes the stream to NATS `JetStream`, in order, after it is durable here.
//!
//! It reads pages of the stream at its own pace, so that a NATS that is slow or away costs one page
//! of memory and no call waits for it. Of several routers on one ledger one relays: the term in
//! the relay's row is that of a writer and counts as long as that writer's, as the sequencer's does.
//! How far it is stands under a name among the consumers, and holds retention as theirs does.

mod jetstream;
mod message;
mod page;
mod place;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use keyway_chassis::lifecycle::Shutdown;
use keyway_words::Timestamp;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tracing::{error, info, warn};

pub use self::jetstream::{JetStream, JetStreamConfig, NatsLogin, NatsLoginError};
pub use self::message::Message;
use self::page::Page;
pub(crate) use self::place::CONSUMER;
use crate::error::LedgerError;
use crate::ledger::Ledger;

/// Where pages are published. The real one is [`JetStream`].
pub trait Publisher: Send + 'static {
    /// Finds out whether it can be published to.
    fn reach(&mut self) -> BoxFuture<'_, Result<(), PublishError>>;

    /// Publishes messages in their order, and ends when all of them are stored. After an error any
    /// number of the first ones is.
    fn publish<'a>(&'a mut self, page: &'a [Message]) -> BoxFuture<'a, Result<Told, PublishError>>;
}

/// What was found when messages were published that were there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// Messages that the server had seen under their id.
    pub duplicates: u64,
    /// Of them those whose stored body is another one: somebody else used the id.
    pub conflicts: u64,
}

/// Why a page could not be published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// NATS does not answer, or says that it can't now.
    #[error("NATS can't be reached or does not store: {0}")]
    Away(String),
    /// The stream that is there is not one to trust the bill to.
    #[error("the stream can't be used: {0}")]
    Unsuitable(String),
}

/// How the relay stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RelayStanding {
    /// Whether this router is the one that relays.
    pub leads: bool,
    /// Whether what it last tried failed.
    pub is_away: bool,
    /// Events that have a place in the stream and are not published.
    pub waiting: u64,
    /// When the oldest of them was settled.
    pub oldest: Option<Timestamp>,
    /// Events that this process published, those that were there already included.
    pub published: u64,
    /// What it was told of them.
    pub told: Told,
}

/// The task that relays.
pub struct Relay<P> {
    ledger: Arc<Ledger>,
    publisher: P,
    /// First part of every subject.
    subject: String,
    standing: watch::Sender<RelayStanding>,
    /// The page that is being published.
    page: Option<Page>,
    /// Everything up to here is published; `None` until it is read.
    published: Option<i64>,
    /// What stands in the ledger of it, and since when.
    acknowledged: (i64, Instant),
    failures: u32,
    /// Why the last round failed, in the words of the log; `None` if it did not.
    trouble: Option<String>,
}

/// What one round came to.
enum Round {
    Published,
    NothingWaits,
    AnotherRelays,
}

impl<P: Publisher> Relay<P> {
    /// A relay of this ledger; [`Self::run`] starts it.
    pub fn new(ledger: Arc<Ledger>, publisher: P, subject: String) -> Self {
        Self {
            ledger,
            publisher,
            subject,
            standing: watch::Sender::default(),
            page: None,
            published: None,
            acknowledged: (0, Instant::now()),
            failures: 0,
            trouble: None,
        }
    }

    /// How it stands, now and later.
    pub fn standing(&self) -> watch::Receiver<RelayStanding> {
        self.standing.subscribe()
    }

    /// Relays until the stop.
    pub async fn run(mut self, stop: Shutdown) {
        loop {
            tokio::select! {
                () = stop.wait() => break,
                () = self.round() => {}
            }
        }
        // What is published and not acknowledged would be published again.
        if let Err(cause) = self.acknowledge().await {
            warn!(%cause, "how far the relay is could not be stored at the stop");
        }
    }

    async fn round(&mut self) {
        match self.publish_next().await {
            Ok(Round::Published) => self.recovered(),
            Ok(Round::NothingWaits) => {
                self.recovered();
                let mut head = self.ledger.head();
                let last = self.published.unwrap_or_default();
                // An error means that the ledger has stopped, and the task is about to.
                drop(timeout(IDLE, head.wait_for(|head| *head > last)).await);
            }
            Ok(Round::AnotherRelays) => {
                self.forget();
                sleep(IDLE).await;
            }
            Err(cause) => {
                self.failed(&cause);
                sleep(pause(self.failures)).await;
            }
        }
    }

    async fn publish_next(&mut self) -> Result<Round, RelayError> {
        if !place::holds(&self.ledger).await? {
            return Ok(Round::AnotherRelays);
        }
        let published = match self.published {
            Some(position) => position,
            None => self.begin().await?,
        };
        let head = *self.ledger.head().borrow();
        if self.page.is_none() && published < head {
            self.page = Page::read(&self.ledger, &self.subject, published, head).await?;
        }
        self.tell(|standing| standing.leads = true);
        let Some(page) = &self.page else {
            self.acknowledge().await?;
            self.publisher.reach().await?;
            self.tell(|_same| {});
            return Ok(Round::NothingWaits);
        };
        let told = self.publisher.publish(page.messages()).await?;
        let (last, count) = (page.last(), page.messages().len());
        self.page = None;
        self.published = Some(last);
        self.tell(|standing| standing.count(count, told));
        if self.acknowledged.1.elapsed() >= ACKNOWLEDGE {
            self.acknowledge().await?;
        }
        Ok(Round::Published)
    }

    /// Reads how far it was.
    async fn begin(&mut self) -> Result<i64, LedgerError> {
        let position = place::position(&self.ledger).await?;
        self.published = Some(position);
        self.acknowledged = (position, Instant::now());
        info!(position, "this router relays the billing stream");
        Ok(position)
    }

    /// Stores how far it is. A term that another router took meanwhile stores nothing.
    async fn acknowledge(&mut self) -> Result<(), LedgerError> {
        let Some(published) = self.published else {
            return Ok(());
        };
        if published > self.acknowledged.0 && !place::acknowledge(&self.ledger, published).await? {
            self.forget();
            return Ok(());
        }
        self.acknowledged = (published, Instant::now());
        Ok(())
    }

    /// Another router relays: what this one knew is old.
    fn forget(&mut self) {
        (self.page, self.published) = (None, None);
        (self.failures, self.trouble) = (0, None);
        self.standing.send_modify(|standing| {
            *standing = RelayStanding {
                published: standing.published,
                told: standing.told,
                ..RelayStanding::default()
            };
        });
    }

    fn tell(&self, change: impl FnOnce(&mut RelayStanding)) {
        let head = *self.ledger.head().borrow();
        let waiting = head.saturating_sub(self.published.unwrap_or(head));
        let oldest = self.page.as_ref().and_then(Page::oldest);
        self.standing.send_modify(|standing| {
            standing.waiting = u64::try_from(waiting).unwrap_or_default();
            standing.oldest = oldest;
            change(standing);
        });
    }

    fn recovered(&mut self) {
        if self.failures > 0 {
            info!("the relay publishes again");
        }
        (self.failures, self.trouble) = (0, None);
        self.tell(|standing| standing.is_away = false);
    }

    fn failed(&mut self, cause: &RelayError) {
        // Once is enough; a conflict or an unsuitable stream is not passing and is told each time.
        let (words, lasting) = (Some(cause.to_string()), cause.is_lasting());
        if self.trouble != words || lasting {
            error!(%cause, "billing events wait in the ledger; the relay tries again by itself");
        }
        self.trouble = words;
        self.failures = self.failures.saturating_add(1);
        self.tell(|standing| standing.is_away = true);
    }
}

impl RelayStanding {
    fn count(&mut self, published: usize, told: Told) {
        self.published += u64::try_from(published).unwrap_or_default();
        self.told.duplicates += told.duplicates;
        self.told.conflicts += told.conflicts;
    }
}

/// Why a round failed.
#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl RelayError {
    /// Whether it passes only when somebody does something.
    const fn is_lasting(&self) -> bool {
        matches!(self, Self::Publish(PublishError::Unsuitable(_)))
    }
}

fn pause(failures: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures.min(16)));
    doubled.min(LONGEST_PAUSE)
}

/// How often a relay with nothing to do looks at its place and at NATS.
const IDLE: Duration = Duration::from_secs(1);
/// Least time from one acknowledgement to the next: each is a commit beside those of the calls.
const ACKNOWLEDGE: Duration = Duration::from_millis(500);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
