//! Keys: leased from the vault for a bounded time, never past a change that was heard of.

mod breaker;
mod cache;
mod feed;
mod freshness;
mod health;
mod lease;
mod source;
mod token;
pub(crate) mod tombstones;
mod vault;
mod way;

use std::sync::Arc;

use keyway_proto::vault::v1::{CredentialMode, KeyState};
use keyway_words::{Timestamp, WorkspaceId};

pub use breaker::{BreakerBounds, Breakers, Passage};
pub use cache::{CacheBounds, LeaseCache};
pub use feed::Feed;
pub use freshness::Freshness;
pub(crate) use health::Reporter;
pub use health::{HealthBoard, HealthBounds, InFlight, KeyNews, Reports, Trouble};
pub use lease::{KeyPool, Lease, LeaseKey, LeasedKey};
pub use source::{VaultError, VaultSource};
pub use token::{RouterToken, RouterTokenError};
pub use vault::{VaultClient, VaultClientError};

use crate::resolver::{Facts, KeyView, PoolView};

/// The resolver's facts from a lease and this router's own knowledge.
#[derive(Debug)]
pub struct View<'a> {
    /// The lease.
    pub lease: &'a Lease,
    /// States that this router saw itself.
    pub health: &'a HealthBoard,
    /// Keys that rest.
    pub breakers: &'a Breakers,
    /// Whose call.
    pub workspace: &'a WorkspaceId,
    /// The model asked for, without the provider.
    pub model: &'a str,
    /// The time.
    pub now: Timestamp,
}

impl View<'_> {
    /// The facts for a call in `mode`; `unpriced` is the cause if it would have no price.
    pub fn facts(&self, mode: CredentialMode, unpriced: Option<&'static str>) -> Facts {
        Facts {
            mode,
            fallback_on: self.lease.policy.fallback_on().collect(),
            hosted_allowed: self.lease.operator_limits.hosted_allowed.unwrap_or(true),
            hosted_off: false,
            unpriced,
            own: self.pool(&self.lease.own),
            platform: self.lease.platform.as_ref().map(|pool| self.pool(pool)),
        }
    }

    fn pool(&self, pool: &KeyPool) -> PoolView {
        let keys = pool.keys.iter().map(|key| self.key(key)).collect();
        PoolView {
            counted: pool.counted,
            spread: pool.spread,
            keys,
        }
    }

    fn key(&self, key: &Arc<LeasedKey>) -> KeyView {
        let (state, until, on_trial) = self.state(key);
        KeyView {
            state,
            until,
            on_trial,
            rests_until: self.breakers.rests_until(self.workspace, key, self.now),
            model_allowed: self.model.is_empty() || key.may_use(self.model),
            in_flight: key
                .path
                .as_ref()
                .map_or(0, |path| self.health.in_flight(path, key.version)),
            key: Arc::clone(key),
        }
    }

    /// The vault's state, unless time or what was learnt since knows better.
    fn state(&self, key: &LeasedKey) -> (KeyState, Option<Timestamp>, bool) {
        match key.state {
            KeyState::Active | KeyState::Rejected | KeyState::Exhausted | KeyState::Limited => {}
            other => return (other, key.until, false),
        }
        if key.expires_at.is_some_and(|at| at <= self.now) {
            return (KeyState::Expired, None, false);
        }
        let look = self.health.look(key, self.now);
        (look.state, look.until, look.on_trial)
    }
}
