//! Stopping without breaking anything: calls in flight are counted until the last byte of their
//! answer, new ones are refused with `DRAINING`, watches are told to come back elsewhere.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use keyway_proto::{Fault, Reason};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use crate::body::{Watcher, cut_when, watched};
use crate::rpc;

/// How far the stop has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Serving,
    Draining,
    CutOff,
    Closed,
}

#[derive(Debug, Clone, Copy)]
struct State {
    phase: Phase,
    in_flight: usize,
}

/// The stop of a process and what it waits for. Clones are the same drain.
#[derive(Debug, Clone)]
pub struct Drain(Arc<watch::Sender<State>>);

impl Default for Drain {
    fn default() -> Self {
        Self::new()
    }
}

impl Drain {
    /// A drain that has not begun.
    pub fn new() -> Self {
        let state = State {
            phase: Phase::Serving,
            in_flight: 0,
        };
        Self(Arc::new(watch::Sender::new(state)))
    }

    /// Takes a call in, or refuses it with `DRAINING`. It is in flight until the guard is dropped.
    pub fn enter(&self) -> Result<InFlight, Fault> {
        let mut entered = false;
        self.0.send_modify(|state| {
            entered = state.phase == Phase::Serving;
            state.in_flight = state.in_flight.saturating_add(usize::from(entered));
        });
        if entered {
            Ok(InFlight(self.clone()))
        } else {
            Err(draining())
        }
    }

    /// New calls are refused from now on.
    pub fn begin(&self) {
        self.advance(Phase::Draining);
    }

    /// The time of the calls in flight is over: those that can end themselves, with `DRAINING`, do.
    pub fn cut(&self) {
        self.advance(Phase::CutOff);
    }

    /// Nothing is waited for any more: listeners close.
    pub fn close(&self) {
        self.advance(Phase::Closed);
    }

    fn advance(&self, phase: Phase) {
        self.0
            .send_modify(|state| state.phase = state.phase.max(phase));
    }

    /// Calls in flight.
    pub fn in_flight(&self) -> usize {
        self.0.borrow().in_flight
    }

    /// Whether new calls are refused.
    pub fn has_begun(&self) -> bool {
        self.0.borrow().phase > Phase::Serving
    }

    /// Ends when [`Self::begin`] was called.
    pub async fn begun(&self) {
        self.until(|state| state.phase > Phase::Serving).await;
    }

    /// Ends when [`Self::cut`] was called.
    pub async fn cut_off(&self) {
        self.until(|state| state.phase >= Phase::CutOff).await;
    }

    /// Ends when [`Self::close`] was called.
    pub async fn closed(&self) {
        self.until(|state| state.phase == Phase::Closed).await;
    }

    /// Ends when no call is in flight.
    pub async fn idle(&self) {
        self.until(|state| state.in_flight == 0).await;
    }

    async fn until(&self, met: impl FnMut(&State) -> bool) {
        // The sender lives in `self`, so waiting can't fail.
        let waited = self.0.subscribe().wait_for(met).await.map(drop);
        debug_assert!(waited.is_ok());
    }
}

/// The fault of a call that came too late.
pub fn draining() -> Fault {
    Fault::new(
        Reason::Draining,
        "the process is stopping; try again, another one will answer",
    )
    .retry_after(Duration::from_secs(1))
}

/// A call in flight; dropped when its answer has ended.
#[derive(Debug)]
pub struct InFlight(Drain);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0
            .0
            .send_modify(|state| state.in_flight = state.in_flight.saturating_sub(1));
    }
}

impl Watcher for InFlight {
    fn trailers(&mut self, _trailers: &HeaderMap) {}
}

/// The end of one connection: watches on it end, since they would hold it open for ever.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ending(CancellationToken);

impl Ending {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn begin(&self) {
        self.0.cancel();
    }

    async fn begun(self) {
        self.0.cancelled().await;
    }
}

/// The layer that counts and refuses. Health and reflection go through and are not counted.
#[derive(Debug, Clone)]
pub struct DrainLayer(Drain);

impl DrainLayer {
    /// A layer of this drain.
    pub fn new(drain: Drain) -> Self {
        Self(drain)
    }
}

impl<S> Layer<S> for DrainLayer {
    type Service = DrainService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        DrainService {
            inner,
            drain: self.0.clone(),
        }
    }
}

/// The service of [`DrainLayer`].
#[derive(Debug, Clone)]
pub struct DrainService<S> {
    inner: S,
    drain: Drain,
}

