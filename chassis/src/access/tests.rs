//! The layers around a real tonic service, over a real loopback listener.

mod harness;

use std::net::SocketAddr;
use std::time::Duration;

use keyway_proto::status::refusal;
use keyway_proto::vault::v1 as wire;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::server::NamedService as _;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use self::harness::{Running, Table, TokenService, WHO_AM_I, caller, listening};
use super::*;
use crate::drain::Drain;
use crate::operations::{Condition, RUNTIME, STARTED};
use crate::serve::{Reflection, bind};

const FEED: Condition = Condition::needed("feed");

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
    running.readiness.set(FEED, false);
    for condition in [FEED, STARTED, RUNTIME] {
        running.readiness.set(condition, true);
    }
    let serving = tokio::time::timeout(Duration::from_secs(10), async {
        while changes.message().await.unwrap().unwrap().status != 1 {}
    });
    serving.await.unwrap();
    running.readiness.set(FEED, false);
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
    // The service under test, health and reflection itself.
    assert_eq!(reflect(&open, None).await.unwrap(), 3);
    let authenticated = Running::start(Reflection::Authenticated).await;
    let status = reflect(&authenticated, None).await.unwrap_err();
    assert_eq!(reason(&status), Reason::CallerUnknown);
    let listed = reflect(&authenticated, Some("Bearer kwa_reader")).await;
    assert_eq!(listed.unwrap(), 3);
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
    assert!(bind("test", everywhere, None, false).await.is_err());
    assert!(bind("test", everywhere, None, true).await.is_ok());
}

#[test]
fn a_request_that_never_passed_the_layer_is_granted_to_nobody() {
    let request = wire::TokenServiceWhoAmIRequest::default();
    let fault = admit(&Table, Request::new(request)).unwrap_err();
    assert_eq!(fault.reason, Reason::CallerUnknown);
    let mut extensions = Extensions::new();
    extensions.insert(caller(Role::Admin));
    assert_eq!(
        grant(&Table, &extensions, request).unwrap_err().reason,
        Reason::Denied
    );
}

/// What HTTP/2 begins with: the preface and empty settings (RFC 9113, section 3.4).
const BEGIN: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

#[tokio::test]
async fn who_stood_in_the_queue_of_a_listener_that_ends_is_told_so_and_not_reset() {
    let (listener, address) = listening().await;
    let mut waiting = Vec::new();
    for _ in 0..16 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(BEGIN).await.unwrap();
        waiting.push(stream);
    }
    let drain = Drain::new();
    drain.begin();
    drain.close();
    let running = Running::on(listener, drain, Reflection::Off);
    for mut stream in waiting {
        let mut told = Vec::new();
        stream.read_to_end(&mut told).await.unwrap();
        assert!(!told.is_empty(), "it ended without a word");
    }
    assert!(running.tasks.wait(Duration::from_secs(10)).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_while_a_listener_ends_is_told_so_or_finds_the_port_closed() {
    let ends = (0..16).map(|_| async {
        let (listener, address) = listening().await;
        let running = Running::on(listener, Drain::new(), Reflection::Off);
        let callers = (0..4).map(|_| tokio::spawn(come_until_closed(address)));
        let callers: Vec<_> = callers.collect();
        running.drain.begin();
        running.drain.close();
        for caller in callers {
            caller.await.unwrap().unwrap();
        }
    });
    futures::future::join_all(ends).await;
}

/// Connects again and again until the port is closed. An error is that of a connection that was
/// made.
async fn come_until_closed(address: SocketAddr) -> std::io::Result<()> {
    while let Ok(mut stream) = TcpStream::connect(address).await {
        stream.write_all(BEGIN).await?;
        let mut told = [0; 64];
        assert!(stream.read(&mut told).await? > 0, "it ended without a word");
    }
    Ok(())
}
