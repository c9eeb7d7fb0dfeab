//! What was denied in this minute: rows to be written at once, and counts. Everything is bounded.

use std::collections::HashMap;

use keyway_chassis::access::Caller;
use keyway_proto::Reason;
use serde_json::json;

use super::source::Source;
use crate::store::audit::{Chain, Decision, Entry, Origin};

/// The table of one minute.
#[derive(Default)]
pub(super) struct Counts {
    rows: Vec<Entry>,
    callers: HashMap<(Chain, String), Count>,
    sources: HashMap<Source, Count>,
}

/// Denials that are alike.
struct Count {
    seen: u64,
    /// Of them, those that are rows of their own.
    alone: u64,
    first: Entry,
}

impl Count {
    fn of(first: Entry) -> Self {
        Self {
            seen: 0,
            alone: 0,
            first,
        }
    }
}

impl Counts {
    /// Notes a denied caller; whether there is a row to be written at once.
    pub(super) fn denied(&mut self, caller: &Caller, rpc: &str, resource: &str) -> bool {
        let chain = caller.workspace.clone();
        let entry = Entry {
            chain: chain.map_or(Chain::System, Chain::Workspace),
            accessor: caller.accessor.clone(),
            subject: caller.subject.clone(),
            rpc: rpc.to_owned(),
            resource: resource.to_owned(),
            decision: Decision::Denied,
            reason: Reason::Denied.as_str(),
            facts: json!({}),
            origin: Origin::default(),
        };
        let mut key = (entry.chain.clone(), entry.accessor.clone());
        if self.callers.len() >= MOST && !self.callers.contains_key(&key) {
            key = (Chain::System, OTHERS.to_owned());
        }
        let is_told_apart = key.1 != OTHERS;
        let count = self.callers.entry(key).or_insert_with(|| {
            Count::of(if is_told_apart {
                entry.clone()
            } else {
                others()
            })
        });
        count.seen = count.seen.saturating_add(1);
        let at_once = is_told_apart && count.alone < EACH && self.rows.len() < MOST;
        if at_once {
            count.alone = count.alone.saturating_add(1);
            self.rows.push(entry);
        }
        at_once
    }

    /// Notes a caller without a known credential.
    pub(super) fn unknown(&mut self, rpc: &str, source: Source) {
        let is_full = self.sources.len() >= MOST && !self.sources.contains_key(&source);
        let source = if is_full { Source::Others } else { source };
        let count = self.sources.entry(source).or_insert_with(|| {
            Count::of(Entry {
                chain: Chain::System,
                accessor: String::new(),
                subject: format!("source:{source}"),
                rpc: rpc.to_owned(),
                resource: String::new(),
                decision: Decision::Denied,
                reason: Reason::CallerUnknown.as_str(),
                facts: json!({}),
                origin: Origin {
                    source: source.to_string(),
                    trace_id: String::new(),
                },
            })
        });
        count.seen = count.seen.saturating_add(1);
    }

    /// The rows to be written at once.
    pub(super) fn rows(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.rows)
    }

    /// The counted rows of this minute, which is over.
    pub(super) fn minute(&mut self) -> Vec<Entry> {
        let callers = self.callers.drain().map(|(_caller, count)| count);
        let sources = self.sources.drain().map(|(_source, count)| count);
        callers.chain(sources).filter_map(counted).collect()
    }

    /// Takes rows back that could not be written: the next minute counts them.
    pub(super) fn put_back(&mut self, rows: impl Iterator<Item = Entry>) {
        for row in rows {
            let seen = row.facts.get("count").and_then(serde_json::Value::as_u64);
            let seen = seen.unwrap_or(1);
            let count = if row.reason == Reason::CallerUnknown.as_str() {
                let known = row.origin.source.parse().ok();
                let network = row.origin.source.strip_suffix("/64");
                let network = network.and_then(|network| network.parse().ok());
                let source = match row.origin.source.as_str() {
                    "others" => Source::Others,
                    _ => Source::of(known.or(network)),
                };
                self.sources.entry(source).or_insert_with(|| Count::of(row))
            } else {
                let key = (row.chain.clone(), row.accessor.clone());
                self.callers.entry(key).or_insert_with(|| Count::of(row))
            };
            count.seen = count.seen.saturating_add(seen);
        }
    }
}

