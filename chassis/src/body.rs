//! Response bodies with something attached: a guard that lives as long as they do, an end that
//! comes from outside, an eye on their trailers.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use keyway_proto::Fault;
use tonic::Status;
use tonic::body::Body;

type Cut = Pin<Box<dyn Future<Output = Fault> + Send>>;

/// The body, ended with the fault that `end` gives as its trailers once that is ready.
pub(crate) fn cut_when(body: Body, end: impl Future<Output = Fault> + Send + 'static) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::new(CutBody {
        inner: Some(body),
        end: Box::pin(end),
    })
}

struct CutBody {
    inner: Option<Body>,
    end: Cut,
}

impl HttpBody for CutBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let Some(body) = &mut this.inner else {
            return Poll::Ready(None);
        };
        // The end comes first: a body that always has something to say ends too.
        let Poll::Ready(fault) = this.end.as_mut().poll(context) else {
            return Pin::new(body).poll_frame(context);
        };
        this.inner = None;
        let mut trailers = HeaderMap::new();
        let written = Status::from(fault).add_header(&mut trailers);
        Poll::Ready(Some(written.map(|()| Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }
}

/// What watches a body to its end. `trailers` is called at most once; the end is its `Drop`.
pub(crate) trait Watcher: Send + Unpin + 'static {
    fn trailers(&mut self, trailers: &HeaderMap);
}

/// The body with a watcher that lives as long as it does.
pub(crate) fn watched(body: Body, watcher: impl Watcher) -> Body {
    if body.is_end_stream() {
        // Nobody would poll it; the watcher's end is now.
        return body;
    }
    Body::new(WatchedBody {
        inner: body,
        watcher,
    })
}

struct WatchedBody<W> {
    inner: Body,
    watcher: W,
}

impl<W: Watcher> HttpBody for WatchedBody<W> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let frame = Pin::new(&mut this.inner).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(trailers) = frame.trailers_ref()
        {
            this.watcher.trailers(trailers);
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
