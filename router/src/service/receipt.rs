//! Receipts from the ledger.

use keyway_proto::billing::v1 as billing;
use keyway_proto::router::v1 as wire;
use keyway_router_billing::CallRecord;
use keyway_words::CallId;

use crate::meter::PLATFORM;

/// The receipt of a call: every attempt in order, corrected ones as they stand now.
pub(super) fn of(call: CallId, record: CallRecord) -> wire::Receipt {
    let CallRecord {
        open,
        settled,
        corrections,
    } = record;
    let current = |event: billing::UsageEvent| {
        let correction = corrections
            .iter()
            .rev()
            .find(|late| late.corrects_event_id == event.event_id);
        correction.cloned().unwrap_or(event)
    };
    let mut attempts: Vec<_> = settled
        .into_iter()
        .map(current)
        .chain(open)
        .map(attempt)
        .collect();
    attempts.sort_by_key(|attempt| attempt.attempt);
    wire::Receipt {
        call_id: call.to_string(),
        attempts,
        skipped: Vec::new(),
    }
}

fn attempt(event: billing::UsageEvent) -> wire::AttemptReceipt {
    let own = event.source() == billing::Source::Own;
    wire::AttemptReceipt {
        attempt: event.attempt,
        provider: event.provider,
        requested_model: event.requested_model,
        served_model: event.served_model,
        source: event.source,
        key_name: if own {
            event.key_name
        } else {
            PLATFORM.to_owned()
        },
        key_version: if own { event.key_version } else { 0 },
        outcome: event.outcome,
        reason: event.reason,
        usage: event.usage,
        basis: event.basis,
        charge_usd: event.charge_usd,
        list_price_usd: event.list_price_usd,
        price_table: event.price_table,
        started_at: event.started_at,
        settled_at: event.settled_at,
        service_tier: event.service_tier,
        estimated_usd: event.estimated_usd,
    }
}
