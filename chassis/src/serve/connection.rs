//! One connection: handshake, preface, calls, and an orderly end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_util::either::Either;
use tonic::body::Body;
use tower::{Service, ServiceExt as _};

use super::ServeConfig;
use super::handshakes::Handshake;
use super::lent;
use super::preface;
use super::refusals::Refusal;
use crate::access::Peer;
use crate::drain::{Drain, Ending};
use crate::tls::{TlsRefusal, TlsServer};

/// What every connection of a listener has.
#[derive(Clone)]
pub(super) struct Connections<S> {
    pub(super) service: S,
    pub(super) config: ServeConfig,
    pub(super) tls: Option<TlsServer>,
    pub(super) drain: Drain,
}

/// A connection that is ready for calls.
struct Open<IO> {
    io: IO,
    peer: Peer,
    /// How long what its peer showed holds.
    holds: Duration,
}

impl<S> Connections<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    /// Serves one connection to its end.
    pub(super) async fn serve(
        self,
        tcp: TcpStream,
        address: SocketAddr,
        handshake: Handshake,
    ) -> Result<(), Refusal> {
        let opened = tokio::select! {
            opened = tokio::time::timeout(self.config.handshake_timeout, open(self.tls.as_ref(), tcp, address)) => opened,
            () = handshake.evicted() => return Err(Refusal::GaveWay),
        };
        let open = opened.map_err(|_passed| Refusal::Slow)??;
        drop(handshake);
        self.calls(open).await;
        Ok(())
    }

    /// Serves calls until the connection ends, is old enough, or the process stops. Then it takes
    /// no new ones, and those in flight have as long as any call.
    async fn calls<IO>(self, open: Open<IO>)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let ending = Ending::new();
        let told = (open.peer, ending.clone());
        let service = self.service.map_request(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            let extensions = request.extensions_mut();
            extensions.insert(told.0.clone());
            extensions.insert(told.1.clone());
            request
        });
        let service = TowerToHyperService::new(service);
        let age = self.config.connection_age().min(open.holds);
        let (io, returned) = lent::lend(open.io);
        {
            let http = http2(&self.config).serve_connection(TokioIo::new(io), service);
            let mut http = pin!(http);
            let over = async {
                tokio::select! {
                    () = self.drain.closed() => {}
                    () = tokio::time::sleep(age) => {}
                }
            };
            // How it ended is the client's business: its calls were logged each.
            let stands = tokio::select! {
                _ended = &mut http => false,
                () = over => true,
            };
            if stands {
                ending.begin();
                http.as_mut().graceful_shutdown();
                drop(tokio::time::timeout(self.config.deadline_cap, http).await);
            }
        }
        returned.close().await;
    }
}

/// Makes the handshake and reads who is there and what is spoken.
async fn open(
    tls: Option<&TlsServer>,
    tcp: TcpStream,
    address: SocketAddr,
) -> Result<Open<impl AsyncRead + AsyncWrite + Unpin + Send + 'static>, Refusal> {
    // Else the first frame of an answer waits for an ACK, 40 ms.
    tcp.set_nodelay(true).map_err(|_gone| Refusal::Left)?;
    let mut peer = Peer {
        address: Some(address),
        identity: None,
    };
    let mut holds = Duration::MAX;
    let io = match tls {
        None => Either::Left(tcp),
        Some(tls) => {
            let stream = tls.accept(tcp).await;
            let stream = stream
                .map_err(|error| TlsRefusal::of(&error).map_or(Refusal::Left, Refusal::Tls))?;
            if let Some(shown) = tls.shown(&stream) {
                peer.identity = Some(shown.identity);
                holds = shown.holds;
            }
            Either::Right(stream)
        }
    };
    let io = preface::http2(io).await?;
    Ok(Open { io, peer, holds })
}

fn http2(config: &ServeConfig) -> http2::Builder<TokioExecutor> {
    let mut http = http2::Builder::new(TokioExecutor::new());
    http.timer(TokioTimer::new())
        .keep_alive_interval(Some(config.keepalive_interval))
        .keep_alive_timeout(config.keepalive_timeout)
        .max_concurrent_streams(config.max_concurrent_streams)
        .initial_stream_window_size(config.stream_window)
        .initial_connection_window_size(config.connection_window)
        .max_header_list_size(config.max_header_list)
        .max_pending_accept_reset_streams(Some(128)) // rapid reset
        // Also counts, over the life of a connection, whoever was refused before all of their request
        // was read: no attack, so there is room for it.
        .max_local_error_reset_streams(Some(1024));
    http
}
