//! Mistral's errors, in their four shapes: `{object,message,type,code}` with a text or an object as
//! message, `{detail:[…]}`, `{detail:"…"}`, `{message,request_id}`.

use http::HeaderMap;
use keyway_words::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::failure::{FailureClass, ProviderFailure, Report};
use crate::wire::DecodeError;

/// The error object, whichever shape it has.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ErrorObject {
    object: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<Value>,
    message: Option<Value>,
    detail: Option<Value>,
}

impl ErrorObject {
    /// Reads a body or an event; `None` if it says nothing that an error says.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        // A list would be read as the fields in their order.
        let error: Self = serde_json::from_slice(bytes)
            .ok()
            .filter(|_object| bytes.trim_ascii_start().starts_with(b"{"))?;
        // A model has a type too.
        if error.object.as_deref().is_some_and(|kind| kind != "error") {
            return None;
        }
        let says = [&error.message, &error.detail]
            .into_iter()
            .any(Option::is_some);
        (says || error.kind.is_some()).then_some(error)
    }

    fn names_a_model(&self) -> bool {
        self.kind.as_deref() == Some("invalid_model")
    }

    /// The type is a word and the code a number: the word says more.
    fn into_failure(self, report: Report, class: FailureClass) -> ProviderFailure {
        let code = match self.code {
            Some(Value::String(code)) => Some(code),
            _number_or_none => None,
        };
        let message = [self.message, self.detail]
            .into_iter()
            .flatten()
            .find_map(words);
        report
            .with_words(self.kind.or(code), message)
            .into_failure(class)
    }
}

/// The words of a message: a text, or the `msg` of each entry with the place it is about.
fn words(message: Value) -> Option<String> {
    match message {
        Value::String(text) => Some(text),
        Value::Array(entries) => {
            let entries: Vec<String> = entries.iter().filter_map(entry).collect();
            (!entries.is_empty()).then(|| entries.join("; "))
        }
        Value::Object(mut object) => object.remove("detail").and_then(words),
        _other => None,
    }
}

fn entry(entry: &Value) -> Option<String> {
    let said = entry.get("msg")?.as_str()?;
    let place: Vec<&str> = entry
        .get("loc")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    Some(if place.is_empty() {
        said.to_owned()
    } else {
        format!("{}: {said}", place.join("."))
    })
}

/// Classifies an answer whose status is not 2xx.
pub(super) fn failure(
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> ProviderFailure {
    let error = ErrorObject::read(body).unwrap_or_default();
    let class = match status {
        400 if error.names_a_model() => FailureClass::ModelNotAvailable,
        status => FailureClass::of_status(status),
    };
    error.into_failure(Report::of_headers(status, headers, now), class)
}

/// A failure inside an answer with status 200: only its type can tell the class.
pub(super) fn within_answer(error: ErrorObject) -> DecodeError {
    let class = match error.kind.as_deref() {
        Some("invalid_model") => FailureClass::ModelNotAvailable,
        Some("invalid_request_error") => FailureClass::BadRequest,
        Some("guardrail_violation") => FailureClass::Forbidden,
        Some("rate_limited" | "service_tier_capacity_exceeded") => FailureClass::RateLimited,
        _internal_or_unknown => FailureClass::Unavailable,
    };
    DecodeError::Provider(Box::new(error.into_failure(Report::within_answer(), class)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_object_of_its_own_is_no_error_though_it_has_a_type() {
        for (body, is_error) in [
            (r#"{"id":"m","object":"model","type":"base"}"#, false),
            (r#"{"object":"list","data":[]}"#, false),
            (r#"{"object":"error","type":"invalid_model"}"#, true),
            (r#"{"type":"invalid_model"}"#, true),
            (r#"{"message":"no"}"#, true),
            (r#"{"detail":"no"}"#, true),
            (r#"{"id":"m"}"#, false),
        ] {
            let read = ErrorObject::read(body.as_bytes());
            assert_eq!(read.is_some(), is_error, "{body}");
        }
    }
}
