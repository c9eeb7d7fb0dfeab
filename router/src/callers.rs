//! Callers: who bears a token, by the vault's verdict, kept for a minute.
//!
//! The cache is keyed by a keyed hash, so no token stays in memory. A verdict is renewed in the
//! background, ends at once when the feed tells of its token, member or workspace, and lives to
//! the stale bound while the vault is away. A vault that can't be asked is never "unknown".

mod verdict;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use keyway_chassis::access::{
    Authenticate, Authority, Caller, Credentials, Denied, Reach, caller_unknown,
};
use keyway_chassis::clock::Clock;
use keyway_chassis::lifecycle::Tasks;
use keyway_proto::vault::v1 as wire;
use keyway_proto::{Fault, RPCS};
use keyway_words::{Act, Aim, Secret, WorkspaceId};
use sha2::Sha256;
use tokio::time::Instant;

use crate::counters;
use crate::keys::tombstones::Tombstones;
use crate::keys::{Freshness, VaultError, VaultSource};
use verdict::Verdict;

type TokenHash = [u8; 32];

/// What a change concerns.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Scope {
    Workspace(WorkspaceId),
    Accessor(String),
    Subject(String),
}

/// Bounds of the cache.
#[derive(Debug, Clone, Copy)]
pub struct VerdictBounds {
    /// Age after which a verdict is asked for again.
    pub verdict: Duration,
    /// How long an unknown token stays unknown.
    pub unknown: Duration,
    /// Verdicts at most, and as many unknown tokens.
    pub entries: usize,
}

/// Verdicts on tokens. Cheap to clone.
#[derive(Debug, Clone)]
pub struct VerdictCache {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    vault: Arc<dyn VaultSource>,
    freshness: Arc<Freshness>,
    clock: Arc<dyn Clock>,
    bounds: VerdictBounds,
    hash_key: [u8; 32],
    tasks: Tasks,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    known: HashMap<TokenHash, Arc<Verdict>>,
    unknown: HashMap<TokenHash, Instant>,
    renewing: HashMap<TokenHash, Instant>,
    tombstones: Tombstones<Scope>,
}

