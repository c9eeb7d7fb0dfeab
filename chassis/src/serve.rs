//! gRPC over our own listener: one order of layers, limits on everything, an orderly end.

pub(crate) mod access_log;
mod catch_panic;
mod health;
mod settings;
mod unread;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tower::ServiceBuilder;
use tracing::{info, warn};

use self::access_log::AccessLogLayer;
use self::catch_panic::CatchPanicLayer;
pub use self::settings::{Reflection, ServeConfig};
use crate::access::{Authenticate, AuthenticateLayer, Authority};
use crate::deadline::DeadlineLayer;
use crate::drain::{Drain, DrainLayer};
use crate::operations::Readiness;

/// Why a listener can't be opened or served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken or not ours.
    #[error("can't listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Plain text beyond loopback was not asked for.
    #[error(
        "refusing plain text on {0}, which is not a loopback address; listen on loopback behind \
         something that speaks TLS, or set server.insecure=true"
    )]
    PlainText(SocketAddr),
    /// The reflection data of this build can't be read: a bug that a test finds.
    #[error("the reflection data can't be read")]
    Reflection(#[source] tonic_reflection::server::Error),
    /// The server failed.
    #[error("the server failed: {0}")]
    Server(#[source] tonic::transport::Error),
}

/// Opens a listener for RPCs. Beyond loopback only if `insecure` says so, with a warning.
pub async fn bind(address: SocketAddr, insecure: bool) -> Result<TcpListener, ServeError> {
    if !address.ip().is_loopback() {
        if !insecure {
            return Err(ServeError::PlainText(address));
        }
        warn!(%address, "{address} speaks plain text beyond loopback, as server.insecure asks");
    }
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| ServeError::Bind { address, source })
}

/// What stands around the services of a process; one for all its listeners.
pub struct Surroundings<A> {
    /// Limits and times.
    pub config: ServeConfig,
    /// Finds out who calls.
    pub authenticate: Arc<A>,
    /// Decides whether they may.
    pub authority: Arc<dyn Authority>,
    /// The stop of the process.
    pub drain: Drain,
    /// What health answers follow.
    pub readiness: Readiness,
}

impl<A> Clone for Surroundings<A> {
    fn clone(&self) -> Self {
        Self {
            config: self.config.clone(),
            authenticate: Arc::clone(&self.authenticate),
            authority: Arc::clone(&self.authority),
            drain: self.drain.clone(),
            readiness: self.readiness.clone(),
        }
    }
}

/// Serves `routes` with health and reflection until the drain is closed; then waits a moment for
/// the connections to end. `services` are the full names that health answers for.
pub async fn grpc<A: Authenticate>(
    listener: TcpListener,
    routes: Routes,
    services: &'static [&'static str],
    around: Surroundings<A>,
) -> Result<(), ServeError> {
    let config = around.config.clone();
    let (health, follow) = health::service(around.readiness.clone(), services);
    let routes = health::with_reflection(routes.add_service(health), config.reflection, services)?;
    if let Ok(address) = listener.local_addr() {
        info!(%address, "serving {} on {address}", services.join(", "));
    }
    let drain = around.drain.clone();
    let closed = async move { drain.closed().await };
    let served = server(&config)
        .layer(layers(&around))
        .serve_with_incoming_shutdown(routes.prepare(), incoming(listener), closed);
    let forced = async {
        around.drain.closed().await;
        tokio::time::sleep(LAST_CONNECTIONS).await;
    };
    tokio::select! {
        result = served => result.map_err(ServeError::Server),
        () = follow => Ok(()),
        () = forced => Ok(()),
    }
}

/// Connections of clients that do not answer a GOAWAY are dropped after this.
const LAST_CONNECTIONS: Duration = Duration::from_secs(2);

fn incoming(listener: TcpListener) -> TcpIncoming {
    TcpIncoming::from(listener)
        .with_nodelay(Some(true)) // else the first frame of an answer waits for an ACK, 40 ms
        .with_keepalive(Some(Duration::from_mins(1)))
}

fn server(config: &ServeConfig) -> Server {
    Server::builder()
        .http2_keepalive_interval(Some(config.keepalive_interval))
        .http2_keepalive_timeout(Some(config.keepalive_timeout))
        .max_concurrent_streams(config.max_concurrent_streams)
        .initial_stream_window_size(config.stream_window)
        .initial_connection_window_size(config.connection_window)
        .http2_max_header_list_size(config.max_header_list)
        .http2_max_pending_accept_reset_streams(Some(128)) // rapid reset
}

/// The layers, outermost first.
fn layers<A: Authenticate>(
    around: &Surroundings<A>,
) -> impl tower::Layer<
    Routes,
    Service: tower::Service<
        http::Request<tonic::body::Body>,
        Response = http::Response<tonic::body::Body>,
        Error = std::convert::Infallible,
        Future: Future<
            Output = Result<http::Response<tonic::body::Body>, std::convert::Infallible>,
        > + Send,
    > + Clone
                 + Send
                 + 'static,
> + Clone
+ use<A> {
    let reflection = around.config.reflection;
    let authenticate = Arc::clone(&around.authenticate);
    let authority = Arc::clone(&around.authority);
    ServiceBuilder::new()
        // Sees every call and every answer, the refusals of the layers below too.
        .layer(AccessLogLayer)
        // A bug in one call is one INTERNAL, and it is logged.
        .layer(CatchPanicLayer)
        // What tonic refuses to read has a reason too.
        .map_response(unread::explained)
        // Before any work is done for a call that can't be finished.
        .layer(DrainLayer::new(around.drain.clone()))
        // Authentication takes time too.
        .layer(DeadlineLayer::new(around.config.deadline_cap))
        // The last one: what is behind it knows its caller.
        .layer(AuthenticateLayer::new(authenticate, authority, reflection))
}
