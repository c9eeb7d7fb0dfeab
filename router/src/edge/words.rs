//! A failure of Keyway's own in the words of a provider's SDK, so that it raises the exception that
//! fits. Pure.

use http::StatusCode;
use keyway_proto::Reason;
use keyway_proto::status::Refusal;
use keyway_words::{CallId, ProviderId};
use serde_json::{Value, json};

/// A failure to be told.
pub(super) struct Words<'a> {
    pub(super) provider: ProviderId,
    pub(super) id: CallId,
    pub(super) message: &'a str,
    pub(super) refusal: &'a Refusal,
}

impl Words<'_> {
    /// The HTTP status: the one that the SDK's exception classes go by.
    pub(super) fn status(&self) -> StatusCode {
        let reason = self.refusal.reason.unwrap_or(Reason::Internal);
        match (reason, self.refusal.field.as_deref()) {
            (Reason::FieldUnsupported, Some("path")) => StatusCode::NOT_FOUND,
            (Reason::FieldUnsupported, Some("method")) => StatusCode::METHOD_NOT_ALLOWED,
            (Reason::FieldUnsupported, Some("content-encoding")) => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            (Reason::FieldInvalid, Some("body")) if self.message.contains("at most") => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            (Reason::FieldInvalid, Some("body")) if self.message.contains("in time") => {
                StatusCode::REQUEST_TIMEOUT
            }
            // Where a provider says by a 429 that credit is used up, its SDK knows no other way.
            (Reason::KeyExhausted | Reason::SpendLimit, _) if self.says_so_by_429() => {
                StatusCode::TOO_MANY_REQUESTS
            }
            _ => status(reason),
        }
    }

    const fn says_so_by_429(&self) -> bool {
        matches!(
            self.provider,
            ProviderId::Google | ProviderId::Mistral | ProviderId::OpenAi
        )
    }

    fn reason(&self) -> &'static str {
        self.refusal.reason.unwrap_or(Reason::Internal).as_str()
    }

    /// The body of an error answer.
    pub(super) fn body(&self) -> String {
        self.json().to_string()
    }

    /// An event that ends a stream.
    pub(super) fn event(&self) -> String {
        let json = self.json();
        match self.provider {
            ProviderId::Anthropic => format!("event: error\ndata: {json}\n\n"),
            ProviderId::Google => format!("data: {json}\r\n\r\n"),
            _ => format!("data: {json}\n\n"),
        }
    }

    fn json(&self) -> Value {
        let (status, message, reason) = (self.status(), self.message, self.reason());
        match self.provider {
            ProviderId::OpenAi => json!({"error": {
                "message": message,
                "type": kind(status),
                "param": self.refusal.field,
                "code": reason,
            }}),
            ProviderId::Anthropic => json!({
                "type": "error",
                "error": {"type": kind(status), "message": message, "details": {"error_code": reason}},
                "request_id": self.id.to_string(),
            }),
            ProviderId::Google => json!({"error": {
                "code": status.as_u16(),
                "message": message,
                "status": google(status),
                "details": self.details(reason),
            }}),
            ProviderId::Mistral => json!({
                "object": "error",
                "message": message,
                "type": kind(status),
                "param": self.refusal.field,
                "code": reason,
            }),
            ProviderId::Exa => json!({
                "requestId": self.id.to_string(),
                "error": message,
                "tag": reason,
            }),
        }
    }

    fn details(&self, reason: &str) -> Vec<Value> {
        let info = json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": reason,
            "domain": keyway_proto::status::DOMAIN,
        });
        let retry = self.refusal.retry_after.map(|delay| {
            json!({
                "@type": "type.googleapis.com/google.rpc.RetryInfo",
                "retryDelay": format!("{}.{:03}s", delay.as_secs(), delay.subsec_millis()),
            })
        });
        [Some(info), retry].into_iter().flatten().collect()
    }
}

