//! One line per call, written when its answer has ended: the one place that logs a failed call.
//!
//! It holds the RPC, the code, the reason, the time, the peer and the accessor. Never a header, a
//! message or a path that this build does not know.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use keyway_proto::status;
use metrics::{counter, histogram};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::{info, warn};

use crate::access::Peer;
use crate::body::{Watcher, watched};
use crate::rpc;
use crate::serve::CALL_ID;

/// Where the authentication writes who called.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallerNote(Arc<OnceLock<String>>);

impl CallerNote {
    pub(crate) fn set(&self, accessor: &str) {
        // The first one stays; a call has one caller.
        self.0.get_or_init(|| accessor.to_owned());
    }
}

/// The layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct AccessLogLayer;

impl<S> Layer<S> for AccessLogLayer {
    type Service = AccessLog<S>;

    fn layer(&self, inner: S) -> AccessLog<S> {
        AccessLog(inner)
    }
}

#[derive(Debug, Clone)]
pub(super) struct AccessLog<S>(S);

/// One call; its drop writes the line.
struct Line {
    rpc: &'static str,
    begin: Instant,
    peer: Option<SocketAddr>,
    caller: CallerNote,
    call_id: Option<String>,
    status: Option<Status>,
}

impl Watcher for Line {
    fn trailers(&mut self, trailers: &HeaderMap) {
        self.status = Status::from_header_map(trailers);
    }
}

impl Line {
    /// Reads what the head of the answer tells.
    fn head(&mut self, headers: &HeaderMap) {
        self.status = Status::from_header_map(headers);
        let id = headers.get(CALL_ID).and_then(|id| id.to_str().ok());
        self.call_id = id.map(str::to_owned);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // No status: the caller left, or the connection broke, before the answer had ended.
        let code = self.status.as_ref().map_or(Code::Cancelled, Status::code);
        let reason = self
            .status
            .as_ref()
            .and_then(|status| status::refusal(status).reason);
        let reason = reason.map_or("", |reason| reason.as_str());
        let took = self.begin.elapsed();
        counter!("keyway_rpcs_total", "rpc" => self.rpc, "code" => format!("{code:?}"), "reason" => reason)
            .increment(1);
        histogram!("keyway_rpc_seconds", "rpc" => self.rpc).record(took.as_secs_f64());
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let caller = self.caller.0.get().map_or("", String::as_str);
        let call_id = self.call_id.as_deref().unwrap_or_default();
        let peer = self.peer.map(|peer| peer.to_string()).unwrap_or_default();
        let rpc = self.rpc;
        if matches!(code, Code::Internal | Code::Unknown | Code::DataLoss) {
            warn!(
                rpc,
                ?code,
                reason,
                duration_ms,
                peer,
                caller,
                call_id,
                "{rpc} failed: {reason}"
            );
        } else {
            info!(
                rpc,
                ?code,
                reason,
                duration_ms,
                peer,
                caller,
                call_id,
                "{rpc}: {code:?}"
            );
        }
    }
}

impl<S, B> Service<Request<B>> for AccessLog<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let mut line = Line {
            rpc: rpc::name(request.uri().path()).unwrap_or("unknown"),
            begin: Instant::now(),
            peer: request
                .extensions()
                .get::<Peer>()
                .and_then(|peer| peer.address),
            caller: CallerNote::default(),
            call_id: None,
            status: None,
        };
        request.extensions_mut().insert(line.caller.clone());
        let reply = self.0.call(request);
        Box::pin(async move {
            let reply = reply.await?;
            line.head(reply.headers());
            Ok(reply.map(|body| watched(body, line)))
        })
    }
}
