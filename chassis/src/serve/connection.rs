//! One connection: handshake, preface, calls, and an orderly end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_util::either::Either;
use tonic::body::Body;
use tower::{Service, ServiceExt as _};

use super::ServeConfig;
use super::lent;
use super::places::Handshake;
use super::preface::{self, Spoken};
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
    /// Whether HTTP/1 is spoken too.
    pub(super) http1: bool,
}

/// A connection that is ready for calls.
struct Open<IO> {
    io: IO,
    spoken: Spoken,
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
            opened = tokio::time::timeout(self.config.handshake_timeout, open(self.tls.as_ref(), tcp, (address, self.http1))) => opened,
            () = handshake.evicted() => return Err(Refusal::GaveWay),
        };
        let open = opened.map_err(|_passed| Refusal::Slow)??;
        let _place = handshake.through().ok_or(Refusal::Full)?;
        self.calls(open).await
    }

    /// Serves calls until the connection ends, is old enough, or the process stops. Then it takes
    /// no new ones, and those in flight have as long as any call.
    async fn calls<IO>(self, open: Open<IO>) -> Result<(), Refusal>
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
        let (io, returned) = lent::lend(open.io, open.spoken);
        let http = http(&self.config, open.spoken);
        let ended = {
            let http = http.serve_connection(TokioIo::new(io), service);
            let mut http = pin!(http);
            // One that comes while the process stops is told so by each of its calls instead.
            let comes_late = self.drain.has_begun();
            let over = async {
                tokio::select! {
                    () = self.drain.begun(), if !comes_late => {}
                    () = self.drain.closed() => {}
                    () = tokio::time::sleep(age) => {}
                }
            };
            let ended = tokio::select! {
                ended = &mut http => Some(ended),
                () = over => None,
            };
            if let Some(ended) = ended {
                ended
            } else {
                ending.begin();
                http.as_mut().graceful_shutdown();
                let rest = tokio::time::timeout(self.config.deadline_cap, http).await;
                rest.unwrap_or(Ok(()))
            }
        };
        returned.close().await;
        // How else it ended is the client's business: its calls were logged each.
        match ended {
            Err(error) if open.spoken == Spoken::Http1 => malformed(&*error).map_or(Ok(()), Err),
            _ => Ok(()),
        }
    }
}

/// Makes the handshake and reads who is there and what is spoken.
async fn open(
    tls: Option<&TlsServer>,
    tcp: TcpStream,
    (address, http1): (SocketAddr, bool),
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
    let (spoken, io) = preface::read(io, http1).await?;
    Ok(Open {
        io,
        spoken,
        peer,
        holds,
    })
}

/// The refusal of a connection on which a request could not be read: its sender got a bare 400, 408,
/// 414 or 431, since where a request has no beginning it has no path that would give its answer a
/// shape.
fn malformed(error: &(dyn std::error::Error + Send + Sync + 'static)) -> Option<Refusal> {
    let error = error.downcast_ref::<hyper::Error>()?;
    if error.is_timeout() {
        return Some(Refusal::SlowHead);
    }
    let what = if error.is_parse_too_large() {
        "the head of a request is larger than server.max_header_list"
    } else {
        "a request that is no HTTP"
    };
    error.is_parse().then_some(Refusal::Request(what))
}

/// The protocol that was seen, within bounds.
fn http(config: &ServeConfig, spoken: Spoken) -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        // From the end of one request to the end of the next one's head: as long as a silent peer of
        // HTTP/2 stays.
        .header_read_timeout(config.keepalive_interval + config.keepalive_timeout)
        .max_headers(MAX_HEADERS)
        .max_buf_size(
            usize::try_from(config.max_header_list).map_or(MIN_BUFFER, |size| size.max(MIN_BUFFER)),
        );
    http.http2()
        .timer(TokioTimer::new())
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
    match spoken {
        Spoken::Http1 => http.http1_only(),
        Spoken::Http2 => http.http2_only(),
    }
}

/// Header lines of one HTTP/1 request.
const MAX_HEADERS: usize = 128;
/// The least that the HTTP/1 reader works with.
const MIN_BUFFER: usize = 8192;
