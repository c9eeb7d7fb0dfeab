//! The router's settings, already checked.

mod relay;
mod table;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use keyway_chassis::access::LookupRate;
use keyway_chassis::config::{ConfigError, Setting, Settings, Values};
use keyway_chassis::tls::{self, ClientTls, key_pair};
use keyway_migrations::{ChoiceError, DatabaseAddress};
use keyway_router_billing::LedgerConfig;
use keyway_router_pricing::{Aliases, Multiplier};
use keyway_words::ProviderId;
use reqwest::Url;

pub use self::relay::RelaySettings;
use crate::admission::AdmissionBounds;
use crate::callers::VerdictBounds;
use crate::edge;
use crate::execute::{BySource, Rules};
use crate::keys::{BreakerBounds, CacheBounds, HealthBounds};
use crate::probe::ProbeBounds;
use crate::upstream::{Egress, Networks, Origin, UpstreamBounds};

/// Everything that the router is told.
#[derive(Debug, Clone)]
pub struct RouterConfig {
    /// Where calls come in.
    pub calls: SocketAddr,
    /// Where probes and metrics are.
    pub operations: SocketAddr,
    /// The vault.
    pub vault: VaultSettings,
    /// The lease cache.
    pub leases: CacheBounds,
    /// Trouble with keys.
    pub health: HealthBounds,
    /// Keys that rest because their provider failed.
    pub breakers: BreakerBounds,
    /// The cache of verdicts.
    pub verdicts: VerdictBounds,
    /// The ledger.
    pub ledger: LedgerConfig,
    /// The relay to NATS, if there is one.
    pub relay: Option<RelaySettings>,
    /// Base URLs that differ from the official ones.
    pub base_urls: HashMap<ProviderId, String>,
    /// Whether plain text to providers beyond loopback is allowed.
    pub insecure: bool,
    /// The way out of this network.
    pub egress: Egress,
    /// Timeouts and bounds of one attempt.
    pub upstream: UpstreamBounds,
    /// How calls are run.
    pub rules: Rules,
    /// Answers that are read on at once though their caller left.
    pub drained: usize,
    /// Calls in flight and in the queue.
    pub admission: AdmissionBounds,
    /// Bytes of request bodies in flight.
    pub bodies: usize,
    /// Plain HTTP.
    pub edge: edge::Bounds,
    /// Bytes of a request.
    pub request_bytes: usize,
    /// Tests of keys.
    pub probes: ProbeBounds,
    /// The operator's names for models.
    pub aliases: Aliases,
    /// File of what is switched off.
    pub switches: Option<PathBuf>,
    /// File with the operator's prices.
    pub overlay: Option<PathBuf>,
    /// The operator's factor on hosted list prices.
    pub multiplier: Multiplier,
    /// Whether hosted calls are charged what their usage was estimated at.
    pub charge_estimates: bool,
}

/// How the vault is reached and how long it may be silent.
#[derive(Debug, Clone)]
pub struct VaultSettings {
    /// Its data plane.
    pub endpoint: String,
    /// TLS of the way there, and the name that the vault's certificate must have.
    pub tls: Option<(ClientTls, String)>,
    /// File with this router's token; `None` if its certificate is enough.
    pub token_file: Option<PathBuf>,
    /// Bound of each of its RPCs.
    pub deadline: Duration,
    /// How long what is cached may be used after it was last heard from.
    pub stale_bound: Duration,
    /// Silence after which the feed is dead.
    pub feed_dead: Duration,
}

impl Settings for RouterConfig {
    fn settings() -> Vec<Setting> {
        table::settings()
    }

