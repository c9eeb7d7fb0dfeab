//! The vault's settings.

mod database;
mod identity;
mod master_key;
mod table;

use std::net::SocketAddr;
use std::time::Duration;

use keyway_chassis::access::LookupRate;
use keyway_chassis::config::{self, ConfigError, Setting, Values};
use keyway_chassis::tls::{ClientAuth, KeyPair, client_auth, key_pair};

pub(crate) use self::database::DatabaseSettings;
use crate::authenticate::{RouterIdentity, RouterList};
use crate::fields::SecretBounds;
use crate::issuers::IssuerConfig;
use crate::keyring::{Bounds, CacheBounds, Holders};

/// Everything the vault is told.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) database: DatabaseSettings,
    pub(crate) master_key: Holders,
    pub(crate) hierarchy: Bounds,
    pub(crate) admin: SocketAddr,
    pub(crate) data: SocketAddr,
    pub(crate) operations: SocketAddr,
    /// TLS of the data plane, where it differs from that of all listeners.
    pub(crate) data_tls: (Option<KeyPair>, Option<ClientAuth>),
    pub(crate) routers: RouterList,
    pub(crate) issuers: Vec<IssuerConfig>,
    pub(crate) limits: Limits,
}

/// Times of the audit trail.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AuditPace {
    /// A chain is signed after so many rows,
    pub(crate) signed_rows: u64,
    /// and after so long, if it grew at all.
    pub(crate) signed_interval: Duration,
    /// Time between two looks at whether the trail takes rows.
    pub(crate) check: Duration,
}

/// Bounds and times of the services.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How long a router may keep what it resolved.
    pub(crate) lease: Duration,
    /// Longest time between two bookmarks.
    pub(crate) bookmark: Duration,
    /// How often a watch looks for changes that another process made.
    pub(crate) poll: Duration,
    /// How long a watch waits for a router that does not read.
    pub(crate) slow: Duration,
    /// How long a router that was not heard of may still use what it has.
    pub(crate) stale_bound: Duration,
    /// Bounds of a provider key.
    pub(crate) secret: SecretBounds,
    /// Most bytes of a request message.
    pub(crate) message: usize,
    /// Look-ups of unknown tokens that one address may cause.
    pub(crate) unknown: LookupRate,
    /// Times of the audit trail.
    pub(crate) audit: AuditPace,
    /// How workspaces end.
    pub(crate) deletion: Deletion,
}

/// How long a deleted workspace can be taken back, and what its end waits for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deletion {
    /// Unless the request says otherwise.
    pub(crate) delay: Duration,
    /// Shortest delay of a request.
    pub(crate) shortest: Duration,
    /// Longest delay of a request.
    pub(crate) longest: Duration,
    /// How long a process that did not live through the delay sees it over before it destroys.
    pub(crate) notice: Duration,
    /// How often deleted workspaces are looked through.
    pub(crate) sweep: Duration,
}

impl config::Settings for Settings {
    fn settings() -> Vec<Setting> {
        [
            database::SETTINGS,
            master_key::SETTINGS,
            table::SETTINGS,
            identity::SETTINGS,
        ]
        .concat()
    }

    fn from_values(values: &Values) -> Result<Self, ConfigError> {
        let secret = SecretBounds {
            shortest: values.get("secret.min_length")?,
            longest: values.get("secret.max_length")?,
        };
        if secret.shortest > secret.longest {
            return Err(values.refuse("secret.min_length", "at most secret.max_length"));
        }
        let deletion = deletion(values)?;
        Ok(Self {
            database: DatabaseSettings::from_values(values)?,
            master_key: master_key::holders(values)?,
            hierarchy: hierarchy(values)?,
            admin: values.get("admin.listen")?,
            data: values.get("data.listen")?,
            operations: values.get("operations.listen")?,
            data_tls: (
                key_pair(values, "data.tls")?,
                client_auth(values, "data.tls")?,
            ),
            routers: routers(values)?,
            issuers: identity::issuers(values)?,
            limits: Limits {
                lease: values.get("lease.duration")?,
                bookmark: values.get("feed.bookmark")?,
                poll: values.get("feed.poll")?,
                slow: values.get("feed.slow_after")?,
                stale_bound: values.get("feed.stale_bound")?,
                secret,
                message: values.get("message.max_size")?,
                unknown: LookupRate {
                    per_second: values.get("callers.unknown_rate")?,
                    burst: values.get("callers.unknown_burst")?,
                },
                audit: AuditPace {
                    signed_rows: values.get("audit.checkpoint_rows")?,
                    signed_interval: values.get("audit.checkpoint_interval")?,
                    check: values.get("audit.check_interval")?,
                },
                deletion,
            },
        })
    }
}

fn deletion(values: &Values) -> Result<Deletion, ConfigError> {
    let deletion = Deletion {
        delay: values.get("deletion.delay")?,
        shortest: values.get("deletion.shortest")?,
        longest: values.get("deletion.longest")?,
        notice: values.get("deletion.notice")?,
        sweep: values.get("deletion.sweep")?,
    };
    if !(deletion.shortest..=deletion.longest).contains(&deletion.delay) {
        let accepted = "between deletion.shortest and deletion.longest";
        return Err(values.refuse("deletion.delay", accepted));
    }
    Ok(deletion)
}

fn hierarchy(values: &Values) -> Result<Bounds, ConfigError> {
    Ok(Bounds {
        timeout: values.get("master_key.timeout")?,
        cache: CacheBounds {
            size: values.get("data_key_cache.size")?,
            idle: values.get("data_key_cache.idle")?,
            lifetime: values.get("data_key_cache.lifetime")?,
        },
    })
}

fn routers(values: &Values) -> Result<RouterList, ConfigError> {
    let entries = values.get::<Vec<String>>("routers")?;
    let entries: Result<Vec<RouterIdentity>, _> = entries.iter().map(|text| text.parse()).collect();
    let entries = entries.map_err(|_form| values.refuse("routers", table::ROUTER))?;
    RouterList::new(entries).map_err(|accepted| values.refuse("routers", accepted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_refuses_what_it_must_from_every_source() {
        config::check_every_setting::<Settings>("vault");
    }
}
