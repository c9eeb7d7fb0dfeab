//! Who calls the vault: people and clients by their tokens, routers by what the configuration
//! lists. No RPC makes a router.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyway_chassis::access::{Authenticate, Caller, Credentials, caller_unknown};
use keyway_proto::Fault;
use keyway_vault_crypto::token::{self, TokenKind};
use keyway_words::{Role, Secret, WorkspaceId};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;

use crate::callers::{self, Known};
use crate::denials::Denials;
use crate::service::Vault;

/// A router as the configuration lists it: `name:sha256hex`, or `name:sha256hex:ws1+ws2`.
#[derive(Debug, Clone)]
pub(crate) struct RouterIdentity {
    name: String,
    token_sha256: [u8; 32],
    listed: Option<Arc<[WorkspaceId]>>,
}

/// Not a router's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InvalidRouter;

impl FromStr for RouterIdentity {
    type Err = InvalidRouter;

    fn from_str(text: &str) -> Result<Self, InvalidRouter> {
        let mut parts = text.split(':');
        let (Some(name), Some(hash), listed, None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidRouter);
        };
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=63).contains(&name.len()) || !name.bytes().all(is_name) {
            return Err(InvalidRouter);
        }
        let mut token_sha256 = [0; 32];
        hex::decode_to_slice(hash, &mut token_sha256).map_err(|_form| InvalidRouter)?;
        let listed = match listed {
            None => None,
            Some(ids) => {
                let ids: Result<Vec<WorkspaceId>, _> = ids.split('+').map(str::parse).collect();
                Some(ids.map_err(|_name| InvalidRouter)?.into())
            }
        };
        Ok(Self {
            name: name.to_owned(),
            token_sha256,
            listed,
        })
    }
}

/// Finds out who calls.
pub(crate) struct Authenticator {
    vault: Arc<Vault>,
    routers: Vec<RouterIdentity>,
    denials: Denials,
    unknown: Mutex<HashMap<[u8; 32], Instant>>,
}

impl Authenticator {
    pub(crate) fn new(vault: Arc<Vault>, routers: Vec<RouterIdentity>, denials: Denials) -> Self {
        Self {
            vault,
            routers,
            denials,
            unknown: Mutex::default(),
        }
    }

    fn router(&self, bearer: &Secret) -> Option<Caller> {
        let hash: [u8; 32] = Sha256::digest(bearer.expose().as_bytes()).into();
        // Every entry is compared, so that the time does not tell which one it was.
        let found = self.routers.iter().fold(None, |found, router| {
            if bool::from(router.token_sha256.ct_eq(&hash)) {
                Some(router)
            } else {
                found
            }
        })?;
        let name = format!("router:{}", found.name);
        Some(Caller {
            accessor: name.clone(),
            subject: name,
            role: Role::Router,
            workspace: None,
            expire_time: None,
            listed: found.listed.clone(),
            grants: Arc::default(),
        })
    }

    async fn bearer(
        &self,
        bearer: &Secret,
        peer: Option<SocketAddr>,
    ) -> Result<Option<Caller>, Fault> {
        if token::parse(bearer.expose()) == Ok(TokenKind::Router) {
            return Ok(self.router(bearer));
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
        let caller = match &credentials.bearer {
            Some(bearer) => self.bearer(bearer, peer).await?,
            None => None,
        };
        caller.ok_or_else(|| {
            self.denials.unknown(rpc, peer.map(|peer| peer.ip()));
            caller_unknown()
        })
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

    #[test]
    fn a_router_entry_is_a_name_a_hash_and_perhaps_workspaces() {
        let hash = "ab".repeat(32);
        let router: RouterIdentity = format!("local:{hash}").parse().unwrap();
        assert!(router.listed.is_none());
        let router: RouterIdentity = format!("eu-1:{hash}:acme+globex").parse().unwrap();
        assert_eq!(router.listed.unwrap().len(), 2);
        for bad in [
            String::new(),
            "local".to_owned(),
            format!(":{hash}"),
            format!("local:{hash}:"),
            format!("local:{hash}:acme:x"),
            format!("local:{}", "ab".repeat(31)),
            format!("local:{}", "zz".repeat(32)),
        ] {
            assert!(bad.parse::<RouterIdentity>().is_err(), "{bad}");
        }
    }
}
