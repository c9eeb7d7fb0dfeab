//! `WatchChanges`.

mod rolled_back;
mod watch;

use std::time::Duration;

use keyway_proto::Reason;
use keyway_proto::vault::v1::seal_service_client::SealServiceClient;
use keyway_proto::vault::v1::watch_changes_request::Message as Asked;
use keyway_proto::vault::v1::watch_changes_response::Message as Told;
use keyway_proto::vault::v1::*;
use tokio::time::timeout;

pub(super) use self::watch::Watch;
use super::harness::{World, on_postgres, reason};

const SECRET: &str = "sk-keyway-test-0123456789abcd";

#[tokio::test]
async fn every_change_comes_once_in_order_and_then_a_bookmark() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let mut watch = Watch::open(&world, &world.router, "", 0).await.unwrap();
    let start = watch.started().await.revision;
    for number in 0..20 {
        world
            .put(
                &acme,
                "workspaces/acme",
                "openai",
                &format!("{SECRET}{number}"),
            )
            .await;
    }
    for number in 1..=20 {
        let change = watch.change().await;
        assert_eq!(change.revision, start + number);
        assert_eq!(change.kind(), ChangeKind::Key);
        assert_eq!(
            (change.owner.as_str(), change.provider.as_str()),
            ("workspaces/acme", "openai")
        );
    }
    let Told::Bookmark(bookmark) = watch.next().await else {
        panic!("no bookmark")
    };
    assert_eq!(bookmark.revision, start + 20);
}

#[tokio::test]
async fn a_quiet_feed_sends_bookmarks() {
    let world = World::new().await;
    let mut watch = Watch::open(&world, &world.router, "", 0).await.unwrap();
    watch.started().await;
    for _ in 0..3 {
        assert!(matches!(watch.next().await, Told::Bookmark(_)));
    }
}

#[tokio::test]
async fn a_change_by_another_process_is_seen_too() {
    let world = World::new().await;
    world.workspace("acme").await;
    let mut watch = Watch::open(&world, &world.router, "", 0).await.unwrap();
    let revision = watch.started().await.revision + 1;
    world
        .sql(&format!(
            "BEGIN IMMEDIATE; UPDATE feed SET revision = {revision}; \
             INSERT INTO changes VALUES ({revision}, 'CHANGE_KIND_KEY', 'platform', 'exa', '', '', 0); COMMIT"
        ))
        .await;
    let change = watch.change().await;
    assert_eq!(
        (change.revision, change.provider.as_str()),
        (revision, "exa")
    );
}

#[tokio::test]
async fn a_watch_resumes_where_the_router_was() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let mut watch = Watch::open(&world, &world.router, "", 0).await.unwrap();
    let WatchStarted {
        epoch, revision, ..
    } = watch.started().await;
    drop(watch);
    for number in 0..3 {
        world
            .put(
                &acme,
                "workspaces/acme",
                "openai",
                &format!("{SECRET}{number}"),
            )
            .await;
    }
    let mut watch = Watch::open(&world, &world.router, &epoch, revision)
        .await
        .unwrap();
    assert_eq!(watch.started().await.revision, revision + 3);
    for number in 1..=3 {
        assert_eq!(watch.change().await.revision, revision + number);
    }
}

#[tokio::test]
async fn a_router_of_another_epoch_is_told_to_drop_its_cache() {
    let world = World::new().await;
    let mut watch = Watch::open(&world, &world.router, "", 0).await.unwrap();
    let revision = watch.started().await.revision;
    let mut watch = Watch::open(&world, &world.router, "another", revision)
        .await
        .unwrap();
    watch.started().await;
    assert!(matches!(watch.next().await, Told::Resync(_)));
}