/// The status of a reason, whatever it is about.
const fn status(reason: Reason) -> StatusCode {
    match reason {
        Reason::CallerUnknown | Reason::KeyRejected => StatusCode::UNAUTHORIZED,
        Reason::FieldInvalid
        | Reason::FieldUnsupported
        | Reason::ProviderRejectedRequest
        | Reason::HostedStateForbidden => StatusCode::BAD_REQUEST,
        Reason::KeyNotFound
        | Reason::WorkspaceNotFound
        | Reason::MemberNotFound
        | Reason::TokenNotFound
        | Reason::CallNotFound
        | Reason::ModelUnknown
        | Reason::ModelNotAvailable => StatusCode::NOT_FOUND,
        Reason::KeyExhausted | Reason::SpendLimit => StatusCode::PAYMENT_REQUIRED,
        Reason::RateLimited | Reason::HostedRateLimited | Reason::WorkspaceBusy => {
            StatusCode::TOO_MANY_REQUESTS
        }
        Reason::ProviderTimeout | Reason::Deadline => StatusCode::GATEWAY_TIMEOUT,
        Reason::StreamTruncated | Reason::ProviderProtocol => StatusCode::BAD_GATEWAY,
        Reason::ProviderUnavailable
        | Reason::VaultUnavailable
        | Reason::LedgerUnavailable
        | Reason::AuditUnavailable
        | Reason::DatabaseRolledBack
        | Reason::MigrationPending
        | Reason::Overloaded
        | Reason::Draining => StatusCode::SERVICE_UNAVAILABLE,
        Reason::StaleEtag | Reason::AlreadyExists | Reason::RequestRepeated => StatusCode::CONFLICT,
        Reason::NotBuilt => StatusCode::NOT_IMPLEMENTED,
        Reason::CursorExpired => StatusCode::GONE,
        Reason::KeyUnreadable | Reason::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Reason::Denied
        | Reason::NoKey
        | Reason::KeyDisabled
        | Reason::HostedNotAllowed
        | Reason::Unpriced
        | Reason::WorkspaceSuspended
        | Reason::WorkspaceDeleted
        | Reason::LastAdmin
        | Reason::InUse
        | Reason::LimitReached
        | Reason::SwitchedOff => StatusCode::FORBIDDEN,
    }
}

/// The type of an error as `OpenAI`, Anthropic and Mistral name them.
fn kind(status: StatusCode) -> &'static str {
    match status.as_u16() {
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

/// The name of a status as Google has them.
fn google(status: StatusCode) -> &'static str {
    match status.as_u16() {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use keyway_proto::Fault;
    use tonic::Status;

    use super::*;

    fn told(provider: ProviderId, fault: Fault) -> (u16, Value, String) {
        let status = Status::from(fault);
        let refusal = keyway_proto::status::refusal(&status);
        let words = Words {
            provider,
            id: CallId::new(),
            message: status.message(),
            refusal: &refusal,
        };
        let body = serde_json::from_str(&words.body()).unwrap();
        (words.status().as_u16(), body, words.event())
    }

    #[test]
    fn every_reason_has_a_status_of_a_failure_and_its_name_in_every_providers_words() {
        for reason in Reason::ALL.iter().copied() {
            for provider in ProviderId::ALL {
                let (status, body, event) = told(provider, Fault::new(reason, "why \"so\""));
                assert!(status >= 400);
                assert!(body.to_string().contains(reason.as_str()), "{body}");
                assert!(
                    event.trim_end().lines().all(|line| line.contains(": ")),
                    "{event}"
                );
            }
        }
    }

    #[test]
    fn what_is_retried_by_an_sdk_is_what_may_help() {
        let delayed =
            Fault::new(Reason::HostedRateLimited, "later").retry_after(Duration::from_millis(1500));
        let (status, body, _) = told(ProviderId::Google, delayed);
        assert_eq!(status, 429);
        assert_eq!(body["error"]["details"][1]["retryDelay"], "1.500s");
        let (status, body, _) = told(ProviderId::OpenAi, Fault::field("model", "must be set"));
        assert_eq!((status, &body["error"]["param"]), (400, &json!("model")));
    }
}
