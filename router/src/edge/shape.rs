//! Outside the layers: an answer, or a status by whoever made it, in the form of plain HTTP.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body::{Body as HttpBody, Frame};
use keyway_words::{CallId, ProviderId};
use tonic::body::Body;
use tonic::{Code, Status};

use super::serve::Failed;
use super::{Asked, words};
use crate::media_type::{EVENTS, is_of};

pub(super) const CALL_ID: &str = "keyway-call-id";
pub(super) const WORKSPACE: &str = "keyway-workspace";
pub(super) const SOURCE: &str = "keyway-source";
pub(super) const KEY: &str = "keyway-key";
const REASON: &str = "keyway-reason";
/// The provider's own code of its error, where its words are not passed on.
const PROVIDER_CODE: &str = "keyway-provider-code";
const SHOULD_RETRY: &str = "x-should-retry";
/// In trailers: the answer holds its error already.
pub(super) const TOLD: &str = "keyway-told";

/// The answer to a request.
pub(super) fn reply(mut reply: Response<Body>, asked: &Asked) -> Response<Body> {
    let status = Status::from_header_map(reply.headers());
    if let Some(status) = status.filter(|status| status.code() != Code::Ok) {
        let failed = reply.extensions_mut().remove::<Failed>();
        return failure(asked, &status, failed);
    }
    let events = is_of(reply.headers(), EVENTS);
    let asked = asked.clone();
    reply.map(|inner| {
        Body::new(Shaped {
            inner: Some(inner),
            ahead: None,
            asked,
            events,
            last: [b'\n'; 2],
        })
    })
}

/// A refusal in the words of a provider.
pub(super) fn fault(provider: ProviderId, id: CallId, status: &Status) -> Response<Body> {
    let refusal = keyway_proto::status::refusal(status);
    let words = words::Words {
        provider,
        id,
        message: status.message(),
        refusal: &refusal,
    };
    let mut reply = Response::new(full(words.body()));
    *reply.status_mut() = words.status();
    let headers = reply.headers_mut();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(CALL_ID, id);
    }
    if let Some(reason) = refusal.reason {
        headers.insert(REASON, HeaderValue::from_static(reason.as_str()));
    }
    let code = refusal.metadata.get("provider_code");
    if let Some(Ok(code)) = code.map(|code| HeaderValue::from_str(code)) {
        headers.insert(PROVIDER_CODE, code);
    }
    if words.status() == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(delay) = refusal.retry_after {
        let millis = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        headers.insert("retry-after-ms", HeaderValue::from(millis));
        headers.insert(
            header::RETRY_AFTER,
            HeaderValue::from(millis.div_ceil(1_000)),
        );
    }
    let again = refusal.retry_after.is_some();
    headers.insert(SHOULD_RETRY, truth(again));
    reply
}

fn failure(asked: &Asked, status: &Status, failed: Option<Failed>) -> Response<Body> {
    let spent = failed.as_ref().is_some_and(|failed| failed.spent);
    let mut reply = match failed.and_then(|failed| failed.refusal) {
        Some(refusal) => {
            let mut reply = Response::new(full(refusal.body));
            *reply.status_mut() = StatusCode::from_u16(refusal.status).unwrap_or_default();
            *reply.headers_mut() = refusal.headers;
            let read = keyway_proto::status::refusal(status);
            let headers = reply.headers_mut();
            if let Some(reason) = read.reason {
                headers.insert(REASON, HeaderValue::from_static(reason.as_str()));
            }
            if read.retry_after.is_none() {
                // An SDK would go by the status, and that of a used up account is often 429.
                headers.insert(SHOULD_RETRY, truth(false));
            }
            reply
        }
        None => fault(asked.way.words(), asked.id, status),
    };
    if spent {
        reply.headers_mut().insert(SHOULD_RETRY, truth(false));
    }
    reply
}

const fn truth(is: bool) -> HeaderValue {
    HeaderValue::from_static(if is { "true" } else { "false" })
}

fn full(bytes: impl Into<Bytes>) -> Body {
    Body::new(http_body_util::Full::new(bytes.into()))
}

/// A body without trailers. If it ends in a failure, so that nobody takes it for whole: by an event
/// of the provider's form where events are read, else by breaking off.
struct Shaped {
    /// There until its end was read.
    inner: Option<Body>,
    /// What came right behind the bytes that were given last; the end, if nothing.
    ahead: Option<Next>,
    asked: Asked,
    events: bool,
    /// Its last bytes.
    last: [u8; 2],
}

/// What a body gives next; nothing is its end.
type Next = Option<Result<Frame<Bytes>, Status>>;

impl Shaped {
    fn saw(&mut self, data: &[u8]) {
        for byte in data.iter().skip(data.len().saturating_sub(2)) {
            let [_, before] = self.last;
            self.last = [before, *byte];
        }
    }

    /// Whether an event may begin here.
    fn between_events(&self) -> bool {
        matches!(self.last, [b'\n' | b'\r', b'\n' | b'\r'])
    }

    fn end(&mut self, trailers: &HeaderMap) -> Next {
        let status = Status::from_header_map(trailers);
        let status = status.unwrap_or_else(|| Status::from(crate::execute::Execution::lost()));
        if status.code() == Code::Ok || trailers.contains_key(TOLD) {
            return None;
        }
        if !self.events || !self.between_events() {
            return Some(Err(status));
        }
        let refusal = keyway_proto::status::refusal(&status);
        let words = words::Words {
            provider: self.asked.way.words(),
            id: self.asked.id,
            message: status.message(),
            refusal: &refusal,
        };
        Some(Ok(Frame::data(words.event().into())))
    }

    fn poll_inner(&mut self, context: &mut Context<'_>) -> Poll<Next> {
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(inner).poll_frame(context));
        let trailers = match frame {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => {
                    self.saw(&data);
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                Err(frame) => frame.into_trailers().unwrap_or_default(),
            },
            Some(Err(status)) => {
                self.inner = None;
                return Poll::Ready(Some(Err(status)));
            }
            None => HeaderMap::new(),
        };
        self.inner = None;
        Poll::Ready(self.end(&trailers))
    }
}

impl HttpBody for Shaped {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Next> {
        let this = &mut *self;
        let next = match this.ahead.take() {
            Some(next) => next,
            None => ready!(this.poll_inner(context)),
        };
        // Nobody asks for the end of an answer whose length was told, and one that nobody has read
        // looks like that of a caller who left.
        if let (Some(Ok(_)), Poll::Ready(ahead)) = (&next, this.poll_inner(context)) {
            this.ahead = Some(ahead);
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_none() && self.ahead.as_ref().is_none_or(Option::is_none)
    }
}
