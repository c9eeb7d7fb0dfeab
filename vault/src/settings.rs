//! The vault's settings.

mod database;
mod identity;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use keyway_chassis::access::LookupRate;
use keyway_chassis::config::{self, ConfigError, Kind, SecretText, Setting, Values};
use keyway_chassis::tls::{CLIENT_AUTH, ClientAuth, KeyPair, client_auth, key_pair};

pub(crate) use self::database::DatabaseSettings;
use crate::authenticate::{RouterIdentity, RouterList};
use crate::fields::SecretBounds;
use crate::issuers::IssuerConfig;
use crate::keyring::{Bounds, CacheBounds};
use crate::master_key::Readers;
use crate::master_key::source::Source;

/// Everything the vault is told.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) database: DatabaseSettings,
    pub(crate) master_key: Source,
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

const SETTINGS: &[Setting] = &[
    Setting {
        path: "master_key.file",
        kind: Kind::Path,
        default: config::Default::Absent,
        help: "The master key, a file that its owner alone can read, made by `keyway-vault new-master-key --out FILE`. Exactly one of `master_key.file`, `master_key.directory` and `master_key.environment` must be set.",
    },
    Setting {
        path: "master_key.directory",
        kind: Kind::Path,
        default: config::Default::Absent,
        help: "Several generations of the master key: a folder with a file each, named by whole numbers, such as a mounted Kubernetes secret. The highest wraps, all unwrap. Newer files are noticed while the vault runs.",
    },
    Setting {
        path: "master_key.environment",
        kind: Kind::Secret {
            accepted: "one or more master keys, the current one first, separated by commas",
        },
        default: config::Default::Absent,
        help: "The texts of the master keys themselves. A file is safer: the environment of a process can be read by whoever runs as its user.",
    },
    Setting {
        path: "master_key.group_readable",
        kind: Kind::Bool,
        default: config::Default::Is("false"),
        help: "Whether the group of a master key file may read it, as it must where a Kubernetes secret is mounted with `fsGroup` and `defaultMode: 0440`. Others never may.",
    },
    Setting {
        path: "master_key.timeout",
        kind: Kind::Duration {
            min: Duration::from_millis(10),
            max: Duration::from_mins(1),
        },
        default: config::Default::Is("3s"),
        help: "Longest time for one answer of what holds the master key.",
    },
    Setting {
        path: "data_key_cache.size",
        kind: Kind::Integer {
            min: 0,
            max: 1_000_000,
        },
        default: config::Default::Is("4096"),
        help: "Most data keys kept unwrapped in memory; 0 keeps none. Each use reads the data key's row, so one that was destroyed is never used.",
    },
    Setting {
        path: "data_key_cache.idle",
        kind: Kind::Duration {
            min: Duration::from_secs(1),
            max: Duration::from_hours(24),
        },
        default: config::Default::Is("5m"),
        help: "How long a data key stays in memory without being used.",
    },
    Setting {
        path: "data_key_cache.lifetime",
        kind: Kind::Duration {
            min: Duration::from_secs(1),
            max: Duration::from_hours(24),
        },
        default: config::Default::Is("15m"),
        help: "How long a data key stays in memory at most, however often it is used. Nothing extends it.",
    },
    Setting {
        path: "admin.listen",
        kind: Kind::Address,
        default: config::Default::Is("127.0.0.1:7101"),
        help: "Where keys, workspaces, members, tokens, audit and seal are managed.",
    },
    Setting {
        path: "data.listen",
        kind: Kind::Address,
        default: config::Default::Is("127.0.0.1:7102"),
        help: "Where routers resolve keys and watch changes.",
    },
    Setting {
        path: "data.tls.certificate",
        kind: Kind::Path,
        default: config::Default::Absent,
        help: "PEM file with the data plane's certificate and its chain; server.tls.certificate if not set.",
    },
    Setting {
        path: "data.tls.key",
        kind: Kind::Path,
        default: config::Default::Absent,
        help: "PEM file with the private key of data.tls.certificate.",
    },
    Setting {
        path: "data.tls.client_auth",
        kind: CLIENT_AUTH,
        default: config::Default::Absent,
        help: "Whether routers show a certificate; server.tls.client_auth if not set.",
    },
    Setting {
        path: "data.tls.client_ca",
        kind: Kind::Path,
        default: config::Default::Absent,
        help: "PEM file with the CAs that sign the routers' certificates.",
    },
    Setting {
        path: "operations.listen",
        kind: Kind::Address,
        default: config::Default::Is("127.0.0.1:7109"),
        help: "Plain HTTP for /livez, /readyz and /metrics.",
    },
    Setting {
        path: "routers",
        kind: Kind::List {
            accepted: ROUTER,
            check: is_router,
        },
        default: config::Default::Is(""),
        help: "Routers that may resolve keys: a name, and the SHA-256 of the router's token in hex or the only URI name of its certificate; with workspaces, only those.",
    },
    Setting {
        path: "lease.duration",
        kind: Kind::Duration {
            min: Duration::from_secs(1),
            max: Duration::from_hours(24),
        },
        default: config::Default::Is("15m"),
        help: "How long a router may keep the keys that it resolved.",
    },
    Setting {
        path: "feed.bookmark",
        kind: Kind::Duration {
            min: Duration::from_millis(100),
            max: Duration::from_mins(1),
        },
        default: config::Default::Is("5s"),
        help: "Longest time between two bookmarks of the change feed.",
    },
    Setting {
        path: "feed.poll",
        kind: Kind::Duration {
            min: Duration::from_millis(10),
            max: Duration::from_secs(10),
        },
        default: config::Default::Is("250ms"),
        help: "How often the revision row is read, to see what another vault on the same database changed.",
    },
    Setting {
        path: "feed.slow_after",
        kind: Kind::Duration {
            min: Duration::from_millis(100),
            max: Duration::from_mins(5),
        },
        default: config::Default::Is("15s"),
        help: "A router that takes nothing from its watch for so long is cut off; it comes back and goes on from where it was.",
    },
    Setting {
        path: "feed.stale_bound",
        kind: Kind::Duration {
            min: Duration::from_millis(100),
            max: Duration::from_hours(24),
        },
        default: config::Default::Is("60s"),
        help: "How long a router that is not heard of counts as one that may still use a key. At least lease.stale_bound of every router.",
    },
    Setting {
        path: "audit.checkpoint_rows",
        kind: Kind::Integer {
            min: 1,
            max: 1_000_000,
        },
        default: config::Default::Is("1000"),
        help: "A chain of the audit trail is signed after so many rows.",
    },
    Setting {
        path: "audit.checkpoint_interval",
        kind: Kind::Duration {
            min: Duration::from_secs(1),
            max: Duration::from_hours(24),
        },
        default: config::Default::Is("60s"),
        help: "A chain of the audit trail that grew is signed at least so often.",
    },
    Setting {
        path: "audit.check_interval",
        kind: Kind::Duration {
            min: Duration::from_millis(100),
            max: Duration::from_hours(24),
        },
        default: config::Default::Is("5s"),
        help: "How often a row is tried and taken back, to see that the audit trail takes rows.",
    },
    Setting {
        path: "secret.min_length",
        kind: Kind::Integer { min: 1, max: 4096 },
        default: config::Default::Is("8"),
        help: "Fewest characters of a provider key.",
    },
    Setting {
        path: "secret.max_length",
        kind: Kind::Integer {
            min: 1,
            max: 16_384,
        },
        default: config::Default::Is("4096"),
        help: "Most characters of a provider key.",
    },
    Setting {
        path: "message.max_size",
        kind: Kind::Bytes {
            min: 4 << 10,
            max: 4 << 20,
        },
        default: config::Default::Is("64KiB"),
        help: "Most bytes of a request message.",
    },
    Setting {
        path: "callers.unknown_rate",
        kind: Kind::Integer {
            min: 1,
            max: 10_000,
        },
        default: config::Default::Is("20"),
        help: "Look-ups per second that unknown tokens from one address (IPv6: one /64) may cause; what is beyond is refused as OVERLOADED.",
    },
    Setting {
        path: "callers.unknown_burst",
        kind: Kind::Integer {
            min: 1,
            max: 100_000,
        },
        default: config::Default::Is("100"),
        help: "The same at once.",
    },
    Setting {
        path: "deletion.delay",
        kind: Kind::Duration {
            min: Duration::from_secs(1),
            max: Duration::from_hours(24 * 365),
        },
        default: config::Default::Is("72h"),
        help: "How long a deleted workspace can be taken back, unless the request says otherwise.",
    },
    Setting {
        path: "deletion.shortest",
        kind: Kind::Duration {
            min: Duration::from_secs(1),
            max: Duration::from_hours(24 * 365),
        },
        default: config::Default::Is("1s"),
        help: "Shortest `deletion_delay` of a request.",
    },
    Setting {
        path: "deletion.longest",
        kind: Kind::Duration {
            min: Duration::from_secs(1),
            max: Duration::from_hours(24 * 365),
        },
        default: config::Default::Is("2160h"),
        help: "Longest `deletion_delay` of a request.",
    },
    Setting {
        path: "deletion.notice",
        kind: Kind::Duration {
            min: Duration::from_millis(10),
            max: Duration::from_hours(24 * 7),
        },
        default: config::Default::Is("1h"),
        help: "After a restart or a jump of the clock, how long the delay must have been over before anything is destroyed.",
    },
    Setting {
        path: "deletion.sweep",
        kind: Kind::Duration {
            min: Duration::from_millis(10),
            max: Duration::from_hours(1),
        },
        default: config::Default::Is("10s"),
        help: "How often deleted workspaces are looked through for those whose delay is over.",
    },
];

