//! One span per call, which ends when its answer has ended.

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use keyway_proto::status;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::{Instrument as _, Span};

use crate::body::{Watcher, watched};
use crate::rpc;
use crate::telemetry::trace;

/// The layer. Within it the current span is the call's.
#[derive(Debug, Clone, Copy)]
pub(super) struct TraceLayer;

impl<S> Layer<S> for TraceLayer {
    type Service = Traced<S>;

    fn layer(&self, inner: S) -> Traced<S> {
        Traced(inner)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Traced<S>(S);

/// A span until the answer's end; its drop ends it.
struct Open {
    span: Span,
    code: Option<Code>,
}

impl Open {
    fn saw(&mut self, status: &Status) {
        let code = status.code();
        self.code = Some(code);
        self.span
            .record("rpc.grpc.status_code", i64::from(i32::from(code)));
        if code != Code::Ok {
            let reason = status::refusal(status).reason;
            let reason = reason.map_or("UNKNOWN", |reason| reason.as_str());
            self.span.record("error.type", reason);
            self.span.record("otel.status_code", "ERROR");
        }
    }
}

impl Watcher for Open {
    fn trailers(&mut self, trailers: &HeaderMap) {
        if let Some(status) = Status::from_header_map(trailers) {
            self.saw(&status);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.code.is_none() {
            // The caller left, or the connection broke, before the answer had ended.
            self.saw(&Status::cancelled(""));
        }
    }
}

impl<S, B> Service<Request<B>> for Traced<S>
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

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let rpc = rpc::name(request.uri().path()).unwrap_or("unknown");
        let span = trace::served(rpc, request.headers());
        let reply = span.in_scope(|| self.0.call(request));
        if span.is_disabled() {
            return Box::pin(reply);
        }
        let mut open = Open {
            span: span.clone(),
            code: None,
        };
        let traced = async move {
            let reply = reply.await?;
            let headers = reply.headers();
            if let Some(id) = headers
                .get("keyway-call-id")
                .and_then(|id| id.to_str().ok())
            {
                open.span.record("keyway.call_id", id);
            }
            if let Some(status) = Status::from_header_map(headers) {
                open.saw(&status);
            }
            Ok(reply.map(|body| watched(body, open)))
        };
        Box::pin(traced.instrument(span))
    }
}