#[tokio::test]
async fn a_router_is_told_when_the_database_is_replaced_under_it() {
    let world = World::new().await;
    let mut watch = Watch::open(&world, &world.router, "", 0).await.unwrap();
    watch.started().await;
    world.sql("UPDATE feed SET epoch = 'another'").await;
    loop {
        match watch.next().await {
            Told::Resync(resync) => break assert_eq!(resync.epoch, "another"),
            Told::Bookmark(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_router_with_a_list_sees_its_workspaces_and_the_platform() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let globex = world.workspace("globex").await;
    let mut watch = Watch::open(&world, &world.acme_router, "", 0)
        .await
        .unwrap();
    watch.started().await;
    world
        .put(&globex, "workspaces/globex", "openai", SECRET)
        .await;
    world.put(&acme, "workspaces/acme", "openai", SECRET).await;
    world
        .put(&world.operator, "platform", "openai", SECRET)
        .await;
    assert_eq!(watch.change().await.owner, "workspaces/acme");
    assert_eq!(watch.change().await.owner, "platform");
}

#[tokio::test]
async fn a_deletion_can_wait_for_the_routers_and_names_those_behind() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let mut watch = Watch::open(&world, &world.router, "", 0).await.unwrap();
    watch.started().await;
    let key = world.put(&acme, "workspaces/acme", "openai", SECRET).await;
    let mut request = tonic::Request::new(DeleteKeyRequest {
        name: key.name,
        wait_for_routers: true,
        ..Default::default()
    });
    request.set_timeout(Duration::from_millis(600));
    let deleted = world
        .keys(&acme)
        .delete_key(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(deleted.routers_behind, ["router:all/one"]);

    let key = world.put(&acme, "workspaces/acme", "openai", SECRET).await;
    let delete = DeleteKeyRequest {
        name: key.name,
        wait_for_routers: true,
        ..Default::default()
    };
    let mut keys = world.keys(&acme);
    let acknowledge = async {
        loop {
            let change = watch.change().await;
            let acknowledge = WatchAcknowledge {
                revision: change.revision,
                ..Default::default()
            };
            let message = Some(Asked::Acknowledge(acknowledge));
            watch
                .ask
                .send(WatchChangesRequest { message })
                .await
                .unwrap();
        }
    };
    let deleted = tokio::select! {
        deleted = keys.delete_key(delete) => deleted.unwrap().into_inner(),
        () = acknowledge => unreachable!("the watch has no end"),
    };
    assert!(deleted.routers_behind.is_empty());
}

#[tokio::test]
async fn a_watch_that_does_not_start_with_a_start_is_refused() {
    let world = World::new().await;
    let first = Asked::Acknowledge(WatchAcknowledge::default());
    let refused = Watch::send(&world, &world.router, first).await.map(drop);
    assert_eq!(reason(refused), Reason::FieldInvalid);
}

/// Two vaults share a server, never a file.
#[tokio::test]
async fn a_deletion_waits_for_the_routers_of_every_vault_on_the_database() {
    if !on_postgres() {
        return;
    }
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let replica = world.replica().await;
    let mut watch = Watch::at(replica, &world.router, "elsewhere").await;
    let revision = watch.started().await.revision;
    watch.acknowledge(revision).await;
    until_shown(&world, "elsewhere", revision).await;

    let key = world.put(&acme, "workspaces/acme", "openai", SECRET).await;
    let mut request = tonic::Request::new(waiting_delete(&key));
    request.set_timeout(Duration::from_millis(800));
    let deleted = world.keys(&acme).delete_key(request).await.unwrap();
    let behind = deleted.into_inner().routers_behind;
    assert_eq!(behind, ["router:all/elsewhere"]);

    let key = world.put(&acme, "workspaces/acme", "openai", SECRET).await;
    let mut keys = world.keys(&acme);
    let deleted = tokio::select! {
        deleted = keys.delete_key(waiting_delete(&key)) => deleted.unwrap().into_inner(),
        () = watch.acknowledge_all() => unreachable!("the watch has no end"),
    };
    assert!(deleted.routers_behind.is_empty());

    watch.send_leave().await;
    until_gone(&world, "elsewhere").await;
}

fn waiting_delete(key: &Key) -> DeleteKeyRequest {
    DeleteKeyRequest {
        name: key.name.clone(),
        wait_for_routers: true,
        ..Default::default()
    }
}

/// The routers as the first vault shows them, by instance.
async fn routers(world: &World) -> Vec<(String, u64)> {
    let mut seal = SealServiceClient::new(world.admin(&world.operator));
    let status = seal
        .status(SealServiceStatusRequest::default())
        .await
        .unwrap();
    let routers = status.into_inner().routers.into_iter();
    routers
        .map(|router| (router.instance, router.acknowledged_revision))
        .collect()
}

async fn until_shown(world: &World, instance: &str, revision: u64) {
    let shown = async {
        while !routers(world)
            .await
            .contains(&(instance.to_owned(), revision))
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), shown).await.unwrap();
}

async fn until_gone(world: &World, instance: &str) {
    let gone = async {
        while routers(world)
            .await
            .iter()
            .any(|(name, _)| name == instance)
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), gone).await.unwrap();
}
