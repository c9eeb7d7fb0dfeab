//! A service behind the layers, and a client of it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::uri::PathAndQuery;
use http::{Response, Uri};
use keyway_proto::vault::v1 as wire;
use keyway_words::Secret;
use tonic::Status;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint};

use super::super::*;
use crate::drain::Drain;
use crate::lifecycle::Tasks;
use crate::operations::Readiness;
use crate::serve::{Listener, Reflection, ServeConfig, Surroundings, bind, grpc};

pub(super) const TOKEN: &str = "kwa_test";
pub(super) const READER: &str = "kwa_reader";
pub(super) const WHO_AM_I: &str = "keyway.vault.v1.TokenService/WhoAmI";

/// Knows two tokens; counts what it was asked.
#[derive(Default)]
pub(super) struct Tokens(pub(super) Mutex<Vec<&'static str>>);

impl Authenticate for Tokens {
    async fn authenticate(
        &self,
        rpc: &'static str,
        credentials: Credentials,
    ) -> Result<Caller, Fault> {
        assert!(credentials.peer.address.is_some());
        self.0.lock().unwrap().push(rpc);
        let role = match credentials.bearer.as_ref().map(Secret::expose) {
            Some(TOKEN) => Role::Admin,
            Some(READER) => Role::Reader,
            _ => return Err(caller_unknown()),
        };
        Ok(caller(role))
    }
}

pub(super) fn caller(role: Role) -> Caller {
    Caller {
        accessor: "a1".into(),
        subject: "service:test".into(),
        role,
        workspace: Some("acme".parse().unwrap()),
        expire_time: None,
        listed: None,
        grants: Arc::from([]),
        others: Arc::from([]),
    }
}

/// One row, for admins of acme.
pub(super) struct Table;

impl Authority for Table {
    fn has_row(&self, rpc: &str) -> bool {
        rpc == WHO_AM_I
    }

    fn may_call(&self, caller: &Caller, rpc: &str) -> bool {
        self.has_row(rpc) && caller.role == Role::Admin
    }

    fn decide(&self, caller: &Caller, rpc: &str, aim: &Aim, _: &Act) -> Result<Reach, Denied> {
        if *aim == Aim::System && self.may_call(caller, rpc) {
            Ok(Reach::Full)
        } else {
            Err(Denied)
        }
    }
}

/// Stands where the generated service would; answers with the accessor it was given.
#[derive(Clone)]
pub(super) struct TokenService;

impl NamedService for TokenService {
    const NAME: &'static str = "keyway.vault.v1.TokenService";
}

impl tower::Service<http::Request<Body>> for TokenService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        assert!(
            !request.headers().contains_key("authorization"),
            "a handler could print it"
        );
        assert!(!request.headers().contains_key("grpc-timeout"));
        Box::pin(async move {
            let codec = tonic_prost::ProstCodec::default();
            let mut server = tonic::server::Grpc::new(codec);
            Ok(server.unary(Handler, request).await)
        })
    }
}

struct Handler;

impl tonic::server::UnaryService<wire::TokenServiceWhoAmIRequest> for Handler {
    type Response = wire::TokenServiceWhoAmIResponse;
    type Future = BoxFuture<'static, Result<tonic::Response<Self::Response>, Status>>;

    fn call(&mut self, request: Request<wire::TokenServiceWhoAmIRequest>) -> Self::Future {
        Box::pin(async move {
            let granted = admit(&Table, request)?;
            assert!(granted.deadline().remaining() <= Duration::from_mins(10));
            assert!(granted.peer().is_some());
            Ok(tonic::Response::new(wire::TokenServiceWhoAmIResponse {
                accessor: granted.caller().accessor.clone(),
                ..Default::default()
            }))
        })
    }
}

/// A listener on a free port of loopback, and where it listens.
pub(super) async fn listening() -> (Listener, SocketAddr) {
    let listener = bind("test", ([127, 0, 0, 1], 0).into(), None, false);
    let listener = listener.await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

pub(super) struct Running {
    pub(super) channel: Channel,
    endpoint: Endpoint,
    pub(super) asked: Arc<Tokens>,
    pub(super) readiness: Readiness,
    pub(super) drain: Drain,
    pub(super) tasks: Tasks,
}

impl Running {
    pub(super) async fn start(reflection: Reflection) -> Self {
        let (listener, _) = listening().await;
        let mut running = Self::on(listener, Drain::new(), reflection);
        running.channel = running.endpoint.connect().await.unwrap();
        running
    }

    /// On a listener that is there, with a drain that may be over.
    pub(super) fn on(listener: Listener, drain: Drain, reflection: Reflection) -> Self {
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Tokens::default());
        let (readiness, tasks) = (Readiness::new(&[]), Tasks::new());
        let around = Surroundings {
            config: ServeConfig {
                reflection,
                ..ServeConfig::for_test()
            },
            authenticate: Arc::clone(&asked),
            authority: Arc::new(Table),
            drain: drain.clone(),
            readiness: readiness.clone(),
        };
        let routes = Routes::new(TokenService);
        let served = grpc(listener, routes, &[TokenService::NAME], around);
        tasks.spawn("grpc", async move { served.await.unwrap() });
        let uri: Uri = format!("http://{address}").parse().unwrap();
        let endpoint = Endpoint::from(uri);
        Self {
            channel: endpoint.connect_lazy(),
            endpoint,
            asked,
            readiness,
            drain,
            tasks,
        }
    }

    pub(super) async fn call(
        &self,
        rpc: &'static str,
        headers: &[(&'static str, &str)],
    ) -> Result<String, Status> {
        let mut request = Request::new(wire::TokenServiceWhoAmIRequest::default());
        for (name, value) in headers {
            request.metadata_mut().append(*name, value.parse().unwrap());
        }
        let mut client = tonic::client::Grpc::new(self.channel.clone());
        client.ready().await.unwrap();
        let path = PathAndQuery::from_static(rpc);
        let codec = tonic_prost::ProstCodec::default();
        let reply = client.unary(request, path, codec).await?;
        let reply: wire::TokenServiceWhoAmIResponse = reply.into_inner();
        Ok(reply.accessor)
    }

    pub(super) async fn who_am_i(
        &self,
        headers: &[(&'static str, &str)],
    ) -> Result<String, Status> {
        self.call("/keyway.vault.v1.TokenService/WhoAmI", headers)
            .await
    }
}
