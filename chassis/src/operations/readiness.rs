//! Whether the process can do its work, and if not, why.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use tokio::sync::watch;

/// Something that a process needs, or is better off with. Each process has a table of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition {
    name: &'static str,
    is_needed: bool,
}

impl Condition {
    /// Without it the process is not ready: `missing` in `/readyz`, 0 in `keyway_ready`.
    pub const fn needed(name: &'static str) -> Self {
        let is_needed = true;
        Self { name, is_needed }
    }

    /// Without it the process goes on: `degraded` in `/readyz`, 1 in `keyway_degraded`.
    pub const fn useful(name: &'static str) -> Self {
        let is_needed = false;
        Self { name, is_needed }
    }

    fn show(self, holds: bool) {
        let value = |is: bool| f64::from(u8::from(is));
        if self.is_needed {
            metrics::gauge!("keyway_ready", "condition" => self.name).set(value(holds));
        } else {
            metrics::gauge!("keyway_degraded", "what" => self.name).set(value(!holds));
        }
    }
}

/// The process is built and was not told to stop.
pub const STARTED: Condition = Condition::needed("started");
/// Its runtime runs tasks; see [`super::serve`].
pub const RUNTIME: Condition = Condition::needed("runtime");

/// Whether the process can do its work, and if not, why. Clones are the same.
///
/// It is ready when every needed condition of its table was said to hold.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<watch::Sender<Conditions>>);

/// What was said so far; `None` of what nobody knows yet.
#[derive(Debug)]
struct Conditions {
    needed: BTreeMap<&'static str, Option<bool>>,
    useful: BTreeMap<&'static str, bool>,
}

impl Readiness {
    /// Nothing was said yet of these, nor of [`STARTED`] and [`RUNTIME`], which every process has.
    pub fn new(table: &[Condition]) -> Self {
        let all = || table.iter().chain(&[STARTED, RUNTIME]);
        let needed = all().filter(|condition| condition.is_needed);
        let useful = all().filter(|condition| !condition.is_needed);
        let conditions = Conditions {
            needed: needed.map(|condition| (condition.name, None)).collect(),
            useful: useful.map(|condition| (condition.name, true)).collect(),
        };
        let told = Self(Arc::new(watch::Sender::new(conditions)));
        for condition in all().filter(|condition| !condition.is_needed) {
            condition.show(true);
        }
        told.set(STARTED, false);
        told
    }

    /// Says whether a condition of the table holds.
    pub fn set(&self, condition: Condition, holds: bool) {
        condition.show(holds);
        let changed = self.0.send_if_modified(|told| {
            if condition.is_needed {
                told.needed.insert(condition.name, Some(holds)) != Some(Some(holds))
            } else {
                told.useful.insert(condition.name, holds) != Some(holds)
            }
        });
        if changed {
            tracing::info!(condition = condition.name, holds, "readiness changed");
        }
    }

    /// What does not work and is not needed, sorted.
    pub fn degraded(&self) -> Vec<&'static str> {
        let told = self.0.borrow();
        let broken = told.useful.iter().filter(|(_, holds)| !**holds);
        broken.map(|(name, _)| *name).collect()
    }

    /// Whether everything that is needed holds.
    pub fn is_ready(&self) -> bool {
        ready(&self.0.borrow())
    }

    /// The needed conditions that do not hold, sorted; where none is known not to, those of which
    /// nothing is known.
    pub fn missing(&self) -> Vec<&'static str> {
        let told = self.0.borrow();
        let standing = |wanted: Option<bool>| {
            let found = told.needed.iter().filter(|(_, holds)| **holds == wanted);
            found.map(|(name, _)| *name).collect::<Vec<_>>()
        };
        let known = standing(Some(false));
        if known.is_empty() {
            standing(None)
        } else {
            known
        }
    }

    /// The answer of `/readyz`.
    pub(super) fn told(&self, missing: &[&'static str]) -> serde_json::Value {
        let mut told = json!({ "ready": missing.is_empty(), "missing": missing });
        let degraded = self.degraded();
        if let Some(members) = told.as_object_mut()
            && !degraded.is_empty()
        {
            members.insert("degraded".to_owned(), degraded.into());
        }
        told
    }

    /// Wakes on every change.
    pub fn subscribe(&self) -> ReadinessChanges {
        ReadinessChanges(self.0.subscribe())
    }
}

fn ready(told: &Conditions) -> bool {
    told.needed.values().all(|holds| *holds == Some(true))
}

/// Changes of a [`Readiness`].
#[derive(Debug)]
pub struct ReadinessChanges(watch::Receiver<Conditions>);

impl ReadinessChanges {
    /// Whether it is ready now; [`Self::changed`] wakes on what comes after.
    pub fn is_ready(&mut self) -> bool {
        ready(&self.0.borrow_and_update())
    }

    /// Ends at the next change; `false` when there can't be one any more.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEED: Condition = Condition::needed("feed");
    const RELAY: Condition = Condition::useful("relay");

    #[test]
    fn a_process_is_ready_when_all_that_it_needs_is_known_to_hold() {
        let readiness = Readiness::new(&[FEED, RELAY]);
        assert_eq!(readiness.missing(), ["started"], "the rest is not known");
        readiness.set(FEED, false);
        assert_eq!(readiness.missing(), ["feed", "started"]);
        readiness.set(STARTED, true);
        readiness.set(FEED, true);
        assert_eq!(readiness.missing(), ["runtime"], "unknown is not well");
        readiness.set(RUNTIME, true);
        readiness.set(RELAY, false);
        assert!(readiness.is_ready() && readiness.missing().is_empty());
        assert_eq!(readiness.degraded(), ["relay"]);
    }
}
