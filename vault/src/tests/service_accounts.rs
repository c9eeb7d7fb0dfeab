//! Routers by the projected tokens of their service accounts, and what ends with a credential.

use std::time::Duration;

use keyway_proto::Reason;
use keyway_proto::vault::v1::watch_changes_request::Message as Asked;
use keyway_proto::vault::v1::*;
use keyway_words::CallId;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::harness::{Bearer, NOW, World, reason};
use super::idp::Idp;
use super::issuer::SigningKey;

const ROUTER: &str = "system:serviceaccount:keyway:router";

fn claims(idp: &Idp, sub: &str) -> Value {
    let mut claims = idp.claims(sub);
    claims["aud"] = json!(["keyway-vault"]);
    claims
}

/// A cluster with two routers, whose issuer people sign in with too.
async fn cluster() -> (World, Idp, SigningKey) {
    let key = SigningKey::p256("k1");
    let idp = Idp::start(&[&key]).await;
    let accounts = ["keyway:router=eu-1", "keyway:acme=eu-2:acme"];
    let issuers = vec![idp.routers(&accounts), idp.people(&["ops=operator"])];
    let world = World::with_issuers(issuers).await;
    world.workspace("acme").await;
    world.workspace("globex").await;
    (world, idp, key)
}

async fn resolve(world: &World, by: &Bearer, id: &str) -> Result<(), Status> {
    let request = ResolveKeysRequest {
        workspace: format!("workspaces/{id}"),
        provider: "openai".to_owned(),
        call_id: CallId::new().to_string(),
        key: String::new(),
    };
    world.lease(by).resolve_keys(request).await.map(drop)
}

#[tokio::test]
async fn a_service_account_is_the_router_that_the_configuration_says_with_its_workspaces() {
    let (world, idp, key) = cluster().await;
    let all = Bearer::new(&key.token(&claims(&idp, ROUTER)));
    resolve(&world, &all, "acme").await.unwrap();
    resolve(&world, &all, "globex").await.unwrap();
    let listed = claims(&idp, "system:serviceaccount:keyway:acme");
    let listed = Bearer::new(&key.token(&listed));
    resolve(&world, &listed, "acme").await.unwrap();
    assert_eq!(
        reason(resolve(&world, &listed, "globex").await),
        Reason::Denied
    );
}

#[tokio::test]
async fn a_service_account_that_is_not_exactly_listed_is_nobody() {
    let (world, idp, key) = cluster().await;
    let with = |name: &str, value: Value| {
        let mut claims = claims(&idp, ROUTER);
        claims[name] = value;
        Bearer::new(&key.token(&claims))
    };
    for bad in [
        with("sub", json!("system:serviceaccount:keyway:router2")),
        with("sub", json!("system:serviceaccount:default:router")),
        with("sub", json!("keyway:router")),
        with("aud", json!(["https://kubernetes.default.svc"])),
        with("exp", json!(NOW.0 / 1_000_000)),
        Bearer::new(&SigningKey::p256("k1").token(&claims(&idp, ROUTER))),
    ] {
        assert_eq!(
            reason(resolve(&world, &bad, "acme").await),
            Reason::CallerUnknown
        );
    }
}

#[tokio::test]
async fn a_persons_token_is_never_a_routers_and_a_routers_never_a_persons() {
    let (world, idp, key) = cluster().await;
    let mut operator = idp.claims(ROUTER);
    operator["groups"] = json!(["ops"]);
    let person = Bearer::new(&key.token(&operator));
    assert_eq!(
        reason(resolve(&world, &person, "acme").await),
        Reason::Denied
    );
    // For both audiences at once it is for neither.
    operator["aud"] = json!(["keyway", "keyway-vault"]);
    let both = Bearer::new(&key.token(&operator));
    assert_eq!(
        reason(resolve(&world, &both, "acme").await),
        Reason::CallerUnknown
    );
    // A router that presents its own token as a caller's learns nothing.
    let router = Bearer::new(&key.token(&claims(&idp, ROUTER)));
    assert!(!world.verify(&router, "").await.known);
    let list = WorkspaceServiceListRequest::default();
    assert_eq!(
        reason(world.workspaces(&router).list(list).await),
        Reason::Denied
    );
}

async fn watch(
    world: &World,
    by: &Bearer,
) -> (
    mpsc::Sender<WatchChangesRequest>,
    Streaming<WatchChangesResponse>,
) {
    let (ask, asked) = mpsc::channel(8);
    let start = WatchStart {
        instance: "one".to_owned(),
        ..Default::default()
    };
    let message = Some(Asked::Start(start));
    ask.send(WatchChangesRequest { message }).await.unwrap();
    let told = world
        .lease(by)
        .watch_changes(ReceiverStream::new(asked))
        .await;
    (ask, told.unwrap().into_inner())
}

/// What a stream ends with, within ten seconds.
async fn end(mut told: Streaming<WatchChangesResponse>) -> Reason {
    let ended = async {
        loop {
            match told.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it ended without a word"),
                Err(status) => return reason(Err::<(), _>(status)),
            }
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(10), ended).await;
    ended.expect("the stream goes on")
}

#[tokio::test]
async fn a_watch_ends_when_the_token_that_opened_it_does() {
    let (world, idp, key) = cluster().await;
    let router = Bearer::new(&key.token(&claims(&idp, ROUTER)));
    let (_ask, told) = watch(&world, &router).await;
    // A router of the configuration goes on: its token has no end.
    let (_other_ask, mut other) = watch(&world, &world.router).await;
    world.clock.advance(Duration::from_mins(10));
    assert_eq!(end(told).await, Reason::CallerUnknown);
    let next = tokio::time::timeout(Duration::from_secs(10), other.message()).await;
    assert!(next.unwrap().unwrap().is_some());
}
