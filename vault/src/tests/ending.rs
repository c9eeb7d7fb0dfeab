//! The end of a workspace: deleted, perhaps taken back, in the end destroyed.

mod destruction;

use std::time::Duration;

use keyway_proto::Reason;
use keyway_proto::vault::v1::audit_service_client::AuditServiceClient;
use keyway_proto::vault::v1::*;
use tonic::Status;

use super::harness::{Bearer, World, limits, put_request, reason, secrets};
use crate::purge::Purge;
use crate::settings::Deletion;

const SECRET: &str = "sk-keyway-test-0123456789abcd";
const ACME: &str = "workspaces/acme";

fn named(name: &str) -> WorkspaceServiceGetRequest {
    WorkspaceServiceGetRequest {
        name: name.to_owned(),
    }
}

async fn get(world: &World, by: &Bearer) -> Result<Workspace, Status> {
    let answer = world.workspaces(by).get(named(ACME)).await?.into_inner();
    Ok(answer.workspace.unwrap())
}

/// A deletion that says everything right.
async fn request(world: &World, by: &Bearer) -> WorkspaceServiceDeleteRequest {
    WorkspaceServiceDeleteRequest {
        name: ACME.to_owned(),
        confirm_name: ACME.to_owned(),
        etag: get(world, by).await.unwrap().etag,
        deletion_delay: None,
    }
}

async fn delete(world: &World, by: &Bearer) -> Workspace {
    let request = request(world, by).await;
    let answer = world.workspaces(by).delete(request).await.unwrap();
    answer.into_inner().workspace.unwrap()
}

async fn undelete(world: &World, by: &Bearer) -> Result<Workspace, Status> {
    let request = WorkspaceServiceUndeleteRequest {
        name: ACME.to_owned(),
    };
    let answer = world.workspaces(by).undelete(request).await?;
    Ok(answer.into_inner().workspace.unwrap())
}

/// A job that trusts the clock, as tests set it.
fn trusting(world: &World) -> Purge {
    let deletion = Deletion {
        notice: Duration::ZERO,
        ..limits().deletion
    };
    Purge::new(world.store.clone(), deletion)
}

#[tokio::test]
async fn a_deletion_names_the_workspace_twice_and_its_current_etag() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let good = request(&world, &acme).await;
    let slip = WorkspaceServiceDeleteRequest {
        confirm_name: "workspaces/acne".to_owned(),
        ..good.clone()
    };
    let blind = WorkspaceServiceDeleteRequest {
        etag: String::new(),
        ..good.clone()
    };
    let stale = WorkspaceServiceDeleteRequest {
        etag: "acme.0".to_owned(),
        ..good.clone()
    };
    let mut workspaces = world.workspaces(&acme);
    for (bad, field) in [(slip, "confirm_name"), (blind, "etag")] {
        let status = workspaces.delete(bad).await.unwrap_err();
        assert!(status.message().starts_with(field), "{}", status.message());
    }
    assert_eq!(reason(workspaces.delete(stale).await), Reason::StaleEtag);
    assert_eq!(
        get(&world, &acme).await.unwrap().state(),
        WorkspaceState::Active
    );
    for seconds in [0, -1, 400 * 86_400] {
        let odd = WorkspaceServiceDeleteRequest {
            deletion_delay: Some(prost_types::Duration { seconds, nanos: 0 }),
            ..good.clone()
        };
        let status = workspaces.delete(odd).await.unwrap_err();
        assert!(
            status.message().starts_with("deletion_delay"),
            "{}",
            status.message()
        );
    }
    workspaces.delete(good).await.unwrap();
}

#[tokio::test]
async fn at_once_no_key_resolves_and_no_call_token_works_and_the_admin_keeps_what_undoes_it() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    world.put(&acme, ACME, "openai", SECRET).await;
    world
        .put(&world.operator, "platform", "openai", SECRET)
        .await;
    let call = world.token(&acme, "acme", Role::Caller, "").await;
    let deleted = delete(&world, &acme).await;
    assert_eq!(deleted.state(), WorkspaceState::Deleted);
    let purge = deleted.purge_time.unwrap().seconds - deleted.update_time.unwrap().seconds;
    assert_eq!(purge, 72 * 3600);

    let resolved = world.resolve("acme", "openai").await;
    assert!(secrets(&resolved).is_empty());
    assert_eq!(resolved.workspace_state(), WorkspaceState::Deleted);
    assert!(!world.verify(&call, "").await.known);
    assert!(world.verify(&acme, "").await.known, "for the billing reads");

    assert_eq!(get(&world, &acme).await.unwrap().etag, deleted.etag);
    let audit = AuditServiceListRequest {
        workspace: ACME.to_owned(),
        ..Default::default()
    };
    let mut reads = AuditServiceClient::new(world.admin(&acme));
    let rows = reads.list(audit).await.unwrap().into_inner().rows;
    let told = |row: &AuditRow| {
        row.rpc.ends_with("WorkspaceService/Delete") && row.facts_json.contains("purge_time")
    };
    assert!(rows.iter().any(told), "{rows:?}");
    everything_else_is_refused(&world, &acme).await;

    let back = undelete(&world, &acme).await.unwrap();
    assert_eq!(back.state(), WorkspaceState::Active);
    assert!(back.purge_time.is_none() && back.state_reason.is_empty());
    assert_eq!(secrets(&world.resolve("acme", "openai").await)[0], SECRET);
    assert!(world.verify(&call, "").await.known);
    undelete(&world, &acme).await.expect("twice is once");
}

