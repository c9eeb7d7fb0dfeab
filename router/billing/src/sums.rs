//! Sums of usage events: exact, and the same whether an event comes first or last.
//!
//! Every amount of every event is added as it stands: a correction carries what its original did
//! not. It counts on its own day, and takes back that its original had no charge.

use keyway_proto::billing::v1::{Usage, UsageEvent};
use keyway_proto::convert::from_timestamp;
use keyway_words::Usd;

use crate::error::LedgerError;
use crate::event;

/// What an event is summed under. A part that is not asked for is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Dimensions {
    pub(crate) workspace: String,
    pub(crate) day: String,
    pub(crate) provider: String,
    pub(crate) model: String,
    pub(crate) source: String,
    pub(crate) key_name: String,
}

impl Dimensions {
    pub(crate) fn of(event: &UsageEvent) -> Self {
        let settled_at = event.settled_at.as_ref().and_then(from_timestamp);
        Self {
            workspace: event.workspace.clone(),
            day: settled_at.unwrap_or_default().day(),
            provider: event.provider.clone(),
            model: event.requested_model.clone(),
            source: event::source_of(event).to_owned(),
            key_name: event.key_name.clone(),
        }
    }
}

/// What was used and what it costs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sums {
    /// Usage events; corrections are no events of their own.
    pub(crate) events: i64,
    /// Of them those without a charge; less than zero on a day that only corrects earlier ones.
    pub(crate) without_charge: i64,
    pub(crate) charge: Usd,
    pub(crate) list_price: Usd,
    pub(crate) usage: Usage,
}

impl Sums {
    /// Of nothing.
    pub(crate) fn none() -> Self {
        Self {
            events: 0,
            without_charge: 0,
            charge: Usd::ZERO,
            list_price: Usd::ZERO,
            usage: Usage::default(),
        }
    }

    /// Of one event; `original_charged` says whether what a correction corrects had a charge.
    pub(crate) fn of(event: &UsageEvent, original_charged: bool) -> Result<Self, LedgerError> {
        let corrects = !event.corrects_event_id.is_empty();
        let charged = event.charge_usd.is_some();
        Ok(Self {
            events: i64::from(!corrects),
            without_charge: match (corrects, charged) {
                (false, false) => 1,
                (true, true) if !original_charged => -1,
                _ => 0,
            },
            charge: amount(event.charge_usd.as_deref())?,
            list_price: amount(event.list_price_usd.as_deref())?,
            usage: event.usage.unwrap_or_default(),
        })
    }

    pub(crate) fn add(&mut self, other: &Self) -> Result<(), LedgerError> {
        self.events += other.events;
        self.without_charge += other.without_charge;
        self.charge = plus(self.charge, other.charge)?;
        self.list_price = plus(self.list_price, other.list_price)?;
        let mut theirs = other.usage;
        for (sum, part) in parts(&mut self.usage).into_iter().zip(parts(&mut theirs)) {
            // A part that nobody reported stays unknown; it is not zero.
            if let Some(part) = *part {
                *sum = Some(sum.unwrap_or(0).saturating_add(part));
            }
        }
        Ok(())
    }
}

/// An amount as it stands in an event; zero where it is not known.
pub(crate) fn amount(text: Option<&str>) -> Result<Usd, LedgerError> {
    text.map_or(Ok(Usd::ZERO), |text| {
        text.parse().map_err(|_form| LedgerError::EventUnreadable)
    })
}

/// The sum; an error where it does not fit.
pub(crate) fn plus(one: Usd, other: Usd) -> Result<Usd, LedgerError> {
    let pico = one.pico().checked_add(other.pico());
    pico.map(Usd::from_pico).ok_or(LedgerError::EventUnreadable)
}

const fn parts(usage: &mut Usage) -> [&mut Option<u64>; 15] {
    [
        &mut usage.input_tokens,
        &mut usage.cache_read_tokens,
        &mut usage.cache_write_tokens,
        &mut usage.cache_write_1h_tokens,
        &mut usage.cache_write_12h_tokens,
        &mut usage.output_tokens,
        &mut usage.reasoning_tokens,
        &mut usage.input_audio_tokens,
        &mut usage.cache_read_audio_tokens,
        &mut usage.output_audio_tokens,
        &mut usage.requests,
        &mut usage.search_results,
        &mut usage.content_pages,
        &mut usage.summaries,
        &mut usage.server_tool_requests,
    ]
}
