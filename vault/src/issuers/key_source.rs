//! An issuer's keys, kept: one task fetches, everybody else looks.
//!
//! A token whose key is not in the set asks for a newer one, and at most one fetch is made per
//! cooldown, whatever comes. A fetch that fails changes nothing but what is said about it: the last
//! good set goes on for a bounded time.

use std::sync::Arc;
use std::time::Duration;

use keyway_chassis::lifecycle::Shutdown;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::fetch::{self, KeysAt};
use crate::jwt::KeySet;

/// How keys are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyTimes {
    /// Age after which they are fetched again.
    pub(crate) refresh: Duration,
    /// Least time between two fetches.
    pub(crate) cooldown: Duration,
    /// Age until which they hold while the issuer is away.
    pub(crate) kept: Duration,
}

/// The keys of one issuer.
#[derive(Debug)]
pub(crate) struct KeySource {
    name: String,
    at: KeysAt,
    times: KeyTimes,
    state: watch::Sender<State>,
    asked: Notify,
}

/// The keys can't be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeysAway;

/// A good set, and which fetch brought it when.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    pub(super) set: Arc<KeySet>,
    fetch: u64,
    at: Instant,
}

#[derive(Debug, Clone, Default)]
struct State {
    /// The last good set.
    good: Option<Keys>,
    /// When the last fetch began.
    begun: Option<Instant>,
    /// Whether that one has not ended yet.
    under_way: bool,
    /// Whether the last fetch that ended brought nothing.
    failed: bool,
    /// Fetches that ended.
    ended: u64,
}

impl KeySource {
    pub(crate) fn new(name: String, at: KeysAt, times: KeyTimes) -> Self {
        Self {
            name,
            at,
            times,
            state: watch::Sender::default(),
            asked: Notify::new(),
        }
    }

    /// The keys, if they are not too old; waits for the first ones.
    pub(super) async fn current(&self) -> Result<Keys, KeysAway> {
        let state = self.state.borrow().clone();
        match self.good(&state) {
            Some(keys) => Ok(keys),
            None => self.good(&self.fetched(&state).await).ok_or(KeysAway),
        }
    }

    /// A newer set than these keys. `None`: there is none, and the issuer said so lately.
    pub(super) async fn after(&self, keys: &Keys) -> Result<Option<Keys>, KeysAway> {
        let newer = |state: &State| self.good(state).filter(|good| good.fetch > keys.fetch);
        let mut state = self.state.borrow().clone();
        if newer(&state).is_none() {
            state = self.fetched(&state).await;
        }
        match newer(&state) {
            None if state.failed => Err(KeysAway), // the key may be one that could not be fetched
            newer => Ok(newer),
        }
    }

    fn good(&self, state: &State) -> Option<Keys> {
        let good = state.good.as_ref()?;
        (good.at.elapsed() < self.times.kept).then(|| good.clone())
    }

    /// The state after the fetch that is under way or may be made now; otherwise as it is.
    async fn fetched(&self, state: &State) -> State {
        let mut changes = self.state.subscribe();
        let may_begin = |now: &State| {
            let cooled = |begun: Instant| begun.elapsed() >= self.times.cooldown;
            now.begun.is_none_or(cooled)
        };
        if may_begin(state) {
            self.asked.notify_one();
        }
        let comes = |now: &State| now.ended == state.ended && (now.under_way || may_begin(now));
        let settled = changes.wait_for(|now| !comes(now));
        match timeout(fetch::BOUND + Duration::from_secs(1), settled).await {
            Ok(Ok(now)) => now.clone(),
            Ok(Err(_)) | Err(_) => state.clone(),
        }
    }

    /// Fetches at the start, when keys grow old, when asked, and after a failure.
    pub(crate) async fn keep(&self, shutdown: Shutdown) {
        loop {
            self.fetch().await;
            let state = self.state.borrow().clone();
            let begun = state.begun.unwrap_or_else(Instant::now);
            let cool = begun + self.times.cooldown;
            let next = if state.failed {
                cool
            } else {
                begun + self.times.refresh.max(self.times.cooldown)
            };
            let due = async {
                tokio::select! {
                    () = sleep_until(next) => {}
                    () = async { sleep_until(cool).await; self.asked.notified().await } => {}
                }
            };
            tokio::select! {
                () = due => {}
                () = shutdown.wait() => return,
            }
        }
    }

    async fn fetch(&self) {
        let begun = Instant::now();
        self.state.send_modify(|state| {
            state.begun = Some(begun);
            state.under_way = true;
        });
        let fetched = fetch::keys(&self.at).await;
        let outcome = if fetched.is_ok() { "ok" } else { "failed" };
        metrics::counter!(
            "keyway_vault_issuer_fetches_total", "issuer" => self.name.clone(), "outcome" => outcome
        )
        .increment(1);
        let was_failed = self.state.borrow().failed;
        match &fetched {
            Ok(set) if was_failed => {
                tracing::info!(
                    issuer = self.name,
                    keys = set.len(),
                    "the issuer's keys are back"
                );
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(
                issuer = self.name, %error,
                "the issuer's keys can't be fetched; those there are hold for a while, then its \
                 tokens are refused as unavailable"
            ),
        }
        self.state.send_modify(|state| {
            state.ended = state.ended.saturating_add(1);
            state.under_way = false;
            state.failed = fetched.is_err();
            if let Ok(set) = fetched {
                state.good = Some(Keys {
                    set: Arc::new(set),
                    fetch: state.ended,
                    at: begun,
                });
            }
        });
    }
}
