//! Members and tokens.

use keyway_proto::Reason;
use keyway_proto::vault::v1::*;

use super::harness::{Bearer, World, in_seconds, reason};

fn put(subject: &str, role: Role) -> MemberServicePutRequest {
    MemberServicePutRequest {
        workspace: "workspaces/acme".to_owned(),
        subject: subject.to_owned(),
        role: role.into(),
        ..Default::default()
    }
}

fn remove(subject: &str) -> MemberServiceRemoveRequest {
    MemberServiceRemoveRequest {
        workspace: "workspaces/acme".to_owned(),
        subject: subject.to_owned(),
        ..Default::default()
    }
}

fn create(role: Role, subject: &str) -> TokenServiceCreateRequest {
    TokenServiceCreateRequest {
        workspace: "workspaces/acme".to_owned(),
        role: role.into(),
        subject: subject.to_owned(),
        ..Default::default()
    }
}

async fn who(world: &World, bearer: &Bearer) -> Result<TokenServiceWhoAmIResponse, tonic::Status> {
    let answer = world
        .tokens(bearer)
        .who_am_i(TokenServiceWhoAmIRequest {})
        .await;
    Ok(answer?.into_inner())
}

#[tokio::test]
async fn the_last_admin_can_be_neither_removed_nor_demoted() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let first = "service:acme-admin";
    let mut members = world.members(&acme);
    assert_eq!(
        reason(members.remove(remove(first)).await),
        Reason::LastAdmin
    );
    assert_eq!(
        reason(members.put(put(first, Role::Reader)).await),
        Reason::LastAdmin
    );
    members
        .put(put("service:second", Role::Admin))
        .await
        .unwrap();
    members.put(put(first, Role::Reader)).await.unwrap();
    assert_eq!(
        who(&world, &acme).await.unwrap().role(),
        Role::Reader,
        "at most the member's role"
    );
}

#[tokio::test]
async fn of_two_admins_who_remove_each_other_at_once_one_stays() {
    let world = World::new().await;
    let one = world.workspace("acme").await;
    world
        .members(&one)
        .put(put("service:second", Role::Admin))
        .await
        .unwrap();
    let two = world
        .token(&one, "acme", Role::Admin, "service:second")
        .await;
    let (mut ones, mut twos) = (world.members(&one), world.members(&two));
    let (first, second) = tokio::join!(
        ones.remove(remove("service:second")),
        twos.remove(remove("service:acme-admin"))
    );
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    assert_eq!(
        world
            .number("SELECT count(*) FROM members WHERE role = 'admin'")
            .await,
        1
    );
}

#[tokio::test]
async fn removing_a_member_ends_the_members_tokens_at_once() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    world
        .members(&acme)
        .put(put("service:ci", Role::Reader))
        .await
        .unwrap();
    let reader = world.token(&acme, "acme", Role::Reader, "service:ci").await;
    let call = world.token(&acme, "acme", Role::Caller, "service:ci").await;
    assert!(world.verify(&call, "").await.known);
    world
        .members(&acme)
        .remove(remove("service:ci"))
        .await
        .unwrap();
    assert!(!world.verify(&reader, "").await.known);
    assert!(!world.verify(&call, "").await.known);
    assert_eq!(reason(who(&world, &reader).await), Reason::CallerUnknown);
}

#[tokio::test]
async fn a_token_has_at_most_its_members_role_and_ends_within_a_year() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    world
        .members(&acme)
        .put(put("service:ci", Role::Reader))
        .await
        .unwrap();
    let mut tokens = world.tokens(&acme);
    assert_eq!(
        reason(tokens.create(create(Role::Admin, "service:ci")).await),
        Reason::FieldInvalid
    );
    assert_eq!(
        reason(tokens.create(create(Role::Reader, "service:x")).await),
        Reason::MemberNotFound
    );
    for expire_time in [in_seconds(0), in_seconds(367 * 86_400)] {
        let request = TokenServiceCreateRequest {
            expire_time,
            ..create(Role::Reader, "service:ci")
        };
        assert_eq!(reason(tokens.create(request).await), Reason::FieldInvalid);
    }
    let request = TokenServiceCreateRequest {
        source_networks: vec!["10.0.0.1/8".to_owned()],
        ..create(Role::Reader, "service:ci")
    };
    assert_eq!(reason(tokens.create(request).await), Reason::FieldInvalid);
}

