//! The record: written with the change or the change is not made, and chained.

use keyway_proto::Reason;
use keyway_proto::vault::v1::audit_service_client::AuditServiceClient;
use keyway_proto::vault::v1::*;
use sea_orm::EntityTrait as _;

use super::harness::{Bearer, World, put_request, reason};
use crate::audit::chain::hash;
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
        assert_eq!(hash(&before.1, row).unwrap().as_slice(), row.hash);
        before.1.clone_from(&row.hash);
        for damage in [
            |row: &mut audit_row::Model| row.facts.push('x'),
            |row: &mut audit_row::Model| row.time += 1,
        ] {
            let mut damaged = row.clone();
            damage(&mut damaged);
            assert_ne!(hash(&before.1, &damaged).unwrap().as_slice(), row.hash);
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

async fn export(world: &World, by: &Bearer, workspace: &str, from: u64) -> Vec<AuditRow> {
    let request = AuditServiceExportRequest {
        workspace: workspace.to_owned(),
        from_sequence: from,
    };
    let stream = AuditServiceClient::new(world.admin(by))
        .export(request)
        .await;
    let mut stream = stream.unwrap().into_inner();
    let mut rows = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        assert!(!message.rows.is_empty());
        rows.extend(message.rows);
    }
    rows
}

#[tokio::test]
async fn an_export_gives_every_row_once_in_order_and_goes_on_from_where_it_is_told() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    for _ in 0..300 {
        world.resolve("acme", "openai").await;
    }
    let all = export(&world, &acme, "workspaces/acme", 0).await;
    assert!(all.len() > 300, "more than one batch");
    assert!(all.iter().zip(1..).all(|(row, at)| row.sequence == at));
    let rest = export(&world, &acme, "workspaces/acme", 290).await;
    assert_eq!(rest, all[289..]);
    assert!(
        export(&world, &acme, "workspaces/acme", 9_999)
            .await
            .is_empty()
    );
    let system = export(&world, &world.operator, "", 0).await;
    assert!(system.iter().all(|row| row.chain == "system"));
    // What the rows say of the calls' makers.
    assert!(
        all.iter()
            .all(|row| row.source == "127.0.0.1" && row.form == 2)
    );
    let request = AuditServiceExportRequest::default();
    let denied = AuditServiceClient::new(world.admin(&acme))
        .export(request)
        .await;
    assert_eq!(reason(denied), Reason::Denied);
}

#[tokio::test]
async fn a_checkpoint_is_signed_for_a_whole_chain_and_for_no_other() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let ask = async |by: &Bearer, workspace: &str| {
        let request = AuditServiceCheckpointRequest {
            workspace: workspace.to_owned(),
        };
        AuditServiceClient::new(world.admin(by))
            .checkpoint(request)
            .await
    };
    let signed = ask(&acme, "workspaces/acme").await.unwrap().into_inner();
    let newest = rows(&world, &acme, "workspaces/acme").await.remove(0);
    assert_eq!(
        (signed.sequence, &signed.hash),
        (newest.sequence, &newest.hash)
    );
    let statement = keyway_vault_crypto::checkpoint::Statement {
        chain: &signed.chain,
        sequence: signed.sequence,
        hash: &signed.hash,
        time: super::harness::NOW.0,
        epoch: &signed.epoch,
    };
    let good = |statement: &_| {
        let (key, signature) = (&signed.public_key, &signed.signature);
        keyway_vault_crypto::checkpoint::verify(key, statement, signature)
    };
    assert!(good(&statement) && !signed.epoch.is_empty());
    let again = ask(&world.operator, "").await.unwrap().into_inner();
    assert_eq!(
        (again.chain.as_str(), &again.public_key),
        ("system", &signed.public_key)
    );
    let stranger = ask(&world.operator, "workspaces/nobody").await;
    assert_eq!(reason(stranger), Reason::WorkspaceNotFound);

    let edit = "UPDATE audit_rows SET subject = 'service:x' WHERE chain = 'workspaces/acme'";
    world.sql(edit).await;
    assert_eq!(
        reason(ask(&acme, "workspaces/acme").await),
        Reason::Internal
    );
    assert!(ask(&world.operator, "").await.is_ok());
}

#[tokio::test]
async fn a_list_is_narrowed_by_time_rpc_and_decision() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    for seconds in [0, 10, 20] {
        world.clock.set(super::harness::NOW.plus_seconds(seconds));
        world.put(&acme, "workspaces/acme", "openai", SECRET).await;
        world.resolve("acme", "openai").await;
    }
    let list = async |narrow: fn(&mut AuditServiceListRequest)| {
        let mut request = AuditServiceListRequest {
            workspace: "workspaces/acme".to_owned(),
            page_size: 2,
            ..Default::default()
        };
        narrow(&mut request);
        let client = AuditServiceClient::new(world.admin(&acme));
        let mut found = Vec::new();
        loop {
            let page = client.clone().list(request.clone()).await?.into_inner();
            found.extend(page.rows.into_iter().map(|row| row.rpc));
            if page.next_page_token.is_empty() {
                return Ok::<_, tonic::Status>(found);
            }
            request.page_token = page.next_page_token;
        }
    };
    let put = |request: &mut AuditServiceListRequest| {
        request.rpc = "keyway.vault.v1.KeyService/PutKey".to_owned();
    };
    assert_eq!(list(put).await.unwrap().len(), 3);
    let between = |request: &mut AuditServiceListRequest| {
        request.from_time = super::harness::in_seconds(10);
        request.until_time = super::harness::in_seconds(20);
    };
    let found = list(between).await.unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    let denied = |request: &mut AuditServiceListRequest| request.decision = "DENIED".to_owned();
    assert!(list(denied).await.unwrap().is_empty());
    let unknown = |request: &mut AuditServiceListRequest| request.decision = "MAYBE".to_owned();
    assert_eq!(reason(list(unknown).await), Reason::FieldInvalid);
}
