//! The layers around a real tonic service, over a real loopback listener.

use std::convert::Infallible;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::uri::PathAndQuery;
use http::{Response, Uri};
use keyway_proto::status::refusal;
use keyway_proto::vault::v1 as wire;
use keyway_words::Secret;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::*;
use crate::drain::Drain;
use crate::lifecycle::Tasks;
use crate::operations::Readiness;
use crate::serve::{Reflection, ServeConfig, Surroundings, bind, grpc};

const TOKEN: &str = "kwa_test";
const READER: &str = "kwa_reader";
const WHO_AM_I: &str = "keyway.vault.v1.TokenService/WhoAmI";

/// Knows two tokens; counts what it was asked.
#[derive(Default)]
struct Tokens(Mutex<Vec<&'static str>>);

impl Authenticate for Tokens {
    async fn authenticate(
        &self,
        rpc: &'static str,
        bearer: Option<Secret>,
        peer: Option<SocketAddr>,
    ) -> Result<Caller, Fault> {
        assert!(peer.is_some());
        self.0.lock().unwrap().push(rpc);
        let role = match bearer.as_ref().map(Secret::expose) {
            Some(TOKEN) => Role::Admin,
            Some(READER) => Role::Reader,
            _ => return Err(caller_unknown()),
        };
        Ok(caller(role))
    }
}

fn caller(role: Role) -> Caller {
    Caller {
        accessor: "a1".into(),
        subject: "service:test".into(),
        role,
        workspace: Some("acme".parse().unwrap()),
        expire_time: None,
        listed: None,
        grants: Arc::from([]),
    }
}

/// One row, for admins of acme.
struct Table;

impl Authority for Table {
    fn has_row(&self, rpc: &str) -> bool {
        rpc == WHO_AM_I
    }

    fn may_call(&self, caller: &Caller, rpc: &str) -> bool {
        self.has_row(rpc) && caller.role == Role::Admin
    }

    fn decide(&self, caller: &Caller, rpc: &str, aim: &Aim, _: &Act) -> Result<Reach, Denied> {
        let own = *aim == Aim::Caller;
        if own && self.may_call(caller, rpc) {
            Ok(Reach::Full)
        } else {
            Err(Denied)
        }
    }
}

/// Stands where the generated service would; answers with the accessor it was given.
#[derive(Clone)]
struct TokenService;

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
            assert!(granted.deadline().remaining() <= Duration::from_secs(600));
            assert!(granted.peer().is_some());
            Ok(tonic::Response::new(wire::TokenServiceWhoAmIResponse {
                accessor: granted.caller().accessor.clone(),
                ..Default::default()
            }))
        })
    }
}

struct Running {
    channel: Channel,
    asked: Arc<Tokens>,
    readiness: Readiness,
    drain: Drain,
    tasks: Tasks,
}

