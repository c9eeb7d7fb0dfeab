//! A panic in one call is one `INTERNAL` for its caller and nobody else's concern.

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Request, Response};
use keyway_proto::{Fault, Reason};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

/// The layer.
#[derive(Debug, Clone, Copy)]
pub(super) struct CatchPanicLayer;

impl<S> Layer<S> for CatchPanicLayer {
    type Service = CatchPanic<S>;

    fn layer(&self, inner: S) -> CatchPanic<S> {
        CatchPanic(inner)
    }
}

#[derive(Debug, Clone)]
pub(super) struct CatchPanic<S>(S);

/// The payload may hold data of the call, so it goes nowhere; the panic hook logged the place.
fn internal(_payload: Box<dyn Any + Send>) -> Response<Body> {
    Status::from(Fault::new(Reason::Internal, "a bug in the service; report the call")).into_http()
}

impl<S, B> Service<Request<B>> for CatchPanic<S>
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
        let called = std::panic::catch_unwind(AssertUnwindSafe(|| self.0.call(request)));
        Box::pin(async move {
            match called {
                Ok(reply) => {
                    let reply = AssertUnwindSafe(reply).catch_unwind().await;
                    reply.unwrap_or_else(|payload| Ok(internal(payload)))
                }
                Err(payload) => Ok(internal(payload)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_one_internal_and_its_message_goes_nowhere() {
        let service = tower::service_fn(async |_: Request<()>| -> Result<Response<Body>, Infallible> {
            panic!("sk-keyway-test-1")
        });
        let reply = CatchPanicLayer.layer(service).call(Request::new(())).await.unwrap();
        assert!(!format!("{reply:?}").contains("sk-keyway-test-1"));
        let status = Status::from_header_map(reply.headers()).unwrap();
        assert_eq!(keyway_proto::status::refusal(&status).reason, Some(Reason::Internal));
    }
}
