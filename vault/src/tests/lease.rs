//! What routers get: pools, verdicts, and nothing beyond their allow-list.

use keyway_proto::Reason;
use keyway_proto::vault::v1::*;

use super::harness::{Bearer, World, reason, secrets};

const OWN: &str = "sk-keyway-test-own-0123456789";
const HOSTED: &str = "sk-keyway-test-hosted-0123456789";

async fn world() -> (World, Bearer) {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    world.put(&acme, "workspaces/acme", "openai", OWN).await;
    world
        .put(&world.operator, "platform", "openai", HOSTED)
        .await;
    (world, acme)
}

async fn policy(world: &World, by: &Bearer, mode: CredentialMode) {
    let request = WorkspaceServiceUpdateRequest {
        name: "workspaces/acme".to_owned(),
        policy: Some(Policy {
            credential_mode: mode.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    world.workspaces(by).update(request).await.unwrap();
}

#[tokio::test]
async fn a_secret_that_no_call_may_use_does_not_leave() {
    let (world, acme) = world().await;
    let response = world.resolve("acme", "openai").await;
    assert_eq!(secrets(&response), [OWN, HOSTED]);
    assert_eq!(response.platform.unwrap().order(), PoolOrder::Spread);
    policy(&world, &acme, CredentialMode::OwnOnly).await;
    assert_eq!(secrets(&world.resolve("acme", "openai").await), [OWN]);
    policy(&world, &acme, CredentialMode::HostedOnly).await;
    assert_eq!(secrets(&world.resolve("acme", "openai").await), [HOSTED]);
    let request = WorkspaceServiceUpdateRequest {
        name: "workspaces/acme".to_owned(),
        operator_limits: Some(OperatorLimits {
            hosted_allowed: Some(false),
            ..Default::default()
        }),
        ..Default::default()
    };
    world
        .workspaces(&world.operator)
        .update(request)
        .await
        .unwrap();
    assert!(secrets(&world.resolve("acme", "openai").await).is_empty());
}

#[tokio::test]
async fn a_suspended_workspace_gets_no_pool_until_it_resumes() {
    let (world, _acme) = world().await;
    let name = "workspaces/acme".to_owned();
    let suspend = WorkspaceServiceSuspendRequest {
        name: name.clone(),
        reason: "unpaid".to_owned(),
    };
    world
        .workspaces(&world.operator)
        .suspend(suspend)
        .await
        .unwrap();
    let response = world.resolve("acme", "openai").await;
    assert_eq!(response.workspace_state(), WorkspaceState::Suspended);
    assert!(response.own.is_none() && response.platform.is_none());
    world
        .workspaces(&world.operator)
        .resume(WorkspaceServiceResumeRequest { name })
        .await
        .unwrap();
    assert_eq!(
        secrets(&world.resolve("acme", "openai").await),
        [OWN, HOSTED]
    );
}

#[tokio::test]
async fn a_damaged_policy_or_state_is_an_error_never_the_default() {
    let (world, _acme) = world().await;
    for damage in ["policy = x'ff'", "operator_limits = x'ff'", "state = 'x'"] {
        world
            .sql("CREATE TABLE kept AS SELECT * FROM workspaces")
            .await;
        world.sql(&format!("UPDATE workspaces SET {damage}")).await;
        assert_eq!(
            reason(world.try_resolve("acme", "openai").await),
            Reason::Internal,
            "{damage}"
        );
        world.sql("DELETE FROM members").await;
        world.sql("UPDATE workspaces SET (policy, operator_limits, state) = (SELECT policy, operator_limits, state FROM kept)").await;
        world.sql("DROP TABLE kept").await;
    }
}

#[tokio::test]
async fn a_router_with_a_list_reaches_only_what_is_on_it() {
    let (world, _acme) = world().await;
    let globex = world.workspace("globex").await;
    let call = world.token(&globex, "globex", Role::Caller, "").await;
    let resolve = |id: &str| ResolveKeysRequest {
        workspace: format!("workspaces/{id}"),
        provider: "openai".to_owned(),
        call_id: keyway_words::CallId::new().to_string(),
        key: String::new(),
    };
    let mut lease = world.lease(&world.acme_router);
    lease.resolve_keys(resolve("acme")).await.unwrap();
    let other = lease.resolve_keys(resolve("globex")).await.unwrap_err();
    let absent = lease.resolve_keys(resolve("nowhere")).await.unwrap_err();
    assert_eq!(
        (other.code(), other.message()),
        (absent.code(), absent.message())
    );
    let verify = VerifyCallerRequest {
        token: call.0.clone().unwrap(),
        source_address: String::new(),
    };
    assert_eq!(reason(lease.verify_caller(verify).await), Reason::Denied);
}

#[tokio::test]
async fn a_verdict_names_the_caller_and_what_the_table_allows_it() {
    let (world, acme) = world().await;
    let call = world.token(&acme, "acme", Role::Caller, "").await;
    let verdict = world.verify(&call, "").await;
    assert!(verdict.known && verdict.role() == Role::Caller);
    assert_eq!(verdict.workspace, "workspaces/acme");
    assert_eq!(verdict.workspace_state(), WorkspaceState::Active);
    let chat = verdict
        .grants
        .iter()
        .find(|grant| grant.rpc == "keyway.router.v1.ExecutionService/Chat");
    assert_eq!(chat.unwrap().scope(), GrantScope::Own);
    let admin = world.verify(&acme, "").await;
    assert!(
        !admin
            .grants
            .iter()
            .any(|grant| grant.rpc.ends_with("/Chat"))
    );
    let unknown = world.verify(&Bearer::new("kwc_unknown"), "").await;
    assert_eq!(unknown, VerifyCallerResponse::default());
    let router = world.verify(&world.router, "").await;
    assert!(!router.known, "a router is no caller of the router");
}

#[tokio::test]
async fn a_router_asks_for_a_workspace_that_is_not_there() {
    let (world, _acme) = world().await;
    assert_eq!(
        reason(world.try_resolve("nowhere", "openai").await),
        Reason::WorkspaceNotFound
    );
    assert_eq!(
        reason(world.try_resolve("acme", "nobody").await),
        Reason::FieldInvalid
    );
}

#[tokio::test]
async fn the_seal_status_shows_generations_and_what_they_wrap() {
    let (world, _acme) = world().await;
    let mut seal = seal_service_client::SealServiceClient::new(world.admin(&world.operator));
    let status = seal
        .status(SealServiceStatusRequest::default())
        .await
        .unwrap()
        .into_inner();
    let generation = &status.generations[0];
    assert!(generation.current && generation.generation == 1);
    assert_eq!(
        generation.data_keys_remaining, 3,
        "acme's, the platform's and the vault's own"
    );
    assert!(status.revision > 0 && !status.epoch.is_empty());
    let rewrapped = seal.rewrap(SealServiceRewrapRequest {}).await.unwrap();
    let rewrapped = rewrapped.into_inner();
    assert_eq!(
        (rewrapped.remaining, rewrapped.master_key_id),
        (0, generation.id.clone())
    );
}
