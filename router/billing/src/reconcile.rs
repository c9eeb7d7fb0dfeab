//! The reconciliation: the same counts and sums from the ledger, from the stream in NATS and from a
//! provider's report, by day and key. It trusts none of them.

mod entry;
mod report;

use std::collections::{BTreeMap, HashSet};

use keyway_words::Usd;

use self::entry::Entry;
pub use self::report::{Report, ReportError};
use crate::beside::{LedgerReader, Span};
use crate::error::LedgerError;
use crate::relay::{JetStream, PublishError};

/// What is compared: one key on one day (UTC) by the time of settlement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayAndKey {
    /// `2026-11-25`.
    pub day: String,
    /// Full name of the key; empty for what has none.
    pub key: String,
}

/// Counts and sums of one side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Events; corrections are none of their own.
    pub events: u64,
    /// Charges in pico-USD, corrections included.
    pub charge: i128,
    /// List prices in pico-USD, corrections included.
    pub list_price: i128,
    /// Sum of the bodies' digests: equal only if all bodies are.
    digest: u128,
}

/// One row of the comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// What the ledger holds and the relay said that it published.
    pub relayed: Totals,
    /// What the ledger holds beyond that.
    pub waiting: Totals,
    /// What the stream holds of the former, each event once.
    pub stream: Totals,
    /// Requests and amount of the provider's report.
    pub reported: Option<(Option<u64>, Usd)>,
}

impl Compared {
    /// Whether the stream holds what it should, body by body.
    pub fn stream_agrees(&self) -> bool {
        self.relayed == self.stream
    }

    /// Whether the report names what the ledger says at list price, and as many requests; `true`
    /// without one.
    pub fn report_agrees(&self, tolerance: Usd) -> bool {
        let Some((requests, amount)) = self.reported else {
            return true;
        };
        let (relayed, waiting) = (self.relayed, self.waiting);
        let ledger = relayed.list_price.saturating_add(waiting.list_price);
        let events = relayed.events + waiting.events;
        let difference = amount.pico().abs_diff(ledger);
        requests.is_none_or(|requests| requests == events)
            && difference <= tolerance.pico().unsigned_abs()
    }
}

/// All rows, and how far the relay is.
#[derive(Debug, Clone, Default)]
pub struct Reconciled {
    /// By day and key.
    pub rows: BTreeMap<DayAndKey, Compared>,
    /// Position that the relay acknowledged.
    pub relayed: i64,
    /// Messages of the stream whose id came before.
    pub duplicates: u64,
    /// Of them those that came with another body.
    pub conflicts: u64,
}

/// Why there is nothing to compare.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The ledger can't be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The stream can't be read.
    #[error(transparent)]
    Stream(#[from] PublishError),
    /// A message of the stream is no event of a ledger.
    #[error("message {sequence} of the stream can't be read as an event")]
    Message {
        /// Its place in the stream.
        sequence: u64,
    },
    /// More than one comparison is made of.
    #[error("more than {MOST} events; compare a shorter time")]
    TooMuch,
}

/// Compares a span of whole days.
pub async fn reconcile(
    ledger: &LedgerReader,
    stream: &mut JetStream,
    subject: &str,
    span: Span,
    report: Option<&Report>,
) -> Result<Reconciled, ReconcileError> {
    let mut all = Reconciled {
        relayed: ledger.relayed().await?,
        ..Reconciled::default()
    };
    all.read_ledger(ledger, subject, span).await?;
    all.read_stream(stream, span).await?;
    for (place, reported) in report.into_iter().flat_map(Report::rows) {
        all.rows.entry(place).or_default().reported = Some(reported);
    }
    Ok(all)
}

impl Reconciled {
    async fn read_ledger(
        &mut self,
        ledger: &LedgerReader,
        subject: &str,
        span: Span,
    ) -> Result<(), ReconcileError> {
        let (mut after, mut count) = (0, 0);
        loop {
            let page = ledger.messages(subject, span, after).await?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            after = *last;
            count += page.len();
            if count > MOST {
                return Err(ReconcileError::TooMuch);
            }
            for (position, message) in &page {
                let entry = Entry::read(&message.body).ok_or(LedgerError::EventUnreadable)?;
                let row = self.rows.entry(entry.place.clone()).or_default();
                let side = if *position <= self.relayed {
                    &mut row.relayed
                } else {
                    &mut row.waiting
                };
                side.add(&entry);
            }
        }
    }

    async fn read_stream(
        &mut self,
        stream: &mut JetStream,
        span: Span,
    ) -> Result<(), ReconcileError> {
        let mut seen: HashSet<u128> = HashSet::new();
        let mut bodies: HashSet<u128> = HashSet::new();
        let mut reading = stream.read_all().await?;
        while let Some((sequence, body)) = reading.next().await? {
            let entry = Entry::read(&body).ok_or(ReconcileError::Message { sequence })?;
            if !entry.is_within(span) || entry.position > self.relayed {
                continue;
            }
            let is_new_body = bodies.insert(entry.digest);
            if !seen.insert(entry.identity) {
                self.duplicates += 1;
                self.conflicts += u64::from(is_new_body);
                continue;
            }
            if seen.len() > MOST {
                return Err(ReconcileError::TooMuch);
            }
            let row = self.rows.entry(entry.place.clone()).or_default();
            row.stream.add(&entry);
        }
        Ok(())
    }
}

impl Totals {
    fn add(&mut self, entry: &Entry) {
        self.events += u64::from(!entry.corrects);
        // Anybody may have written what the stream holds.
        self.charge = self.charge.saturating_add(entry.charge);
        self.list_price = self.list_price.saturating_add(entry.list_price);
        self.digest = self.digest.wrapping_add(entry.digest);
    }
}

const MOST: usize = 5_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_amount_of_a_report_is_too_far_from_the_ledgers_to_be_compared() {
        let relayed = Totals {
            events: 9,
            list_price: 63_000_000,
            ..Totals::default()
        };
        let agrees = |amount: i128, tolerance: i128| {
            let row = Compared {
                relayed,
                reported: Some((Some(9), Usd::from_pico(amount))),
                ..Compared::default()
            };
            row.report_agrees(Usd::from_pico(tolerance))
        };
        assert!(agrees(63_000_000, 0) && agrees(63_000_001, 1));
        for far in [i128::MAX, -i128::MAX, 63_000_001] {
            assert!(!agrees(far, 0), "{far}");
        }
        assert!(!agrees(-i128::MAX, i128::MAX));
    }
}
