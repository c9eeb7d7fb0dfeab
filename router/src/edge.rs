//! Plain HTTP for the providers' own SDKs: their base URL is this router, their key a call token.
//!
//! A request becomes a call of [`crate::call`] like one of gRPC and runs in the same
//! [`crate::execute`]. Here are only its ways in and out: [`route`] says which provider and path it
//! is, [`credential`] finds its token, [`serve`] runs it, [`shape`] gives answers and failures the
//! form that the SDK of that provider knows. [`compatible`] takes requests in `OpenAI`'s shape for every
//! provider: they become calls of the neutral schema.

pub mod compatible;
mod credential;
mod refuse;
mod route;
mod serve;
mod shape;
mod words;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use http::{HeaderValue, Method, Request, Response, header};
use keyway_chassis::serve::{Edge, Taken};
use keyway_words::CallId;
use tonic::body::Body;
use tower::{Service as _, ServiceExt as _};

use crate::admission::{Bodies, BodyBudget};
use crate::service::Services;

/// What the edge is made with.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Bytes of one body.
    pub body: usize,
    /// How long its sender may take for it.
    pub body_time: Duration,
}

/// The edge. Clones are the same.
#[derive(Clone)]
pub struct HttpEdge {
    bodies: Bodies<serve::Serve>,
}

impl HttpEdge {
    /// An edge that runs calls with this.
    pub fn new(
        services: &Services,
        budget: Arc<BodyBudget>,
        bounds: Bounds,
        seal: compatible::SealKey,
    ) -> Self {
        let serve = serve::Serve {
            execution: Arc::clone(&services.execution),
            authority: Arc::clone(&services.authority),
            bounds,
            seal,
        };
        Self {
            bodies: Bodies::new(serve, budget),
        }
    }
}

/// What is remembered of a request until its answer.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The call's id.
    id: CallId,
    way: route::Way,
    method: Method,
    /// Query without a credential.
    query: String,
}

impl Edge for HttpEdge {
    type Asked = Asked;

    fn take(&self, mut request: Request<Body>) -> Taken<Asked> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
            || route::is_rpc(request.uri().path())
        {
            return Taken::Grpc(request);
        }
        let id = CallId::new();
        let routed = route::route(&request)
            .and_then(|routed| refuse::refused(&request).map_or(Ok(routed), Err));
        let routed = match routed {
            Ok(routed) => routed,
            Err(refused) => return Taken::Refused(refused.reply(id)),
        };
        let (query, token) =
            credential::take(request.headers_mut(), routed.way.words(), &routed.query);
        if let Some(token) = token {
            request.headers_mut().insert(header::AUTHORIZATION, token);
        }
        let method = std::mem::replace(request.method_mut(), Method::POST);
        *request.uri_mut() = http::Uri::from_static(routed.rpc);
        let asked = Asked {
            id,
            way: routed.way,
            method,
            query,
        };
        Taken::Call(request, asked)
    }

    fn serve(&self, request: Request<Body>, asked: Asked) -> BoxFuture<'static, Response<Body>> {
        let mut bodies = self.bodies.clone();
        let mut request = request;
        request.extensions_mut().insert(asked);
        Box::pin(async move {
            // It is always ready, and never fails.
            let ready = match bodies.ready().await {
                Ok(ready) => ready,
                Err(never) => match never {},
            };
            match ready.call(request).await {
                Ok(reply) => reply,
                Err(never) => match never {},
            }
        })
    }

    fn shape(&self, reply: Response<Body>, asked: Asked) -> Response<Body> {
        let mut reply = shape::reply(reply, &asked);
        if let Ok(id) = HeaderValue::from_str(&asked.id.to_string()) {
            reply.headers_mut().insert(shape::CALL_ID, id);
        }
        reply
    }
}
