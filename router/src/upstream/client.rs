//! The HTTP client: one pool per provider, no redirects, no proxy but the configured one, and a
//! timeout of its own for each stage.

use std::error::Error;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use keyway_router_providers::{Credential, WireRequest};
use keyway_words::Secret;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Proxy, Url};
use tokio::time::{Instant, timeout_at};

use super::addresses::{Lookup, Networks, Refused, Resolver};
use super::authorize::authorize;
use super::egress::Origin;
use super::room::Room;

/// Timeouts and bounds of one attempt.
#[derive(Debug, Clone, Copy)]
pub struct UpstreamBounds {
    /// Until the connection stands.
    pub connect: Duration,
    /// From the request until the answer's headers.
    pub first_byte: Duration,
    /// Between two pieces of the answer.
    pub idle: Duration,
    /// The whole attempt.
    pub total: Duration,
    /// How long a connection that nothing uses is kept.
    pub pooled: Duration,
    /// Bytes of an answer.
    pub reply: usize,
}

/// Where a timeout struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Connecting.
    Connect,
    /// Waiting for the answer to begin.
    FirstByte,
    /// Waiting for the next piece.
    Idle,
    /// The attempt as a whole.
    Total,
}

impl Stage {
    /// As it stands in the metadata of `PROVIDER_TIMEOUT`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::FirstByte => "first_byte",
            Self::Idle => "idle",
            Self::Total => "total",
        }
    }
}

/// Why there is no answer, or no more of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendError {
    /// Nothing was sent: no connection.
    NotConnected,
    /// Nothing was sent: the request would have gone elsewhere, or its key fits in no header.
    NotAllowed,
    /// Nothing was sent: the provider's name leads to addresses that are not allowed.
    PrivateAddress,
    /// A stage took too long.
    TimedOut(Stage),
    /// The connection broke.
    Broken,
    /// The answer is larger than the bound.
    TooLarge,
}

impl SendError {
    /// Whether the provider can't have seen the request.
    pub fn never_left(self) -> bool {
        matches!(
            self,
            Self::NotConnected
                | Self::NotAllowed
                | Self::PrivateAddress
                | Self::TimedOut(Stage::Connect)
        )
    }
}

/// The way to one provider.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) proxy: Option<Url>,
    pub(super) authorities: Vec<Certificate>,
    pub(super) allowed: Networks,
}

/// One provider's client.
#[derive(Debug, Clone)]
pub struct Upstream {
    client: reqwest::Client,
    origin: Origin,
    credential: Credential,
    bounds: UpstreamBounds,
}

/// An answer whose headers have come.
#[derive(Debug)]
pub struct Reply {
    response: reqwest::Response,
    idle: Duration,
    ends_at: Instant,
    room: Room,
}

impl Upstream {
    /// A client for a provider at `origin`.
    pub(super) fn new(
        origin: Origin,
        credential: Credential,
        bounds: UpstreamBounds,
        way: Way,
        lookup: impl Lookup,
    ) -> Result<Self, reqwest::Error> {
        // What is on this machine is not behind the proxy.
        let proxy = way.proxy.filter(|_| !origin.is_loopback());
        let host = proxy.as_ref().and_then(Url::host_str).map(str::to_owned);
        let mut client = reqwest::Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .tls_certs_merge(way.authorities)
            .dns_resolver(Resolver::new(lookup, way.allowed, host))
            .tcp_nodelay(true)
            .connect_timeout(bounds.connect)
            .pool_idle_timeout(bounds.pooled)
            .http2_adaptive_window(true);
        if let Some(proxy) = proxy {
            client = client.proxy(Proxy::all(proxy)?);
        }
        Ok(Self {
            client: client.build()?,
            origin,
            credential,
            bounds,
        })
    }

    /// Room for one answer.
    pub fn room(&self) -> Room {
        Room::of(self.bounds.reply)
    }

    /// Sends a request with a key, until the answer's headers. There is `room` for its body.
    pub async fn send(
        &self,
        request: WireRequest,
        key: &Secret,
        room: Room,
    ) -> Result<Reply, SendError> {
        let url = self
            .origin
            .url(&request.path)
            .map_err(|_host| SendError::NotAllowed)?;
        let mut headers = request.headers;
        authorize(&mut headers, self.credential, key).map_err(|_key| SendError::NotAllowed)?;
        let now = Instant::now();
        let ends_at = now + self.bounds.total;
        // Connecting has its own bound inside the client; it must not eat this stage's time.
        let first_byte = now + self.bounds.connect + self.bounds.first_byte;
        let sent = self
            .client
            .request(request.method, url)
            .headers(headers)
            .body(request.body);
        let response = match timeout_at(first_byte.min(ends_at), sent.send()).await {
            Ok(response) => response.map_err(|error| read(&error))?,
            Err(_passed) if first_byte < ends_at => {
                return Err(SendError::TimedOut(Stage::FirstByte));
            }
            Err(_passed) => return Err(SendError::TimedOut(Stage::Total)),
        };
        Ok(Reply {
            response,
            idle: self.bounds.idle,
            ends_at,
            room,
        })
    }
}

impl Reply {
    /// HTTP status.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Headers.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The next piece; `None` at the end. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Option<Bytes>, SendError> {
        let idle = Instant::now() + self.idle;
        let piece = match timeout_at(idle.min(self.ends_at), self.response.chunk()).await {
            Ok(piece) => piece.map_err(|_broken| SendError::Broken)?,
            Err(_passed) if idle < self.ends_at => return Err(SendError::TimedOut(Stage::Idle)),
            Err(_passed) => return Err(SendError::TimedOut(Stage::Total)),
        };
        let length = piece.as_ref().map_or(0, Bytes::len);
        if self.room.take(length) {
            Ok(piece)
        } else {
            Err(SendError::TooLarge)
        }
    }

    /// The whole body.
    pub async fn whole(&mut self) -> Result<Bytes, SendError> {
        let mut body = BytesMut::new();
        while let Some(piece) = self.next().await? {
            body.extend_from_slice(&piece);
        }
        Ok(body.freeze())
    }

    /// The body of an error: what there is of its first 64 KiB, since nothing depends on its end.
    pub async fn error_body(&mut self) -> Bytes {
        self.room.narrow(ERROR_BODY);
        let mut body = BytesMut::new();
        while let Ok(Some(piece)) = self.next().await {
            body.extend_from_slice(&piece);
        }
        body.freeze()
    }
}

/// The error's text is not looked at: it may hold the URL.
fn read(error: &reqwest::Error) -> SendError {
    if is_refused(error) {
        return SendError::PrivateAddress;
    }
    match (error.is_connect(), error.is_timeout()) {
        (true, true) => SendError::TimedOut(Stage::Connect),
        (true, false) => SendError::NotConnected,
        (false, true) => SendError::TimedOut(Stage::FirstByte),
        (false, false) => SendError::Broken,
    }
}

fn is_refused(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<Refused>() {
            return true;
        }
        cause = error.source();
    }
    false
}

const ERROR_BODY: usize = 64 * 1024;
