//! Connections that did not become one: counted all, logged as far as a log can bear.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::counter;
use tokio::time::Instant;
use tracing::warn;

use crate::tls::TlsRefusal;

/// Why a connection was closed before its first call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// As many connections as the listener has.
    Full,
    /// Others came while it said nothing.
    GaveWay,
    /// It took too long.
    Slow,
    /// A check of the TLS handshake failed.
    Tls(TlsRefusal),
    /// It is of no protocol that is spoken here; what it looks like.
    Protocol(&'static str),
    /// It is HTTP/1, and a request on it can't be read; what of it.
    Request(&'static str),
    /// It is HTTP/1, and the head of a request did not come in time.
    SlowHead,
    /// It went away by itself, as probes of ports do.
    Left,
}

impl Refusal {
    fn label(&self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::GaveWay => "gave_way",
            Self::Slow => "slow",
            Self::Tls(refusal) => refusal.label,
            Self::Protocol(_) => "protocol",
            Self::Request(_) => "request",
            Self::SlowHead => "slow_head",
            Self::Left => "left",
        }
    }

    fn why(&self) -> String {
        match self {
            Self::Full => "as many connections as server.max_connections are open".to_owned(),
            Self::GaveWay => {
                "its handshake was the oldest of more than server.max_handshakes".to_owned()
            }
            Self::Slow => "its handshake was not done within server.handshake_timeout".to_owned(),
            Self::Tls(refusal) => refusal.why.clone(),
            Self::Protocol(looks) => {
                format!("it begins as nothing does that is spoken here: {looks}")
            }
            Self::Request(what) => format!("it sent {what}"),
            Self::SlowHead => "the head of a request did not come in time".to_owned(),
            Self::Left => "it left before its handshake was done".to_owned(),
        }
    }
}

/// The refusals of one listener. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Refusals {
    listener: &'static str,
    budget: Arc<Mutex<Budget>>,
}

#[derive(Debug)]
struct Budget {
    since: Instant,
    logged: u32,
    left_out: u64,
}

impl Refusals {
    pub(super) fn new(listener: &'static str) -> Self {
        let budget = Budget {
            since: Instant::now(),
            logged: 0,
            left_out: 0,
        };
        Self {
            listener,
            budget: Arc::new(Mutex::new(budget)),
        }
    }

    /// Counts one, and logs it unless the second is full.
    pub(super) fn note(&self, peer: SocketAddr, refusal: &Refusal) {
        let (listener, reason) = (self.listener, refusal.label());
        counter!("keyway_connections_refused_total", "listener" => listener, "reason" => reason)
            .increment(1);
        // An idle connection ends like one whose request never comes.
        if matches!(refusal, Refusal::Left | Refusal::SlowHead) {
            return;
        }
        if let Some(left_out) = self.may_log() {
            warn!(
                listener,
                %peer,
                reason,
                left_out,
                "a connection from {peer} to the listener {listener} was refused: {}",
                refusal.why()
            );
        }
    }

    /// How many lines were left out since the last one, if one may be written.
    fn may_log(&self) -> Option<u64> {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        if budget.since.elapsed() >= SECOND {
            budget.since = Instant::now();
            budget.logged = 0;
        }
        if budget.logged >= LINES {
            budget.left_out = budget.left_out.saturating_add(1);
            return None;
        }
        budget.logged = budget.logged.saturating_add(1);
        Some(std::mem::take(&mut budget.left_out))
    }
}

const SECOND: Duration = Duration::from_secs(1);
/// Lines per second.
const LINES: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_refusals_writes_ten_lines_a_second_and_says_how_many_it_left_out() {
        let refusals = Refusals::new("test");
        let written = (0..1000).filter(|_| refusals.may_log().is_some()).count();
        assert_eq!(written, 10);
        tokio::time::advance(SECOND).await;
        assert_eq!(refusals.may_log(), Some(990));
    }
}