async fn everything_else_is_refused(world: &World, acme: &Bearer) {
    let key = "workspaces/acme/keys/openai/default".to_owned();
    let mut refused = Vec::new();
    let mut note = |what: &str, refusal: Reason| refused.push((what.to_owned(), refusal));
    let mut keys = world.keys(acme);
    note(
        "put",
        reason(keys.put_key(put_request(ACME, "exa", SECRET)).await),
    );
    let name = GetKeyRequest { name: key.clone() };
    note("get", reason(keys.get_key(name).await));
    let list = ListKeysRequest {
        owner: ACME.to_owned(),
        ..Default::default()
    };
    note("list", reason(keys.list_keys(list).await));
    let update = UpdateKeyRequest {
        name: key.clone(),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["label".to_owned()],
        }),
        ..Default::default()
    };
    note("update", reason(keys.update_key(update).await));
    let remove = DeleteKeyRequest {
        name: key,
        ..Default::default()
    };
    note("delete", reason(keys.delete_key(remove).await));
    let members = MemberServiceListRequest {
        workspace: ACME.to_owned(),
        ..Default::default()
    };
    note("members", reason(world.members(acme).list(members).await));
    let tokens = TokenServiceListRequest {
        workspace: ACME.to_owned(),
        ..Default::default()
    };
    note("tokens", reason(world.tokens(acme).list(tokens).await));
    let again = request(world, acme).await;
    note(
        "delete again",
        reason(world.workspaces(acme).delete(again).await),
    );
    for (what, refusal) in refused {
        assert_eq!(refusal, Reason::WorkspaceDeleted, "{what}");
    }
}

#[tokio::test]
async fn taking_a_deletion_back_does_not_lift_a_suspension() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let suspend = WorkspaceServiceSuspendRequest {
        name: ACME.to_owned(),
        reason: "unpaid".to_owned(),
    };
    let mut operators = world.workspaces(&world.operator);
    operators.suspend(suspend).await.unwrap();
    delete(&world, &acme).await;
    let back = undelete(&world, &acme).await.unwrap();
    assert_eq!(back.state(), WorkspaceState::Suspended);
    assert_eq!(back.state_reason, "unpaid");
}

#[tokio::test]
async fn after_the_delay_it_can_not_be_taken_back_and_its_id_is_not_given_again() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    delete(&world, &acme).await;
    world.clock.advance(Duration::from_hours(72));
    let late = undelete(&world, &world.operator).await;
    assert_eq!(reason(late), Reason::WorkspaceDeleted);
    trusting(&world).sweep().await.unwrap();
    let gone = get(&world, &world.operator).await.unwrap();
    assert!(gone.destroy_time.is_some());
    let again = WorkspaceServiceCreateRequest {
        workspace_id: "acme".to_owned(),
        first_admin: "service:x".to_owned(),
        ..Default::default()
    };
    let created = world.workspaces(&world.operator).create(again).await;
    assert_eq!(reason(created), Reason::AlreadyExists);
    assert_eq!(reason(get(&world, &acme).await), Reason::CallerUnknown);
}

#[tokio::test]
async fn nothing_is_destroyed_before_its_time_or_after_it_was_taken_back() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    world.put(&acme, ACME, "openai", SECRET).await;
    let mut purge = trusting(&world);
    delete(&world, &acme).await;
    world.clock.advance(Duration::from_hours(71));
    purge.sweep().await.unwrap();
    undelete(&world, &acme).await.unwrap();
    world.clock.advance(Duration::from_hours(71));
    purge.sweep().await.unwrap();
    assert_eq!(secrets(&world.resolve("acme", "openai").await), [SECRET]);
}

#[tokio::test]
async fn a_clock_that_jumps_destroys_nothing_before_somebody_could_notice() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    world.put(&acme, ACME, "openai", SECRET).await;
    let mut purge = Purge::new(world.store.clone(), limits().deletion);
    delete(&world, &acme).await;
    purge.sweep().await.unwrap();
    world.clock.advance(Duration::from_hours(100));
    for _sweep in 0..3 {
        purge.sweep().await.unwrap();
    }
    world.clock.set(super::harness::NOW);
    purge.sweep().await.unwrap();
    undelete(&world, &acme).await.unwrap();
    assert_eq!(secrets(&world.resolve("acme", "openai").await), [SECRET]);
}
