//! What an answer cost: its tokens, and the receipt in an extra field. Pure.

use keyway_proto::billing::v1 as billing;
use keyway_proto::router::v1 as wire;
use keyway_router_providers::chat::Finish;
use prost_types::Timestamp;
use serde_json::{Map, Value, json};

/// Tokens of an answer; `None`: not known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    /// Neither read from a cache nor written to one.
    pub(super) input: Option<u64>,
    pub(super) cache_read: Option<u64>,
    pub(super) cache_write: Option<u64>,
    pub(super) output: Option<u64>,
    /// Of the output.
    pub(super) reasoning: Option<u64>,
}

impl Counts {
    pub(super) fn all_input(&self) -> Option<u64> {
        total(&[self.input, self.cache_read, self.cache_write])
    }

    /// Of what is known.
    pub(super) fn total(&self) -> u64 {
        total(&[self.all_input(), self.output]).unwrap_or(0)
    }
}

/// Counts of the attempt that answered; `None` where nothing is known.
pub(super) fn counts(receipt: &wire::Receipt) -> Option<Counts> {
    let usage = receipt.attempts.last()?.usage.as_ref()?;
    Some(Counts {
        input: total(&[usage.input_tokens, usage.input_audio_tokens]),
        cache_read: total(&[usage.cache_read_tokens, usage.cache_read_audio_tokens]),
        cache_write: total(&[
            usage.cache_write_tokens,
            usage.cache_write_1h_tokens,
            usage.cache_write_12h_tokens,
        ]),
        output: total(&[usage.output_tokens, usage.output_audio_tokens]),
        reasoning: usage.reasoning_tokens,
    })
}

/// The sum of what is known; `None` if nothing is.
fn total(parts: &[Option<u64>]) -> Option<u64> {
    let known = parts.iter().copied().flatten();
    known.reduce(u64::saturating_add)
}

/// What only Keyway says.
pub(super) fn own((finish, word): (Finish, &str), receipt: &wire::Receipt) -> Value {
    json!({
        "finish_reason": neutral(finish),
        "provider_finish": word,
        "receipt": self::receipt(receipt),
    })
}

/// The end in the words of the neutral schema.
const fn neutral(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "STOP",
        Finish::Length => "LENGTH",
        Finish::ToolCalls => "TOOL_CALLS",
        Finish::ContentFilter => "CONTENT_FILTER",
        Finish::Refusal => "REFUSAL",
        Finish::Pause => "PAUSE",
        Finish::Other => "OTHER",
    }
}

/// The receipt in the names of the contract. What is not known is left out.
pub(super) fn receipt(receipt: &wire::Receipt) -> Value {
    let skipped = receipt.skipped.iter().map(
        |key| json!({"key_name": key.key_name, "key_version": key.key_version, "why": key.why}),
    );
    json!({
        "call_id": receipt.call_id,
        "attempts": receipt.attempts.iter().map(attempt).collect::<Vec<_>>(),
        "skipped": skipped.collect::<Vec<_>>(),
    })
}

fn attempt(attempt: &wire::AttemptReceipt) -> Value {
    let mut told = Map::new();
    let mut tell = |name: &str, value: Value| {
        let said = !value.is_null() && value.as_str() != Some("");
        said.then(|| told.insert(name.to_owned(), value));
    };
    tell("attempt", attempt.attempt.into());
    tell("provider", attempt.provider.as_str().into());
    tell("requested_model", attempt.requested_model.as_str().into());
    tell("served_model", attempt.served_model.as_str().into());
    tell("source", attempt.source().as_str_name().into());
    tell("key_name", attempt.key_name.as_str().into());
    tell("key_version", attempt.key_version.into());
    tell("outcome", attempt.outcome().as_str_name().into());
    tell("reason", attempt.reason.as_str().into());
    tell("usage", attempt.usage.as_ref().map(parts).into());
    tell("basis", attempt.basis().as_str_name().into());
    tell("charge_usd", attempt.charge_usd.as_deref().into());
    tell("list_price_usd", attempt.list_price_usd.as_deref().into());
    tell("price_table", attempt.price_table.as_str().into());
    tell("started_at", attempt.started_at.as_ref().map(time).into());
    tell("settled_at", attempt.settled_at.as_ref().map(time).into());
    tell("service_tier", attempt.service_tier.as_str().into());
    Value::Object(told)
}

fn parts(usage: &billing::Usage) -> Value {
    let parts = [
        ("input_tokens", usage.input_tokens),
        ("cache_read_tokens", usage.cache_read_tokens),
        ("cache_write_tokens", usage.cache_write_tokens),
        ("cache_write_1h_tokens", usage.cache_write_1h_tokens),
        ("cache_write_12h_tokens", usage.cache_write_12h_tokens),
        ("output_tokens", usage.output_tokens),
        ("reasoning_tokens", usage.reasoning_tokens),
        ("input_audio_tokens", usage.input_audio_tokens),
        ("cache_read_audio_tokens", usage.cache_read_audio_tokens),
        ("output_audio_tokens", usage.output_audio_tokens),
        ("requests", usage.requests),
        ("search_results", usage.search_results),
        ("content_pages", usage.content_pages),
        ("summaries", usage.summaries),
        ("server_tool_requests", usage.server_tool_requests),
    ];
    let known = parts
        .into_iter()
        .filter_map(|(name, count)| Some((name.to_owned(), count?.into())));
    Value::Object(known.collect())
}

fn time(time: &Timestamp) -> String {
    time.to_string()
}