#[tokio::test]
async fn an_operator_makes_a_workspaces_first_admin_token_and_the_next_one_for_a_reason() {
    let world = World::new().await;
    world.workspace("acme").await;
    let mut tokens = world.tokens(&world.operator);
    let request = create(Role::Admin, "service:acme-admin");
    assert_eq!(
        reason(tokens.create(request.clone()).await),
        Reason::FieldInvalid
    );
    let request = TokenServiceCreateRequest {
        reason: "lost".to_owned(),
        ..request
    };
    tokens.create(request).await.unwrap();
    assert_eq!(
        reason(tokens.create(create(Role::Caller, "service:x")).await),
        Reason::Denied
    );
}

#[tokio::test]
async fn a_token_that_is_revoked_expired_or_used_from_elsewhere_is_unknown() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let request = TokenServiceCreateRequest {
        source_networks: vec!["192.0.2.0/24".to_owned()],
        expire_time: in_seconds(100),
        ..create(Role::Caller, "")
    };
    let made = world
        .tokens(&acme)
        .create(request)
        .await
        .unwrap()
        .into_inner();
    let call = Bearer::new(&made.secret);
    assert!(world.verify(&call, "192.0.2.9").await.known);
    assert!(!world.verify(&call, "192.0.3.9").await.known);
    assert!(!world.verify(&call, "").await.known);
    world.clock.advance(std::time::Duration::from_secs(100));
    assert!(!world.verify(&call, "192.0.2.9").await.known);

    let call = world.token(&acme, "acme", Role::Caller, "").await;
    let accessor = world.verify(&call, "").await.accessor;
    let request = TokenServiceRevokeRequest {
        workspace: "workspaces/acme".to_owned(),
        accessor,
        ..Default::default()
    };
    let revision = world
        .tokens(&acme)
        .revoke(request.clone())
        .await
        .unwrap()
        .into_inner()
        .revision;
    assert!(!world.verify(&call, "").await.known);
    let again = world
        .tokens(&acme)
        .revoke(request)
        .await
        .unwrap()
        .into_inner()
        .revision;
    assert_eq!(again, revision, "revoking twice is no second change");
}

#[tokio::test]
async fn a_token_of_another_workspace_is_not_found_and_stays() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let globex = world.workspace("globex").await;
    let accessor = who(&world, &globex).await.unwrap().accessor;
    for workspace in ["workspaces/acme", ""] {
        let request = TokenServiceRevokeRequest {
            workspace: workspace.to_owned(),
            accessor: accessor.clone(),
            ..Default::default()
        };
        let refused = reason(world.tokens(&acme).revoke(request).await);
        assert!(
            matches!(refused, Reason::TokenNotFound | Reason::Denied),
            "{refused:?}"
        );
    }
    assert!(who(&world, &globex).await.is_ok());
}

