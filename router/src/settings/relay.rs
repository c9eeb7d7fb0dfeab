//! The settings of the relay to NATS, which fit together or are refused.

use std::path::PathBuf;
use std::time::Duration;

use keyway_chassis::config::{ConfigError, Values};
use keyway_chassis::tls::{self, ClientTls, key_pair};
use reqwest::Url;

/// How the billing stream is published.
#[derive(Debug, Clone)]
pub struct RelaySettings {
    /// Servers of one NATS cluster.
    pub servers: Vec<String>,
    /// TLS of the way there.
    pub tls: Option<ClientTls>,
    /// File with what logs in there.
    pub credentials_file: Option<PathBuf>,
    /// Name of the stream.
    pub stream: String,
    /// First part of every subject.
    pub subject: String,
    /// Replicas that the stream has at least.
    pub replicas: usize,
    /// How long a stream that is made remembers message ids.
    pub deduplicate: Duration,
    /// Bound of a connection and of an answer.
    pub bound: Duration,
}

/// `None` where there is no relay.
pub(super) fn read(values: &Values) -> Result<Option<RelaySettings>, ConfigError> {
    let servers: Vec<String> = values.get("relay.url")?;
    let tls = tls(values, &servers)?;
    let credentials_file: Option<PathBuf> = values.get("relay.credentials_file")?;
    if servers.is_empty() {
        return match credentials_file {
            Some(_) => Err(values.refuse("relay.credentials_file", "only beside relay.url")),
            None => Ok(None),
        };
    }
    Ok(Some(RelaySettings {
        servers,
        tls,
        credentials_file,
        stream: values.get("relay.stream")?,
        subject: values.get("relay.subject")?,
        replicas: values.get("relay.replicas")?,
        deduplicate: values.get("relay.deduplicate")?,
        bound: values.get("relay.timeout")?,
    }))
}

/// TLS to all servers or to none.
fn tls(values: &Values, servers: &[String]) -> Result<Option<ClientTls>, ConfigError> {
    let authorities = tls::file(values, "relay.tls.ca")?;
    let pair = key_pair(values, "relay.tls")?;
    let over_tls = servers.iter().filter(|server| is_tls(server)).count();
    let none = over_tls == 0;
    if !none && over_tls < servers.len() {
        return Err(values.refuse("relay.url", "tls: for all servers or for none"));
    }
    match authorities {
        Some(_) if none => Err(values.refuse("relay.tls.ca", "together with a tls: relay.url")),
        None if pair.is_some() => {
            Err(values.refuse("relay.tls.certificate", "together with relay.tls.ca"))
        }
        None if none => Ok(None),
        None => Err(values.missing("relay.tls.ca", "a file, since relay.url is tls:")),
        Some(authorities) => Ok(Some(ClientTls { authorities, pair })),
    }
}

fn is_tls(server: &str) -> bool {
    Url::parse(server).is_ok_and(|url| url.scheme() == "tls")
}

impl RelaySettings {
    /// A server that is reached in plain text over a network.
    pub fn plain_beyond_loopback(&self) -> Option<&str> {
        let is_plain = |server: &&String| !is_tls(server) && !is_loopback(server);
        self.servers.iter().find(is_plain).map(String::as_str)
    }
}

fn is_loopback(server: &str) -> bool {
    let url = Url::parse(server).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
