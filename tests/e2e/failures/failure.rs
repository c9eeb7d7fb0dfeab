//! How the simulator fails.

use serde_json::{Value, json};

/// Where the provider is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    Open,
    /// Nobody listens.
    Refused,
    /// The TLS handshake fails.
    Tls,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure {
    pub(super) name: &'static str,
    pub(super) door: Door,
    /// Whose failure it is.
    pub(super) provider: &'static str,
    /// The action of a rule, for an answer that is whole or streamed.
    action: fn(bool) -> Value,
}

impl Failure {
    /// What the simulator does with requests of one key.
    pub(super) fn rule(&self, key_suffix: &str, streamed: bool) -> Value {
        json!({"match": {"provider": self.provider, "key_suffix": key_suffix}, "action": (self.action)(streamed)})
    }

    const fn open(name: &'static str, action: fn(bool) -> Value) -> Self {
        Self {
            name,
            door: Door::Open,
            provider: "anthropic",
            action,
        }
    }

    const fn door(name: &'static str, door: Door) -> Self {
        Self {
            name,
            door,
            provider: "anthropic",
            action: |_| json!({}),
        }
    }
}

/// In a stream, after so many events the caller has a part of the answer.
const A_PART: u64 = 4;

pub(super) const FAILURES: &[Failure] = &[
    Failure::open("401", |_| json!({"fixture": "anthropic/401_bad_key.error"})),
    Failure::open(
        "403",
        |_| json!({"fixture": "anthropic/403_permission.error"}),
    ),
    Failure::open("402", |_| json!({"fixture": "anthropic/402_billing.error"})),
    Failure::open(
        "spend limit as 400",
        |_| json!({"fixture": "anthropic/400_spend_limit.error"}),
    ),
    Failure::open("404", |_| json!({"fixture": "anthropic/404_model.error"})),
    Failure::open("400", |_| json!({"fixture": "anthropic/400_invalid.error"})),
    Failure::open(
        "413",
        |_| json!({"fixture": "anthropic/413_too_large.error"}),
    ),
    Failure::open("429, Retry-After 1 s", |_| limited("1")),
    Failure::open("429, Retry-After 60 s", |_| limited("60")),
    Failure {
        name: "429, no Retry-After",
        door: Door::Open,
        provider: "openai",
        action: |_| json!({"fixture": "openai/429_rate.error", "headers": {"retry-after": "", "retry-after-ms": ""}}),
    },
    // Anthropic's way to say that the month's spend of the tier is used up.
    Failure::open(
        "429, spend cap",
        |_| json!({"fixture": "anthropic/429_tier_spend_cap.error"}),
    ),
    Failure::open("500", |_| json!({"fixture": "anthropic/500.error"})),
    Failure::open(
        "503",
        |_| json!({"status": 503, "body": "no healthy upstream"}),
    ),
    Failure::open(
        "529",
        |_| json!({"fixture": "anthropic/529_overloaded.error"}),
    ),
    Failure::door("refused", Door::Refused),
    Failure::door("TLS error", Door::Tls),
    Failure::open("slow first byte", |_| json!({"hold": "never"})),
    Failure::open(
        "stall",
        |streamed| json!({"stall_after_chunks": if streamed { A_PART } else { 0 }}),
    ),
    Failure::open("cut", |streamed| {
        if streamed {
            json!({"cut_within_chunk": A_PART})
        } else {
            json!({"cut_after_bytes": 20})
        }
    }),
    Failure::open("error in a 200", |streamed| {
        if streamed {
            json!({"error_after_chunks": A_PART})
        } else {
            json!({"fixture": "anthropic/529_overloaded.error", "status": 200})
        }
    }),
    Failure::open("endless header", |_| json!({"nonsense": "endless_header"})),
    Failure::open("HTML", |_| json!({"nonsense": "html", "status": 200})),
    Failure::open("redirect", |_| json!({"nonsense": "redirect"})),
    Failure::open("gzip not asked for", |_| json!({"nonsense": "gzip"})),
    Failure::open("half a body", |_| json!({"nonsense": "half"})),
    Failure::open(
        "oversized",
        |_| json!({"nonsense": "oversized_event", "oversized_bytes": 40_000_000}),
    ),
    Failure::open(
        "wrong content type",
        |_| json!({"nonsense": "wrong_content_type"}),
    ),
];

fn limited(seconds: &str) -> Value {
    json!({"fixture": "anthropic/429_rate.error", "headers": {"retry-after": seconds}})
}
