//! Google's errors: `{"error":{code,message,status,details}}`, sometimes as the only element of a
//! list. A bad key is a 400, and how long to wait stands in the body.

use http::HeaderMap;
use keyway_words::Timestamp;
use serde::Deserialize;

use crate::failure::{FailureClass, ProviderFailure, Report};
use crate::retry_after;
use crate::wire::DecodeError;

/// The error object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ErrorObject {
    code: Option<u16>,
    message: Option<String>,
    status: Option<String>,
    details: Vec<Detail>,
}

/// One of the details; its type says which fields it has.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Detail {
    reason: Option<String>,
    retry_delay: Option<String>,
    violations: Vec<Violation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Violation {
    quota_id: String,
}

#[derive(Debug, Deserialize)]
struct ErrorBody {
    error: ErrorObject,
}

impl ErrorObject {
    /// Reads a body or an event; `None` if it is no error of this form.
    pub(super) fn read(json: &[u8]) -> Option<Self> {
        if json.trim_ascii_start().starts_with(b"[") {
            let [ErrorBody { error }] = serde_json::from_slice(json).ok()?;
            return Some(error);
        }
        let ErrorBody { error } = serde_json::from_slice(json).ok()?;
        Some(error)
    }

    fn class(&self, status: u16) -> FailureClass {
        let has_reason = |wanted: &str| {
            let mut reasons = self
                .details
                .iter()
                .filter_map(|detail| detail.reason.as_deref());
            reasons.any(|reason| reason == wanted)
        };
        match status {
            400 if has_reason("API_KEY_INVALID") => FailureClass::KeyRejected,
            // The place or the account may not use it, whatever the request.
            400 if self.status.as_deref() == Some("FAILED_PRECONDITION") => FailureClass::Forbidden,
            429 if self.is_daily_quota() => FailureClass::KeyExhausted,
            status => FailureClass::of_status(status),
        }
    }

    /// Whether the quota is one of the day, which no wait of a call outlasts.
    fn is_daily_quota(&self) -> bool {
        let violations = self.details.iter().flat_map(|detail| &detail.violations);
        let mut ids = violations.map(|violation| violation.quota_id.as_str());
        ids.any(|id| id.contains("PerDay"))
    }

    fn into_failure(self, mut report: Report, class: FailureClass) -> ProviderFailure {
        let mut delays = self
            .details
            .iter()
            .filter_map(|detail| detail.retry_delay.as_deref());
        let delay = delays.find_map(retry_after::duration);
        report.retry_after = report.retry_after.or(delay);
        report
            .with_words(self.status, self.message)
            .into_failure(class)
    }
}

/// Classifies an answer whose status is not 2xx.
pub(super) fn failure(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> ProviderFailure {
    let error = ErrorObject::read(body).unwrap_or_default();
    let class = error.class(status);
    error.into_failure(Report::of_headers(status, headers, now), class)
}

/// A failure inside an answer with status 200, by the status that it names itself.
pub(super) fn within_answer(error: ErrorObject) -> DecodeError {
    let class = match error.code {
        Some(status @ 400..=599) => error.class(status),
        _none => FailureClass::Unavailable,
    };
    DecodeError::Provider(Box::new(error.into_failure(Report::within_answer(), class)))
}
