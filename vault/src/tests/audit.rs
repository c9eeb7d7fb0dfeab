//! The record: written with the change or the change is not made, and chained.

use keyway_proto::Reason;
use keyway_proto::vault::v1::audit_service_client::AuditServiceClient;
use keyway_proto::vault::v1::*;
use sea_orm::EntityTrait as _;

use super::harness::{Bearer, World, put_request, reason};
use crate::store::audit::hash;
use crate::store::tests_only::audit_row;

const SECRET: &str = "sk-keyway-test-0123456789abcd";

async fn rows(world: &World, by: &Bearer, workspace: &str) -> Vec<AuditRow> {
    let request = AuditServiceListRequest {
        workspace: workspace.to_owned(),
        page_size: 500,
        ..Default::default()
    };
    let listed = AuditServiceClient::new(world.admin(by)).list(request).await;
    listed.unwrap().into_inner().rows
}

#[tokio::test]
async fn a_resolve_is_on_record_with_names_and_states_and_without_the_secret() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    world.put(&acme, "workspaces/acme", "openai", SECRET).await;
    world.resolve("acme", "openai").await;
    let rows = rows(&world, &acme, "workspaces/acme").await;
    let resolve = &rows[0];
    assert_eq!(resolve.rpc, "keyway.vault.v1.LeaseService/ResolveKeys");
    assert_eq!(resolve.subject, "router:all");
    assert!(
        resolve
            .facts_json
            .contains("workspaces/acme/keys/openai/default")
    );
    assert!(!format!("{rows:?}").contains(SECRET));
    let rpcs: Vec<_> = rows
        .iter()
        .map(|row| row.rpc.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(rpcs, ["ResolveKeys", "PutKey", "Create", "Create"]);
}

#[tokio::test]
async fn nothing_is_done_and_nothing_leaves_while_the_record_can_not_be_written() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    world.put(&acme, "workspaces/acme", "openai", SECRET).await;
    world.database.break_inserts("audit_rows").await;
    let put = put_request("workspaces/acme", "openai", "sk-keyway-test-another");
    assert_eq!(
        reason(world.keys(&acme).put_key(put).await),
        Reason::AuditUnavailable
    );
    assert_eq!(
        reason(world.try_resolve("acme", "openai").await),
        Reason::AuditUnavailable
    );
    world.database.mend_inserts("audit_rows").await;
    let key = GetKeyRequest {
        name: "workspaces/acme/keys/openai/default".to_owned(),
    };
    let key = world
        .keys(&acme)
        .get_key(key)
        .await
        .unwrap()
        .into_inner()
        .key
        .unwrap();
    assert_eq!(key.version, 1, "the change was undone with its record");
}

#[tokio::test]
async fn each_row_is_chained_to_the_one_before_it() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    for _ in 0..5 {
        world.put(&acme, "workspaces/acme", "openai", SECRET).await;
    }
    let stranger = world.stranger().await;
    let mut all = audit_row::Entity::find().all(&stranger).await.unwrap();
    all.sort_by(|a, b| (&a.chain, a.sequence).cmp(&(&b.chain, b.sequence)));
    assert!(all.len() > 7);
    let mut before = (String::new(), Vec::new());
    for row in &all {
        if row.chain != before.0 {
            assert_eq!(row.sequence, 1);
            before = (row.chain.clone(), vec![0; 32]);
        }
        assert_eq!(hash(&before.1, row), row.hash);
        before.1.clone_from(&row.hash);
        for damage in [
            |row: &mut audit_row::Model| row.facts.push('x'),
            |row: &mut audit_row::Model| row.time += 1,
        ] {
            let mut damaged = row.clone();
            damage(&mut damaged);
            assert_ne!(hash(&before.1, &damaged), row.hash);
        }
    }
    stranger.close().await.unwrap();
}

#[tokio::test]
async fn a_denial_is_on_record_in_the_callers_chain() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    world.workspace("globex").await;
    let put = put_request("workspaces/globex", "openai", SECRET);
    assert_eq!(reason(world.keys(&acme).put_key(put).await), Reason::Denied);
    let list = WorkspaceServiceListRequest::default();
    assert_eq!(
        reason(world.workspaces(&acme).list(list).await),
        Reason::Denied
    );
    // The record is written after the answer: look until it is there.
    let mut denied = Vec::new();
    for _ in 0..1000 {
        let all = rows(&world, &acme, "workspaces/acme").await;
        denied = all
            .into_iter()
            .filter(|row| row.decision == "DENIED")
            .collect();
        if denied.len() == 2 {
            break;
        }
    }
    let seen: Vec<_> = denied
        .iter()
        .map(|row| (row.rpc.as_str(), row.resource.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("keyway.vault.v1.WorkspaceService/List", ""),
            ("keyway.vault.v1.KeyService/PutKey", "workspaces/globex"),
        ]
    );
}
