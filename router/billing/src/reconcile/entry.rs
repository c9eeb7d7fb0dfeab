//! What the comparison needs of a message, read from its body by the same code on every side.

use keyway_proto::convert::from_timestamp;
use keyway_words::{Timestamp, Usd};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::DayAndKey;
use crate::beside::Span;
use crate::event;

/// One event.
pub(super) struct Entry {
    pub(super) place: DayAndKey,
    settled_at: Timestamp,
    /// Of source and id, which are the event's for ever.
    pub(super) identity: u128,
    /// Of all bytes of the body.
    pub(super) digest: u128,
    pub(super) position: i64,
    pub(super) corrects: bool,
    /// Pico-USD; what is not known adds nothing.
    pub(super) charge: i128,
    pub(super) list_price: i128,
}

impl Entry {
    /// Reads a body; `None` if it is no event.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let envelope: Value = serde_json::from_slice(body).ok()?;
        let text = |member: &str| envelope[member].as_str();
        let data = &envelope["data"];
        let time = text("time")?.parse::<prost_types::Timestamp>().ok()?;
        let settled_at = from_timestamp(&time)?;
        // What is told of a key is no request with it.
        let is_request = text("type")? != event::KEY;
        let key = data["keyName"].as_str().filter(|_| is_request);
        let named = [text("source")?, text("id")?].join("\n");
        Some(Self {
            place: DayAndKey {
                day: settled_at.day(),
                key: key.unwrap_or_default().to_owned(),
            },
            settled_at,
            identity: digest(named.as_bytes()),
            digest: digest(body),
            position: text("sequence")?.parse().ok()?,
            corrects: data["correctsEventId"].is_string(),
            charge: amount(&data["chargeUsd"])?,
            list_price: amount(&data["listPriceUsd"])?,
        })
    }

    pub(super) fn is_within(&self, span: Span) -> bool {
        span.from.is_none_or(|from| self.settled_at >= from)
            && span.to.is_none_or(|to| self.settled_at < to)
    }
}

/// Zero where it is not known; `None` where it is no amount.
fn amount(text: &Value) -> Option<i128> {
    match text {
        Value::Null => Some(0),
        text => text.as_str()?.parse::<Usd>().ok().map(Usd::pico),
    }
}

fn digest(bytes: &[u8]) -> u128 {
    let digest = Sha256::digest(bytes);
    let first: [u8; 16] = std::array::from_fn(|index| digest[index]);
    u128::from_be_bytes(first)
}
