//! One event as a message: subject, id and a `CloudEvents` envelope as JSON. The same event gives
//! the same bytes, whenever and by whomever it is published.

use std::sync::OnceLock;

use keyway_proto::FILE_DESCRIPTOR_SET;
use keyway_proto::billing::v1::UsageEvent;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::{Value, json};

use crate::error::LedgerError;

/// A message of the relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `{prefix}.usage.v1.workspaces.{id}` and so on: the event's type and owner.
    pub subject: String,
    /// The event id, which is the message id too.
    pub id: String,
    /// A `CloudEvents` 1.0 envelope in JSON whose data is the event.
    pub body: Vec<u8>,
}

impl Message {
    /// The message of an event at its position in the stream of a ledger.
    pub(crate) fn of(
        prefix: &str,
        ledger: i64,
        position: i64,
        event: &UsageEvent,
    ) -> Result<Self, LedgerError> {
        let data = data(event)?;
        let mut envelope = json!({
            "specversion": "1.0",
            "id": event.event_id,
            "source": format!("/keyway/ledgers/{ledger:016x}"),
            "type": event.r#type,
            "time": data.get("settledAt").cloned().unwrap_or_default(),
            "datacontenttype": "application/json",
            "dataschema": "urn:keyway:billing:v1:UsageEvent",
            "sequence": position.to_string(),
            "data": data,
        });
        if let Some(members) = envelope.as_object_mut()
            && !event.workspace.is_empty()
        {
            members.insert("subject".to_owned(), event.workspace.clone().into());
        }
        // Maps have no order of their own.
        envelope.sort_all_objects();
        Ok(Self {
            subject: subject(prefix, event),
            id: event.event_id.clone(),
            body: serde_json::to_vec(&envelope).map_err(|_never| LedgerError::EventUnreadable)?,
        })
    }
}

fn subject(prefix: &str, event: &UsageEvent) -> String {
    let kind = event
        .r#type
        .strip_prefix("keyway.")
        .unwrap_or(&event.r#type);
    let owner = event.workspace.replace('/', ".");
    let dot = if owner.is_empty() { "" } else { "." };
    format!("{prefix}.{kind}{dot}{owner}")
}

/// The event in the JSON that the proto's own mapping gives, as grpcurl shows it.
fn data(event: &UsageEvent) -> Result<Value, LedgerError> {
    let unreadable = || LedgerError::EventUnreadable;
    let descriptor = descriptor().ok_or_else(unreadable)?;
    let bytes = event.encode_to_vec();
    let event = DynamicMessage::decode(descriptor, bytes.as_slice());
    let event = event.map_err(|_bytes| unreadable())?;
    serde_json::to_value(&event).map_err(|_form| unreadable())
}

fn descriptor() -> Option<MessageDescriptor> {
    static DESCRIPTOR: OnceLock<Option<MessageDescriptor>> = OnceLock::new();
    let found = DESCRIPTOR.get_or_init(|| {
        let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).ok()?;
        pool.get_message_by_name("keyway.billing.v1.UsageEvent")
    });
    found.clone()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use keyway_proto::billing::v1::Usage;
    use keyway_proto::convert::timestamp;
    use keyway_words::Timestamp;

    use super::*;

    fn event() -> UsageEvent {
        UsageEvent {
            event_id: "call-1".into(),
            r#type: "keyway.usage.v1".into(),
            workspace: "workspaces/acme".into(),
            labels: HashMap::from_iter(
                ["b", "a", "d", "c"].map(|name| (name.to_owned(), "x".to_owned())),
            ),
            usage: Some(Usage {
                input_tokens: Some(0),
                output_tokens: Some(9_007_199_254_740_993),
                ..Usage::default()
            }),
            charge_usd: Some("0.000000000000".into()),
            settled_at: Some(timestamp(Timestamp(1_795_478_400_250_000))),
            ..UsageEvent::default()
        }
    }

    #[test]
    fn a_message_is_an_envelope_whose_numbers_are_exact_and_whose_zeros_stand() {
        let message = Message::of("keyway", 255, 42, &event()).unwrap();
        assert_eq!(message.subject, "keyway.usage.v1.workspaces.acme");
        assert_eq!(message.id, "call-1");
        let body: Value = serde_json::from_slice(&message.body).unwrap();
        assert_eq!(body["source"], "/keyway/ledgers/00000000000000ff");
        assert_eq!(body["time"], "2026-11-24T00:00:00.250Z");
        assert_eq!(body["subject"], "workspaces/acme");
        assert_eq!(body["sequence"], "42");
        let usage = &body["data"]["usage"];
        assert_eq!(usage["inputTokens"], "0");
        assert_eq!(usage["outputTokens"], "9007199254740993");
        assert_eq!(usage.get("cacheReadTokens"), None, "not known is not zero");
        assert_eq!(body["data"]["chargeUsd"], "0.000000000000");
    }

    #[test]
    fn the_same_event_gives_the_same_bytes() {
        let first = Message::of("keyway", 1, 1, &event()).unwrap();
        for _ in 0..32 {
            assert_eq!(Message::of("keyway", 1, 1, &event()).unwrap(), first);
        }
    }

    #[test]
    fn an_operation_belongs_to_nobody() {
        let operation = UsageEvent {
            r#type: "keyway.operation.v1".into(),
            ..UsageEvent::default()
        };
        let message = Message::of("keyway", 1, 1, &operation).unwrap();
        assert_eq!(message.subject, "keyway.operation.v1");
    }
}
