//! Who calls the vault: people and clients by their tokens or an issuer's word, routers by what the
//! configuration lists. No RPC makes a router.

mod router;
mod unlisted;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyway_chassis::access::{
    self, Authenticate, Caller, Credentials, LookupLimit, Peer, Standing, caller_unknown,
};
use keyway_proto::Fault;
use keyway_vault_crypto::token::{self, TokenKind};
use keyway_words::{Role, Secret, Timestamp, WorkspaceId};
use tokio::time::Instant;

use self::unlisted::Unlisted;
use crate::callers::{self, Known};
use crate::denials::Denials;
use crate::issuers::{self, Bearer};
use crate::service::Vault;

pub(crate) use self::router::{RouterIdentity, RouterList};

/// Finds out who calls.
pub(crate) struct Authenticator {
    vault: Arc<Vault>,
    routers: RouterList,
    denials: Denials,
    unknown: Mutex<HashMap<Presented, Instant>>,
    lookups: LookupLimit<[u8; 32]>,
    unlisted: Unlisted,
}

/// A token's hash and where it was used: bound to networks it may be unknown here and known there.
type Presented = ([u8; 32], Option<IpAddr>);

impl Authenticator {
    pub(crate) fn new(vault: Arc<Vault>, routers: RouterList, denials: Denials) -> Self {
        Self {
            lookups: LookupLimit::new(vault.limits.unknown),
            vault,
            routers,
            denials,
            unknown: Mutex::default(),
            unlisted: Unlisted::default(),
        }
    }

    /// The router that the peer's certificate names, if it is a listed one.
    fn certified(&self, peer: &Peer) -> Option<Caller> {
        let shown = peer.identity.as_ref()?;
        let listed = self.routers.by_certificate(&shown.uri)?;
        Some(router(listed, Some(shown.expire_time)))
    }

    /// What is said of a caller that nobody knows: nothing to itself, the rest to the operator.
    fn nobody(&self, rpc: &str, peer: &Peer) -> Fault {
        if let Some(shown) = &peer.identity
            && self.routers.by_certificate(&shown.uri).is_none()
        {
            self.unlisted.tell(&shown.uri);
        }
        self.denials
            .unknown(rpc, peer.address.map(|address| address.ip()));
        caller_unknown()
    }

    /// The bearer of a token or of what an issuer gave; `None` if nobody knows it.
    async fn bearer(
        &self,
        rpc: &'static str,
        bearer: &Secret,
        source: Option<IpAddr>,
    ) -> Result<Option<Caller>, Fault> {
        if issuers::is_jwt(bearer) {
            return self.by_issuer(rpc, bearer).await;
        }
        if token::parse(bearer.expose()) == Ok(TokenKind::Router) {
            let listed = self.routers.by_token(bearer);
            return Ok(listed.map(|listed| router(listed, None)));
        }
        let Some(hash) = callers::hash(&self.vault.keyring.token_hash, bearer) else {
            return Ok(None);
        };
        if self.is_known_unknown(&(hash, source)) {
            return Ok(None);
        }
        let lookup = self.lookups.begin(hash, source)?;
        let read = self.vault.store.read().await?;
        let known = callers::look_up(read.on(), &hash, source, read.now()).await?;
        let Some(known) = known else {
            self.remember_unknown((hash, source));
            return Ok(None);
        };
        lookup.known();
        self.member(rpc, known).map(Some)
    }

    async fn by_issuer(&self, rpc: &'static str, bearer: &Secret) -> Result<Option<Caller>, Fault> {
        let (store, hash_key) = (&self.vault.store, &self.vault.keyring.token_hash);
        let identified = self.vault.issuers.identify(bearer, hash_key, store.now());
        match identified.await? {
            None => Ok(None),
            Some(Bearer::Router(account, ends)) => {
                Ok(Some(named(&account.router, account.listed, Some(ends))))
            }
            Some(Bearer::Person(person)) => {
                let read = store.read().await?;
                let known = callers::person(read.on(), person).await?;
                self.member(rpc, known).map(Some)
            }
        }
    }

    /// The caller, unless nothing gives it a role: that is no unknown credential.
    fn member(&self, rpc: &str, known: Known) -> Result<Caller, Fault> {
        let nowhere = known.standings.is_empty();
        let caller = caller(known);
        if nowhere {
            self.denials.denied(&caller, rpc, "");
            return Err(access::denied());
        }
        Ok(caller)
    }