impl<S, B> Service<Request<B>> for DrainService<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let path = request.uri().path();
        let watch = rpc::is_watch(path);
        let drain = self.drain.clone();
        if rpc::is_health(path) || rpc::is_reflection(path) {
            let reply = self.inner.call(request);
            let closed = async move {
                drain.closed().await;
                draining()
            };
            return Box::pin(async move { Ok(reply.await?.map(|body| cut_when(body, closed))) });
        }
        let ending = request.extensions().get::<Ending>().cloned();
        let ending = ending.unwrap_or_default();
        let guard = match drain.enter() {
            Ok(guard) => guard,
            Err(fault) => return Box::pin(async { Ok(Status::from(fault).into_http()) }),
        };
        let reply = self.inner.call(request);
        Box::pin(async move {
            if !watch {
                return Ok(reply.await?.map(|body| watched(body, guard)));
            }
            let begun = either(drain.clone(), ending.clone());
            tokio::pin!(begun);
            // A watch may be held up before its first byte, so the wait ends at drain too.
            let reply = tokio::select! {
                reply = reply => reply?,
                () = &mut begun => return Ok(Status::from(draining()).into_http()),
            };
            let cut = async move {
                either(drain, ending).await;
                draining()
            };
            Ok(reply.map(|body| watched(cut_when(body, cut), guard)))
        })
    }
}

/// Ends when the process stops or the connection does.
async fn either(drain: Drain, ending: Ending) {
    tokio::select! {
        () = drain.begun() => {}
        () = ending.begun() => {}
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use bytes::Bytes;
    use futures::FutureExt as _;
    use http_body::{Body as _, Frame};
    use tokio::sync::mpsc;
    use tokio_stream::wrappers::UnboundedReceiverStream;

    use super::*;

    type Sent = mpsc::UnboundedSender<Bytes>;

    struct Chunks(UnboundedReceiverStream<Bytes>);

    impl http_body::Body for Chunks {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            use tokio_stream::Stream as _;
            Pin::new(&mut self.0)
                .poll_next(context)
                .map(|next| next.map(|b| Ok(Frame::data(b))))
        }
    }

    async fn open(drain: &Drain, path: &str) -> (Response<Body>, Sent) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut receiver = Some(receiver);
        let service = tower::service_fn(move |_: Request<()>| {
            let chunks = Chunks(UnboundedReceiverStream::new(receiver.take().unwrap()));
            async { Ok(Response::new(Body::new(chunks))) }
        });
        let request = Request::builder().uri(path).body(()).unwrap();
        let mut service = DrainLayer::new(drain.clone()).layer(service);
        (service.call(request).await.unwrap(), sender)
    }

    async fn frame(body: &mut Body) -> Option<Frame<Bytes>> {
        let next = std::future::poll_fn(|context| Pin::new(&mut *body).poll_frame(context));
        next.await.map(Result::unwrap)
    }

    fn reason(headers: &HeaderMap) -> Option<Reason> {
        keyway_proto::status::refusal(&Status::from_header_map(headers)?).reason
    }

    const CHAT: &str = "/keyway.router.v1.ExecutionService/StreamChat";

    #[tokio::test]
    async fn a_stream_is_in_flight_until_its_last_byte_and_new_calls_are_told_to_go_elsewhere() {
        let drain = Drain::new();
        let (reply, sender) = open(&drain, CHAT).await;
        drain.begin();
        assert_eq!(drain.in_flight(), 1);
        let (refused, _) = open(&drain, CHAT).await;
        assert_eq!(reason(refused.headers()), Some(Reason::Draining));
        let mut body = reply.into_body();
        sender.send(Bytes::from_static(b"x")).unwrap();
        assert!(frame(&mut body).await.unwrap().is_data());
        assert!(drain.idle().now_or_never().is_none());
        drop(sender);
        assert!(frame(&mut body).await.is_none());
        drop(body);
        drain.idle().await;
        assert_eq!(drain.in_flight(), 0);
    }

    #[tokio::test]
    async fn an_abandoned_stream_is_no_longer_in_flight() {
        let drain = Drain::new();
        let (reply, _sender) = open(&drain, CHAT).await;
        assert_eq!(drain.in_flight(), 1);
        drop(reply);
        assert_eq!(drain.in_flight(), 0);
    }

    #[tokio::test]
    async fn a_watch_ends_with_draining_when_the_drain_begins() {
        let drain = Drain::new();
        let (reply, _sender) = open(&drain, "/keyway.vault.v1.LeaseService/WatchChanges").await;
        let mut body = reply.into_body();
        drain.begin();
        let trailers = frame(&mut body).await.unwrap().into_trailers().unwrap();
        assert_eq!(reason(&trailers), Some(Reason::Draining));
        drop(body);
        drain.idle().await;
    }

    #[tokio::test]
    async fn health_answers_while_draining_and_is_never_waited_for() {
        let drain = Drain::new();
        drain.begin();
        let (reply, _sender) = open(&drain, "/grpc.health.v1.Health/Watch").await;
        assert!(reason(reply.headers()).is_none());
        assert_eq!(drain.in_flight(), 0);
        let mut body = reply.into_body();
        drain.close();
        let trailers = frame(&mut body).await.unwrap().into_trailers().unwrap();
        assert_eq!(reason(&trailers), Some(Reason::Draining));
    }
}
