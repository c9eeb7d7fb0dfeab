//! gRPC, and plain HTTP beside it, over our own listener: one order of layers, limits on everything, an orderly end.

pub(crate) mod access_log;
mod call_id;
mod catch_panic;
mod connection;
mod edge;
mod health;
mod lent;
mod listener;
mod places;
mod preface;
mod refusals;
mod settings;
mod traced;
mod unread;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use tokio::task::JoinSet;
use tonic::service::Routes;
use tower::{Layer as _, ServiceBuilder};
use tracing::info;

use self::access_log::AccessLogLayer;
pub use self::call_id::CALL_ID;
use self::call_id::CallIdLayer;
use self::catch_panic::CatchPanicLayer;
use self::connection::Connections;
use self::edge::{Behind, NoEdge, Outside};
pub use self::edge::{Edge, Taken};
pub use self::listener::{Listener, bind};
use self::places::Places;
use self::refusals::{Refusal, Refusals};
pub use self::settings::{Reflection, ServeConfig};
use self::traced::TraceLayer;
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
        "refusing plain text on {0}, which is not a loopback address; set \
         server.tls.certificate and server.tls.key, listen on loopback behind something that \
         speaks TLS, or set server.insecure=true"
    )]
    PlainText(SocketAddr),
    /// The reflection data of this build can't be read: a bug that a test finds.
    #[error("the reflection data can't be read")]
    Reflection(#[source] tonic_reflection::server::Error),
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
    listener: Listener,
    routes: Routes,
    services: &'static [&'static str],
    around: Surroundings<A>,
) -> Result<(), ServeError> {
    serve(listener, (routes, services), (NoEdge, false), around).await
}

/// The same with an edge for plain HTTP on the port, in HTTP/1 or HTTP/2.
pub async fn grpc_and_http<A: Authenticate, E: Edge>(
    listener: Listener,
    routes: Routes,
    services: &'static [&'static str],
    edge: E,
    around: Surroundings<A>,
) -> Result<(), ServeError> {
    serve(listener, (routes, services), (edge, true), around).await
}

async fn serve<A: Authenticate, E: Edge>(
    listener: Listener,
    (routes, services): (Routes, &'static [&'static str]),
    (edge, http1): (E, bool),
    around: Surroundings<A>,
) -> Result<(), ServeError> {
    let config = around.config.clone();
    let (health, follow) = health::service(around.readiness.clone(), services);
    let routes = health::with_reflection(routes.add_service(health), config.reflection, services)?;
    if let Ok(address) = listener.local_addr() {
        let tls = if listener.tls.is_some() {
            " with TLS"
        } else {
            ""
        };
        info!(%address, "serving {} on {address}{tls}", services.join(", "));
    }
    let behind = Behind {
        routes: routes.prepare(),
        edge: edge.clone(),
    };
    let service = Outside {
        layers: layers(&around).layer(behind),
        edge,
    };
    let served = accept(listener, service, http1, &around);
    tokio::select! {
        () = served => Ok(()),
        () = follow => Ok(()),
    }
}

/// Takes connections until the drain is closed; then those that are open have a moment to end.
async fn accept<A, S>(listener: Listener, service: S, http1: bool, around: &Surroundings<A>)
where
    S: tower::Service<
            http::Request<tonic::body::Body>,
            Response = http::Response<tonic::body::Body>,
            Error = std::convert::Infallible,
            Future: Send,
        > + Clone
        + Send
        + 'static,
{
    let connections = Connections {
        service,
        config: around.config.clone(),
        tls: listener.tls.clone(),
        drain: around.drain.clone(),
        http1,
    };
    let name = listener.name;
    let places = Places::new(around.config.max_handshakes, around.config.max_connections);
    let refusals = Refusals::new(name);
    let mut open = JoinSet::new();
    let over = async {
        around.drain.closed().await;
        listener.empties().await;
    };
    let mut over = Box::pin(over);
    loop {
        let (tcp, peer) = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_ended) = open.join_next() => continue,
            () = &mut over => break,
        };
        gauge!("keyway_connections", "listener" => name).set(count(open.len()));
        while open.len() > places.all() {
            open.join_next().await;
        }
        let Some(handshake) = places.begin() else {
            refusals.note(peer, &Refusal::Full);
            continue;
        };
        let (connection, refusals) = (connections.clone(), refusals.clone());
        open.spawn(async move {
            if let Err(refusal) = connection.serve(tcp, peer, handshake).await {
                refusals.note(peer, &refusal);
            }
        });
    }
    drop(over);
    drop(listener);
    // Clients that do not answer a GOAWAY are dropped with the set.
    let ended = async { while open.join_next().await.is_some() {} };
    drop(tokio::time::timeout(LAST_CONNECTIONS, ended).await);
}

const LAST_CONNECTIONS: Duration = Duration::from_secs(2);

fn count(connections: usize) -> f64 {
    u32::try_from(connections).map_or(f64::MAX, f64::from)
}

/// The layers, outermost first.
fn layers<A: Authenticate, E: Edge>(
    around: &Surroundings<A>,
) -> impl tower::Layer<
    Behind<E>,
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
+ use<A, E> {
    let reflection = around.config.reflection;
    let authenticate = Arc::clone(&around.authenticate);
    let authority = Arc::clone(&around.authority);
    ServiceBuilder::new()
        // What is done for a call is done within its span.
        .layer(TraceLayer)
        // Sees every call and every answer, the refusals of the layers below too.
        .layer(AccessLogLayer)
        // Every refusal below names its call.
        .layer(CallIdLayer)
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
