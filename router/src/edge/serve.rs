//! Behind the layers: reads the body, runs the call, and hands its answer on as it comes.
//!
//! An answer here is like one of gRPC: its status stands in the head if it failed before it began,
//! else in the trailers. [`super::shape`] makes of it what the SDK knows.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt as _;
use keyway_chassis::access::{Authority, grant};
use keyway_chassis::deadline::Deadline;
use keyway_proto::Fault;
use keyway_proto::target::Target;
use keyway_words::{Aim, Source};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::DropGuard;
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use super::compatible::SealKey;
use super::route::{Way, api};
use super::{Asked, Bounds, shape};
use crate::call::{Call, NativeRequest, Origin};
use crate::execute::{Answer, Done, Execution, NativeHead, NativePiece, NativeRefusal, Running};

/// Pieces that may wait for a slow caller.
const WAITING_PIECES: usize = 32;

/// Serves the calls of an edge.
#[derive(Clone)]
pub(super) struct Serve {
    pub(super) execution: Arc<Execution>,
    pub(super) authority: Arc<dyn Authority>,
    pub(super) bounds: Bounds,
    pub(super) seal: SealKey,
}

impl Service<Request<Body>> for Serve {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let asked = request.extensions_mut().remove::<Asked>();
        let serve = self.clone();
        Box::pin(async move {
            let Some(asked) = asked else {
                return Ok(Status::from(Execution::lost()).into_http());
            };
            let id = HeaderValue::from_str(&asked.id.to_string());
            let mut reply = serve.answer(request, asked).await;
            if let Ok(id) = id {
                reply.headers_mut().insert(shape::CALL_ID, id);
            }
            Ok(reply)
        })
    }
}

/// A request as it came, whatever its words.
pub(super) struct Sent {
    pub(super) body: Bytes,
    pub(super) query: String,
    /// Its sender's id of it; empty if not given.
    pub(super) request_id: String,
}

/// A call of the caller's own workspace.
struct OwnCall;

impl Target for OwnCall {
    fn aim(&self) -> Aim {
        Aim::Caller
    }
}

impl Serve {
    async fn answer(&self, request: Request<Body>, asked: Asked) -> Response<Body> {
        let reply = self.granted(request, asked).await;
        reply.unwrap_or_else(|fault| Status::from(fault).into_http())
    }

    /// Reads the request and runs its call.
    async fn granted(&self, request: Request<Body>, asked: Asked) -> Result<Response<Body>, Fault> {
        let (head, body) = request.into_parts();
        let granted = grant(&*self.authority, &head.extensions, OwnCall)?;
        let deadline = granted.deadline();
        let (_own, caller) = granted.into_parts();
        let body = self.read(&head.headers, body, deadline).await?;
        let origin = Origin {
            id: asked.id,
            caller,
            deadline,
        };
        let sent = Sent {
            request_id: text(&head.headers, "idempotency-key")?,
            query: asked.query,
            body,
        };
        match asked.way {
            Way::Native { provider, path } => {
                let request = NativeRequest {
                    provider,
                    request_id: sent.request_id,
                    method: asked.method,
                    path,
                    query: sent.query,
                    headers: head.headers,
                    body: sent.body,
                };
                Ok(self.begin(origin, request)?.reply().await)
            }
            Way::Compatible(endpoint) => self.compatible(origin, endpoint, sent).await,
        }
    }

    /// Starts a call in its provider's own words.
    fn begin(&self, origin: Origin, request: NativeRequest) -> Result<Begun, Fault> {
        let api = api(request.provider).ok_or_else(Execution::lost)?;
        let workspace = origin.caller.workspace.as_ref().map(ToString::to_string);
        let call = Call::native(origin, request, api)?;
        let (pieces, received) = mpsc::channel(WAITING_PIECES);
        let running = self.execution.start_native(call, pieces)?;
        Ok(Begun {
            running,
            received,
            workspace: workspace.unwrap_or_default(),
        })
    }

    /// The body, within its bounds.
    async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
        deadline: Deadline,
    ) -> Result<Bytes, Fault> {
        let most = self.bounds.body;
        let told = headers.get(header::CONTENT_LENGTH);
        let told = told.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        if told.is_some_and(|length| length > most) {
            return Err(too_large(most));
        }
        let read = tokio::time::timeout(self.bounds.body_time, collect(body, most));
        tokio::select! {
            read = read => read.unwrap_or_else(|_passed| Err(slow())),
            () = deadline.wait() => Err(Deadline::fault("the body")),
        }
    }
}

async fn collect(mut body: Body, most: usize) -> Result<Bytes, Fault> {
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|status| broken(&status))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if read.len().saturating_add(data.len()) > most {
            return Err(too_large(most));
        }
        read.extend_from_slice(&data);
    }
    Ok(read.freeze())
}

/// A body that can't be read: by our own bound, or because its sender broke off.
fn broken(status: &Status) -> Fault {
    let refusal = keyway_proto::status::refusal(status);
    match refusal.reason {
        Some(reason) => Fault {
            retry_after: refusal.retry_after,
            ..Fault::new(reason, status.message())
        },
        None => Fault::field("body", "broke off, or is no body"),
    }
}

fn too_large(most: usize) -> Fault {
    Fault::field("body", format!("must be at most {most} bytes"))
}

fn slow() -> Fault {
    Fault::field("body", "did not come in time (http.body_time)")
}

