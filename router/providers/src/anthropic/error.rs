//! Anthropic's errors: `{"type":"error","error":{type,message,details}}`, as a body or an event.

use http::HeaderMap;
use keyway_words::Timestamp;
use serde::Deserialize;

use crate::failure::{FailureClass, ProviderFailure, Report};
use crate::wire::DecodeError;

/// The error object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ErrorObject {
    #[serde(rename = "type")]
    kind: Option<String>,
    message: Option<String>,
    details: Option<Details>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    error_code: Option<String>,
}

#[derive(Debug, Deserialize)]
struct ErrorBody {
    error: ErrorObject,
}

/// Classifies an answer whose status is not 2xx.
pub(super) fn failure(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> ProviderFailure {
    let error = serde_json::from_slice(body).map_or_else(
        |_unparsable| ErrorObject::default(),
        |ErrorBody { error }| error,
    );
    let report = Report::of_headers(status, headers, now);
    let class = match status {
        // A spend limit that the customer set is a plain 400; only its message tells.
        400 if error.names_a_spend_limit() => FailureClass::KeyExhausted,
        // A 429 that names no time is the monthly cap of the account's tier.
        429 if report.retry_after.is_none() && report.should_retry != Some(true) => {
            FailureClass::KeyExhausted
        }
        409 => FailureClass::Unavailable,
        status => FailureClass::of_status(status),
    };
    error.into_failure(report, class)
}

/// A failure inside an answer with status 200: only its type can tell the class.
pub(super) fn within_answer(error: ErrorObject) -> DecodeError {
    let class = match error.kind.as_deref() {
        Some("invalid_request_error") if error.names_a_spend_limit() => FailureClass::KeyExhausted,
        Some("invalid_request_error") => FailureClass::BadRequest,
        Some("authentication_error") => FailureClass::KeyRejected,
        Some("billing_error") => FailureClass::KeyExhausted,
        Some("permission_error") => FailureClass::Forbidden,
        Some("not_found_error") => FailureClass::ModelNotAvailable,
        Some("request_too_large") => FailureClass::TooLarge,
        Some("rate_limit_error") => FailureClass::RateLimited,
        Some("timeout_error") => FailureClass::Timeout,
        _overloaded_or_unknown => FailureClass::Unavailable,
    };
    DecodeError::Provider(Box::new(error.into_failure(Report::within_answer(), class)))
}

impl ErrorObject {
    fn names_a_spend_limit(&self) -> bool {
        let message = self.message.as_deref().unwrap_or_default();
        message.starts_with("You have reached your specified API usage limits")
    }

    /// The finer code is the better one.
    fn into_failure(self, report: Report, class: FailureClass) -> ProviderFailure {
        let code = self
            .details
            .and_then(|details| details.error_code)
            .or(self.kind);
        report.with_words(code, self.message).into_failure(class)
    }
}
