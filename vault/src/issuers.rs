//! Issuers that the configuration trusts: of people and services (OIDC), and of routers (the
//! service accounts of a Kubernetes cluster).
//!
//! A token belongs to the one issuer whose name and audience it carries, and to none if two fit, so
//! that a member's token is never a router's nor the other way round. An issuer whose keys can't be
//! had is never "unknown" and never "anybody": its tokens are refused as unavailable, and no other
//! credential suffers.

mod fetch;
mod groups;
mod key_source;
mod service_accounts;

use std::sync::Arc;
use std::time::Duration;

use keyway_chassis::lifecycle::{Shutdown, Tasks};
use keyway_proto::{Fault, Reason};
use keyway_vault_crypto::{TokenHashKey, token};
use keyway_words::{Secret, Timestamp};

pub(crate) use self::fetch::{Address, KeysAt, Web, web_address};
pub(crate) use self::groups::{GroupRole, Right};
pub(crate) use self::key_source::{KeySource, KeyTimes};
pub(crate) use self::service_accounts::ServiceAccount;
use crate::jwt::{Invalid, Policy, Unverified, Verified};

/// An issuer as the configuration describes it.
#[derive(Debug, Clone)]
pub(crate) struct IssuerConfig {
    /// The operator's name for it, for logs and metrics.
    pub(crate) name: String,
    pub(crate) policy: Policy,
    pub(crate) keys: KeysAt,
    pub(crate) times: KeyTimes,
    pub(crate) bearers: Bearers,
}

/// Whom an issuer's tokens stand for.
#[derive(Debug, Clone)]
pub(crate) enum Bearers {
    /// People and services, with the claim that lists their groups and what groups may.
    People {
        groups_claim: String,
        groups: Vec<GroupRole>,
    },
    /// Routers, by their service accounts.
    Routers(Vec<ServiceAccount>),
}

/// Who bears a token, by the word of an issuer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Bearer {
    Person(Person),
    Router(ServiceAccount, Timestamp),
}

/// A person or a service.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Person {
    /// `oidc:{issuer}#{sub}`.
    pub(crate) subject: String,
    /// `jwt:` and a keyed hash of issuer, subject and token id.
    pub(crate) accessor: String,
    pub(crate) ends: Timestamp,
    /// What the person's groups give.
    pub(crate) rights: Vec<Right>,
}

/// The issuers in force.
pub(crate) struct Issuers(Vec<Issuer>);

struct Issuer {
    config: IssuerConfig,
    keys: Arc<KeySource>,
}

impl Issuers {
    /// Issuers whose keys nobody has fetched yet.
    pub(crate) fn new(configs: Vec<IssuerConfig>) -> Self {
        let issuer = |config: IssuerConfig| Issuer {
            keys: Arc::new(KeySource::new(
                config.name.clone(),
                config.keys.clone(),
                config.times,
            )),
            config,
        };
        Self(configs.into_iter().map(issuer).collect())
    }

    /// Keeps every issuer's keys until the shutdown.
    pub(crate) fn keep(&self, tasks: &Tasks, shutdown: &Shutdown) {
        for issuer in &self.0 {
            let keys = Arc::clone(&issuer.keys);
            let shutdown = shutdown.clone();
            tasks.spawn("issuer-keys", async move { keys.keep(shutdown).await });
        }
    }

    /// Who bears a token. `None`: nobody, for a reason that only the metrics tell.
    pub(crate) async fn identify(
        &self,
        bearer: &Secret,
        hash_key: &TokenHashKey,
        now: Timestamp,
    ) -> Result<Option<Bearer>, Fault> {
        let Ok(token) = Unverified::parse(bearer.expose()) else {
            refused("", Invalid::Malformed);
            return Ok(None);
        };
        let Some(issuer) = self.of(&token) else {
            refused("", Invalid::Issuer);
            return Ok(None);
        };
        match issuer.verify(&token, now).await? {
            Ok(verified) => Ok(issuer.bearer(&verified, hash_key)),
            Err(invalid) => {
                refused(&issuer.config.name, invalid);
                Ok(None)
            }
        }
    }

    /// The one issuer that a token says to be of and for.
    fn of(&self, token: &Unverified<'_>) -> Option<&Issuer> {
        let mut fitting = self.0.iter().filter(|issuer| {
            let policy = &issuer.config.policy;
            token.issuer() == policy.issuer && token.is_for(&policy.audience)
        });
        let found = fitting.next();
        found.filter(|_one| fitting.next().is_none())
    }
}

impl Issuer {
    async fn verify(
        &self,
        token: &Unverified<'_>,
        now: Timestamp,
    ) -> Result<Result<Verified, Invalid>, Fault> {
        let policy = &self.config.policy;
        let keys = self.keys.current().await.map_err(|_away| self.away())?;
        let verified = token.verify(&keys.set, policy, now);
        if verified != Err(Invalid::UnknownKey) {
            return Ok(verified);
        }
        let newer = self.keys.after(&keys).await.map_err(|_away| self.away())?;
        Ok(match newer {
            Some(keys) => token.verify(&keys.set, policy, now),
            None => verified,
        })
    }

    fn bearer(&self, verified: &Verified, hash_key: &TokenHashKey) -> Option<Bearer> {
        match &self.config.bearers {
            Bearers::People {
                groups_claim,
                groups,
            } => {
                let person = self.person(verified, hash_key, groups_claim, groups);
                // Longer ones can't be a member's name.
                (person.subject.len() <= LONGEST_SUBJECT).then_some(Bearer::Person(person))
            }
            Bearers::Routers(accounts) => accounts
                .iter()
                .find(|account| account.is(&verified.subject))
                .map(|account| Bearer::Router(account.clone(), verified.ends)),
        }
    }

    fn person(
        &self,
        verified: &Verified,
        hash_key: &TokenHashKey,
        claim: &str,
        groups: &[GroupRole],
    ) -> Person {
        let (issuer, sub) = (&self.config.policy.issuer, &verified.subject);
        // Neither issuer nor subject holds a zero byte, so no two tokens share this text.
        let named = format!("{issuer}\0{sub}\0{}", verified.token_id);
        let hash = token::hash(hash_key, &named);
        let short = hash
            .first_chunk::<16>()
            .map(hex::encode)
            .unwrap_or_default();
        let memberships = verified.texts(claim);
        Person {
            subject: format!("oidc:{issuer}#{sub}"),
            accessor: format!("jwt:{short}"),
            ends: verified.ends,
            rights: groups::rights(groups, &memberships),
        }
    }

    fn away(&self) -> Fault {
        Fault::new(
            Reason::VaultUnavailable,
            format!(
                "the keys of the token's issuer ({}) can't be had now, so nobody knows whether the \
                 token is good; API tokens work",
                self.config.name
            ),
        )
        .retry_after(RETRY)
    }
}

fn refused(issuer: &str, why: Invalid) {
    metrics::counter!(
        "keyway_vault_jwt_refused_total", "issuer" => issuer.to_owned(), "why" => why.to_string()
    )
    .increment(1);
}

/// Whether a bearer has the form of a JSON Web Token rather than of one of ours.
pub(crate) fn is_jwt(bearer: &Secret) -> bool {
    bearer.expose().matches('.').count() == 2
}

const RETRY: Duration = Duration::from_secs(2);
const LONGEST_SUBJECT: usize = 256;
