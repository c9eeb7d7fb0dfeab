//! Usage as `OpenAI` tells it, and the receipt in an extra field. Pure.

use keyway_proto::billing::v1 as billing;
use keyway_proto::router::v1 as wire;
use prost_types::Timestamp;
use serde_json::{Map, Value, json};

/// Usage of the attempt that answered; `None` where it is not known.
pub(super) fn usage(receipt: &wire::Receipt) -> Option<Value> {
    let usage = receipt.attempts.last()?.usage.as_ref()?;
    let input = total(&[
        usage.input_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.cache_write_1h_tokens,
        usage.cache_write_12h_tokens,
        usage.input_audio_tokens,
        usage.cache_read_audio_tokens,
    ])?;
    let output = total(&[usage.output_tokens, usage.output_audio_tokens]);
    let mut told = Map::new();
    told.insert("prompt_tokens".to_owned(), input.into());
    if let Some(output) = output {
        told.insert("completion_tokens".to_owned(), output.into());
    }
    let sum = input.saturating_add(output.unwrap_or(0));
    told.insert("total_tokens".to_owned(), sum.into());
    let cached = total(&[usage.cache_read_tokens, usage.cache_read_audio_tokens]);
    for (name, part, count) in [
        ("prompt_tokens_details", "cached_tokens", cached),
        (
            "completion_tokens_details",
            "reasoning_tokens",
            usage.reasoning_tokens,
        ),
    ] {
        if let Some(count) = count {
            told.insert(name.to_owned(), json!({part: count}));
        }
    }
    Some(Value::Object(told))
}

/// The sum of what is known; `None` if nothing is.
fn total(parts: &[Option<u64>]) -> Option<u64> {
    let known = parts.iter().copied().flatten();
    known.reduce(u64::saturating_add)
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
