//! Why an attempt failed, what a caller may learn of it, and what it says about the key.

use std::time::Duration;

use keyway_chassis::deadline::Deadline;
use keyway_proto::vault::v1::{FailureClass as PolicyClass, KeyState};
use keyway_proto::{Fault, Reason};
use keyway_router_billing::LedgerError;
use keyway_router_providers::{DecodeError, EncodeError, FailureClass, ProviderFailure};
use keyway_words::{ProviderId, Secret, Source};

use crate::call::encode_fault;
use crate::keys::Trouble;
use crate::upstream::{SendError, without_key};

/// Why an attempt failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The call can't be written for the provider. Nothing was sent.
    Encode(EncodeError),
    /// The ledger does not take the attempt. No byte reached the caller.
    Ledger(LedgerError),
    /// The key was withdrawn between planning and sending. Nothing was sent.
    Withdrawn,
    /// The way to the provider failed.
    Send(SendError),
    /// The provider answered a failure.
    Provider(ProviderFailure),
    /// The provider's answer can't be read, or ended too early.
    Decode(DecodeError),
    /// The deadline passed before anything was sent.
    Deadline,
}

impl Failure {
    /// The provider's own failure, wherever in the answer it stood.
    pub(super) fn provider(&self) -> Option<&ProviderFailure> {
        match self {
            Self::Provider(failure) => Some(failure),
            Self::Decode(DecodeError::Provider(failure)) => Some(failure),
            _ => None,
        }
    }

    /// In the vocabulary of providers; `None` where another key can't change anything.
    pub(super) fn class(&self) -> Option<FailureClass> {
        match self {
            Self::Send(SendError::TimedOut(_)) => Some(FailureClass::Timeout),
            Self::Send(SendError::NotConnected | SendError::Broken) => {
                Some(FailureClass::Unavailable)
            }
            Self::Decode(DecodeError::Truncated) => Some(FailureClass::Unavailable),
            _ => self.provider().map(|failure| failure.class),
        }
    }

    /// In the vocabulary of `fallback_on`.
    pub(super) fn policy_class(&self) -> Option<PolicyClass> {
        Some(match self.class()? {
            FailureClass::KeyRejected => PolicyClass::KeyRejected,
            FailureClass::KeyExhausted => PolicyClass::KeyExhausted,
            FailureClass::RateLimited => PolicyClass::RateLimited,
            FailureClass::ModelNotAvailable => PolicyClass::ModelNotAvailable,
            FailureClass::Unavailable => PolicyClass::ProviderUnavailable,
            FailureClass::Timeout => PolicyClass::ProviderTimeout,
            FailureClass::Forbidden
            | FailureClass::BadRequest
            | FailureClass::TooLarge
            | FailureClass::Protocol => return None,
        })
    }

    /// Whether the same request may be sent again: only where the provider failed or can't have
    /// taken it, never after our own patience ended.
    pub(super) fn may_repeat(&self) -> bool {
        match self {
            // What a name leads to is no different a moment later.
            Self::Send(SendError::PrivateAddress) => false,
            Self::Send(error) => error.never_left() || *error == SendError::Broken,
            Self::Provider(failure) => failure.is_retryable(),
            Self::Decode(DecodeError::Provider(failure)) => failure.is_retryable(),
            Self::Decode(DecodeError::Truncated) => true,
            _ => false,
        }
    }

    /// Whether the provider failed, or can't be reached: what counts for a breaker.
    pub(super) fn is_providers(&self) -> bool {
        matches!(
            self.class(),
            Some(FailureClass::Unavailable | FailureClass::Timeout)
        )
    }

    /// How long the provider asked to wait.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.provider().and_then(|failure| failure.retry_after)
    }

    /// What it says about the key.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        let failure = self.provider()?;
        let state = match failure.class {
            FailureClass::KeyRejected => KeyState::Rejected,
            FailureClass::KeyExhausted => KeyState::Exhausted,
            FailureClass::RateLimited => KeyState::Limited,
            _ => return None,
        };
        let cause = match failure.status {
            200 => "an error in its answer".to_owned(),
            status => format!("HTTP {status}"),
        };
        Some(Trouble {
            state,
            lasts: failure.retry_after,
            cause,
        })
    }

    /// Whether the provider answered an error without usage, or never saw the request.
    pub(super) fn used_nothing(&self) -> bool {
        match self {
            Self::Send(error) => error.never_left(),
            Self::Encode(_)
            | Self::Ledger(_)
            | Self::Withdrawn
            | Self::Deadline
            | Self::Provider(_) => true,
            Self::Decode(_) => false,
        }
    }

    /// The stable reason, for the usage event.
    pub(super) fn reason(&self, source: Source) -> Reason {
        let hosted = matches!(source, Source::Hosted);
        if let Some(failure) = self.provider() {
            return reason(failure.class, hosted);
        }
        match self {
            Self::Encode(error) => encode_fault(error).reason,
            Self::Ledger(LedgerError::RequestRepeated { .. }) => Reason::RequestRepeated,
            Self::Ledger(_) => Reason::LedgerUnavailable,
            Self::Withdrawn => Reason::NoKey,
            Self::Deadline => Reason::Deadline,
            Self::Send(error) => send_reason(*error),
            Self::Decode(DecodeError::Truncated) => Reason::StreamTruncated,
            Self::Provider(_) | Self::Decode(_) => Reason::ProviderProtocol,
        }
    }

    /// What the caller learns. A provider's message is passed on only of own keys, without the key.
    pub(super) fn fault(self, provider: ProviderId, source: Source, key: Option<&Secret>) -> Fault {
        let fault = match self {
            Self::Encode(error) => return encode_fault(&error),
            Self::Ledger(error) => return error.into(),
            Self::Deadline => return Deadline::fault("the provider"),
            Self::Withdrawn => Fault::new(
                Reason::NoKey,
                "the key was withdrawn while the call waited; try again",
            ),
            Self::Send(error) => send_fault(provider, error),
            Self::Provider(failure) => provider_fault(provider, source, key, &failure),
            Self::Decode(DecodeError::Provider(failure)) => {
                provider_fault(provider, source, key, &failure)
            }
            Self::Decode(DecodeError::Truncated) => Fault::new(
                Reason::StreamTruncated,
                format!("{provider}'s answer broke off before its end"),
            )
            .retry_after(SOON),
            Self::Decode(error) => {
                Fault::new(Reason::ProviderProtocol, format!("{provider}: {error}"))
            }
        };
        fault.with("provider", provider.as_str())
    }
}

