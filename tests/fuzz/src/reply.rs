//! Whole answers and errors: no bytes panic a reader, what is read as an answer is JSON, and what an
//! error says is within its bounds.

use http::{HeaderMap, HeaderValue};
use keyway_router_providers::failure::MAX_MESSAGE_BYTES;
use keyway_router_providers::metered::MAX_RAW_USAGE_BYTES;
use keyway_router_providers::{Adapter, FailureClass, Metered, ProviderFailure, registry};
use keyway_words::{ProviderId, Timestamp};
use serde::de::IgnoredAny;

use crate::bytes::Bytes;

const NOW: Timestamp = Timestamp(1_795_478_400_000_000);
/// Of errors; the answers have 200.
const STATUSES: [u16; 12] = [400, 401, 402, 403, 404, 408, 413, 429, 500, 503, 504, 529];

pub(crate) fn holds(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let providers = ProviderId::ALL;
    let provider = providers[usize::from(bytes.byte()) % providers.len()];
    let Some(adapter) = registry::adapter(provider) else { return };
    let (kind, many) = (bytes.byte(), bytes.byte());
    match kind % 4 {
        0 => chat(adapter, bytes.rest()),
        1 => embeddings(adapter, bytes.rest(), usize::from(many)),
        2 => search(adapter, bytes.rest(), many),
        _ => failure(adapter, bytes, usize::from(many)),
    }
}

fn chat(adapter: &dyn Adapter, body: &[u8]) {
    if let Ok(reply) = adapter.chat_reply(body) {
        is_json(body);
        measured(&reply.metered);
    }
}

fn embeddings(adapter: &dyn Adapter, body: &[u8], inputs: usize) {
    if let Ok(reply) = adapter.embed_reply(body, inputs) {
        is_json(body);
        assert_eq!(reply.vectors.len(), inputs, "a vector for every input");
        measured(&reply.metered);
    }
}

fn search(adapter: &dyn Adapter, body: &[u8], kind: u8) {
    let model = ["auto", "answer", "contents", "deep"][usize::from(kind) % 4];
    if let Ok(reply) = adapter.search_reply(model, body) {
        is_json(body);
        measured(&reply.metered);
    }
}

fn failure(adapter: &dyn Adapter, mut bytes: Bytes<'_>, which: usize) {
    let status = STATUSES[which % STATUSES.len()];
    let mut headers = HeaderMap::new();
    if let Ok(wait) = HeaderValue::from_bytes(bytes.part()) {
        headers.insert("retry-after", wait);
    }
    if which >= STATUSES.len() {
        headers.insert("x-should-retry", HeaderValue::from_static("true"));
    }
    let failure = adapter.failure(status, &headers, bytes.rest(), NOW);
    assert_eq!(failure.status, status);
    let message = failure.message.as_ref();
    assert!(message.is_none_or(|text| text.len() <= MAX_MESSAGE_BYTES));
    let code = failure.code.as_deref().unwrap_or("none");
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    assert!((1..=64).contains(&code.len()) && code.bytes().all(plain), "{code}");
    let hour = std::time::Duration::from_hours(1);
    assert!(failure.retry_after.is_none_or(|wait| wait <= hour));
    assert!(
        !(retries(&failure) && of_the_key(failure.class)),
        "a bad key is tried again: {failure:?}"
    );
}

fn retries(failure: &ProviderFailure) -> bool {
    if cfg!(feature = "seeded-bug") {
        // Believes whatever the provider says of it.
        return failure.should_retry.unwrap_or_else(|| failure.is_retryable());
    }
    failure.is_retryable()
}

const fn of_the_key(class: FailureClass) -> bool {
    matches!(
        class,
        FailureClass::KeyRejected | FailureClass::Forbidden | FailureClass::KeyExhausted
    )
}

/// In form: bytes that no UTF-8 has may stand in a text that nobody reads.
fn is_json(body: &[u8]) {
    let whole = serde_json::from_slice::<IgnoredAny>(body);
    assert!(whole.is_ok(), "an answer that is no JSON");
}

fn measured(metered: &Metered) {
    let raw = metered.raw.as_ref();
    assert!(raw.is_none_or(|text| text.len() <= MAX_RAW_USAGE_BYTES));
    let (usage, priced) = (metered.usage.unwrap_or_default(), !metered.flagged);
    let (reasoning, output) = (usage.reasoning_tokens, usage.output_tokens);
    if let (Some(reasoning), Some(output), true) = (reasoning, output, priced) {
        assert!(reasoning <= output, "more reasoning than output, and it is priced");
    }
}
