//! Callers: who bears a token, by the vault's verdict, kept for a minute.
//!
//! The cache is keyed by a keyed hash, so no token stays in memory but of streams that are open with
//! it. A verdict on a token that is bound to networks holds for the address it was asked for. What
//! is in no cache is looked up within a limit per address, so that a flood of guesses stays here. A
//! verdict is renewed in the background, ends at once when the feed tells of its token, member or workspace, and lives to
//! the stale bound while the vault is away. A vault that can't be asked is never "unknown".

mod asking;
mod grants;
mod verdict;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use keyway_chassis::access::{
    Authenticate, Caller, Credentials, LookupLimit, LookupRate, caller_unknown,
};
use keyway_chassis::clock::Clock;
use keyway_chassis::lifecycle::Tasks;
use keyway_proto::Fault;
use keyway_proto::vault::v1 as wire;
use keyway_words::{Secret, WorkspaceId};
use sha2::Sha256;
use tokio::time::Instant;

use crate::counters;
use crate::keys::tombstones::Tombstones;
use crate::keys::{Freshness, VaultError, VaultSource};
use asking::Asking;
pub use grants::Grants;
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
    asking: HashMap<TokenHash, Asking>,
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
            Some(verdict) if shared.is_young(&verdict) => {
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
        if inner.is_unknown(presented, self.bounds.unknown) {
            counters::verdict_cache("unknown");
            return Err(caller_unknown());
        }
        Ok(inner.known(presented))
    }

    fn is_young(&self, verdict: &Verdict) -> bool {
        verdict.asked_at.elapsed() < self.bounds.verdict
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
}

impl Inner {
    /// Whether it was unknown here less than so long ago.
    fn is_unknown(&self, presented: &Presented, ago: Duration) -> bool {
        let unknown = self.unknown.get(&presented.here);
        unknown.is_some_and(|at| at.elapsed() < ago)
    }

    fn known(&self, presented: &Presented) -> Option<Arc<Verdict>> {
        let anywhere = self.known.get(&presented.anywhere);
        anywhere
            .or_else(|| self.known.get(&presented.here))
            .cloned()
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

/// Bounds of what is sent to the vault at all; it checks form and checksum, or the signature.
fn looks_like_a_token(token: &Secret) -> bool {
    let text = token.expose();
    let is_jwt = text.matches('.').count() == 2;
    let longest = if is_jwt { LONGEST_JWT } else { 256 };
    (16..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

const LONGEST_JWT: usize = 8 * 1024;

#[cfg(test)]
mod tests;
