//! The way to NATS: one connection, made again after every failure, and the stream it publishes to.

mod handshake;
mod login;
mod publish;
mod reading;
mod stream;

use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::{Context, stream::Stream};
use async_nats::{Client, ConnectOptions, ServerAddr};
use futures::future::BoxFuture;
use keyway_chassis::tls::TlsClient;
use tokio::time::timeout;

pub use self::login::{NatsLogin, NatsLoginError};
use super::{Message, PublishError, Publisher, Told};

/// How NATS is reached and what the stream there is.
#[derive(Debug)]
pub struct JetStreamConfig {
    /// Servers of one cluster, `nats://host:port` or `tls://host:port`.
    pub servers: Vec<String>,
    /// TLS with the names of these hosts; needed for `tls:`.
    pub tls: Option<TlsClient>,
    /// What logs in there.
    pub login: Option<NatsLogin>,
    /// Name of the stream, which is made if it is missing.
    pub stream: String,
    /// First part of every subject.
    pub subject: String,
    /// Replicas that the stream has at least.
    pub replicas: usize,
    /// How long a stream that is made here remembers message ids.
    pub deduplicate: Duration,
    /// Longest wait for a connection, and for the answer to one message.
    pub bound: Duration,
}

/// A publisher to `JetStream`.
#[derive(Debug)]
pub struct JetStream {
    config: JetStreamConfig,
    session: Option<Session>,
    /// After a failure messages go one by one: that keeps their order whatever was stored of them.
    careful: bool,
}

/// A connection and its stream.
#[derive(Debug)]
struct Session {
    client: Client,
    context: Context,
    stream: Stream,
}

impl JetStream {
    /// Connects when it is first used.
    pub const fn new(config: JetStreamConfig) -> Self {
        Self {
            config,
            session: None,
            careful: false,
        }
    }

    async fn session(&mut self) -> Result<&Session, PublishError> {
        let is_open = |session: &Session| session.client.connection_state() == State::Connected;
        let session = match self.session.take().filter(is_open) {
            Some(session) => session,
            None => self.connect().await?,
        };
        Ok(self.session.insert(session))
    }

    async fn connect(&self) -> Result<Session, PublishError> {
        let connecting = async {
            let client = client(&self.config).await?;
            let context = ContextBuilder::new()
                .timeout(self.config.bound)
                .build(client.clone());
            let stream = stream::ready(&context, &self.config).await?;
            Ok(Session {
                client,
                context,
                stream,
            })
        };
        // Each step has the bound; there are three of them.
        timeout(self.config.bound.saturating_mul(3), connecting)
            .await
            .unwrap_or_else(|_late| Err(away(&"no answer in time")))
    }

    async fn publish_page(&mut self, page: &[Message]) -> Result<Told, PublishError> {
        let careful = self.careful;
        let session = self.session().await?;
        let published = if careful {
            publish::one_by_one(&session.context, &session.stream, page).await
        } else {
            publish::all_at_once(&session.context, &session.stream, page).await
        };
        self.careful = published.is_err();
        if published.is_err() {
            self.session = None;
        }
        published
    }
}

impl Publisher for JetStream {
    fn reach(&mut self) -> BoxFuture<'_, Result<(), PublishError>> {
        Box::pin(async { self.session().await.map(drop) })
    }

    fn publish<'a>(&'a mut self, page: &'a [Message]) -> BoxFuture<'a, Result<Told, PublishError>> {
        Box::pin(self.publish_page(page))
    }
}

async fn client(config: &JetStreamConfig) -> Result<Client, PublishError> {
    let servers: Vec<ServerAddr> = config
        .servers
        .iter()
        .map(|server| server.parse().map_err(|error| away(&error)))
        .collect::<Result<_, _>>()?;
    let mut options = ConnectOptions::new()
        .name("keyway-router relay")
        .connection_timeout(config.bound)
        .request_timeout(Some(config.bound))
        // Whoever uses it connects again, with the files of that moment.
        .max_reconnects(servers.len())
        // The configuration says where what is billed goes, not a server.
        .ignore_discovered_servers()
        .ping_interval(PING);
    if let Some(tls) = &config.tls {
        options = options
            .require_tls(true)
            .tls_client_config(tls.without_protocols());
    }
    if let Some(login) = &config.login {
        options = login.apply(options).map_err(|error| away(&error))?;
    }
    let connected = options.connect(servers).await;
    connected.map_err(|error| PublishError::Away(handshake::told(&error)))
}

/// An error and its cause, which may name hosts and subjects and never what was published.
fn away(error: &(impl std::fmt::Display + ?Sized)) -> PublishError {
    PublishError::Away(error.to_string())
}

/// A connection on which nothing comes back is given up after two of these.
const PING: Duration = Duration::from_secs(5);
