//! A failure of Keyway's own in Google's words.

use serde_json::{Value, json};

use crate::native::OwnError;

/// The body of an error answer.
pub(super) fn told(error: &OwnError<'_>) -> Value {
    json!({"error": {
        "code": error.status,
        "message": error.message,
        "status": name(error.status),
        "details": details(error),
    }})
}

fn details(error: &OwnError<'_>) -> Vec<Value> {
    let info = json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": error.reason,
        "domain": error.domain,
    });
    let retry = error.retry_after.map(|delay| {
        json!({
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": format!("{}.{:03}s", delay.as_secs(), delay.subsec_millis()),
        })
    });
    [Some(info), retry].into_iter().flatten().collect()
}

/// The name of a status.
const fn name(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        402 | 429 => "RESOURCE_EXHAUSTED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ALREADY_EXISTS",
        501 => "UNIMPLEMENTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        500..=599 => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    }
}
