//! Failures that a provider reports, in one vocabulary.

use std::time::Duration;

use http::HeaderMap;
use keyway_words::Timestamp;

use crate::retry_after;

/// Longest message that is kept, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 2 * 1024;

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureClass {
    /// The key is definitely bad.
    KeyRejected,
    /// The key is good but may not do this.
    Forbidden,
    /// The key's credit or spending limit is used up; waiting does not help.
    KeyExhausted,
    /// Too many requests for the moment.
    RateLimited,
    /// The provider refuses the request itself.
    BadRequest,
    /// The model does not exist, or not for this key.
    ModelNotAvailable,
    /// The request is too large.
    TooLarge,
    /// The provider failed or is overloaded.
    Unavailable,
    /// The provider ran out of time.
    Timeout,
    /// The answer is not what the provider documents.
    Protocol,
}

impl FailureClass {
    /// Its name, for messages and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyRejected => "key rejected",
            Self::Forbidden => "forbidden",
            Self::KeyExhausted => "key exhausted",
            Self::RateLimited => "rate limited",
            Self::BadRequest => "bad request",
            Self::ModelNotAvailable => "model not available",
            Self::TooLarge => "too large",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
        }
    }

    /// The class that a status has with every provider.
    pub(crate) const fn of_status(status: u16) -> Self {
        match status {
            401 => Self::KeyRejected,
            402 => Self::KeyExhausted,
            403 => Self::Forbidden,
            404 => Self::ModelNotAvailable,
            408 | 504 => Self::Timeout,
            413 => Self::TooLarge,
            429 => Self::RateLimited,
            400..=499 => Self::BadRequest,
            500..=599 => Self::Unavailable,
            _other => Self::Protocol,
        }
    }
}

/// A failure that a provider reported, parsed from its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderFailure {
    /// What kind of failure.
    pub class: FailureClass,
    /// HTTP status; 200 for a failure inside an answer that had begun.
    pub status: u16,
    /// The provider's own code, `[A-Za-z0-9_.-]{1,64}`; anything else is dropped.
    pub code: Option<String>,
    /// The provider's message, at most [`MAX_MESSAGE_BYTES`]. **Not scrubbed**: it may echo the key.
    pub message: Option<String>,
    /// How long to wait, as the provider asked, at most an hour.
    pub retry_after: Option<Duration>,
    /// Whether the provider says that a retry is useful.
    pub should_retry: Option<bool>,
}

impl ProviderFailure {
    /// Whether the same request may succeed soon, perhaps on another key. Never for a key that is
    /// bad, forbidden or exhausted.
    pub fn is_retryable(&self) -> bool {
        use FailureClass::{
            BadRequest, Forbidden, KeyExhausted, KeyRejected, ModelNotAvailable, Protocol,
            RateLimited, Timeout, TooLarge, Unavailable,
        };
        match self.class {
            RateLimited | Unavailable | Timeout => self.should_retry != Some(false),
            KeyRejected | Forbidden | KeyExhausted | BadRequest | ModelNotAvailable | TooLarge
            | Protocol => false,
        }
    }
}

/// What an adapter reads out of an error body before it decides on the class.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) status: u16,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) should_retry: Option<bool>,
}

impl Report {
    /// The part that stands in status and headers.
    pub(crate) fn of_headers(status: u16, headers: &HeaderMap, now: Timestamp) -> Self {
        let should_retry = match headers
            .get("x-should-retry")
            .map(http::HeaderValue::as_bytes)
        {
            Some(b"true") => Some(true),
            Some(b"false") => Some(false),
            _absent_or_other => None,
        };
        let retry_after = retry_after::parse(headers, now);
        Self {
            status,
            retry_after,
            should_retry,
            ..Self::default()
        }
    }

    /// A failure inside an answer with status 200.
    pub(crate) fn within_answer() -> Self {
        Self {
            status: 200,
            ..Self::default()
        }
    }

    /// The same report with the words of the body.
    pub(crate) fn with_words(self, code: Option<String>, message: Option<String>) -> Self {
        Self {
            code,
            message,
            ..self
        }
    }

    /// The failure, cleaned and bounded.
    pub(crate) fn into_failure(self, class: FailureClass) -> ProviderFailure {
        ProviderFailure {
            class,
            status: self.status,
            code: self.code.filter(|code| is_code(code)),
            message: self.message.filter(|message| !message.is_empty()).map(cut),
            retry_after: self.retry_after,
            should_retry: self.should_retry,
        }
    }
}

fn is_code(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

fn cut(mut message: String) -> String {
    message.truncate(message.floor_char_boundary(MAX_MESSAGE_BYTES));
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_could_carry_anything_else_is_dropped() {
        for (code, kept) in [
            ("model_not_found", true),
            ("", false),
            ("sk-live key", false),
            ("a\nb", false),
            (&*"a".repeat(65), false),
        ] {
            let report = Report {
                code: Some(code.to_owned()),
                ..Report::default()
            };
            assert_eq!(
                report.into_failure(FailureClass::BadRequest).code.is_some(),
                kept
            );
        }
    }

    #[test]
    fn a_message_is_cut_between_characters() {
        let report = Report {
            message: Some("ä".repeat(MAX_MESSAGE_BYTES)),
            ..Report::default()
        };
        let message = report
            .into_failure(FailureClass::BadRequest)
            .message
            .unwrap();
        assert_eq!(message.len(), MAX_MESSAGE_BYTES);
        let report = Report {
            message: Some("€".repeat(MAX_MESSAGE_BYTES)),
            ..Report::default()
        };
        let message = report
            .into_failure(FailureClass::BadRequest)
            .message
            .unwrap();
        assert_eq!(message.len(), 2_046);
    }

    #[test]
    fn the_provider_can_forbid_a_retry_but_never_ask_for_one_with_a_bad_key() {
        let failure = |class, should_retry| {
            Report {
                should_retry,
                ..Report::default()
            }
            .into_failure(class)
            .is_retryable()
        };
        assert!(failure(FailureClass::Unavailable, None));
        assert!(!failure(FailureClass::Unavailable, Some(false)));
        assert!(!failure(FailureClass::KeyRejected, Some(true)));
        assert!(!failure(FailureClass::KeyExhausted, Some(true)));
    }
}
