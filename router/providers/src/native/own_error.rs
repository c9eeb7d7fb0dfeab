//! A failure of Keyway's own, to be told in the words of a provider, so that its SDK raises the exception
//! that fits.

use std::time::Duration;

use serde_json::{Value, json};

/// What is told.
#[derive(Debug, Clone, Copy)]
pub struct OwnError<'a> {
    /// The HTTP status.
    pub status: u16,
    /// In words.
    pub message: &'a str,
    /// The stable reason.
    pub reason: &'a str,
    /// Who gives the reason its meaning.
    pub domain: &'a str,
    /// The field at fault.
    pub field: Option<&'a str>,
    /// Id of the call.
    pub call_id: &'a str,
    /// When trying again makes sense.
    pub retry_after: Option<Duration>,
}

impl OwnError<'_> {
    /// The type of an error as most providers name it.
    pub fn kind(&self) -> &'static str {
        match self.status {
            401 => "authentication_error",
            402 => "billing_error",
            403 => "permission_error",
            404 => "not_found_error",
            409 => "conflict_error",
            413 => "request_too_large",
            429 => "rate_limit_error",
            504 => "timeout_error",
            500..=599 => "api_error",
            _ => "invalid_request_error",
        }
    }

    /// As `OpenAI` and those who speak like it tell it.
    pub fn usual(&self) -> Value {
        json!({"error": {
            "message": self.message,
            "type": self.kind(),
            "param": self.field,
            "code": self.reason,
        }})
    }
}
