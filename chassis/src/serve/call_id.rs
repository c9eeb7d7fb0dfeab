//! The id of a call, before anything else about it is known: whoever is refused can name the call,
//! wherever the refusal comes from.

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response};
use keyway_words::CallId;
use tonic::body::Body;
use tower::{Layer, Service};

/// The metadata that names a call.
pub const CALL_ID: &str = "keyway-call-id";

/// RPCs that are calls.
const CALLS: [&str; 6] = [
    "/keyway.router.v1.ExecutionService/Chat",
    "/keyway.router.v1.ExecutionService/StreamChat",
    "/keyway.router.v1.ExecutionService/Embed",
    "/keyway.router.v1.ExecutionService/StreamEmbed",
    "/keyway.router.v1.ExecutionService/Search",
    "/keyway.router.v1.ExecutionService/TestKey",
];

/// Gives each call an id: the handler finds it in the extensions, the caller in the answer's head.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallIdLayer;

impl<S> Layer<S> for CallIdLayer {
    type Service = CallIds<S>;

    fn layer(&self, inner: S) -> CallIds<S> {
        CallIds(inner)
    }
}

#[derive(Debug, Clone)]
pub(super) struct CallIds<S>(S);

impl<S, B> Service<Request<B>> for CallIds<S>
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
        if !CALLS.contains(&request.uri().path()) {
            return Box::pin(self.0.call(request));
        }
        let id = CallId::new();
        request.extensions_mut().insert(id);
        let reply = self.0.call(request);
        Box::pin(async move {
            let mut reply = reply.await?;
            if let Ok(id) = HeaderValue::try_from(id.to_string()) {
                reply.headers_mut().insert(CALL_ID, id);
            }
            Ok(reply)
        })
    }
}
