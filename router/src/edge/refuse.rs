//! Requests that are refused before anything is known of their caller.

use http::{HeaderMap, Method, Request, Response, Version, header};
use keyway_proto::{Fault, Reason};
use keyway_words::{CallId, ProviderId};
use tonic::body::Body;
use tracing::info;

use super::shape;

/// A refusal, in the words of a provider if one was named.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) provider: Option<ProviderId>,
    pub(super) fault: Fault,
}

impl Refused {
    /// A refusal of what names no provider.
    pub(super) const fn plain(fault: Fault) -> Self {
        Self {
            provider: None,
            fault,
        }
    }

    /// The answer. Nothing of the request is logged but why it was refused.
    pub(super) fn reply(self, id: CallId) -> Response<Body> {
        let field = self.fault.field.as_deref().unwrap_or_default();
        info!(call_id = %id, field, "a request over HTTP was refused: {}", self.fault.reason.as_str());
        let provider = self.provider.unwrap_or(ProviderId::OpenAi);
        shape::fault(provider, id, &self.fault.into())
    }
}

/// Why a request is refused whoever sends it; `None` if it is not.
pub(super) fn refused<B>(request: &Request<B>) -> Option<Refused> {
    let headers = request.headers();
    let (field, message) = if is_cors(request.method(), headers) {
        (
            "method",
            "browsers may not call: a token in a web page is a token given away; call from a server",
        )
    } else if is_upgrade(request.method(), headers) {
        (
            "upgrade",
            "connections are not upgraded: what passes on one can't be metered",
        )
    } else if !METHODS.contains(request.method()) {
        // By TRACE a server sends back what it was sent: with the key.
        ("method", "must be GET, HEAD, POST, PUT, PATCH or DELETE")
    } else if hosts(request) != 1 {
        ("host", "must be given once")
    } else if is_encoded(headers) {
        (
            "content-encoding",
            "must be identity: send the body as it is",
        )
    } else {
        return None;
    };
    let fault = Fault::new(Reason::FieldUnsupported, format!("{field}: {message}")).at_field(field);
    Some(Refused {
        provider: None,
        fault,
    })
}

const METHODS: [Method; 6] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

fn is_cors(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS || headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn is_upgrade(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::CONNECT || headers.contains_key(header::UPGRADE)
}

/// Over HTTP/2 the authority is in the URI.
fn hosts<B>(request: &Request<B>) -> usize {
    if request.version() >= Version::HTTP_2 {
        return 1;
    }
    request.headers().get_all(header::HOST).iter().count()
}

fn is_encoded(headers: &HeaderMap) -> bool {
    let encodings = headers.get_all(header::CONTENT_ENCODING);
    encodings.iter().any(|encoding| encoding != "identity")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_may_send_is_refused_with_its_reason() {
        let plain = || {
            Request::builder()
                .uri("/openai/v1/models")
                .header("host", "x")
        };
        assert!(refused(&plain().body(()).unwrap()).is_none());
        for (request, field) in [
            (
                plain().method("OPTIONS").header("origin", "https://x"),
                "method",
            ),
            (plain().method("TRACE"), "method"),
            (plain().method("PROPFIND"), "method"),
            (plain().method("CONNECT"), "upgrade"),
            (plain().header("upgrade", "websocket"), "upgrade"),
            (plain().header("upgrade", "h2c"), "upgrade"),
            (plain().header("host", "y"), "host"),
            (Request::builder().uri("/openai/v1/models"), "host"),
            (
                plain().header("content-encoding", "gzip"),
                "content-encoding",
            ),
        ] {
            let refused = refused(&request.body(()).unwrap()).unwrap();
            assert_eq!(refused.fault.field.as_deref(), Some(field));
        }
    }
}
