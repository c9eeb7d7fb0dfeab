//! What a test of a key found, in a state and in words.

use keyway_proto::Reason;
use keyway_proto::vault::v1::KeyState;
use keyway_router_providers::{DecodeError, FailureClass, Metered, Probed, ProviderFailure};
use keyway_words::{ProviderId, Usd};

use crate::keys::{LeasedKey, Trouble};
use crate::upstream::{SendError, without_key};

/// What the provider said.
#[derive(Debug)]
pub(super) enum Found {
    /// It takes the key.
    Good(Box<Probed>),
    /// What came with a good status is not its answer.
    Unread(DecodeError),
    /// It refused.
    Refused(ProviderFailure),
    /// It gave no answer.
    NoAnswer(SendError),
}

impl Found {
    pub(super) const fn good(&self) -> bool {
        matches!(self, Self::Good(_))
    }

    /// The models that the provider lists for the key.
    pub(super) fn models(&self) -> &[String] {
        match self {
            Self::Good(probed) => &probed.models,
            _ => &[],
        }
    }

    /// The model and what was used, if the test was a paid call.
    pub(super) fn used(&self) -> Option<(&'static str, &Metered)> {
        let Self::Good(probed) = self else {
            return None;
        };
        let (model, metered) = probed.used.as_ref()?;
        Some((model, metered))
    }

    /// Only a definite answer about the key is a state.
    pub(super) fn state(&self) -> KeyState {
        match self {
            Self::Good(_) => KeyState::Active,
            Self::Refused(failure) => match failure.class {
                FailureClass::KeyRejected => KeyState::Rejected,
                FailureClass::KeyExhausted => KeyState::Exhausted,
                _ => KeyState::Unspecified,
            },
            Self::Unread(_) | Self::NoAnswer(_) => KeyState::Unspecified,
        }
    }

    /// What it says about the key; nothing, if it is good or nothing was learnt.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        let Self::Refused(failure) = self else {
            return None;
        };
        let state = self.state();
        (state != KeyState::Unspecified).then(|| Trouble {
            state,
            lasts: failure.retry_after,
            cause: format!("HTTP {}", failure.status),
        })
    }

    /// The stable reason of a test that did not succeed.
    pub(super) const fn reason(&self) -> Reason {
        match self {
            Self::Good(_) => Reason::Internal,
            Self::NoAnswer(SendError::TimedOut(_)) => Reason::ProviderTimeout,
            Self::NoAnswer(_) => Reason::ProviderUnavailable,
            Self::Unread(_) => Reason::ProviderProtocol,
            Self::Refused(failure) => match failure.class {
                FailureClass::KeyRejected => Reason::KeyRejected,
                FailureClass::KeyExhausted => Reason::KeyExhausted,
                FailureClass::RateLimited => Reason::RateLimited,
                FailureClass::Timeout => Reason::ProviderTimeout,
                FailureClass::Unavailable => Reason::ProviderUnavailable,
                _ => Reason::ProviderRejectedRequest,
            },
        }
    }

    /// What people are told. The provider's own words come along without the key.
    pub(super) fn words(&self, provider: ProviderId, key: &LeasedKey, cost: Option<Usd>) -> String {
        let mut words = match self {
            Self::Good(probed) if probed.used.is_none() => format!(
                "{provider} accepts the key. The test cost nothing, and does not show whether there is credit"
            ),
            Self::Unread(error) => {
                format!("{provider}: {error}: nothing was learnt about the key")
            }
            Self::Good(_) => match cost {
                Some(cost) => format!(
                    "{provider} accepts the key. The test was a call, which costs {cost} USD at list price on the account of the key"
                ),
                None => format!(
                    "{provider} accepts the key. The test was a call on the account of the key; what it cost is not known"
                ),
            },
            Self::NoAnswer(SendError::TimedOut(stage)) => format!(
                "{provider} did not answer in time ({}): nothing was learnt about the key",
                stage.as_str()
            ),
            Self::NoAnswer(_) => {
                format!("{provider} can't be reached: nothing was learnt about the key")
            }
            Self::Refused(failure) => refused(provider, failure),
        };
        if let (Self::Refused(failure), Some(secret)) = (self, key.secret.as_ref())
            && let Some(said) = &failure.message
        {
            words.push_str("; it says: ");
            words.push_str(&without_key(said, secret));
        }
        words
    }
}

fn refused(provider: ProviderId, failure: &ProviderFailure) -> String {
    let status = failure.status;
    match failure.class {
        FailureClass::KeyRejected => format!(
            "{provider} rejects the key (HTTP {status}); store a good one with keyway.vault.v1.KeyService/PutKey"
        ),
        FailureClass::KeyExhausted => format!(
            "{provider} knows the key, and its credit or quota is used up (HTTP {status}); raise it at {provider}"
        ),
        FailureClass::Forbidden => format!(
            "{provider} knows the key and does not allow it this test (HTTP {status}): whether calls work was not learnt"
        ),
        FailureClass::RateLimited => format!(
            "{provider} limits the rate (HTTP {status}): nothing was learnt about the key; test it again later"
        ),
        _ => format!("{provider} answered HTTP {status}: nothing was learnt about the key"),
    }
}
