//! Providers over HTTP: a request without credential goes in, an answer comes out. A key goes to
//! its provider's configured host and nowhere else.

mod addresses;
mod authorize;
mod client;
mod egress;
mod room;
mod scrub;

use std::collections::HashMap;
use std::path::PathBuf;

use keyway_router_providers::registry;
use keyway_words::ProviderId;
use reqwest::{Certificate, Url};

pub use addresses::Networks;
use addresses::System;
pub use authorize::{without_key, without_key_whole};
use client::Way;
pub use client::{Reply, SendError, Stage, Upstream, UpstreamBounds};
pub(crate) use egress::is_plain_beyond_loopback;
pub use egress::{Origin, OriginError};
pub use room::Room;

/// The clients of all providers that this build speaks.
#[derive(Debug, Clone, Default)]
pub struct Upstreams {
    by_provider: HashMap<ProviderId, Upstream>,
}

/// The way out of this network.
#[derive(Debug, Clone, Default)]
pub struct Egress {
    /// The proxy through which everything beyond loopback goes.
    pub proxy: Option<Url>,
    /// PEM file with CAs that are trusted beside the machine's.
    pub ca_file: Option<PathBuf>,
    /// Networks that are not public and may be reached all the same.
    pub allowed: Networks,
}

/// Why there are no clients.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// A base URL is not acceptable.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// The CAs can't be read.
    #[error("egress.ca_file: {} {problem}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The TLS set-up failed.
    #[error("the HTTP client can't be built")]
    Client(#[source] reqwest::Error),
}

impl Upstreams {
    /// Clients at the given base URLs, or where the provider's own SDK goes.
    pub fn new(
        base_urls: &HashMap<ProviderId, String>,
        insecure: bool,
        bounds: UpstreamBounds,
        egress: &Egress,
    ) -> Result<Self, UpstreamError> {
        let authorities = egress.authorities()?;
        let mut by_provider = HashMap::new();
        for adapter in ProviderId::ALL.into_iter().filter_map(registry::adapter) {
            let provider = adapter.provider();
            let base = base_urls
                .get(&provider)
                .map_or(adapter.base_url(), String::as_str);
            let origin = Origin::parse(provider, base, insecure)?;
            let way = Way {
                proxy: egress.proxy.clone(),
                authorities: authorities.clone(),
                allowed: egress.allowed.clone(),
            };
            let upstream = Upstream::new(origin, adapter.credential(), bounds, way, System);
            by_provider.insert(provider, upstream.map_err(UpstreamError::Client)?);
        }
        Ok(Self { by_provider })
    }

    /// The client of a provider; `None` if this build does not speak it.
    pub fn of(&self, provider: ProviderId) -> Option<&Upstream> {
        self.by_provider.get(&provider)
    }
}

impl Egress {
    fn authorities(&self) -> Result<Vec<Certificate>, UpstreamError> {
        let Some(path) = self.ca_file.clone() else {
            return Ok(Vec::new());
        };
        let problem = match std::fs::read(&path).map(|pem| Certificate::from_pem_bundle(&pem)) {
            Ok(Ok(authorities)) if !authorities.is_empty() => return Ok(authorities),
            Ok(_) => "holds no certificate in PEM",
            Err(_) => "can't be read",
        };
        Err(UpstreamError::Authorities { path, problem })
    }
}

#[cfg(test)]
mod tests;
