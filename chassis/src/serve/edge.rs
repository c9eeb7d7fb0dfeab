//! Plain HTTP beside gRPC on one port.
//!
//! A request of an edge stands for an RPC: it passes the same layers, so that draining, deadlines,
//! authentication, spans and log lines are decided and written once. Only what is outside the layers
//! knows how the request looked, and gives the answer its shape.

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Request, Response};
use tonic::body::Body;
use tonic::service::Routes;
use tower::Service;

/// What an edge makes of a request.
pub enum Taken<A> {
    /// A call of gRPC, unchanged.
    Grpc(Request<Body>),
    /// The RPC that it stands for, and what is needed to shape the answer.
    Call(Request<Body>, A),
    /// Refused before anything is known of its caller.
    Refused(Response<Body>),
}

/// An edge for plain HTTP.
pub trait Edge: Clone + Send + Sync + 'static {
    /// What it remembers of a request until its answer.
    type Asked: Clone + Send + Sync + 'static;

    /// Outside the layers: what a request is. Its path becomes that of the RPC, its credential
    /// `authorization: Bearer …`.
    fn take(&self, request: Request<Body>) -> Taken<Self::Asked>;

    /// Behind the layers: serves the RPC. The answer has a status like one of gRPC: in its head if it
    /// failed, else in its trailers.
    fn serve(
        &self,
        request: Request<Body>,
        asked: Self::Asked,
    ) -> BoxFuture<'static, Response<Body>>;

    /// Outside the layers: the shape of an answer, by whoever of the layers it was made.
    fn shape(&self, reply: Response<Body>, asked: Self::Asked) -> Response<Body>;
}

/// No edge: everything is gRPC.
#[derive(Debug, Clone, Copy)]
pub(super) struct NoEdge;

impl Edge for NoEdge {
    type Asked = ();

    fn take(&self, request: Request<Body>) -> Taken<()> {
        Taken::Grpc(request)
    }

    fn serve(&self, _request: Request<Body>, _asked: ()) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async { Response::new(Body::empty()) })
    }

    fn shape(&self, reply: Response<Body>, _asked: ()) -> Response<Body> {
        reply
    }
}

/// What stands outside the layers.
#[derive(Debug, Clone)]
pub(super) struct Outside<S, E> {
    pub(super) layers: S,
    pub(super) edge: E,
}

impl<S, E> Service<Request<Body>> for Outside<S, E>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
    E: Edge,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.layers.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (mut request, asked) = match self.edge.take(request) {
            Taken::Grpc(request) => return Box::pin(self.layers.call(request)),
            Taken::Call(request, asked) => (request, asked),
            Taken::Refused(reply) => return Box::pin(async { Ok(reply) }),
        };
        request.extensions_mut().insert(Asked(asked.clone()));
        let reply = self.layers.call(request);
        let edge = self.edge.clone();
        Box::pin(async move { Ok(edge.shape(reply.await?, asked)) })
    }
}

/// What stands behind the layers: the services, and the edge for what came through it.
#[derive(Debug, Clone)]
pub(super) struct Behind<E> {
    pub(super) routes: Routes,
    pub(super) edge: E,
}

impl<E: Edge> Service<Request<Body>> for Behind<E> {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Body>>::poll_ready(&mut self.routes, context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let Some(Asked(asked)) = request.extensions_mut().remove::<Asked<E::Asked>>() else {
            return Box::pin(self.routes.call(request));
        };
        let reply = self.edge.serve(request, asked);
        Box::pin(async move { Ok(reply.await) })
    }
}

/// Carried through the layers.
#[derive(Clone)]
struct Asked<A>(A);