/// The row of what has no row of its own.
fn counted(count: Count) -> Option<Entry> {
    let more = count.seen.saturating_sub(count.alone);
    let facts = json!({ "count": more, "in": "one minute" });
    (more > 0).then_some(Entry {
        facts,
        ..count.first
    })
}

fn others() -> Entry {
    Entry {
        chain: Chain::System,
        accessor: OTHERS.to_owned(),
        subject: OTHERS.to_owned(),
        rpc: String::new(),
        resource: String::new(),
        decision: Decision::Denied,
        reason: Reason::Denied.as_str(),
        facts: json!({}),
        origin: Origin::default(),
    }
}

/// No accessor: those have no colon first.
const OTHERS: &str = ":others";
/// Rows of one caller in a minute before the rest is counted.
const EACH: u64 = 10;
/// Callers, sources and waiting rows that are told apart in a minute.
const MOST: usize = 1000;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use keyway_words::Role;

    use super::*;

    fn caller(accessor: &str) -> Caller {
        Caller {
            accessor: accessor.to_owned(),
            subject: "service:x".to_owned(),
            role: Role::Reader,
            workspace: None,
            expire_time: None,
            listed: None,
            grants: Arc::default(),
            others: Arc::default(),
        }
    }

    fn sum(rows: &[Entry]) -> u64 {
        rows.iter()
            .map(|row| row.facts["count"].as_u64().unwrap())
            .sum()
    }

    fn source(text: &str) -> Source {
        Source::of(Some(text.parse().unwrap()))
    }

    #[test]
    fn a_callers_first_denials_are_rows_and_the_rest_is_one_counted_row() {
        let mut counts = Counts::default();
        let at_once = (0..25)
            .filter(|_| counts.denied(&caller("a"), "r", ""))
            .count();
        assert_eq!((at_once, counts.rows().len()), (10, 10));
        let minute = counts.minute();
        assert_eq!((minute.len(), sum(&minute)), (1, 15));
        assert!(counts.denied(&caller("a"), "r", ""), "a new minute");
    }

    #[test]
    fn unknown_credentials_are_one_row_per_source_and_ipv6_sources_are_networks() {
        let mut counts = Counts::default();
        for address in [
            "192.0.2.1",
            "::ffff:192.0.2.1",
            "2001:db8::1",
            "2001:db8::2",
        ] {
            counts.unknown("r", source(address));
        }
        counts.unknown("r", Source::of(None));
        let minute = counts.minute();
        let mut subjects: Vec<_> = minute.iter().map(|row| row.subject.as_str()).collect();
        subjects.sort_unstable();
        let expected = ["source:192.0.2.1", "source:2001:db8::/64", "source:unknown"];
        assert_eq!((subjects.as_slice(), sum(&minute)), (&expected[..], 5));
        assert!(counts.minute().is_empty());
    }

    #[test]
    fn a_flood_from_everywhere_and_by_everybody_is_bounded_and_counted_to_the_last() {
        let mut counts = Counts::default();
        for number in 0..20_000_u32 {
            counts.unknown(
                "r",
                Source::of(Some(std::net::Ipv4Addr::from(number).into())),
            );
            counts.denied(&caller(&number.to_string()), "r", "");
        }
        let (rows, minute) = (counts.rows().len(), counts.minute());
        assert!(
            rows <= MOST && minute.len() <= MOST + 2,
            "{rows} {}",
            minute.len()
        );
        assert_eq!(u64::try_from(rows).unwrap() + sum(&minute), 40_000);
    }

    #[test]
    fn what_can_not_be_written_is_counted_with_the_next_minute() {
        let mut counts = Counts::default();
        for _ in 0..12 {
            counts.denied(&caller("a"), "r", "");
            counts.unknown("r", source("2001:db8::1"));
        }
        let (rows, minute) = (counts.rows(), counts.minute());
        counts.put_back(rows.into_iter().chain(minute));
        counts.unknown("r", source("2001:db8::9"));
        let minute = counts.minute();
        assert_eq!((minute.len(), sum(&minute)), (2, 25));
    }
}
