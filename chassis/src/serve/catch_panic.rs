//! A panic in one call is one `INTERNAL` for its caller and nobody else's concern.

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
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

fn fault() -> Status {
    Fault::new(Reason::Internal, "a bug in the service; report the call").into()
}

/// The payload may hold data of the call, so it goes nowhere; the panic hook logged the place.
fn internal(_payload: Box<dyn Any + Send>) -> Response<Body> {
    Status::from(Fault::new(
        Reason::Internal,
        "a bug in the service; report the call",
    ))
    .into_http()
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
                    let reply = reply.unwrap_or_else(|payload| Ok(internal(payload)));
                    reply.map(|reply| reply.map(|body| Body::new(CatchBody(Some(body)))))
                }
                Err(payload) => Ok(internal(payload)),
            }
        })
    }
}

/// A stream that panics ends with `INTERNAL` and is never polled again.
struct CatchBody(Option<Body>);

impl HttpBody for CatchBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(body) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let polled = AssertUnwindSafe(|| Pin::new(body).poll_frame(context));
        std::panic::catch_unwind(polled).unwrap_or_else(|_payload| {
            self.0 = None;
            let mut trailers = HeaderMap::new();
            let written = fault().add_header(&mut trailers);
            Poll::Ready(Some(written.map(|()| Frame::trailers(trailers))))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0
            .as_ref()
            .map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_one_internal_and_its_message_goes_nowhere() {
        let service = tower::service_fn(
            async |_: Request<()>| -> Result<Response<Body>, Infallible> {
                panic!("sk-keyway-test-1")
            },
        );
        let reply = CatchPanicLayer
            .layer(service)
            .call(Request::new(()))
            .await
            .unwrap();
        assert!(!format!("{reply:?}").contains("sk-keyway-test-1"));
        let status = Status::from_header_map(reply.headers()).unwrap();
        assert_eq!(
            keyway_proto::status::refusal(&status).reason,
            Some(Reason::Internal)
        );
    }

    struct Broken;

    impl HttpBody for Broken {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            panic!("sk-keyway-test-1")
        }
    }

    #[tokio::test]
    async fn a_panic_in_the_middle_of_a_stream_ends_it_with_internal() {
        let service =
            tower::service_fn(async |_: Request<()>| Ok(Response::new(Body::new(Broken))));
        let reply = CatchPanicLayer
            .layer(service)
            .call(Request::new(()))
            .await
            .unwrap();
        let mut body = reply.into_body();
        let frame = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        let trailers = frame.unwrap().unwrap().into_trailers().unwrap();
        let status = Status::from_header_map(&trailers).unwrap();
        assert_eq!(
            keyway_proto::status::refusal(&status).reason,
            Some(Reason::Internal)
        );
        assert!(body.is_end_stream());
    }
}