    fn from_values(values: &Values) -> Result<Self, ConfigError> {
        let insecure = values.get("providers.insecure")?;
        let egress = egress(values)?;
        Ok(Self {
            calls: values.get("calls.listen")?,
            operations: values.get("operations.listen")?,
            vault: vault(values)?,
            leases: CacheBounds {
                entries: values.get("lease.entries")?,
                lease: values.get("lease.longest")?,
            },
            health: HealthBounds {
                limited: values.get("health.limited")?,
                trials: [
                    values.get("health.first_trial")?,
                    values.get("health.second_trial")?,
                    values.get("health.later_trials")?,
                ],
            },
            breakers: breakers(values)?,
            verdicts: verdicts(values)?,
            ledger: ledger(values)?,
            relay: relay::read(values)?,
            base_urls: base_urls(values, insecure, &egress.allowed)?,
            insecure,
            egress,
            upstream: UpstreamBounds {
                connect: values.get("timeouts.connect")?,
                first_byte: values.get("timeouts.first_byte")?,
                idle: values.get("timeouts.idle")?,
                total: values.get("timeouts.total")?,
                pooled: values.get("timeouts.pooled")?,
                reply: values.get("limits.provider_reply")?,
            },
            rules: rules(values)?,
            drained: values.get("limits.drained_calls")?,
            admission: admission(values)?,
            bodies: values.get("limits.bodies")?,
            probes: ProbeBounds {
                per_minute: values.get("probes.per_minute")?,
                longest: values.get("probes.longest")?,
            },
            edge: edge(values)?,
            request_bytes: values.get("limits.request")?,
            aliases: aliases(values)?,
            switches: values.get("switches.file")?,
            overlay: values.get("prices.overlay")?,
            multiplier: multiplier(values)?,
            charge_estimates: values.get("prices.charge_estimates")?,
        })
    }
}

fn admission(values: &Values) -> Result<AdmissionBounds, ConfigError> {
    Ok(AdmissionBounds {
        workspace_calls: values.get("limits.workspace_calls")?,
        calls: values.get("limits.calls")?,
        queue: values.get("limits.queue")?,
        longest_wait: values.get("limits.queue_wait")?,
    })
}

fn edge(values: &Values) -> Result<edge::Bounds, ConfigError> {
    Ok(edge::Bounds {
        body: values.get("limits.request")?,
        body_time: values.get("http.body_time")?,
    })
}

fn vault(values: &Values) -> Result<VaultSettings, ConfigError> {
    let (stale_bound, feed_dead): (Duration, Duration) = (
        values.get("lease.stale_bound")?,
        values.get("feed.dead_after")?,
    );
    if stale_bound < feed_dead {
        return Err(values.refuse("lease.stale_bound", "at least feed.dead_after"));
    }
    Ok(VaultSettings {
        endpoint: values.get("vault.endpoint")?,
        tls: vault_tls(values)?,
        token_file: token_file(values)?,
        deadline: values.get("vault.deadline")?,
        stale_bound,
        feed_dead,
    })
}

fn token_file(values: &Values) -> Result<Option<PathBuf>, ConfigError> {
    let file: Option<PathBuf> = values.get("vault.token_file")?;
    let certificate: Option<PathBuf> = values.get("vault.tls.certificate")?;
    if file.is_none() && certificate.is_none() {
        return Err(values.missing(
            "vault.token_file",
            "a file, unless vault.tls.certificate is set",
        ));
    }
    Ok(file)
}

/// TLS where the endpoint says so, and nothing of TLS where it does not.
fn vault_tls(values: &Values) -> Result<Option<(ClientTls, String)>, ConfigError> {
    let endpoint: Url = values
        .get::<String>("vault.endpoint")?
        .parse()
        .map_err(|_form| values.refuse("vault.endpoint", "a URL"))?;
    let authorities = tls::file(values, "vault.tls.ca")?;
    let pair = key_pair(values, "vault.tls")?;
    let name: Option<String> = values.get("vault.tls.server_name")?;
    let https = endpoint.scheme() == "https";
    let Some(authorities) = authorities else {
        return if https {
            Err(values.refuse("vault.tls.ca", "a file, since vault.endpoint is https:"))
        } else if pair.is_some() {
            Err(values.refuse(
                "vault.tls.certificate",
                "together with an https: vault.endpoint",
            ))
        } else {
            Ok(None)
        };
    };
    if !https {
        return Err(values.refuse("vault.tls.ca", "together with an https: vault.endpoint"));
    }
    let host = endpoint.host_str().unwrap_or_default();
    let name = name.unwrap_or_else(|| host.trim_matches(['[', ']']).to_owned());
    Ok(Some((ClientTls { authorities, pair }, name)))
}