#[tokio::test]
async fn a_reader_sees_and_ends_tokens_of_its_own_subject_only() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    world
        .members(&acme)
        .put(put("service:ci", Role::Reader))
        .await
        .unwrap();
    let reader = world.token(&acme, "acme", Role::Reader, "service:ci").await;
    let request = TokenServiceListRequest {
        workspace: "workspaces/acme".to_owned(),
        ..Default::default()
    };
    let seen = world
        .tokens(&reader)
        .list(request.clone())
        .await
        .unwrap()
        .into_inner()
        .tokens;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].subject, "service:ci");
    assert_eq!(
        world
            .tokens(&acme)
            .list(request)
            .await
            .unwrap()
            .into_inner()
            .tokens
            .len(),
        2
    );
    let accessor = who(&world, &acme).await.unwrap().accessor;
    let request = TokenServiceRevokeRequest {
        workspace: "workspaces/acme".to_owned(),
        accessor,
        ..Default::default()
    };
    assert_eq!(
        reason(world.tokens(&reader).revoke(request).await),
        Reason::TokenNotFound
    );
    world
        .tokens(&reader)
        .revoke(TokenServiceRevokeRequest::default())
        .await
        .unwrap();
    assert!(!world.verify(&reader, "").await.known);
}

#[tokio::test]
async fn an_operator_removes_admins_for_a_reason_and_no_readers() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    world
        .members(&acme)
        .put(put("service:second", Role::Admin))
        .await
        .unwrap();
    world
        .members(&acme)
        .put(put("service:ci", Role::Reader))
        .await
        .unwrap();
    let mut members = world.members(&world.operator);
    let with_reason = |subject: &str| MemberServiceRemoveRequest {
        reason: "left the company".to_owned(),
        ..remove(subject)
    };
    assert_eq!(
        reason(members.remove(remove("service:second")).await),
        Reason::Denied
    );
    assert_eq!(
        reason(members.remove(with_reason("service:ci")).await),
        Reason::Denied
    );
    members.remove(with_reason("service:second")).await.unwrap();
}

#[tokio::test]
async fn an_admin_steps_down_while_another_stays_and_then_can_not_rise_alone() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let other = "oidc:https://id.example#second";
    let mut members = world.members(&acme);
    members.put(put(other, Role::Admin)).await.unwrap();
    members
        .put(put("service:acme-admin", Role::Reader))
        .await
        .unwrap();
    for act in [Role::Admin, Role::Reader] {
        let raise = members.put(put("service:acme-admin", act)).await;
        assert_eq!(reason(raise), Reason::Denied);
    }
    assert_eq!(reason(members.remove(remove(other)).await), Reason::Denied);
}

#[tokio::test]
async fn members_learn_from_their_own_audit_who_was_seated_and_why() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let seat = MemberServicePutRequest {
        reason: "the only admin left the company".to_owned(),
        ..put("service:new-admin", Role::Admin)
    };
    let mut operators = world.members(&world.operator);
    for bad in [
        put("service:new-admin", Role::Admin),
        put("service:x", Role::Reader),
    ] {
        assert_eq!(reason(operators.put(bad).await), Reason::Denied);
    }
    operators.put(seat).await.unwrap();
    let request = AuditServiceListRequest {
        workspace: "workspaces/acme".to_owned(),
        ..Default::default()
    };
    let mut audit = audit_service_client::AuditServiceClient::new(world.admin(&acme));
    let rows = audit.list(request).await.unwrap().into_inner().rows;
    let told = |row: &AuditRow| {
        row.rpc.ends_with("MemberService/Put") && row.facts_json.contains("left the company")
    };
    assert!(rows.iter().any(told), "{rows:?}");
}

#[tokio::test]
async fn of_two_admins_who_demote_themselves_at_once_one_stays() {
    let world = World::new().await;
    let one = world.workspace("acme").await;
    let second = "service:second";
    world
        .members(&one)
        .put(put(second, Role::Admin))
        .await
        .unwrap();
    let two = world.token(&one, "acme", Role::Admin, second).await;
    let (mut ones, mut twos) = (world.members(&one), world.members(&two));
    let (first, last) = tokio::join!(
        ones.put(put("service:acme-admin", Role::Reader)),
        twos.put(put(second, Role::Reader))
    );
    assert!(first.is_ok() != last.is_ok(), "{first:?} {last:?}");
    let admins = "SELECT count(*) FROM members WHERE role = 'admin'";
    assert_eq!(world.number(admins).await, 1);
}
