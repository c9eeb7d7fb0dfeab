//! Bytes of request bodies in flight, all calls together: what a router has in memory is bounded,
//! whoever sends how much at once.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use keyway_proto::{Fault, Reason};
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::Service;

use crate::counters;

/// How many bytes may be in flight, and are.
#[derive(Debug)]
pub struct BodyBudget {
    most: usize,
    used: AtomicUsize,
}

impl BodyBudget {
    /// Nothing is in flight.
    pub fn new(most: usize) -> Arc<Self> {
        let used = AtomicUsize::new(0);
        Arc::new(Self { most, used })
    }
}

/// A service whose request bodies are counted until its answers end.
#[derive(Debug, Clone)]
pub struct Bodies<S> {
    inner: S,
    budget: Arc<BodyBudget>,
}

impl<S> Bodies<S> {
    /// Puts a budget around a service.
    pub const fn new(inner: S, budget: Arc<BodyBudget>) -> Self {
        Self { inner, budget }
    }
}

impl<S: NamedService> NamedService for Bodies<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for Bodies<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Future: Send + 'static>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<Body>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let held = Arc::new(Held {
            budget: Arc::clone(&self.budget),
            bytes: AtomicUsize::new(0),
        });
        let counted = Arc::clone(&held);
        let request = request.map(|inner| {
            Body::new(Counted {
                inner,
                held: counted,
                counts: true,
            })
        });
        let reply = self.inner.call(request);
        Box::pin(async move {
            let reply = reply.await?;
            Ok(reply.map(|inner| {
                Body::new(Counted {
                    inner,
                    held,
                    counts: false,
                })
            }))
        })
    }
}

/// What one call holds, until its request and its answer are gone.
#[derive(Debug)]
struct Held {
    budget: Arc<BodyBudget>,
    bytes: AtomicUsize,
}

impl Held {
    fn grow(&self, bytes: usize) -> Result<(), Fault> {
        let most = self.budget.most;
        let grown = self
            .budget
            .used
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
                used.checked_add(bytes).filter(|used| *used <= most)
            });
        if grown.is_ok() {
            self.bytes.fetch_add(bytes, Ordering::AcqRel);
            return Ok(());
        }
        counters::shed(Reason::Overloaded.as_str());
        let message = "the router has as many bytes of requests in flight as it takes";
        Err(Fault::new(Reason::Overloaded, message).retry_after(Duration::from_secs(1)))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let bytes = self.bytes.load(Ordering::Acquire);
        self.budget.used.fetch_sub(bytes, Ordering::AcqRel);
    }
}

/// A body that holds its call's bytes; a request's adds its own to them.
struct Counted {
    inner: Body,
    held: Arc<Held>,
    counts: bool,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let frame = Pin::new(&mut this.inner).poll_frame(context);
        if this.counts
            && let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(data) = frame.data_ref()
            && let Err(fault) = this.held.grow(data.len())
        {
            return Poll::Ready(Some(Err(fault.into())));
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
