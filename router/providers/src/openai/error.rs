//! `OpenAI`'s errors: `{"error":{message,type,param,code}}`, as a body or within a stream.

use http::HeaderMap;
use keyway_words::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::failure::{FailureClass, ProviderFailure, Report};
use crate::wire::DecodeError;

/// The error object.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorObject {
    #[serde(default)]
    message: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    code: Option<Value>,
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
    let class = match FailureClass::of_status(status) {
        _any if error.is_exhausted() => FailureClass::KeyExhausted,
        _conflict if status == 409 => FailureClass::Unavailable,
        class => class,
    };
    error.into_failure(Report::of_headers(status, headers, now), class)
}

/// Words of a failure inside an answer that the request itself is the cause of.
const BAD_REQUEST: [&str; 4] = [
    "invalid_request_error",
    "invalid_prompt",
    "bio_policy",
    "data_residency_mismatch",
];

/// A failure inside an answer with status 200: only the words can tell its class.
pub(super) fn within_answer(error: ErrorObject) -> DecodeError {
    let code = error.code();
    let words = [code.as_deref(), error.kind.as_deref()];
    let says = |word: &str| words.contains(&Some(word));
    let class = if error.is_exhausted() {
        FailureClass::KeyExhausted
    } else if says("rate_limit_exceeded") || says("requests") || says("tokens") {
        FailureClass::RateLimited
    } else if says("invalid_api_key") {
        FailureClass::KeyRejected
    } else if says("model_not_found") {
        FailureClass::ModelNotAvailable
    } else if BAD_REQUEST.into_iter().any(says)
        || code.as_ref().is_some_and(|code| code.contains("image_"))
    {
        FailureClass::BadRequest
    } else if says("vector_store_timeout") {
        FailureClass::Timeout
    } else {
        FailureClass::Unavailable
    };
    DecodeError::Provider(Box::new(error.into_failure(Report::within_answer(), class)))
}

impl ErrorObject {
    /// An error whose words stand outside of an object of their own.
    pub(super) fn of(code: Option<Value>, message: Option<String>) -> Self {
        Self {
            message,
            kind: None,
            code,
        }
    }

    fn code(&self) -> Option<String> {
        match &self.code {
            Some(Value::String(code)) => Some(code.clone()),
            Some(Value::Number(code)) => Some(code.to_string()),
            _none => None,
        }
    }

    /// Whether the account's credit or limit is used up, whatever the status says.
    fn is_exhausted(&self) -> bool {
        const WORDS: [&str; 3] = [
            "insufficient_quota",
            "billing_hard_limit_reached",
            "billing_not_active",
        ];
        let code = self.code();
        let said = [code.as_deref(), self.kind.as_deref()];
        said.into_iter().flatten().any(|word| WORDS.contains(&word))
    }

    /// The code is the type where there is none: it says more than nothing.
    fn into_failure(self, report: Report, class: FailureClass) -> ProviderFailure {
        let code = self.code().or(self.kind);
        report.with_words(code, self.message).into_failure(class)
    }
}
