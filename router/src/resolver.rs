//! Which keys a call may use: the table of the design, as one pure function.
//!
//! `Source` is decided here and nowhere else. Only a definite "no key is configured" leads from
//! an own pool to the platform's, or a failure that the workspace's policy names; a key that
//! exists is never "no key". The vault gave the candidates; this function drops and orders, and
//! never adds one.

mod refusal;

use std::sync::Arc;

use keyway_proto::vault::v1::{CredentialMode, FailureClass, KeyState};
use keyway_words::{Source, Timestamp};

use crate::keys::LeasedKey;
pub use refusal::Refusal;

/// One key as the resolver sees it: the vault's state or this router's fresher one.
#[derive(Debug, Clone)]
pub struct KeyView {
    /// The key.
    pub key: Arc<LeasedKey>,
    /// Its state now.
    pub state: KeyState,
    /// Until when it is in that state, where known.
    pub until: Option<Timestamp>,
    /// Whether one call may try it although it is rejected or exhausted.
    pub on_trial: bool,
    /// Until when it rests because its provider failed again and again.
    pub rests_until: Option<Timestamp>,
    /// Whether its allowed models have the model.
    pub model_allowed: bool,
    /// Attempts of this router in flight with it.
    pub in_flight: usize,
}

impl KeyView {
    /// Why a call would not use it, as receipts spell it; `None` if it is usable.
    pub fn why_not(&self) -> Option<&'static str> {
        if !self.model_allowed {
            return Some("MODEL_NOT_ALLOWED");
        }
        self.trouble()
    }

    fn is_usable(&self) -> bool {
        self.trouble().is_none()
    }

    /// Why it can't be used, whatever the model.
    fn trouble(&self) -> Option<&'static str> {
        let is_well = self.state == KeyState::Active || self.on_trial;
        match (is_well && self.key.secret.is_some(), self.rests_until) {
            (true, None) => None,
            (true, Some(_)) => Some(RESTS),
            (false, _) => Some(skip_word(self.state)),
        }
    }
}

/// The pool of one owner as the resolver sees it.
#[derive(Debug, Clone, Default)]
pub struct PoolView {
    /// How many live keys the pool record counts.
    pub counted: u32,
    /// Whether the one least in flight comes first.
    pub spread: bool,
    /// Every live key, in pool order.
    pub keys: Vec<KeyView>,
}

/// Everything that the decision depends on.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The workspace's mode, already narrowed by the request.
    pub mode: CredentialMode,
    /// Failure classes after which the platform's key may be tried.
    pub fallback_on: Vec<FailureClass>,
    /// Whether the operator allows hosted calls.
    pub hosted_allowed: bool,
    /// Whether the operator switched all hosted calls off.
    pub hosted_off: bool,
    /// The cause, if a hosted call would have no price.
    pub unpriced: Option<&'static str>,
    /// The workspace's pool.
    pub own: PoolView,
    /// The platform's pool, if the vault gave it.
    pub platform: Option<PoolView>,
}

/// One attempt that may be made.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Whose key it is.
    pub source: Source,
    /// The key.
    pub key: Arc<LeasedKey>,
}

/// A key of the pool that the call will not use.
#[derive(Debug, Clone)]
pub struct Skipped {
    /// The key.
    pub key: Arc<LeasedKey>,
    /// Why, as receipts spell it.
    pub why: &'static str,
}

/// What a call may try, in order.
#[derive(Debug, Clone, Default)]
pub struct Route {
    /// Keys of one source, the first one first.
    pub candidates: Vec<Planned>,
    /// Keys of the platform for failures of an own key whose class is in `fallback_on`.
    pub fallback: Vec<Planned>,
    /// Classes that lead to `fallback`.
    pub fallback_on: Vec<FailureClass>,
    /// Keys that are not used, and why.
    pub skipped: Vec<Skipped>,
}

