//! News of keys for those who follow the relay: rejected, exhausted, and well again after either.
//! Each router tells what it met itself; on the way to the ledger they wait here.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keyway_chassis::lifecycle::Shutdown;
use keyway_proto::vault::v1::KeyState;
use keyway_router_billing::{KeyTold, Ledger};
use serde_json::json;
use tokio::sync::Notify;

use super::Versioned;
use crate::counters;

/// News that wait. Putting one never waits.
#[derive(Debug, Default)]
pub struct KeyNews {
    waiting: Mutex<VecDeque<KeyTold>>,
    arrived: Notify,
}

impl KeyNews {
    /// Adds a change of state that is worth telling.
    pub(super) fn put(&self, versioned: &Versioned, was: KeyState, is: KeyState, cause: &str) {
        if was == is || !(is_news(was) || is_news(is)) {
            return;
        }
        let told = KeyTold {
            key: versioned.0.clone(),
            version: versioned.1,
            json: json!({ "state": word(is), "was": word(was), "cause": cause }).to_string(),
        };
        let mut waiting = self.lock();
        if waiting.len() < MOST {
            waiting.push_back(told);
        } else {
            counters::key_news("overflow");
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    /// Puts them into the ledger until the stop; while it takes nothing they wait.
    pub(crate) async fn follow(self: Arc<Self>, ledger: Arc<Ledger>, stop: Shutdown) {
        loop {
            let due = async {
                while self.lock().is_empty() {
                    self.arrived.notified().await;
                }
            };
            tokio::select! {
                () = stop.wait() => break,
                () = due => {}
            }
            if !self.tell(&ledger).await {
                tokio::select! {
                    () = stop.wait() => break,
                    () = tokio::time::sleep(AGAIN) => {}
                }
            }
        }
        self.tell(&ledger).await;
    }

    /// Whether all of them are in the ledger.
    async fn tell(&self, ledger: &Ledger) -> bool {
        while let Some(told) = self.first() {
            let Ok(slot) = ledger.reserve() else {
                return false;
            };
            if slot.key_told(told).durable().await.is_err() {
                return false;
            }
            counters::key_news("told");
            self.lock().pop_front();
        }
        true
    }

    fn first(&self) -> Option<KeyTold> {
        self.lock().front().cloned()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<KeyTold>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn is_news(state: KeyState) -> bool {
    matches!(state, KeyState::Rejected | KeyState::Exhausted)
}

fn word(state: KeyState) -> &'static str {
    let name = state.as_str_name();
    name.strip_prefix("KEY_STATE_").unwrap_or(name)
}

const MOST: usize = 1_000;
const AGAIN: Duration = Duration::from_secs(1);
