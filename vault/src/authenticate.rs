//! Who calls the vault: people and clients by their tokens, routers by what the configuration
//! lists. No RPC makes a router.

mod router;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyway_chassis::access::{Authenticate, Caller, Credentials, Peer, caller_unknown};
use keyway_proto::Fault;
use keyway_vault_crypto::token::{self, TokenKind};
use keyway_words::{Role, Secret, Timestamp};
use tokio::time::Instant;

use crate::callers::{self, Known};
use crate::denials::Denials;
use crate::service::Vault;

pub(crate) use self::router::{RouterIdentity, RouterList};

/// Finds out who calls.
pub(crate) struct Authenticator {
    vault: Arc<Vault>,
    routers: RouterList,
    denials: Denials,
    unknown: Mutex<HashMap<[u8; 32], Instant>>,
}

impl Authenticator {
    pub(crate) fn new(vault: Arc<Vault>, routers: RouterList, denials: Denials) -> Self {
        Self {
            vault,
            routers,
            denials,
            unknown: Mutex::default(),
        }
    }

    /// The router that the peer's certificate names, if it is a listed one.
    fn certified(&self, peer: &Peer) -> Option<Caller> {
        let shown = peer.identity.as_ref()?;
        let listed = self.routers.by_certificate(&shown.uri)?;
        Some(router(listed, Some(shown.expire_time)))
    }

    async fn bearer(
        &self,
        bearer: &Secret,
        peer: Option<SocketAddr>,
    ) -> Result<Option<Caller>, Fault> {
        if token::parse(bearer.expose()) == Ok(TokenKind::Router) {
            let listed = self.routers.by_token(bearer);
            return Ok(listed.map(|listed| router(listed, None)));
        }
        let Some(hash) = callers::hash(&self.vault.keyring.token_hash, bearer) else {
            return Ok(None);
        };
        if self.is_known_unknown(&hash) {
            return Ok(None);
        }
        let read = self.vault.store.read().await?;
        let source = peer.map(|peer| peer.ip());
        let known = callers::look_up(read.on(), &hash, source, read.now()).await?;
        if known.is_none() {
            self.remember_unknown(hash);
        }
        Ok(known.map(caller))
    }

    fn is_known_unknown(&self, hash: &[u8; 32]) -> bool {
        let unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        unknown
            .get(hash)
            .is_some_and(|until| *until > Instant::now())
    }

    fn remember_unknown(&self, hash: [u8; 32]) {
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
        let peer = credentials.peer.address;
        let certified = self.certified(&credentials.peer);
        let caller = match &credentials.bearer {
            Some(bearer) => agreed(self.bearer(bearer, peer).await?, certified),
            None => certified,
        };
        let now = self.vault.store.now();
        let in_time = |caller: &Caller| caller.expire_time.is_none_or(|end| now < end);
        caller.filter(in_time).ok_or_else(|| {
            self.denials.unknown(rpc, peer.map(|peer| peer.ip()));
            caller_unknown()
        })
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
    let name = format!("router:{}", listed.name);
    Caller {
        accessor: name.clone(),
        subject: name,
        role: Role::Router,
        workspace: None,
        expire_time,
        listed: listed.listed.clone(),
        grants: Arc::default(),
    }
}

fn caller(known: Known) -> Caller {
    Caller {
        accessor: known.accessor,
        subject: known.subject,
        role: known.role,
        workspace: known.workspace.map(|(id, _state)| id),
        expire_time: Some(known.expires_at),
        listed: None,
        grants: Arc::default(),
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