fn text(headers: &HeaderMap, name: &'static str) -> Result<String, Fault> {
    let Some(value) = headers.get(name) else {
        return Ok(String::new());
    };
    let text = value.to_str().map(str::to_owned);
    text.map_err(|_form| Fault::field(name, "must be visible ASCII"))
}

/// A call that runs.
struct Begun {
    running: Running,
    received: mpsc::Receiver<NativePiece>,
    workspace: String,
}

/// What an error answer is made of beside its status; in its extensions.
#[derive(Debug, Clone)]
pub(super) struct Failed {
    pub(super) refusal: Option<NativeRefusal>,
    pub(super) spent: bool,
}

impl Begun {
    /// Waits for the head, or for the end.
    async fn reply(mut self) -> Response<Body> {
        match self.received.recv().await {
            Some(NativePiece::Head(head)) => {
                let mut reply = Response::new(Body::empty());
                self.head(&mut reply, &head);
                let body = Pieces {
                    received: self.received,
                    result: Some(self.running.result),
                    end: None,
                    told: false,
                    _gone_with_the_caller: self.running.guard,
                };
                reply.map(|_empty| Body::new(body))
            }
            Some(NativePiece::Failed { refusal, spent }) => {
                let failed = Failed { refusal, spent };
                self.whole(Some(failed)).await
            }
            _none => self.whole(None).await,
        }
    }

    /// An answer that comes at once, or none.
    async fn whole(mut self, failed: Option<Failed>) -> Response<Body> {
        let result = (&mut self.running.result).await;
        let done = match result.unwrap_or_else(|_lost| Err(Execution::lost())) {
            Ok(done) => done,
            Err(fault) => {
                let mut reply = Status::from(fault).into_http();
                failed.map(|failed| reply.extensions_mut().insert(failed));
                return reply;
            }
        };
        let Done {
            answer: Answer::Native(native),
            ..
        } = done
        else {
            return Status::from(Execution::lost()).into_http();
        };
        let mut reply = Response::new(Body::empty());
        self.head(&mut reply, &native.head);
        let bytes = native.body.unwrap_or_default();
        if reply.status() != StatusCode::NO_CONTENT {
            let length = HeaderValue::from(bytes.len());
            reply.headers_mut().insert(header::CONTENT_LENGTH, length);
        }
        reply.map(|_empty| Body::new(Whole::new(bytes)))
    }

    /// The provider's head, and whose call it was on whose key.
    fn head(&self, reply: &mut Response<Body>, head: &NativeHead) {
        *reply.status_mut() = StatusCode::from_u16(head.status).unwrap_or_default();
        reply.headers_mut().clone_from(&head.headers);
        say_whose(reply, &self.workspace, head.source, &head.key);
    }
}

/// Whose call it was, on whose key.
pub(super) fn say_whose(reply: &mut Response<Body>, workspace: &str, source: Source, key: &str) {
    let source = match source {
        Source::Own => "own",
        Source::Hosted => "hosted",
    };
    for (name, value) in [
        (shape::WORKSPACE, workspace),
        (shape::SOURCE, source),
        (shape::KEY, key),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            reply.headers_mut().insert(name, value);
        }
    }
}

pub(super) fn trailers(status: &Status, told: bool) -> Frame<Bytes> {
    let mut trailers = HeaderMap::new();
    // A status that can't be written leaves trailers without one, which is a failure too.
    drop(status.add_header(&mut trailers));
    if told {
        trailers.insert(shape::TOLD, HeaderValue::from_static("1"));
    }
    Frame::trailers(trailers)
}

/// A whole answer: its bytes, then that all is well.
pub(super) struct Whole {
    bytes: Option<Bytes>,
    ended: bool,
}

impl Whole {
    pub(super) const fn new(bytes: Bytes) -> Self {
        Self {
            bytes: Some(bytes),
            ended: false,
        }
    }
}

impl HttpBody for Whole {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some(bytes) = self.bytes.take().filter(|bytes| !bytes.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if std::mem::replace(&mut self.ended, true) {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(trailers(&Status::ok(""), false))))
    }
}

/// A streamed answer: what came, then how it ended.
struct Pieces {
    received: mpsc::Receiver<NativePiece>,
    result: Option<oneshot::Receiver<Result<Done, Fault>>>,
    end: Option<Status>,
    /// The provider has told its error itself.
    told: bool,
    _gone_with_the_caller: DropGuard,
}

impl Pieces {
    /// Bytes of the next piece that has some.
    fn piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            match ready!(self.received.poll_recv(context)) {
                Some(NativePiece::Bytes(bytes)) => return Poll::Ready(Some(bytes)),
                Some(NativePiece::Error(bytes)) => {
                    self.told = true;
                    return Poll::Ready(Some(bytes));
                }
                Some(NativePiece::Head(_) | NativePiece::Failed { .. }) => {}
                None => return Poll::Ready(None),
            }
        }
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if this.result.is_some()
            && let Poll::Ready(Some(bytes)) = this.piece(context)
        {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if let Some(result) = &mut this.result {
            let result = ready!(Pin::new(result).poll(context));
            let result = result.unwrap_or_else(|_lost| Err(Execution::lost()));
            this.end = Some(result.map_or_else(Status::from, |_done| Status::ok("")));
            this.result = None;
            // What is in the channel comes before the end; nothing more gets in.
            this.received.close();
        }
        if let Some(bytes) = ready!(this.piece(context)) {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        let end = this.end.take();
        Poll::Ready(end.map(|status| Ok(trailers(&status, this.told))))
    }
}
