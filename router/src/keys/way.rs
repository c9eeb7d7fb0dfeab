//! The way to the vault: plain text on loopback, else TLS whose files may change while it is used.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyway_chassis::tls::{TlsClient, TlsFiles};
use tonic::transport::{Channel, Endpoint};

/// Connects when first used, and anew once the files of TLS have changed. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) enum Way {
    /// Plain text.
    Plain(Channel),
    /// TLS.
    Tls(Arc<TlsWay>),
}

/// The way with TLS, and the channel that was made with the newest files.
#[derive(Debug)]
pub(super) struct TlsWay {
    endpoint: Endpoint,
    tls: TlsClient,
    newest: Mutex<(TlsFiles, Channel)>,
}

impl Way {
    pub(super) fn new(endpoint: Endpoint, tls: Option<TlsClient>) -> Self {
        let endpoint = endpoint
            .connect_timeout(CONNECT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE)
            .keep_alive_while_idle(true);
        let Some(tls) = tls else {
            return Self::Plain(endpoint.connect_lazy());
        };
        let files = tls.files();
        let channel = endpoint.connect_with_connector_lazy(tls.clone());
        Self::Tls(Arc::new(TlsWay {
            endpoint,
            tls,
            newest: Mutex::new((files, channel)),
        }))
    }

    /// The channel for the next call. Calls in flight on an older one end there.
    pub(super) fn channel(&self) -> Channel {
        match self {
            Self::Plain(channel) => channel.clone(),
            Self::Tls(way) => way.channel(),
        }
    }
}

impl TlsWay {
    fn channel(&self) -> Channel {
        let files = self.tls.files();
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.0 != files {
            let channel = self.endpoint.connect_with_connector_lazy(self.tls.clone());
            *newest = (files, channel);
        }
        newest.1.clone()
    }
}

const CONNECT: Duration = Duration::from_secs(2);
const KEEP_ALIVE: Duration = Duration::from_secs(5);