/// Decides which keys a call may use.
pub fn resolve(facts: &Facts) -> Result<Route, Refusal> {
    if facts.mode == CredentialMode::HostedOnly {
        return hosted(facts);
    }
    let own_only = facts.mode == CredentialMode::OwnOnly;
    let failure = match read(&facts.own, Source::Own) {
        Ok(route) => {
            return Ok(if own_only {
                route
            } else {
                with_fallback(route, facts)
            });
        }
        Err(Blocked::NoKey) if own_only => return Err(Refusal::NoKey { own_only }),
        Err(Blocked::NoKey) => return hosted(facts),
        Err(failure) => failure,
    };
    let named = failure
        .class()
        .is_some_and(|class| facts.fallback_on.contains(&class));
    if named && !own_only {
        // What stops the platform's key here is not what the workspace must mend.
        if let Ok(route) = hosted(facts) {
            return Ok(route);
        }
    }
    Err(failure.of_own_pool())
}

/// The mode that holds where the policy allows one and the request another: what both allow.
pub fn narrowed(
    policy: CredentialMode,
    request: CredentialMode,
) -> Result<CredentialMode, Refusal> {
    let sources = |mode| match mode {
        CredentialMode::Unspecified | CredentialMode::OwnThenHosted => (true, true),
        CredentialMode::OwnOnly => (true, false),
        CredentialMode::HostedOnly => (false, true),
    };
    let (policy, request) = (sources(policy), sources(request));
    match (policy.0 && request.0, policy.1 && request.1) {
        (true, true) => Ok(CredentialMode::OwnThenHosted),
        (true, false) => Ok(CredentialMode::OwnOnly),
        (false, true) => Ok(CredentialMode::HostedOnly),
        (false, false) => Err(Refusal::ModeExcluded),
    }
}

fn with_fallback(own: Route, facts: &Facts) -> Route {
    if facts.fallback_on.is_empty() {
        return own;
    }
    match hosted(facts) {
        Ok(hosted) => {
            let fallback_on = facts.fallback_on.clone();
            Route {
                fallback: hosted.candidates,
                fallback_on,
                ..own
            }
        }
        Err(_refused) => own,
    }
}

fn hosted(facts: &Facts) -> Result<Route, Refusal> {
    if facts.hosted_off {
        return Err(Refusal::HostedOff);
    }
    if !facts.hosted_allowed {
        return Err(Refusal::HostedNotAllowed);
    }
    let platform = facts
        .platform
        .as_ref()
        .ok_or(Refusal::NoKey { own_only: false })?;
    let mut route = read(platform, Source::Hosted).map_err(Blocked::of_platform_pool)?;
    if let Some(cause) = facts.unpriced {
        return Err(Refusal::Unpriced { cause });
    }
    // A workspace learns nothing about the platform's other keys.
    route.skipped.clear();
    Ok(route)
}

/// Why no key of a pool can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blocked {
    NoKey,
    Models,
    Unreadable,
    /// The class of the key that is usable first, and when that is.
    Unhealthy(KeyState, Option<Timestamp>),
    /// The provider failed again and again, and the key rests until then.
    Rests(Option<Timestamp>),
    Disabled,
}

impl Blocked {
    fn class(self) -> Option<FailureClass> {
        match self {
            Self::Models => Some(FailureClass::ModelNotAvailable),
            Self::Unhealthy(KeyState::Rejected, _) => Some(FailureClass::KeyRejected),
            Self::Unhealthy(KeyState::Exhausted, _) => Some(FailureClass::KeyExhausted),
            Self::Unhealthy(_, _) => Some(FailureClass::RateLimited),
            Self::Rests(_) => Some(FailureClass::ProviderUnavailable),
            Self::NoKey | Self::Unreadable | Self::Disabled => None,
        }
    }

    fn of_own_pool(self) -> Refusal {
        match self {
            Self::NoKey => Refusal::NoKey { own_only: true },
            Self::Models => Refusal::ModelNotAvailable,
            Self::Unreadable => Refusal::KeyUnreadable,
            Self::Unhealthy(KeyState::Rejected, _) => Refusal::KeyRejected,
            Self::Unhealthy(KeyState::Exhausted, until) => Refusal::KeyExhausted { until },
            Self::Unhealthy(_, until) => Refusal::RateLimited { until },
            Self::Rests(until) => Refusal::Rests { until },
            Self::Disabled => Refusal::KeyDisabled,
        }
    }