impl Running {
    async fn start(reflection: Reflection) -> Self {
        let listener = bind(([127, 0, 0, 1], 0).into(), false).await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Tokens::default());
        let (readiness, drain, tasks) = (Readiness::new(), Drain::new(), Tasks::new());
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
        let channel = Endpoint::from(uri).connect().await.unwrap();
        Self {
            channel,
            asked,
            readiness,
            drain,
            tasks,
        }
    }

    async fn call(
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

    async fn who_am_i(&self, headers: &[(&'static str, &str)]) -> Result<String, Status> {
        self.call("/keyway.vault.v1.TokenService/WhoAmI", headers)
            .await
    }
}

fn reason(status: &Status) -> Reason {
    refusal(status).reason.unwrap()
}

#[tokio::test]
async fn a_known_caller_reaches_the_handler() {
    let running = Running::start(Reflection::Open).await;
    let accessor = running
        .who_am_i(&[("authorization", "Bearer kwa_test")])
        .await
        .unwrap();
    assert_eq!(accessor, "a1");
    assert_eq!(*running.asked.0.lock().unwrap(), [WHO_AM_I]);
}

#[tokio::test]
async fn missing_and_garbage_credentials_get_the_same_answer() {
    let running = Running::start(Reflection::Open).await;
    let cases: [&[(&str, &str)]; 8] = [
        &[],
        &[("authorization", "Bearer kwa_unknown")],
        &[("authorization", "Bearer ")],
        &[("authorization", "kwa_test")],
        &[("authorization", "Basic kwa_test")],
        &[("authorization", "Bearer kwa_test and more")],
        &[
            ("authorization", "Bearer kwa_test"),
            ("authorization", "Bearer kwa_test"),
        ],
        &[("authorization", "")],
    ];
    for headers in cases {
        let status = running.who_am_i(headers).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated, "{headers:?}");
        assert_eq!(reason(&status), Reason::CallerUnknown);
        assert_eq!(status.message(), CALLER_UNKNOWN);
    }
}

#[tokio::test]
async fn an_rpc_without_a_row_is_denied_to_everybody_without_asking_who_it_is() {
    let running = Running::start(Reflection::Open).await;
    for path in [
        "/keyway.vault.v1.TokenService/Revoke",
        "/keyway.vault.v1.Nothing/Here",
        "/",
    ] {
        for token in ["Bearer kwa_test", "Bearer nonsense"] {
            let status = running
                .call(path, &[("authorization", token)])
                .await
                .unwrap_err();
            assert_eq!(status.code(), Code::PermissionDenied);
            assert_eq!(reason(&status), Reason::Denied);
            assert_eq!(status.message(), DENIED);
        }
    }
    assert!(running.asked.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_role_with_an_empty_cell_is_denied_in_the_same_words() {
    let running = Running::start(Reflection::Open).await;
    let status = running
        .who_am_i(&[("authorization", "bearer kwa_reader")])
        .await
        .unwrap_err();
    assert_eq!(
        (reason(&status), status.message()),
        (Reason::Denied, DENIED)
    );
}

#[tokio::test]
async fn a_malformed_timeout_is_refused_as_a_field() {
    let running = Running::start(Reflection::Open).await;
    let headers = [
        ("authorization", "Bearer kwa_test"),
        ("grpc-timeout", "soon"),
    ];
    assert_eq!(
        reason(&running.who_am_i(&headers).await.unwrap_err()),
        Reason::FieldInvalid
    );
}

#[tokio::test]
async fn health_needs_no_credential_and_follows_readiness() {
    let running = Running::start(Reflection::Open).await;
    let mut client = HealthClient::new(running.channel.clone());
    let request = HealthCheckRequest {
        service: TokenService::NAME.into(),
    };
    let mut changes = client.watch(request).await.unwrap().into_inner();
    running.readiness.set("feed", false);
    running.readiness.set("feed", true);
    let serving = tokio::time::timeout(Duration::from_secs(10), async {
        while changes.message().await.unwrap().unwrap().status != 1 {}
    });
    serving.await.unwrap();
    running.readiness.set("feed", false);
    let not_serving = tokio::time::timeout(Duration::from_secs(10), async {
        while changes.message().await.unwrap().unwrap().status != 2 {}
    });
    not_serving.await.unwrap();
}

async fn reflect(running: &Running, token: Option<&str>) -> Result<usize, Status> {
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

    let ask = ServerReflectionRequest {
        message_request: Some(MessageRequest::ListServices(String::new())),
        ..Default::default()
    };
    let mut request = Request::new(tokio_stream::once(ask));
    if let Some(token) = token {
        request
            .metadata_mut()
            .insert("authorization", token.parse().unwrap());
    }
    let mut client = ServerReflectionClient::new(running.channel.clone());
    let mut replies = client.server_reflection_info(request).await?.into_inner();
    let reply = replies.message().await?.unwrap();
    match reply.message_response.unwrap() {
        MessageResponse::ListServicesResponse(list) => Ok(list.service.len()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn reflection_is_open_or_for_the_authenticated_or_off() {
    let open = Running::start(Reflection::Open).await;
    assert!(reflect(&open, None).await.unwrap() > 5);
    let authenticated = Running::start(Reflection::Authenticated).await;
    let status = reflect(&authenticated, None).await.unwrap_err();
    assert_eq!(reason(&status), Reason::CallerUnknown);
    assert!(
        reflect(&authenticated, Some("Bearer kwa_reader"))
            .await
            .unwrap()
            > 5
    );
    let off = Running::start(Reflection::Off).await;
    let status = reflect(&off, Some("Bearer kwa_test")).await.unwrap_err();
    assert_eq!(reason(&status), Reason::Denied);
}

#[tokio::test]
async fn a_stop_refuses_new_calls_on_old_connections_and_then_closes_the_listener() {
    let running = Running::start(Reflection::Open).await;
    running.drain.begin();
    let status = running
        .who_am_i(&[("authorization", "Bearer kwa_test")])
        .await
        .unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::Unavailable, Reason::Draining)
    );
    running.drain.close();
    assert!(running.tasks.wait(Duration::from_secs(10)).await.is_empty());
}

#[tokio::test]
async fn plain_text_beyond_loopback_is_refused_unless_it_is_asked_for() {
    let everywhere = ([0, 0, 0, 0], 0).into();
    assert!(bind(everywhere, false).await.is_err());
    assert!(bind(everywhere, true).await.is_ok());
}

#[test]
fn a_request_that_never_passed_the_layer_is_granted_to_nobody() {
    let request = wire::TokenServiceWhoAmIRequest::default();
    let fault = admit(&Table, Request::new(request.clone())).unwrap_err();
    assert_eq!(fault.reason, Reason::CallerUnknown);
    let mut extensions = Extensions::new();
    extensions.insert(caller(Role::Admin));
    assert_eq!(
        grant(&Table, &extensions, request).unwrap_err().reason,
        Reason::Denied
    );
}
