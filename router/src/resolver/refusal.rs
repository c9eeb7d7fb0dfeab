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
    /// No key of the platform can be used for now.
    ProviderUnavailable,
    /// The request's mode and the policy's exclude each other.
    ModeExcluded,
}

impl Refusal {
    /// The fault of a call of `workspace` with `provider` at the time `now`.
    pub fn fault(self, workspace: &WorkspaceId, provider: ProviderId, now: Timestamp) -> Fault {
        let fault = |reason, message: String| {
            Fault::new(reason, message).with("provider", provider.as_str())
        };
        let own = format!("the {provider} key of workspaces/{workspace}");
        match self {
            Self::NoKey { own_only } => fault(Reason::NoKey, no_key(workspace, provider, own_only)),
            Self::KeyDisabled => fault(
                Reason::KeyDisabled,
                format!(
                    "{own} is disabled or expired; enable it with keyway.vault.v1.KeyService/UpdateKey"
                ),
            ),
            Self::KeyRejected => fault(
                Reason::KeyRejected,
                format!(
                    "the provider rejected {own}; store a good one with keyway.vault.v1.KeyService/PutKey"
                ),
            ),
            Self::KeyExhausted { until } => wait(
                fault(
                    Reason::KeyExhausted,
                    format!("credit or quota of {own} is used up; raise it at the provider"),
                ),
                until,
                now,
            ),
            Self::RateLimited { until } => wait(
                fault(
                    Reason::RateLimited,
                    format!("the provider limits the rate of {own}"),
                ),
                until,
                now,
            ),
            Self::KeyUnreadable => fault(
                Reason::KeyUnreadable,
                format!(
                    "a stored {provider} key can't be opened; store it again with keyway.vault.v1.KeyService/PutKey"
                ),
            ),
            Self::ModelNotAvailable => fault(
                Reason::ModelNotAvailable,
                format!(
                    "no {provider} key of workspaces/{workspace} may use this model; change allowed_models with keyway.vault.v1.KeyService/UpdateKey"
                ),
            ),
            Self::HostedNotAllowed => fault(
                Reason::HostedNotAllowed,
                format!(
                    "workspaces/{workspace} may not use the platform's keys; store an own key with keyway.vault.v1.KeyService/PutKey, or ask the operator for keyway.vault.v1.WorkspaceService/Update of operator_limits"
                ),
            ),
            Self::Unpriced { cause } => fault(
                Reason::Unpriced,
                format!(
                    "{cause}, so the call can't run on the platform's key; store an own key with keyway.vault.v1.KeyService/PutKey"
                ),
            ),
            Self::HostedRateLimited { until } => wait(
                fault(
                    Reason::HostedRateLimited,
                    "the platform's key is rate limited".into(),
                ),
                until,
                now,
            ),
            Self::ProviderUnavailable => wait(
                fault(
                    Reason::ProviderUnavailable,
                    format!("{provider} can't be used on the platform's key for now"),
                ),
                None,
                now,
            ),
            Self::ModeExcluded => Fault::field(
                "credential_mode",
                "a request may narrow the workspace's policy, not leave it; change the policy with keyway.vault.v1.WorkspaceService/Update",
            ),
        }
    }
}

fn no_key(workspace: &WorkspaceId, provider: ProviderId, own_only: bool) -> String {
    let remedy = "store one with keyway.vault.v1.KeyService/PutKey";
    if own_only {
        format!(
            "workspaces/{workspace} has no {provider} key, and its calls may use no other; {remedy}"
        )
    } else {
        format!(
            "neither workspaces/{workspace} nor the platform has a {provider} key that this call may use; {remedy}"
        )
    }
}

/// Names the moment when trying again makes sense; a second where none is known.
fn wait(fault: Fault, until: Option<Timestamp>, now: Timestamp) -> Fault {
    let micros = until.map_or(1_000_000, |until| until.0.saturating_sub(now.0).max(0));
    fault.retry_after(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
}
