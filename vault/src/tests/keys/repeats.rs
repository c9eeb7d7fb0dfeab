//! Request ids, etags, and requests that are only checked.

use keyway_proto::Reason;
use keyway_proto::vault::v1::*;

use super::SECRET;
use crate::tests::harness::{World, put_request, reason};

#[tokio::test]
async fn a_request_repeated_gets_its_first_answer_and_another_under_its_id_is_refused() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let request = PutKeyRequest {
        request_id: "one".to_owned(),
        ..put_request("workspaces/acme", "openai", SECRET)
    };
    let put = async |request: &PutKeyRequest| world.keys(&acme).put_key(request.clone()).await;
    let first = put(&request).await.unwrap().into_inner();
    assert_eq!(put(&request).await.unwrap().into_inner(), first);
    let other = PutKeyRequest {
        secret: "sk-keyway-test-another".to_owned(),
        ..request.clone()
    };
    assert_eq!(reason(put(&other).await), Reason::RequestRepeated);
    world.clock.advance(std::time::Duration::from_hours(25));
    assert_eq!(
        put(&other).await.unwrap().into_inner().key.unwrap().version,
        2
    );
}

#[tokio::test]
async fn checking_only_stores_nothing() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let request = PutKeyRequest {
        validate_only: true,
        ..put_request("workspaces/acme", "openai", SECRET)
    };
    let key = world
        .keys(&acme)
        .put_key(request)
        .await
        .unwrap()
        .into_inner()
        .key
        .unwrap();
    assert_eq!(key.version, 1);
    assert_eq!(world.number("SELECT count(*) FROM keys").await, 0);
    assert_eq!(
        world
            .number("SELECT count(*) FROM data_keys WHERE owner <> 'system'")
            .await,
        0
    );
}

#[tokio::test]
async fn an_etag_stands_for_a_key_that_exists() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let with = |etag: &str| PutKeyRequest {
        etag: etag.to_owned(),
        ..put_request("workspaces/acme", "openai", SECRET)
    };
    assert_eq!(
        reason(world.keys(&acme).put_key(with("any")).await),
        Reason::StaleEtag
    );
    let key = world.put(&acme, "workspaces/acme", "openai", SECRET).await;
    world.keys(&acme).put_key(with(&key.etag)).await.unwrap();
    assert_eq!(
        reason(world.keys(&acme).put_key(with(&key.etag)).await),
        Reason::StaleEtag
    );
}

#[tokio::test]
async fn checking_only_finds_that_a_pool_is_full() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let named = |name: &str| PutKeyRequest {
        key_name: name.to_owned(),
        ..put_request("workspaces/acme", "openai", SECRET)
    };
    for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
        world.keys(&acme).put_key(named(name)).await.unwrap();
    }
    let request = PutKeyRequest {
        validate_only: true,
        ..named("k")
    };
    let refused = world.keys(&acme).put_key(request).await;
    assert_eq!(reason(refused), Reason::LimitReached);
}

#[tokio::test]
async fn of_equal_requests_at_once_one_is_done_and_all_get_its_answer() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let request = PutKeyRequest {
        request_id: "one".to_owned(),
        ..put_request("workspaces/acme", "openai", SECRET)
    };
    let all = (0..8).map(|_again| {
        let (mut keys, request) = (world.keys(&acme), request.clone());
        async move { keys.put_key(request).await }
    });
    for answer in futures::future::join_all(all).await {
        assert_eq!(answer.unwrap().into_inner().key.unwrap().version, 1);
    }
    let puts = "SELECT count(*) FROM audit_rows WHERE rpc LIKE '%/PutKey'";
    assert_eq!(world.number(puts).await, 1);
}

#[tokio::test]
async fn a_request_id_belongs_to_the_subject_that_used_it() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let second = MemberServicePutRequest {
        workspace: "workspaces/acme".to_owned(),
        subject: "service:second".to_owned(),
        role: Role::Admin.into(),
        ..Default::default()
    };
    world.members(&acme).put(second).await.unwrap();
    let second = world
        .token(&acme, "acme", Role::Admin, "service:second")
        .await;
    let request = |secret: &str| PutKeyRequest {
        request_id: "one".to_owned(),
        ..put_request("workspaces/acme", "openai", secret)
    };
    world.keys(&acme).put_key(request(SECRET)).await.unwrap();
    let other = request("sk-keyway-test-another-one");
    let answer = world.keys(&second).put_key(other).await.unwrap();
    assert_eq!(answer.into_inner().key.unwrap().version, 2);
}