    fn of_platform_pool(self) -> Refusal {
        if self != Self::NoKey {
            tracing::error!(state = ?self, "no key of the platform can be used");
        }
        match self {
            Self::NoKey => Refusal::NoKey { own_only: false },
            Self::Unreadable => Refusal::KeyUnreadable,
            Self::Unhealthy(KeyState::Limited, until) => Refusal::HostedRateLimited { until },
            Self::Rests(until) => Refusal::ProviderUnavailable { until },
            Self::Unhealthy(_, _) | Self::Models | Self::Disabled => {
                Refusal::ProviderUnavailable { until: None }
            }
        }
    }
}

/// Reads one pool by the table's rows.
fn read(pool: &PoolView, source: Source) -> Result<Route, Blocked> {
    if pool.counted == 0 && pool.keys.is_empty() {
        return Err(Blocked::NoKey);
    }
    let (left, excluded): (Vec<_>, Vec<_>) = pool.keys.iter().partition(|view| view.model_allowed);
    let lost = u32::try_from(pool.keys.len()).unwrap_or(u32::MAX) < pool.counted;
    if left.is_empty() && !lost {
        return Err(Blocked::Models);
    }
    let (mut usable, unusable): (Vec<&KeyView>, Vec<&KeyView>) =
        left.into_iter().partition(|view| view.is_usable());
    let unreadable = lost
        || unusable
            .iter()
            .any(|view| view.trouble() == Some(UNREADABLE));
    if unreadable {
        tracing::error!(?source, "a stored key can't be opened");
    }
    if usable.is_empty() {
        return Err(if unreadable {
            Blocked::Unreadable
        } else {
            blocked(&unusable)
        });
    }
    if pool.spread {
        usable.sort_by_key(|view| view.in_flight); // stable: pool order among equals
    }
    let planned = |view: &&KeyView| Planned {
        source,
        key: Arc::clone(&view.key),
    };
    let skip = |view: &KeyView, why| Skipped {
        key: Arc::clone(&view.key),
        why,
    };
    let excluded = excluded
        .into_iter()
        .map(|view| skip(view, "MODEL_NOT_ALLOWED"));
    let unusable = unusable
        .into_iter()
        .filter_map(|view| Some(skip(view, view.trouble()?)));
    Ok(Route {
        candidates: usable.iter().map(planned).collect(),
        skipped: excluded.chain(unusable).collect(),
        ..Route::default()
    })
}

/// The row of a pool with no usable and no unreadable key.
fn blocked(unusable: &[&KeyView]) -> Blocked {
    let blocked = |view: &&KeyView| {
        if view.trouble() == Some(RESTS) {
            return Some((0, view.rests_until, Blocked::Rests(view.rests_until)));
        }
        // A rejected key gets well by nobody's clock.
        let until = view.until.filter(|_| view.state != KeyState::Rejected);
        let blocked = Blocked::Unhealthy(view.state, view.until);
        Some((rank(view.state)?, until, blocked))
    };
    let soonest = unusable
        .iter()
        .filter_map(blocked)
        .min_by_key(|(rank, until, _)| (until.is_none(), *until, *rank));
    soonest.map_or(Blocked::Disabled, |(_, _, blocked)| blocked)
}

/// Which class is usable first where no date is known: limits pass before quotas do.
fn rank(state: KeyState) -> Option<u8> {
    match state {
        KeyState::Limited => Some(0),
        KeyState::Exhausted => Some(1),
        KeyState::Rejected => Some(2),
        KeyState::Active
        | KeyState::Disabled
        | KeyState::Expired
        | KeyState::Unreadable
        | KeyState::Unspecified => None,
    }
}

const fn skip_word(state: KeyState) -> &'static str {
    match state {
        KeyState::Disabled => "DISABLED",
        KeyState::Expired => "EXPIRED",
        KeyState::Rejected => "REJECTED",
        KeyState::Exhausted => "EXHAUSTED",
        KeyState::Limited => "LIMITED",
        // Active without its secret, or a state that this build does not know: not usable, and
        // not absent either.
        KeyState::Active | KeyState::Unreadable | KeyState::Unspecified => UNREADABLE,
    }
}

const UNREADABLE: &str = "UNREADABLE";
const RESTS: &str = "UNAVAILABLE";

#[cfg(test)]
mod tests;