const ROUTER: &str = "name:sha256hex or name:sha256hex:workspace+workspace of a token, name=uri or \
                      \"name=uri workspace+workspace\" of a certificate";

fn is_router(text: &str) -> bool {
    text.parse::<RouterIdentity>().is_ok()
}

impl config::Settings for Settings {
    fn settings() -> Vec<Setting> {
        [database::SETTINGS, SETTINGS, identity::SETTINGS].concat()
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
            master_key: master_key(values)?,
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

/// The one source of the master key.
fn master_key(values: &Values) -> Result<Source, ConfigError> {
    let readers = if values.get("master_key.group_readable")? {
        Readers::OwnerAndGroup
    } else {
        Readers::Owner
    };
    let file: Option<PathBuf> = values.get("master_key.file")?;
    let directory: Option<PathBuf> = values.get("master_key.directory")?;
    let environment: Option<SecretText> = values.get("master_key.environment")?;
    match (file, directory, environment) {
        (Some(path), None, None) => Ok(Source::File(path, readers)),
        (None, Some(folder), None) => Ok(Source::Directory(folder, readers)),
        (None, None, Some(texts)) => Ok(Source::Environment(texts)),
        _ => Err(values.refuse("master_key.file", ONE_SOURCE)),
    }
}

const ONE_SOURCE: &str = "exactly one of master_key.file, master_key.directory and \
     master_key.environment; a vault that has never stored anything gets its first key by \
     `keyway-vault new-master-key --out FILE`";

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
    let entries = entries.map_err(|_form| values.refuse("routers", ROUTER))?;
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
