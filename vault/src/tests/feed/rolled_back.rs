//! A database that is behind what was seen of it in the same epoch.

use keyway_proto::Reason;
use keyway_proto::vault::v1::*;

use super::Watch;
use crate::tests::harness::{World, reason};

#[tokio::test]
async fn a_vault_whose_database_a_router_saw_further_on_answers_nobody() {
    let world = World::new().await;
    let mut watch = Watch::open(&world, &world.router, "", 0).await.unwrap();
    let WatchStarted {
        epoch, revision, ..
    } = watch.started().await;
    let ahead = async |bearer| {
        reason(
            Watch::open(&world, bearer, &epoch, revision + 1)
                .await
                .map(drop),
        )
    };
    let list = async || {
        let mut workspaces = world.workspaces(&world.operator);
        workspaces
            .list(WorkspaceServiceListRequest::default())
            .await
    };
    // A router of one workspace speaks for itself only.
    assert_eq!(ahead(&world.acme_router).await, Reason::DatabaseRolledBack);
    list().await.expect("others are answered");
    assert_eq!(ahead(&world.router).await, Reason::DatabaseRolledBack);
    let refused = list().await;
    let said = refused.as_ref().unwrap_err().message().to_owned();
    assert!(said.contains("keyway-vault restore"), "{said}");
    assert_eq!(reason(refused), Reason::DatabaseRolledBack);
    let anew = Watch::open(&world, &world.router, "", 0).await.map(drop);
    assert_eq!(reason(anew), Reason::DatabaseRolledBack);
}

#[tokio::test]
async fn a_database_that_goes_back_under_a_running_vault_is_noticed_by_itself() {
    let world = World::new().await;
    let _acme = world.workspace("acme").await;
    let mut watch = Watch::open(&world, &world.router, "", 0).await.unwrap();
    let started = watch.started().await;
    assert!(started.revision > 0);
    world.sql("UPDATE feed SET revision = revision - 1").await;
    // Its end is the sign: a bookmark may be under way.
    while let Ok(Some(_)) = watch.told.message().await {}
    let anew = Watch::open(&world, &world.router, "", 0).await.map(drop);
    assert_eq!(reason(anew), Reason::DatabaseRolledBack);
}
