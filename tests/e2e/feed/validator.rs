//! What the change feed promises, checked by name over what watchers were told.
//!
//! The names are those that users of watches know: *ordered*, *unique*, *reliable*, *atomic*,
//! *resumable*, *bookmarkable*.

use std::collections::BTreeMap;

/// One message of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A change: its revision, and everything that it says.
    Change(u64, String),
    /// Everything up to this revision was told.
    Bookmark(u64),
    /// Drop the cache and start over at this revision.
    Resync(u64),
}

/// One opened watch: where it was resumed, where the vault said it starts, and what came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Session {
    /// The revision that the watcher had; `None`: it began afresh.
    pub(crate) resumed: Option<u64>,
    /// The vault's revision at the start.
    pub(crate) started: u64,
    /// In the order in which they came.
    pub(crate) events: Vec<Event>,
}

/// The sessions of one watcher, one after the other.
pub(crate) type Watcher = Vec<Session>;

/// What the database holds in the end: every change by its revision.
pub(crate) type Truth = BTreeMap<u64, String>;

/// Every broken promise, its name first. The watchers must have been told everything: each has to
/// end at the last revision.
pub(crate) fn violations(watchers: &[Watcher], truth: &Truth) -> Vec<String> {
    let mut found = Vec::new();
    for (number, watcher) in watchers.iter().enumerate() {
        let mut of_this = Vec::new();
        of_this.extend(ordered(watcher));
        of_this.extend(unique(watcher));
        of_this.extend(reliable(watcher, truth));
        of_this.extend(atomic(watcher, truth));
        of_this.extend(resumable(watcher));
        of_this.extend(bookmarkable(watcher, truth));
        found.extend(
            of_this
                .into_iter()
                .map(|what| format!("{what} (watcher {number})")),
        );
    }
    found
}

/// Within a session revisions only rise.
fn ordered(watcher: &Watcher) -> Vec<String> {
    let pairs = watcher.iter().flat_map(|session| {
        let revisions = revisions(session);
        revisions
            .clone()
            .into_iter()
            .zip(revisions.into_iter().skip(1))
    });
    pairs
        .filter(|(one, next)| one > next)
        .map(|(one, next)| format!("ordered: {next} after {one}"))
        .collect()
}

/// No revision comes twice, over all sessions.
fn unique(watcher: &Watcher) -> Vec<String> {
    let mut seen: BTreeMap<u64, u32> = BTreeMap::new();
    for revision in watcher.iter().flat_map(revisions) {
        *seen.entry(revision).or_default() += 1;
    }
    seen.into_iter()
        .filter(|(_, times)| *times > 1)
        .map(|(revision, times)| format!("unique: {revision} came {times} times"))
        .collect()
}

/// Every change after the watcher's first start comes.
fn reliable(watcher: &Watcher, truth: &Truth) -> Vec<String> {
    let Some(first) = watcher.first() else {
        return vec!["reliable: nothing was watched".to_owned()];
    };
    let from = first.resumed.unwrap_or(first.started);
    let told: Vec<u64> = watcher.iter().flat_map(revisions).collect();
    truth
        .keys()
        .filter(|revision| **revision > from && !told.contains(revision))
        .map(|revision| format!("reliable: {revision} never came"))
        .collect()
}

/// What is told under a revision is all that was committed under it, and nothing that was not.
fn atomic(watcher: &Watcher, truth: &Truth) -> Vec<String> {
    let events = watcher.iter().flat_map(|session| &session.events);
    events
        .filter_map(|event| match event {
            Event::Change(revision, says) if truth.get(revision) != Some(says) => {
                Some(format!("atomic: {revision} was told as {says}"))
            }
            _ => None,
        })
        .collect()
}

/// A session that was resumed goes on right after where the watcher was, and is never sent back to the
/// start.
fn resumable(watcher: &Watcher) -> Vec<String> {
    let mut found = Vec::new();
    for session in watcher {
        let Some(resumed) = session.resumed else {
            continue;
        };
        if let Some(first) = revisions(session).first()
            && *first != resumed + 1
        {
            found.push(format!("resumable: {first} was the first after {resumed}"));
        }
        let resyncs = session
            .events
            .iter()
            .filter(|event| matches!(event, Event::Resync(_)));
        found.extend(resyncs.map(|_| format!("resumable: sent back to the start at {resumed}")));
    }
    found
}

/// At a bookmark everything up to its revision has come, and nothing of it comes later.
fn bookmarkable(watcher: &Watcher, truth: &Truth) -> Vec<String> {
    let mut found = Vec::new();
    let Some(first) = watcher.first() else {
        return found;
    };
    let mut told = first.resumed.unwrap_or(first.started);
    for session in watcher {
        let mut marked = 0;
        for event in &session.events {
            match event {
                Event::Change(revision, _) => {
                    if *revision <= marked {
                        found.push(format!(
                            "bookmarkable: {revision} after the bookmark {marked}"
                        ));
                    }
                    told = told.max(*revision);
                }
                Event::Bookmark(revision) => {
                    marked = *revision;
                    if truth.keys().any(|known| *known > told && known <= revision) {
                        found.push(format!("bookmarkable: {revision} with {told} as the last"));
                    }
                }
                Event::Resync(_) => {}
            }
        }
    }
    found
}

fn revisions(session: &Session) -> Vec<u64> {
    let changes = session.events.iter().filter_map(|event| match event {
        Event::Change(revision, _) => Some(*revision),
        _ => None,
    });
    changes.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn truth() -> Truth {
        (1..=6)
            .map(|revision| (revision, format!("change {revision}")))
            .collect()
    }

    fn change(revision: u64) -> Event {
        Event::Change(revision, format!("change {revision}"))
    }

    /// Two sessions, as a good vault serves them.
    fn good() -> Watcher {
        vec![
            Session {
                resumed: None,
                started: 1,
                events: vec![change(2), change(3), Event::Bookmark(3), change(4)],
            },
            Session {
                resumed: Some(4),
                started: 5,
                events: vec![change(5), change(6), Event::Bookmark(6)],
            },
        ]
    }

    fn broken(damage: impl FnOnce(&mut Watcher)) -> Vec<String> {
        let mut watcher = good();
        damage(&mut watcher);
        violations(&[good(), watcher], &truth())
    }

    #[test]
    fn a_good_feed_breaks_no_promise() {
        assert_eq!(
            violations(&[good(), good()], &truth()),
            Vec::<String>::new()
        );
    }

    #[test]
    fn each_broken_promise_is_found_by_its_name() {
        let damages: [(&str, Vec<String>); 8] = [
            ("ordered: ", broken(|w| w[0].events.swap(0, 1))),
            ("unique: ", broken(|w| w[1].events.insert(1, change(5)))),
            ("unique: ", broken(|w| w[1].events.insert(0, change(4)))),
            ("reliable: ", broken(|w| drop(w[0].events.remove(1)))),
            ("reliable: ", broken(|w| drop(w[1].events.remove(1)))),
            (
                "atomic: ",
                broken(|w| w[0].events[0] = Event::Change(2, "half of it".to_owned())),
            ),
            (
                "resumable: ",
                broken(|w| w[1].events.insert(0, Event::Resync(5))),
            ),
            ("bookmarkable: ", broken(|w| w[0].events.swap(1, 2))),
        ];
        for (name, found) in damages {
            assert!(
                found
                    .iter()
                    .any(|what| what.starts_with(name) && what.ends_with("(watcher 1)")),
                "{name} was not found: {found:?}"
            );
        }
        assert!(violations(&[Watcher::new()], &truth())[0].starts_with("reliable: "));
    }
}
