//! The usage event: made once from an opening and an ending, never changed.

use keyway_proto::billing::v1 as wire;
use keyway_proto::convert::timestamp;
use keyway_words::{Basis, CallId, Outcome, Source, Timestamp, Usd};

use crate::attempt::{KeyTold, OpenAttempt, Settlement};

/// The event's part that is known when the attempt opens.
pub(crate) fn opened(attempt: OpenAttempt) -> wire::UsageEvent {
    wire::UsageEvent {
        event_id: attempt.call_id.event_id(attempt.attempt),
        r#type: USAGE.to_owned(),
        call_id: attempt.call_id.to_string(),
        attempt: attempt.attempt,
        kind: wire::EventKind::from(attempt.kind).into(),
        workspace: attempt.owner.to_string(),
        caller_accessor: attempt.caller_accessor,
        labels: attempt.labels.into_iter().collect(),
        end_user: attempt.end_user,
        endpoint: attempt.endpoint,
        provider: attempt.provider.as_str().to_owned(),
        requested_model: attempt.requested_model,
        source: wire::Source::from(attempt.source).into(),
        key_name: attempt.key.to_string(),
        key_version: attempt.key_version,
        price_table: attempt.price_table,
        started_at: Some(timestamp(attempt.started_at)),
        ..wire::UsageEvent::default()
    }
}

/// The whole event. An own key is charged 0, whatever the settlement says.
pub(crate) fn settled(open: wire::UsageEvent, settlement: Settlement) -> wire::UsageEvent {
    let amounts = settlement.amounts;
    let charge = if open.source == i32::from(wire::Source::Own) {
        Some(Usd::ZERO)
    } else {
        amounts.charge
    };
    let text = |amount: Option<Usd>| amount.map(|amount| amount.to_string());
    wire::UsageEvent {
        served_model: settlement.served_model,
        service_tier: settlement.service_tier,
        price_dimensions: settlement.price_dimensions.into_iter().collect(),
        usage: settlement.usage.map(Into::into),
        raw_usage_json: bounded(settlement.raw_usage_json),
        usage_flagged: settlement.usage_flagged,
        basis: wire::Basis::from(settlement.basis).into(),
        outcome: wire::Outcome::from(settlement.outcome).into(),
        reason: settlement.reason,
        charge_usd: text(charge),
        list_price_usd: text(amounts.list_price),
        estimated_usd: text(amounts.estimated),
        provider_reported_usd: text(amounts.provider_reported),
        unpriced: settlement.unpriced,
        settled_at: Some(timestamp(settlement.settled_at)),
        period: settlement.settled_at.month(),
        ..open
    }
}

/// The event of an attempt whose router stopped: nothing is known of its usage.
pub(crate) fn swept(open: wire::UsageEvent, at: Timestamp) -> wire::UsageEvent {
    settled(
        open,
        Settlement::without_usage(Outcome::Swept, Basis::Unknown, ROUTER_STOPPED, at),
    )
}

/// A late real settlement of an attempt that was settled already.
pub(crate) fn correction(
    late: wire::UsageEvent,
    corrects_event_id: &str,
    originally_settled_at: Timestamp,
) -> wire::UsageEvent {
    wire::UsageEvent {
        event_id: format!("{corrects_event_id}-c1"),
        r#type: CORRECTION.to_owned(),
        corrects_event_id: corrects_event_id.to_owned(),
        corrects_period: originally_settled_at.month(),
        ..late
    }
}

/// The column that streams are filtered by.
pub(crate) const fn source_column(source: Source) -> &'static str {
    match source {
        Source::Own => "OWN",
        Source::Hosted => "HOSTED",
    }
}

/// The same column, of an event. What is told of a key has a value of its own, which readers of
/// usage leave out.
pub(crate) fn source_of(event: &wire::UsageEvent) -> &'static str {
    if event.r#type == KEY {
        return KEY_COLUMN;
    }
    match event.source() {
        wire::Source::Own => source_column(Source::Own),
        wire::Source::Hosted => source_column(Source::Hosted),
        wire::Source::Unspecified => "",
    }
}

/// Something that an operator did, which is no attempt and nobody's usage.
pub(crate) fn operation(json: String, at: Timestamp) -> wire::UsageEvent {
    wire::UsageEvent {
        event_id: CallId::new().event_id(0),
        r#type: OPERATION.to_owned(),
        operation_json: json,
        started_at: Some(timestamp(at)),
        settled_at: Some(timestamp(at)),
        period: at.month(),
        ..wire::UsageEvent::default()
    }
}

/// What became of a key, which is nobody's usage.
pub(crate) fn key_told(told: KeyTold, at: Timestamp) -> wire::UsageEvent {
    wire::UsageEvent {
        r#type: KEY.to_owned(),
        workspace: told.key.owner.to_string(),
        provider: told.key.provider.as_str().to_owned(),
        key_name: told.key.to_string(),
        key_version: told.version,
        ..operation(told.json, at)
    }
}

/// Whether it is the record of an attempt: no correction, no operation, no news of a key.
pub(crate) fn is_usage(event: &wire::UsageEvent) -> bool {
    event.r#type == USAGE
}

/// The bounds, both outside, of the event ids of a call.
pub(crate) fn event_id_range(call_id: CallId) -> (String, String) {
    // `.` is the character after `-`: every `{call_id}-…` lies between the two.
    (format!("{call_id}-"), format!("{call_id}."))
}

fn bounded(mut text: String) -> String {
    if text.len() > RAW_USAGE_BYTES {
        let mut end = RAW_USAGE_BYTES;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
    }
    text
}

const USAGE: &str = "keyway.usage.v1";
pub(crate) const CORRECTION: &str = "keyway.correction.v1";
const OPERATION: &str = "keyway.operation.v1";
pub(crate) const KEY: &str = "keyway.key.v1";
pub(crate) const KEY_COLUMN: &str = "KEY";
const ROUTER_STOPPED: &str = "ROUTER_STOPPED";
const RAW_USAGE_BYTES: usize = 4096;