fn ledger(values: &Values) -> Result<LedgerConfig, ConfigError> {
    let path: Option<PathBuf> = values.get("ledger.path")?;
    let password_file: Option<PathBuf> = values.get("ledger.password_file")?;
    let chosen = DatabaseAddress::chosen(path, values.get("ledger.url")?, password_file.as_deref());
    let one = "exactly one of ledger.path and ledger.url";
    let address = chosen.map_err(|error| match error {
        ChoiceError::Url(error) => values.refuse("ledger.url", error.to_string()),
        ChoiceError::Password => values.refuse("ledger.password_file", "only beside ledger.url"),
        ChoiceError::Both => values.refuse("ledger.path", one),
        ChoiceError::Neither => values.missing("ledger.path", one),
    })?;
    let max_size: Option<u64> = values.get("ledger.max_size")?;
    if max_size.is_some() && !matches!(address, DatabaseAddress::File(_)) {
        return Err(values.refuse("ledger.max_size", "only beside ledger.path"));
    }
    Ok(LedgerConfig {
        relayed: !values.get::<Vec<String>>("relay.url")?.is_empty(),
        password_file,
        max_size,
        slots: values.get("ledger.slots")?,
        group: values.get("ledger.group")?,
        lease: values.get("ledger.lease")?,
        retention: values.get("ledger.retention")?,
        consumer_hold: values.get("ledger.consumer_hold")?,
        readers: values.get("ledger.connections")?,
        busy_timeout: values.get("ledger.lock_timeout")?,
        connect: values.get("ledger.connect_timeout")?,
        statement: values.get("ledger.statement_timeout")?,
        ..LedgerConfig::new(address)
    })
}

fn verdicts(values: &Values) -> Result<VerdictBounds, ConfigError> {
    Ok(VerdictBounds {
        verdict: values.get("callers.verdict")?,
        unknown: values.get("callers.unknown")?,
        entries: values.get("callers.entries")?,
        lookups: LookupRate {
            per_second: values.get("callers.unknown_rate")?,
            burst: values.get("callers.unknown_burst")?,
        },
    })
}

fn breakers(values: &Values) -> Result<BreakerBounds, ConfigError> {
    let (rest, longest_rest) = (
        values.get("breaker.rest")?,
        values.get("breaker.longest_rest")?,
    );
    if longest_rest < rest {
        return Err(values.refuse("breaker.longest_rest", "at least breaker.rest"));
    }
    Ok(BreakerBounds {
        failures: values.get("breaker.failures")?,
        rest,
        longest_rest,
    })
}

fn rules(values: &Values) -> Result<Rules, ConfigError> {
    let is = |path: &str, word: &str| Ok(values.get::<String>(path)? == word);
    Ok(Rules {
        attempts: values.get("attempts.most")?,
        longest_wait: values.get("attempts.longest_wait")?,
        drain_for: values.get("timeouts.drained")?,
        drain_bytes: values.get("limits.drained_bytes")?,
        open_before_send: BySource {
            own: is("ledger.open.own", "before_send")?,
            hosted: is("ledger.open.hosted", "before_send")?,
        },
        settle_before_reply: BySource {
            own: is("ledger.settle.own", "before_reply")?,
            hosted: is("ledger.settle.hosted", "before_reply")?,
        },
    })
}

fn egress(values: &Values) -> Result<Egress, ConfigError> {
    let networks: Vec<String> = values.get("egress.allowed_networks")?;
    let allowed = Networks::parse(&networks)
        .ok_or_else(|| values.refuse("egress.allowed_networks", table::NETWORK))?;
    let proxy = values.get::<Option<String>>("egress.proxy")?;
    let proxy = proxy.map(|text| text.parse::<Url>()).transpose();
    Ok(Egress {
        proxy: proxy.map_err(|_form| values.refuse("egress.proxy", table::PROXY))?,
        ca_file: values.get("egress.ca_file")?,
        allowed,
    })
}

fn base_urls(
    values: &Values,
    insecure: bool,
    allowed: &Networks,
) -> Result<HashMap<ProviderId, String>, ConfigError> {
    let mut base_urls = HashMap::new();
    for provider in ProviderId::ALL {
        let path = format!("providers.{provider}.base_url");
        let Some(text) = values.get::<Option<String>>(&path)? else {
            continue;
        };
        let origin = Origin::parse(provider, &text, insecure)
            .map_err(|error| values.refuse(&path, error.accepted))?;
        if !origin.is_within(allowed) {
            return Err(values.refuse(&path, ADDRESS));
        }
        base_urls.insert(provider, text);
    }
    Ok(base_urls)
}

fn aliases(values: &Values) -> Result<Aliases, ConfigError> {
    let text: String = values.get("models.aliases")?;
    text.parse()
        .map_err(|_form| values.refuse("models.aliases", table::ALIASES))
}

fn multiplier(values: &Values) -> Result<Multiplier, ConfigError> {
    let text: String = values.get("prices.multiplier")?;
    text.parse()
        .map_err(|_form| values.refuse("prices.multiplier", table::MULTIPLIER))
}

const ADDRESS: &str = "a name, a public address, or one within egress.allowed_networks";