impl VerdictCache {
    /// An empty cache in front of the vault. Fails if the system gives no randomness.
    pub fn new(
        vault: Arc<dyn VaultSource>,
        freshness: Arc<Freshness>,
        clock: Arc<dyn Clock>,
        bounds: VerdictBounds,
        tasks: Tasks,
    ) -> Result<Self, getrandom::Error> {
        let mut hash_key = [0; 32];
        getrandom::fill(&mut hash_key)?;
        let inner = Mutex::default();
        let shared = Shared {
            vault,
            freshness,
            clock,
            bounds,
            hash_key,
            tasks,
            inner,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// The caller that bears a token.
    pub async fn caller(&self, token: Secret, peer: Option<SocketAddr>) -> Result<Caller, Fault> {
        if !looks_like_a_token(&token) {
            return Err(caller_unknown());
        }
        let shared = &self.shared;
        let hash = shared.hash(&token);
        let cached = shared.look(&hash)?;
        let verdict = match cached {
            Some(verdict) if verdict.asked_at.elapsed() < shared.bounds.verdict => {
                counters::verdict_cache("hit");
                if verdict.asked_at.elapsed() >= shared.bounds.verdict / 2 {
                    shared.renew(hash, token, peer);
                }
                verdict
            }
            // The vault is known to be away: nobody waits to learn it again.
            Some(verdict) if !shared.freshness.is_alive() && shared.still_holds(&verdict) => {
                shared.renew(hash, token, peer);
                verdict
            }
            cached => {
                counters::verdict_cache("miss");
                match shared.ask(hash, token, peer).await {
                    Ok(verdict) => verdict.ok_or_else(caller_unknown)?,
                    Err(VaultError::Away) => cached
                        .filter(|verdict| shared.still_holds(verdict))
                        .ok_or(VaultError::Away)?,
                    Err(refused) => return Err(refused.into()),
                }
            }
        };
        shared.admit(&verdict)
    }

    /// Applies one change of the feed.
    pub fn invalidate(&self, change: &wire::Change) {
        let workspace = WorkspaceId::from_resource(&change.owner).ok();
        let scope = match (change.kind(), workspace) {
            (wire::ChangeKind::Key, _) => return,
            (wire::ChangeKind::Token, _) if !change.accessor.is_empty() => {
                Scope::Accessor(change.accessor.clone())
            }
            (wire::ChangeKind::Member, _) if !change.subject.is_empty() => {
                Scope::Subject(change.subject.clone())
            }
            (_, Some(workspace)) => Scope::Workspace(workspace),
            (_, None) => return self.invalidate_all(change.revision),
        };
        let mut inner = self.shared.lock();
        inner.tombstones.put(scope.clone(), change.revision);
        let gone = |verdict: &Verdict| {
            verdict.revision < change.revision && verdict.scopes().contains(&scope)
        };
        inner.known.retain(|_, verdict| !gone(verdict));
        inner.unknown.clear(); // a token that was just made must work at once
    }

    /// Everything older than `revision` is void.
    pub fn invalidate_all(&self, revision: u64) {
        let mut inner = self.shared.lock();
        inner.tombstones.put_all(revision);
        inner
            .known
            .retain(|_, verdict| verdict.revision >= revision);
        inner.unknown.clear();
    }

    /// Another database, or too many changes: everything goes.
    pub fn restart(&self, revision: u64) {
        let mut inner = self.shared.lock();
        inner.tombstones.reset(revision);
        inner.known.clear();
        inner.unknown.clear();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hash(&self, token: &Secret) -> TokenHash {
        // HMAC takes keys of any length.
        Hmac::<Sha256>::new_from_slice(&self.hash_key).map_or([0; 32], |mac| {
            mac.chain_update(token.expose().as_bytes())
                .finalize()
                .into_bytes()
                .into()
        })
    }

    /// The cached verdict; a token that was unknown a moment ago still is.
    fn look(&self, hash: &TokenHash) -> Result<Option<Arc<Verdict>>, Fault> {
        let inner = self.lock();
        if inner
            .unknown
            .get(hash)
            .is_some_and(|at| at.elapsed() < self.bounds.unknown)
        {
            counters::verdict_cache("unknown");
            return Err(caller_unknown());
        }
        Ok(inner.known.get(hash).cloned())
    }

    fn still_holds(&self, verdict: &Verdict) -> bool {
        self.freshness.allows(verdict.asked_at)
    }

    /// The caller, unless the token or its workspace has ended since.
    fn admit(&self, verdict: &Verdict) -> Result<Caller, Fault> {
        let expired = verdict
            .caller
            .expire_time
            .is_some_and(|at| at <= self.clock.now());
        if expired {
            Err(caller_unknown())
        } else {
            Ok(verdict.caller.clone())
        }
    }

    /// Asks the vault; `None` is an unknown token.
    async fn ask(
        &self,
        hash: TokenHash,
        token: Secret,
        peer: Option<SocketAddr>,
    ) -> Result<Option<Arc<Verdict>>, VaultError> {
        let source = peer.map(|peer| peer.ip().to_string()).unwrap_or_default();
        let text = token.expose();
        for _ in 0..MOST_TRIES {
            let asked_at = Instant::now();
            let token = Secret::new(text.to_owned());
            let answer = self.vault.verify(token, source.clone()).await?;
            let verdict = Verdict::from_wire(answer, asked_at);
            let mut inner = self.lock();
            let Some(verdict) = verdict.map(Arc::new) else {
                inner.known.remove(&hash);
                if inner.unknown.len() >= self.bounds.entries {
                    inner.unknown.clear();
                }
                inner.unknown.insert(hash, Instant::now());
                return Ok(None);
            };
            let overtaken = inner.tombstones.cover(verdict.revision, &verdict.scopes());
            if overtaken || !self.freshness.is_epoch(&verdict.epoch) {
                continue;
            }
            inner.keep_within(self.bounds.entries);
            inner.known.insert(hash, Arc::clone(&verdict));
            return Ok(Some(verdict));
        }
        Err(VaultError::Away)
    }

    /// Asks again in the background, once a second at most per token.
    fn renew(self: &Arc<Self>, hash: TokenHash, token: Secret, peer: Option<SocketAddr>) {
        let mut inner = self.lock();
        inner
            .renewing
            .retain(|_, begun| begun.elapsed() < RENEW_EVERY);
        if inner.renewing.contains_key(&hash) {
            return;
        }
        inner.renewing.insert(hash, Instant::now());
        drop(inner);
        let shared = Arc::clone(self);
        self.tasks.spawn("verdict-renewal", async move {
            // What it learns stands in the cache; a vault that is away changes nothing.
            drop(shared.ask(hash, token, peer).await);
        });
    }
}

impl Inner {
    fn keep_within(&mut self, most: usize) {
        while self.known.len() >= most {
            let oldest = self
                .known
                .iter()
                .min_by_key(|(_, verdict)| verdict.asked_at);
            let Some(oldest) = oldest.map(|(hash, _)| *hash) else {
                return;
            };
            self.known.remove(&oldest);
        }
    }
}

impl Authenticate for VerdictCache {
    async fn authenticate(
        &self,
        _rpc: &'static str,
        credentials: Credentials,
    ) -> Result<Caller, Fault> {
        let token = credentials.bearer.ok_or_else(caller_unknown)?;
        self.caller(token, credentials.peer.address).await
    }
}

/// The access decision: what the vault's verdict grants, and nothing else.
#[derive(Debug, Clone, Copy, Default)]
pub struct Grants;

impl Authority for Grants {
    fn has_row(&self, rpc: &str) -> bool {
        RPCS.contains(&rpc) && SERVED.iter().any(|package| rpc.starts_with(package))
    }

    fn may_call(&self, caller: &Caller, rpc: &str) -> bool {
        caller.grants.iter().any(|grant| grant.rpc == rpc)
    }

    fn decide(&self, caller: &Caller, rpc: &str, aim: &Aim, _act: &Act) -> Result<Reach, Denied> {
        let mut grants = caller.grants.iter().filter(|grant| grant.rpc == rpc);
        if grants.any(|grant| verdict::reaches(grant.scope, caller, aim)) {
            Ok(Reach::Full)
        } else {
            Err(Denied)
        }
    }
}

/// Bounds of what is sent to the vault at all; it checks form and checksum.
fn looks_like_a_token(token: &Secret) -> bool {
    let text = token.expose().as_bytes();
    (16..=256).contains(&text.len()) && text.iter().all(u8::is_ascii_graphic)
}

const SERVED: [&str; 2] = ["keyway.router.v1.", "keyway.billing.v1."];
const RENEW_EVERY: Duration = Duration::from_secs(1);
const MOST_TRIES: usize = 4;

#[cfg(test)]
mod tests;
