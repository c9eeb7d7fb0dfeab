//! The order of attempts: the pool first, then, if the policy names the failure, the platform.
//!
//! One budget for the whole call. A key that was refused is never tried again unless the provider said when; nothing is
//! repeated once the caller has received a byte.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use keyway_proto::vault::v1::FailureClass as PolicyClass;
use keyway_router_providers::FailureClass;

use super::failure::Failure;
use crate::keys::{Lease, LeasedKey};
use crate::resolver::{Planned, Route};

/// What may still be tried.
#[derive(Debug)]
pub(super) struct Plan {
    /// The lease that it was made from.
    pub(super) lease: Arc<Lease>,
    queue: VecDeque<Planned>,
    fallback: Vec<Planned>,
    fallback_on: Vec<PolicyClass>,
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Try the next key at once, or after a pause.
    Try(Duration),
    /// Tell the caller.
    Stop,
}

impl Plan {
    /// The plan of a route.
    pub(super) fn new(lease: Arc<Lease>, route: Route) -> Self {
        Self {
            lease,
            queue: route.candidates.into(),
            fallback: route.fallback,
            fallback_on: route.fallback_on,
        }
    }

    /// The next attempt.
    pub(super) fn next(&mut self) -> Option<Planned> {
        self.queue.pop_front()
    }

    /// Whether it may come to this key, for this source.
    pub(super) fn has(&self, planned: &Planned) -> bool {
        let mut all = self.queue.iter().chain(&self.fallback);
        all.any(|next| next.source == planned.source && next.key.is_same(&planned.key))
    }

    /// Goes on where `before`, an older plan of the same call, was: what failed is left out, unless
    /// it was to be tried again.
    pub(super) fn goes_on(&mut self, before: Option<&Self>, failed: &[Arc<LeasedKey>]) {
        let waits = |key: &LeasedKey| {
            before.is_some_and(|plan| plan.queue.iter().any(|next| next.key.is_same(key)))
        };
        let may = |planned: &Planned| {
            waits(&planned.key) || !failed.iter().any(|key| key.is_same(&planned.key))
        };
        self.queue.retain(may);
        self.fallback.retain(may);
    }

    /// What to do after `failed` met a failure before any byte reached the caller.
    pub(super) fn after(
        &mut self,
        failed: &Planned,
        failure: &Failure,
        longest_wait: Duration,
    ) -> Next {
        let class = failure.class();
        match class {
            // Another key of the pool may do better.
            Some(
                FailureClass::KeyRejected
                | FailureClass::Forbidden
                | FailureClass::KeyExhausted
                | FailureClass::ModelNotAvailable
                | FailureClass::RateLimited,
            ) => {}
            Some(_) if failure.may_repeat() => {}
            _ => self.queue.clear(),
        }
        if !self.queue.is_empty() {
            return Next::Try(Duration::ZERO);
        }
        let named = failure
            .policy_class()
            .is_some_and(|class| self.fallback_on.contains(&class));
        if named && !self.fallback.is_empty() {
            self.queue = std::mem::take(&mut self.fallback).into();
            return Next::Try(Duration::ZERO);
        }
        let wait = match (class, failure.retry_after()) {
            (Some(FailureClass::RateLimited), None) => return Next::Stop,
            // A date that has passed asks for no pause at all.
            (_, Some(asked)) => asked.max(PAUSE),
            (_, None) => PAUSE,
        };
        if !failure.may_repeat() || wait > longest_wait {
            return Next::Stop;
        }
        self.queue.push_back(failed.clone());
        Next::Try(wait)
    }
}

/// Before the same key is tried again after a failure of the provider.
const PAUSE: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests;
