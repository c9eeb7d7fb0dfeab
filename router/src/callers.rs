//! Callers: who bears a token, by the vault's verdict, kept for a minute.
//!
//! The cache is keyed by a keyed hash, so no token stays in memory but of streams that are open with
//! it. A verdict on a token that is bound to networks holds for the address it was asked for. What
//! is in no cache is looked up within a limit per address, so that a flood of guesses stays here. A
//! verdict is renewed in the background, ends at once when the feed tells of its token, member or workspace, and lives to
//! the stale bound while the vault is away. A vault that can't be asked is never "unknown".

mod verdict;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use keyway_chassis::access::{
    Authenticate, Authority, Caller, Credentials, Denied, LookupLimit, LookupRate, Reach,
    caller_unknown,
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

/// A token as it was presented.
#[derive(Debug, Clone, Copy)]
struct Presented {
    /// The token, wherever it is used.
    anywhere: TokenHash,
    /// The token from this address.
    here: TokenHash,
    source: Option<IpAddr>,
}

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
    /// Questions to the vault about unknown tokens that one address may cause.
    pub lookups: LookupRate,
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
    lookups: LookupLimit<TokenHash>,
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
            lookups: LookupLimit::new(bounds.lookups),
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
        let presented = shared.presented(&token, peer.map(|peer| peer.ip()));
        let cached = shared.look(&presented)?;
        let verdict = match cached {
            Some(verdict) if verdict.asked_at.elapsed() < shared.bounds.verdict => {
                counters::verdict_cache("hit");
                if verdict.asked_at.elapsed() >= shared.bounds.verdict / 2 {
                    shared.renew(presented, token);
                }
                verdict
            }
            // The vault is known to be away: nobody waits to learn it again.
            Some(verdict) if !shared.freshness.is_alive() && shared.still_holds(&verdict) => {
                shared.renew(presented, token);
                verdict
            }
            cached => {
                counters::verdict_cache("miss");
                match shared.look_up(presented, token).await? {
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

    fn presented(&self, token: &Secret, source: Option<IpAddr>) -> Presented {
        let address = source.map(|source| source.to_string()).unwrap_or_default();
        Presented {
            anywhere: self.hash(&[token.expose()]),
            // No token holds a space.
            here: self.hash(&[token.expose(), " ", &address]),
            source,
        }
    }

    fn hash(&self, parts: &[&str]) -> TokenHash {
        // HMAC takes keys of any length.
        Hmac::<Sha256>::new_from_slice(&self.hash_key).map_or([0; 32], |mac| {
            let mac = parts
                .iter()
                .fold(mac, |mac, part| mac.chain_update(part.as_bytes()));
            mac.finalize().into_bytes().into()
        })
    }

    /// The cached verdict; a token that was unknown here a moment ago still is.
    fn look(&self, presented: &Presented) -> Result<Option<Arc<Verdict>>, Fault> {
        let inner = self.lock();
        let is_unknown = inner
            .unknown
            .get(&presented.here)
            .is_some_and(|at| at.elapsed() < self.bounds.unknown);
        if is_unknown {
            counters::verdict_cache("unknown");
            return Err(caller_unknown());
        }
        let anywhere = inner.known.get(&presented.anywhere);
        Ok(anywhere
            .or_else(|| inner.known.get(&presented.here))
            .cloned())
    }

    /// Asks the vault if the limit lets this address; what the vault knows is free.
    async fn look_up(
        &self,
        presented: Presented,
        token: Secret,
    ) -> Result<Result<Option<Arc<Verdict>>, VaultError>, Fault> {
        let lookup = self.lookups.begin(presented.anywhere, presented.source)?;
        let asked = self.ask(presented, token).await;
        if matches!(asked, Ok(Some(_))) {
            lookup.known();
        }
        Ok(asked)
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
        presented: Presented,
        token: Secret,
    ) -> Result<Option<Arc<Verdict>>, VaultError> {
        let source = presented.source.map(|source| source.to_string());
        let source = source.unwrap_or_default();
        let text = token.expose();
        for _ in 0..MOST_TRIES {
            let asked_at = Instant::now();
            let token = Secret::new(text.to_owned());
            let answer = self.vault.verify(token, source.clone()).await?;
            let verdict = Verdict::from_wire(answer, asked_at);
            let mut inner = self.lock();
            let Some(verdict) = verdict.map(Arc::new) else {
                inner.known.remove(&presented.anywhere);
                inner.known.remove(&presented.here);
                if inner.unknown.len() >= self.bounds.entries {
                    inner.unknown.clear();
                }
                inner.unknown.insert(presented.here, Instant::now());
                return Ok(None);
            };
            let overtaken = inner.tombstones.cover(verdict.revision, &verdict.scopes());
            if overtaken || !self.freshness.is_epoch(&verdict.epoch) {
                continue;
            }
            inner.keep_within(self.bounds.entries);
            let key = if verdict.source_bound {
                presented.here
            } else {
                presented.anywhere
            };
            inner.known.insert(key, Arc::clone(&verdict));
            return Ok(Some(verdict));
        }
        Err(VaultError::Away)
    }

    /// Asks again in the background, once a second at most per token.
    fn renew(self: &Arc<Self>, presented: Presented, token: Secret) {
        let mut inner = self.lock();
        inner
            .renewing
            .retain(|_, begun| begun.elapsed() < RENEW_EVERY);
        if inner.renewing.contains_key(&presented.here) {
            return;
        }
        inner.renewing.insert(presented.here, Instant::now());
        drop(inner);
        let shared = Arc::clone(self);
        self.tasks.spawn("verdict-renewal", async move {
            // What it learns stands in the cache; a vault that is away changes nothing.
            drop(shared.ask(presented, token).await);
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

/// Bounds of what is sent to the vault at all; it checks form and checksum, or the signature.
fn looks_like_a_token(token: &Secret) -> bool {
    let text = token.expose();
    let is_jwt = text.matches('.').count() == 2;
    let longest = if is_jwt { LONGEST_JWT } else { 256 };
    (16..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

const LONGEST_JWT: usize = 8 * 1024;
const SERVED: [&str; 2] = ["keyway.router.v1.", "keyway.billing.v1."];
const RENEW_EVERY: Duration = Duration::from_secs(1);
const MOST_TRIES: usize = 4;

#[cfg(test)]
mod tests;
