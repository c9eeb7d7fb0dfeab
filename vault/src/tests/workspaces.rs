//! Workspaces and the two blocks that rule them.

use keyway_proto::Reason;
use keyway_proto::vault::v1::*;
use prost_types::FieldMask;

use super::harness::{World, reason};

fn update(block: &str) -> WorkspaceServiceUpdateRequest {
    WorkspaceServiceUpdateRequest {
        name: "workspaces/acme".to_owned(),
        update_mask: Some(FieldMask {
            paths: vec![block.to_owned()],
        }),
        ..Default::default()
    }
}

#[tokio::test]
async fn each_block_is_changed_by_its_owner() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let (mut admins, mut operators) = (world.workspaces(&acme), world.workspaces(&world.operator));
    let mode = |mode: i32| WorkspaceServiceUpdateRequest {
        policy: Some(Policy {
            credential_mode: mode,
            ..Default::default()
        }),
        ..update("policy.credential_mode")
    };
    let own_only = mode(CredentialMode::OwnOnly.into());
    assert_eq!(
        reason(operators.update(own_only.clone()).await),
        Reason::Denied
    );
    let changed = admins
        .update(own_only)
        .await
        .unwrap()
        .into_inner()
        .workspace
        .unwrap();
    assert_eq!(
        changed.policy.unwrap().credential_mode(),
        CredentialMode::OwnOnly
    );
    let limits = WorkspaceServiceUpdateRequest {
        operator_limits: Some(OperatorLimits {
            hosted_allowed: Some(false),
            ..Default::default()
        }),
        ..update("operator_limits.hosted_allowed")
    };
    assert_eq!(reason(admins.update(limits.clone()).await), Reason::Denied);
    let changed = operators
        .update(limits)
        .await
        .unwrap()
        .into_inner()
        .workspace
        .unwrap();
    assert_eq!(changed.operator_limits.unwrap().hosted_allowed, Some(false));
    assert_eq!(reason(admins.update(mode(77)).await), Reason::FieldInvalid);
    assert_eq!(
        reason(admins.update(update("policy.nothing")).await),
        Reason::FieldInvalid
    );
}

#[tokio::test]
async fn a_spending_limit_is_an_amount_and_not_negative() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let with = |amount: &str| WorkspaceServiceUpdateRequest {
        policy: Some(Policy {
            limits: Some(Limits {
                hosted_spend_per_month_usd: Some(amount.to_owned()),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..update("policy.limits")
    };
    for good in ["0", "25", "25.5", "0.000000000001"] {
        world.workspaces(&acme).update(with(good)).await.unwrap();
    }
    for bad in ["", "-1", "1e3", "1.", "0.0000000000001", "free"] {
        let refused = world.workspaces(&acme).update(with(bad)).await;
        assert_eq!(reason(refused), Reason::FieldInvalid, "{bad}");
    }
}

#[tokio::test]
async fn an_id_is_never_given_again_and_a_creation_can_be_repeated() {
    let world = World::new().await;
    let create = |request_id: &str| WorkspaceServiceCreateRequest {
        workspace_id: "acme".to_owned(),
        first_admin: "service:x".to_owned(),
        request_id: request_id.to_owned(),
        ..Default::default()
    };
    let mut operators = world.workspaces(&world.operator);
    let first = operators.create(create("one")).await.unwrap().into_inner();
    assert_eq!(
        operators.create(create("one")).await.unwrap().into_inner(),
        first
    );
    assert_eq!(
        reason(operators.create(create("two")).await),
        Reason::AlreadyExists
    );
}

#[tokio::test]
async fn a_stale_etag_changes_nothing() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let with = |etag: &str| WorkspaceServiceUpdateRequest {
        policy: Some(Policy::default()),
        etag: etag.to_owned(),
        ..update("policy")
    };
    let get = WorkspaceServiceGetRequest {
        name: "workspaces/acme".to_owned(),
    };
    let etag = world
        .workspaces(&acme)
        .get(get)
        .await
        .unwrap()
        .into_inner()
        .workspace
        .unwrap()
        .etag;
    world.workspaces(&acme).update(with(&etag)).await.unwrap();
    assert_eq!(
        reason(world.workspaces(&acme).update(with(&etag)).await),
        Reason::StaleEtag
    );
}

#[tokio::test]
async fn a_mask_changes_one_limit_and_clears_what_it_names_and_is_not_given() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let limits = |amount: Option<&str>, concurrency| Policy {
        credential_mode: CredentialMode::OwnOnly.into(),
        limits: Some(Limits {
            hosted_spend_per_month_usd: amount.map(str::to_owned),
            hosted_requests_per_minute: Some(60),
            concurrency,
        }),
        ..Default::default()
    };
    let change = async |path: &str, policy: Policy| {
        let request = WorkspaceServiceUpdateRequest {
            policy: Some(policy),
            ..update(path)
        };
        let answer = world.workspaces(&acme).update(request).await.unwrap();
        let policy = answer.into_inner().workspace.unwrap().policy.unwrap();
        (policy.credential_mode(), policy.limits.unwrap_or_default())
    };
    change("policy", limits(Some("25.5"), Some(9))).await;
    let (mode, one) = change(
        "policy.limits.concurrency",
        Policy {
            limits: Some(Limits {
                concurrency: Some(4),
                ..Default::default()
            }),
            ..Default::default()
        },
    )
    .await;
    assert_eq!(mode, CredentialMode::OwnOnly, "not named, not changed");
    assert_eq!(
        (one.concurrency, one.hosted_requests_per_minute),
        (Some(4), Some(60))
    );
    assert_eq!(
        one.hosted_spend_per_month_usd.as_deref(),
        Some("25.500000000000")
    );
    let path = "policy.limits.hosted_spend_per_month_usd";
    let (_mode, cleared) = change(path, Policy::default()).await;
    assert_eq!(cleared.hosted_spend_per_month_usd, None);
    assert_eq!(cleared.concurrency, Some(4));
    for bad in [
        "policy.limits.nothing",
        "policy.",
        "",
        "*",
        "policy.limits.concurrency.x",
    ] {
        let refused = world.workspaces(&acme).update(update(bad)).await;
        let refusal = reason(refused);
        assert!(
            matches!(refusal, Reason::FieldInvalid | Reason::Denied),
            "{bad}: {refusal:?}"
        );
    }
}

#[tokio::test]
async fn a_suspension_shows_its_reason_to_members_and_is_lifted_with_it() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let suspend = WorkspaceServiceSuspendRequest {
        name: "workspaces/acme".to_owned(),
        reason: "unpaid since October".to_owned(),
    };
    let mut operators = world.workspaces(&world.operator);
    operators.suspend(suspend.clone()).await.unwrap();
    assert_eq!(
        reason(world.workspaces(&acme).suspend(suspend).await),
        Reason::Denied
    );
    let get = WorkspaceServiceGetRequest {
        name: "workspaces/acme".to_owned(),
    };
    let mut admins = world.workspaces(&acme);
    let seen = admins.get(get.clone()).await.unwrap().into_inner();
    let seen = seen.workspace.unwrap();
    assert_eq!(seen.state(), WorkspaceState::Suspended);
    assert_eq!(seen.state_reason, "unpaid since October");
    let resume = WorkspaceServiceResumeRequest {
        name: "workspaces/acme".to_owned(),
    };
    operators.resume(resume).await.unwrap();
    let seen = admins.get(get).await.unwrap().into_inner();
    let seen = seen.workspace.unwrap();
    assert_eq!(
        (seen.state(), seen.state_reason.as_str()),
        (WorkspaceState::Active, "")
    );
}
