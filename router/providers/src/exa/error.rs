//! Exa's errors: `{"error":"<text>","tag":"<UPPER_SNAKE>"}`. Tags are open-ended: the status rules.

use http::HeaderMap;
use keyway_words::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::failure::{FailureClass, ProviderFailure, Report};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    error: Value,
    tag: Option<String>,
}

/// Classifies an answer whose status is not 2xx.
pub(super) fn failure(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> ProviderFailure {
    let body: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
    let message = body.error.as_str().map(str::to_owned);
    let report = Report::of_headers(status, headers, now);
    report
        .with_words(body.tag, message)
        .into_failure(FailureClass::of_status(status))
}

/// A failure inside an answer with status 200, from its text and tag.
pub(super) fn within_answer(message: String, tag: Option<String>) -> ProviderFailure {
    let class = match tag.as_deref() {
        Some("INVALID_API_KEY") => FailureClass::KeyRejected,
        Some("NO_MORE_CREDITS" | "API_KEY_BUDGET_EXCEEDED") => FailureClass::KeyExhausted,
        Some("ACCESS_DENIED") => FailureClass::Forbidden,
        Some("RATE_LIMIT_EXCEEDED") => FailureClass::RateLimited,
        Some("INVALID_REQUEST_BODY") => FailureClass::BadRequest,
        _other => FailureClass::Unavailable,
    };
    Report::within_answer()
        .with_words(tag, Some(message))
        .into_failure(class)
}