fn send_fault(provider: ProviderId, error: SendError) -> Fault {
    match error {
        SendError::TimedOut(stage) => Fault::new(
            Reason::ProviderTimeout,
            format!("{provider} did not answer in time ({})", stage.as_str()),
        )
        .with("stage", stage.as_str())
        .retry_after(SOON),
        SendError::NotConnected => Fault::new(
            Reason::ProviderUnavailable,
            format!("{provider} can't be reached"),
        )
        .retry_after(SOON),
        SendError::Broken => Fault::new(
            Reason::ProviderUnavailable,
            format!("the connection to {provider} broke before the answer was complete"),
        )
        .retry_after(SOON),
        SendError::TooLarge => Fault::new(
            Reason::ProviderProtocol,
            format!("{provider}'s answer is larger than the router takes"),
        ),
        SendError::PrivateAddress => Fault::new(
            Reason::ProviderUnavailable,
            format!(
                "{provider} can't be reached: its host leads to an address that the router's egress.allowed_networks does not allow"
            ),
        ),
        SendError::NotAllowed => Fault::new(
            Reason::Internal,
            "the request would have left the provider's host",
        ),
    }
}

fn send_reason(error: SendError) -> Reason {
    match error {
        SendError::TimedOut(_) => Reason::ProviderTimeout,
        SendError::NotConnected | SendError::PrivateAddress | SendError::Broken => {
            Reason::ProviderUnavailable
        }
        SendError::TooLarge => Reason::ProviderProtocol,
        SendError::NotAllowed => Reason::Internal,
    }
}

fn provider_fault(
    provider: ProviderId,
    source: Source,
    key: Option<&Secret>,
    failure: &ProviderFailure,
) -> Fault {
    let hosted = matches!(source, Source::Hosted);
    let reason = reason(failure.class, hosted);
    let mut message = match reason {
        Reason::KeyRejected => format!(
            "{provider} rejected the key; store a good one with keyway.vault.v1.KeyService/PutKey"
        ),
        Reason::ProviderUnavailable if hosted => {
            format!("{provider} can't be used on the platform's key for now")
        }
        _ if failure.status == 200 => format!(
            "{provider} reported an error in its answer ({})",
            failure.class.as_str()
        ),
        _ => format!(
            "{provider} answered with HTTP {} ({})",
            failure.status,
            failure.class.as_str()
        ),
    };
    // All workspaces share the platform's account: its provider's words are not for them.
    let said = failure.message.as_deref().filter(|_| !hosted);
    if let (Some(said), Some(key)) = (said, key) {
        message.push_str("; it says: ");
        message.push_str(&without_key(said, key));
    }
    let mut fault = Fault::new(reason, message);
    if let Some(code) = &failure.code {
        let code = key.map_or_else(String::new, |key| without_key(code, key));
        fault = fault.with("provider_code", code);
    }
    if reason == Reason::ProviderTimeout {
        fault = fault.with("stage", "provider");
    }
    match reason.code() {
        tonic::Code::Unavailable => fault.retry_after(failure.retry_after.unwrap_or(SOON)),
        _ => match failure.retry_after {
            Some(delay) => fault.retry_after(delay),
            None if matches!(reason, Reason::RateLimited | Reason::HostedRateLimited) => {
                fault.retry_after(SOON)
            }
            None => fault,
        },
    }
}

/// On the platform's key a workspace sees only what it can act on.
fn reason(class: FailureClass, hosted: bool) -> Reason {
    match class {
        FailureClass::KeyRejected | FailureClass::KeyExhausted | FailureClass::Forbidden
            if hosted =>
        {
            Reason::ProviderUnavailable
        }
        FailureClass::RateLimited if hosted => Reason::HostedRateLimited,
        FailureClass::KeyRejected => Reason::KeyRejected,
        FailureClass::KeyExhausted => Reason::KeyExhausted,
        FailureClass::RateLimited => Reason::RateLimited,
        FailureClass::Forbidden | FailureClass::BadRequest | FailureClass::TooLarge => {
            Reason::ProviderRejectedRequest
        }
        FailureClass::ModelNotAvailable => Reason::ModelNotAvailable,
        FailureClass::Unavailable => Reason::ProviderUnavailable,
        FailureClass::Timeout => Reason::ProviderTimeout,
        FailureClass::Protocol => Reason::ProviderProtocol,
    }
}

const SOON: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
