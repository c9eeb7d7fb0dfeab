//! Why a call has no key, and the RPC that mends it.

use std::time::Duration;

use keyway_proto::{Fault, Reason};
use keyway_words::{ProviderId, Timestamp, WorkspaceId};

/// Why a call has no key that it may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// No key is configured where the call may look.
    NoKey {
        /// Whether only the workspace's own key may be used.
        own_only: bool,
    },
    /// All own keys are disabled or expired.
    KeyDisabled,
    /// The provider says that the own key is bad.
    KeyRejected,
    /// Credit or quota of the own key is used up.
    KeyExhausted {
        /// Until when, where known.
        until: Option<Timestamp>,
    },
    /// The own key's rate is limited.
    RateLimited {
        /// Until when, where known.
        until: Option<Timestamp>,
    },
    /// A stored key can't be opened.
    KeyUnreadable,
    /// No key may use the model.
    ModelNotAvailable,
    /// The operator does not allow hosted calls.
    HostedNotAllowed,
    /// The operator switched all hosted calls off.
    HostedOff,
    /// A hosted call would have no price.
    Unpriced {
        /// What has no price.
        cause: &'static str,
    },
    /// The platform's keys are rate limited.
    HostedRateLimited {
        /// Until when, where known.
        until: Option<Timestamp>,
    },
    /// The provider failed again and again with the own key, which rests.
    Rests {
        /// Until when, where known.
        until: Option<Timestamp>,
    },
    /// No key of the platform can be used for now.
    ProviderUnavailable {
        /// Until when, where known.
        until: Option<Timestamp>,
    },
    /// The request's mode and the policy's exclude each other.
    ModeExcluded,
}

impl Refusal {
    /// The fault of a call of `workspace` with `provider` at the time `now`.
    pub fn fault(self, workspace: &WorkspaceId, provider: ProviderId, now: Timestamp) -> Fault {
        let message = self.message(workspace, provider);
        let fault = Fault::new(self.reason(), message).with("provider", provider.as_str());
        match self {
            Self::ModeExcluded => fault.at_field("credential_mode"),
            Self::KeyExhausted { until }
            | Self::RateLimited { until }
            | Self::HostedRateLimited { until }
            | Self::Rests { until }
            | Self::ProviderUnavailable { until } => fault.retry_after(wait(until, now)),
            _ => fault,
        }
    }

    /// Its stable reason.
    pub const fn reason(self) -> Reason {
        match self {
            Self::NoKey { .. } => Reason::NoKey,
            Self::KeyDisabled => Reason::KeyDisabled,
            Self::KeyRejected => Reason::KeyRejected,
            Self::KeyExhausted { .. } => Reason::KeyExhausted,
            Self::RateLimited { .. } => Reason::RateLimited,
            Self::KeyUnreadable => Reason::KeyUnreadable,
            Self::ModelNotAvailable => Reason::ModelNotAvailable,
            Self::HostedNotAllowed => Reason::HostedNotAllowed,
            Self::HostedOff => Reason::SwitchedOff,
            Self::Unpriced { .. } => Reason::Unpriced,
            Self::HostedRateLimited { .. } => Reason::HostedRateLimited,
            Self::Rests { .. } | Self::ProviderUnavailable { .. } => Reason::ProviderUnavailable,
            Self::ModeExcluded => Reason::FieldInvalid,
        }
    }

    /// For people: the cause and the RPC that mends it.
    fn message(self, workspace: &WorkspaceId, provider: ProviderId) -> String {
        let own = format!("the {provider} key of workspaces/{workspace}");
        match self {
            Self::NoKey { own_only: true } => format!(
                "workspaces/{workspace} has no {provider} key, and its calls may use no other; store one with {PUT_KEY}"
            ),
            Self::NoKey { own_only: false } => format!(
                "neither workspaces/{workspace} nor the platform has a {provider} key that this call may use; store one with {PUT_KEY}"
            ),
            Self::KeyDisabled => format!("{own} is disabled or expired; mend it with {UPDATE_KEY}"),
            Self::KeyRejected => {
                format!("{provider} rejected {own}; store a good one with {PUT_KEY}")
            }
            Self::KeyExhausted { .. } => {
                format!("credit or quota of {own} is used up; raise it at {provider}")
            }
            Self::RateLimited { .. } => format!("{provider} limits the rate of {own}"),
            Self::KeyUnreadable => {
                format!("a stored {provider} key can't be opened; store it again with {PUT_KEY}")
            }
            Self::ModelNotAvailable => format!(
                "no {provider} key of workspaces/{workspace} may use this model; change allowed_models with {UPDATE_KEY}"
            ),
            Self::HostedNotAllowed => format!(
                "workspaces/{workspace} may not use the platform's keys; store an own key with {PUT_KEY}, or ask the operator to change operator_limits with {UPDATE_WORKSPACE}"
            ),
            Self::HostedOff => format!(
                "the operator switched calls on the platform's keys off; store an own {provider} key with {PUT_KEY}"
            ),
            Self::Unpriced { cause } => format!(
                "{cause}, so the call can't run on the platform's key; store an own key with {PUT_KEY}"
            ),
            Self::HostedRateLimited { .. } => "the platform's key is rate limited".to_owned(),
            Self::Rests { .. } => format!(
                "{provider} failed again and again with {own}, so it is left alone for a moment; nothing was sent"
            ),
            Self::ProviderUnavailable { .. } => {
                format!("{provider} can't be used on the platform's key for now")
            }
            Self::ModeExcluded => format!(
                "credential_mode: a request may narrow the workspace's policy, not leave it; change the policy with {UPDATE_WORKSPACE}"
            ),
        }
    }
}

/// When trying again makes sense; a second where that is not known.
fn wait(until: Option<Timestamp>, now: Timestamp) -> Duration {
    let micros = until.map_or(1_000_000, |until| until.0.saturating_sub(now.0).max(0));
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

const PUT_KEY: &str = "keyway.vault.v1.KeyService/PutKey";
const UPDATE_KEY: &str = "keyway.vault.v1.KeyService/UpdateKey";
const UPDATE_WORKSPACE: &str = "keyway.vault.v1.WorkspaceService/Update";
