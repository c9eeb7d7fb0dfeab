//! A failure of Keyway's own in the words of a provider's SDK, so that it raises the exception that
//! fits. Pure.

use http::StatusCode;
use keyway_proto::Reason;
use keyway_proto::status::Refusal;
use keyway_router_providers::native::{NativeApi, OwnError};
use keyway_words::{CallId, ProviderId};
use serde_json::Value;

use super::route::api;

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

    fn says_so_by_429(&self) -> bool {
        api(self.provider).is_some_and(NativeApi::says_spent_by_429)
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
        api(self.provider).map_or_else(String::new, |api| api.error_event(&json))
    }

    fn json(&self) -> Value {
        let id = self.id.to_string();
        let error = OwnError {
            status: self.status().as_u16(),
            message: self.message,
            reason: self.reason(),
            domain: keyway_proto::status::DOMAIN,
            field: self.refusal.field.as_deref(),
            call_id: &id,
            retry_after: self.refusal.retry_after,
        };
        api(self.provider).map_or_else(|| error.usual(), |api| api.error(&error))
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use keyway_proto::Fault;
    use serde_json::json;
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
