//! Providers over HTTP: a request without credential goes in, an answer comes out. A key goes to
//! its provider's configured host and nowhere else.

mod authorize;
mod client;
mod egress;
mod scrub;

use std::collections::HashMap;

use keyway_router_providers::registry;
use keyway_words::ProviderId;

pub use authorize::{without_key, without_key_whole};
pub use client::{Reply, SendError, Stage, Upstream, UpstreamBounds};
pub(crate) use egress::is_plain_beyond_loopback;
pub use egress::{Origin, OriginError};

/// The clients of all providers that this build speaks.
#[derive(Debug, Clone, Default)]
pub struct Upstreams {
    by_provider: HashMap<ProviderId, Upstream>,
}

/// Why there are no clients.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// A base URL is not acceptable.
    #[error(transparent)]
    Origin(#[from] OriginError),
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
    ) -> Result<Self, UpstreamError> {
        let mut by_provider = HashMap::new();
        for adapter in ProviderId::ALL.into_iter().filter_map(registry::adapter) {
            let provider = adapter.provider();
            let base = base_urls
                .get(&provider)
                .map_or(adapter.base_url(), String::as_str);
            let origin = Origin::parse(provider, base, insecure)?;
            let upstream = Upstream::new(origin, adapter.credential(), bounds);
            by_provider.insert(provider, upstream.map_err(UpstreamError::Client)?);
        }
        Ok(Self { by_provider })
    }

    /// The client of a provider; `None` if this build does not speak it.
    pub fn of(&self, provider: ProviderId) -> Option<&Upstream> {
        self.by_provider.get(&provider)
    }
}
