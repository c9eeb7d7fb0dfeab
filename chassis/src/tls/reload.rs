//! A configuration that follows its files.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use keyway_words::Timestamp;
use metrics::{counter, gauge};
use tokio::sync::watch;
use tracing::{error, info, warn};

use super::files::Contents;
use super::{TlsError, Upkeep};

/// Files, and what is made of them.
pub(super) trait Source: Send + Sync + 'static {
    /// What is made.
    type Made: Send + Sync + 'static;

    /// What it is for, in logs and metrics.
    fn name(&self) -> &'static str;

    /// Reads the files.
    fn read(&self) -> Result<Contents, TlsError>;

    /// Makes it.
    fn make(&self, contents: &Contents) -> Result<Made<Self::Made>, TlsError>;
}

/// What was made of the files.
pub(super) struct Made<T> {
    pub(super) value: T,
    /// From when to when its own certificate is valid, if it has one.
    pub(super) validity: Option<(Timestamp, Timestamp)>,
}

/// The newest that could be made. Cheap to clone.
#[derive(Debug)]
pub(super) struct Followed<T>(watch::Receiver<Arc<T>>);

impl<T> Clone for Followed<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Followed<T> {
    pub(super) fn current(&self) -> Arc<T> {
        Arc::clone(&self.0.borrow())
    }
}

/// Makes it for the first time, and then whenever the files differ, in a task.
pub(super) fn follow<S: Source>(source: S, upkeep: &Upkeep) -> Result<Followed<S::Made>, TlsError> {
    let hashes = RandomState::new();
    let contents = source.read()?;
    let seen = hash(&hashes, &contents);
    let made = source.make(&contents)?;
    let (sender, receiver) = watch::channel(Arc::new(made.value));
    for outcome in ["taken", "refused"] {
        counter!("keyway_tls_reloads_total", "use" => source.name(), "outcome" => outcome)
            .increment(0); // a series that begins at 1 has not grown
    }
    let mut follower = Follower {
        source: Arc::new(source),
        upkeep: upkeep.clone(),
        hashes,
        seen,
        refused: None,
        validity: made.validity,
        warned: Warned::Not,
        sender,
    };
    follower.tell_expiry();
    upkeep
        .tasks
        .spawn("tls-files", async move { follower.run().await });
    Ok(Followed(receiver))
}

struct Follower<S: Source> {
    source: Arc<S>,
    upkeep: Upkeep,
    hashes: RandomState,
    /// Hash of the contents in use.
    seen: u64,
    /// The last refusal, so that it is logged once.
    refused: Option<String>,
    validity: Option<(Timestamp, Timestamp)>,
    warned: Warned,
    sender: watch::Sender<Arc<S::Made>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Warned {
    Not,
    Soon,
    Over,
}

impl<S: Source> Follower<S> {
    async fn run(&mut self) {
        let every = self.upkeep.rules.reload_every;
        let shutdown = self.upkeep.shutdown.clone();
        while tokio::time::timeout(every, shutdown.wait()).await.is_err() {
            self.look().await;
            self.tell_expiry();
        }
    }

    /// Reads the files, on a thread that may block, and takes what they make if they changed.
    async fn look(&mut self) {
        let (source, hashes, seen) = (Arc::clone(&self.source), self.hashes.clone(), self.seen);
        let read = move || read_again(source.as_ref(), &hashes, seen);
        match tokio::task::spawn_blocking(read).await {
            Ok(Ok(None)) => self.refused = None,
            Ok(Ok(Some((hash, made)))) => self.take(hash, made),
            Ok(Err(error)) => self.refuse(error.to_string()),
            Err(stopped) => self.refuse(stopped.to_string()),
        }
    }

    fn take(&mut self, hash: u64, made: Made<S::Made>) {
        self.seen = hash;
        self.refused = None;
        self.validity = made.validity;
        self.warned = Warned::Not;
        self.sender.send_replace(Arc::new(made.value));
        let name = self.source.name();
        counter!("keyway_tls_reloads_total", "use" => name, "outcome" => "taken").increment(1);
        info!(
            name,
            "new TLS files for {name} are in force for new connections"
        );
    }

    /// The same reason is logged once, however often the files are read.
    fn refuse(&mut self, why: String) {
        if self.refused.as_ref() == Some(&why) {
            return;
        }
        let name = self.source.name();
        counter!("keyway_tls_reloads_total", "use" => name, "outcome" => "refused").increment(1);
        error!(
            name,
            "the TLS files for {name} changed and can't be used; what was read before stays: {why}"
        );
        self.refused = Some(why);
    }

    /// The metric, and a warning when a fifth of the certificate's time is left and when none is.
    fn tell_expiry(&mut self) {
        let Some((begins, ends)) = self.validity else {
            return;
        };
        let left = ends.0.saturating_sub(self.upkeep.clock.now().0);
        let name = self.source.name();
        gauge!("keyway_tls_certificate_expires_seconds", "use" => name).set(in_seconds(left));
        let fifth = ends.0.saturating_sub(begins.0) / 5;
        let level = match left {
            left if left <= 0 => Warned::Over,
            left if left <= fifth => Warned::Soon,
            _ => Warned::Not,
        };
        if level > self.warned {
            self.warned = level;
            let word = if level == Warned::Over {
                "expired"
            } else {
                "expires"
            };
            warn!(
                name,
                "the certificate for {name} {word} at {}; put a new one in its place",
                ends.rfc3339()
            );
        }
    }
}

/// What the files make, with their hash; `None` if they are as they were.
fn read_again<S: Source>(source: &S, hashes: &RandomState, seen: u64) -> NewFiles<S::Made> {
    let contents = source.read()?;
    let hash = hash(hashes, &contents);
    if hash == seen {
        return Ok(None);
    }
    source.make(&contents).map(|made| Some((hash, made)))
}

type NewFiles<T> = Result<Option<(u64, Made<T>)>, TlsError>;

fn hash(hashes: &RandomState, contents: &Contents) -> u64 {
    let mut hasher = hashes.build_hasher();
    contents.hash_into(&mut hasher);
    hasher.finish()
}

/// Negative when it is over.
fn in_seconds(micros: i64) -> f64 {
    let size = Duration::from_micros(micros.unsigned_abs()).as_secs_f64();
    if micros < 0 { -size } else { size }
}