    fn is_known_unknown(&self, hash: &Presented) -> bool {
        let unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        unknown
            .get(hash)
            .is_some_and(|until| *until > Instant::now())
    }

    fn remember_unknown(&self, hash: Presented) {
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if unknown.len() >= MOST_UNKNOWN {
            unknown.retain(|_hash, until| *until > now);
        }
        if unknown.len() < MOST_UNKNOWN {
            unknown.insert(hash, now + UNKNOWN_FOR);
        }
    }
}

impl Authenticate for Authenticator {
    async fn authenticate(
        &self,
        rpc: &'static str,
        credentials: Credentials,
    ) -> Result<Caller, Fault> {
        // Tokens and routers that were taken away since may be back in an older copy.
        self.vault.rollback.check()?;
        let source = credentials.peer.address.map(|address| address.ip());
        let certified = self.certified(&credentials.peer);
        let caller = match &credentials.bearer {
            Some(bearer) => agreed(self.bearer(rpc, bearer, source).await?, certified),
            None => certified,
        };
        let now = self.vault.store.now();
        let in_time = |caller: &Caller| caller.expire_time.is_none_or(|end| now < end);
        caller
            .filter(in_time)
            .ok_or_else(|| self.nobody(rpc, &credentials.peer))
    }
}

/// Who calls if a token was sent. Beside a listed router's certificate only a token of that router
/// is taken; any other certificate says nothing, and the token decides.
fn agreed(by_token: Option<Caller>, certified: Option<Caller>) -> Option<Caller> {
    let Some(certified) = certified else {
        return by_token;
    };
    let mut caller = by_token.filter(|caller| caller.accessor == certified.accessor)?;
    let ends = [caller.expire_time, certified.expire_time];
    caller.expire_time = ends.into_iter().flatten().min();
    Some(caller)
}

fn router(listed: &RouterIdentity, expire_time: Option<Timestamp>) -> Caller {
    named(&listed.name, listed.listed.clone(), expire_time)
}

fn named(name: &str, listed: Option<Arc<[WorkspaceId]>>, expire_time: Option<Timestamp>) -> Caller {
    let name = format!("router:{name}");
    Caller {
        accessor: name.clone(),
        subject: name,
        role: Role::Router,
        workspace: None,
        expire_time,
        listed,
        grants: Arc::default(),
        others: Arc::default(),
    }
}

/// A caller without a standing gets the least role, in no workspace.
fn caller(known: Known) -> Caller {
    let mut standings = known.standings.into_iter().map(|standing| Standing {
        role: standing.role,
        workspace: standing.workspace.map(|(id, _state)| id),
        grants: Arc::default(),
    });
    let first = standings.next();
    Caller {
        accessor: known.accessor,
        subject: known.subject,
        role: first.as_ref().map_or(Role::Caller, |first| first.role),
        workspace: first.and_then(|first| first.workspace),
        expire_time: Some(known.expires_at),
        listed: None,
        grants: Arc::default(),
        others: standings.collect(),
    }
}

const UNKNOWN_FOR: Duration = Duration::from_secs(10);
const MOST_UNKNOWN: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, ends: Option<i64>) -> Caller {
        let entry: RouterIdentity = format!("{name}=spiffe://keyway/{name}").parse().unwrap();
        router(&entry, ends.map(Timestamp))
    }

    #[test]
    fn a_certificate_and_a_token_are_taken_together_only_if_they_name_one_router() {
        let name = |caller: Option<Caller>| caller.map(|caller| caller.accessor);
        let one = || Some("router:one".to_owned());
        assert_eq!(name(agreed(None, None)), None);
        assert_eq!(name(agreed(Some(of("one", None)), None)), one());
        assert_eq!(name(agreed(None, Some(of("one", None)))), None);
        let both =
            |token, certificate| agreed(Some(of(token, None)), Some(of(certificate, Some(5))));
        assert_eq!(name(both("one", "one")), one());
        assert_eq!(name(both("two", "one")), None);
        assert_eq!(both("one", "one").unwrap().expire_time, Some(Timestamp(5)));
    }
}
