//! A lease: what the vault said about a workspace's keys for one provider, at one revision.
//!
//! Secrets leave the message at once and are wiped when the last user of the lease is gone.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use keyway_proto::convert::from_timestamp;
use keyway_proto::vault::v1 as wire;
use keyway_words::{KeyPath, Owner, ProviderId, Secret, Timestamp};
use std::sync::Arc;
use tokio::time::Instant;

/// What a lease is for: a workspace and a provider.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LeaseKey {
    /// The workspace.
    pub workspace: keyway_words::WorkspaceId,
    /// The provider.
    pub provider: ProviderId,
}

/// What a change concerns: an owner, and one of its providers or all.
pub(super) type Scope = (Owner, Option<ProviderId>);

/// The vault's answer, kept for a bounded time.
#[derive(Debug)]
pub struct Lease {
    /// The changes that end it.
    pub(super) concerns: [Scope; 4],
    /// Revision of the feed that was read in the same transaction.
    pub revision: u64,
    /// Epoch of the vault's database.
    pub epoch: String,
    /// Whether the workspace's calls run.
    pub workspace_state: wire::WorkspaceState,
    /// The admin's block.
    pub policy: wire::Policy,
    /// The operator's block.
    pub operator_limits: wire::OperatorLimits,
    /// The workspace's own pool.
    pub own: KeyPool,
    /// The platform's; `None` where no call of the workspace may use it.
    pub platform: Option<KeyPool>,
    /// When it was asked for: what it says was true then or later.
    pub filled_at: Instant,
    /// Until when it may be kept.
    pub ends_at: Instant,
    /// The vault refused to renew it.
    pub(super) refused: AtomicBool,
    pub(super) last_used: AtomicU64,
}

/// The keys of one owner for the provider.
#[derive(Debug, Default)]
pub struct KeyPool {
    /// How many live keys the pool record counts.
    pub counted: u32,
    /// Whether the one least in flight comes first.
    pub spread: bool,
    /// Every live key, in pool order.
    pub keys: Vec<Arc<LeasedKey>>,
}

/// One key of a pool.
#[derive(Debug)]
pub struct LeasedKey {
    /// Its name; `None` of a row that the vault counts and can't find.
    pub path: Option<KeyPath>,
    /// Version of the secret.
    pub version: u64,
    /// Its state at the vault.
    pub state: wire::KeyState,
    /// Models that it may be used for, a `*` at the end for whatever follows; empty means all.
    pub allowed_models: Vec<String>,
    /// Until when it is LIMITED or EXHAUSTED, where known.
    pub until: Option<Timestamp>,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// The vault's number of the last change of its health.
    pub health_number: u64,
    /// The provider key, of those that a call may use or try.
    pub secret: Option<Secret>,
}

impl Lease {
    /// Takes the vault's answer over. `longest` bounds the lease whatever the vault says.
    pub fn from_wire(
        key: &LeaseKey,
        answer: wire::ResolveKeysResponse,
        longest: Duration,
        asked_at: Instant,
    ) -> Self {
        let workspace_state = answer.workspace_state();
        let asked = answer
            .lease
            .and_then(|lease| Duration::try_from(lease).ok());
        let length = asked.unwrap_or(longest).min(longest);
        let own = Owner::Workspace(key.workspace.clone());
        Self {
            concerns: [
                (own.clone(), None),
                (own, Some(key.provider)),
                (Owner::Platform, None),
                (Owner::Platform, Some(key.provider)),
            ],
            revision: answer.revision,
            epoch: answer.epoch,
            workspace_state,
            policy: answer.policy.unwrap_or_default(),
            operator_limits: answer.operator_limits.unwrap_or_default(),
            own: answer.own.map(KeyPool::from_wire).unwrap_or_default(),
            platform: answer.platform.map(KeyPool::from_wire),
            filled_at: asked_at,
            ends_at: asked_at + length,
            refused: AtomicBool::new(false),
            last_used: AtomicU64::new(0),
        }
    }

    /// Whether the vault refused to renew it: no new attempt may use it.
    pub(super) fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Acquire)
    }
}

impl KeyPool {
    pub(super) fn from_wire(pool: wire::Pool) -> Self {
        let order = pool.order();
        let platform = pool
            .owner
            .parse::<Owner>()
            .is_ok_and(|owner| owner == Owner::Platform);
        let spread = match order {
            wire::PoolOrder::Spread => true,
            wire::PoolOrder::Ordered => false,
            wire::PoolOrder::Unspecified => platform,
        };
        let keys = pool
            .candidates
            .into_iter()
            .map(LeasedKey::from_wire)
            .map(Arc::new)
            .collect();
        Self {
            counted: pool.counted,
            spread,
            keys,
        }
    }
}

impl LeasedKey {
    fn from_wire(mut candidate: wire::Candidate) -> Self {
        let secret = Secret::new(std::mem::take(&mut candidate.secret));
        Self {
            path: candidate.name.parse().ok(),
            version: candidate.version,
            state: candidate.state(),
            until: candidate.until.as_ref().and_then(from_timestamp),
            expires_at: candidate.expire_time.as_ref().and_then(from_timestamp),
            health_number: candidate.health_number,
            secret: (!secret.is_empty()).then_some(secret),
            allowed_models: candidate.allowed_models,
        }
    }

    /// Whether it is the same version of the same key.
    pub fn is_same(&self, other: &Self) -> bool {
        self.path == other.path && self.version == other.version
    }

    /// Whether it may be used for a model, named without its provider.
    pub fn may_use(&self, model: &str) -> bool {
        let matches = |allowed: &String| match allowed.strip_suffix('*') {
            Some(stem) => model.starts_with(stem),
            None => allowed == model,
        };
        self.allowed_models.is_empty() || self.allowed_models.iter().any(matches)
    }

    /// Its name for receipts; of a row that is not found, nothing.
    pub fn name(&self) -> String {
        self.path
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default()
    }
}
