//! Two vault processes on one PostgreSQL database.

use std::io::Write as _;

use keyway_proto::Reason;
use keyway_proto::vault::v1::{
    MemberServiceListRequest, MemberServicePutRequest, Role, TokenServiceCreateRequest,
};
use tonic::Status;

use crate::harness::{Setup, Speaker, VaultDatabase, reason};

const ROUNDS: usize = 100;
const WORKSPACE: &str = "workspaces/acme";
const ADMINS: [&str; 2] = ["service:first-admin", "service:second-admin"];

#[tokio::test]
async fn of_two_admins_who_demote_each_other_through_two_vaults_one_always_remains() {
    let database = VaultDatabase::migrated("two_admins").await;
    let product = Setup::new().on(&database).start().await;
    let replica = product.replica().await;
    let tenant = product.tenant("acme").await;
    let operator = product.operator();
    put(&tenant.admin, ADMINS[1], Role::Admin, "")
        .await
        .unwrap();
    let mut survivors = [0; 2];
    for round in 0..ROUNDS {
        let [first, second] = [
            product.speaker(&token(&operator, ADMINS[0]).await),
            replica.speaker(&product, &token(&operator, ADMINS[1]).await),
        ];
        let (one, other) = tokio::join!(
            put(&first, ADMINS[1], Role::Reader, ""),
            put(&second, ADMINS[0], Role::Reader, "")
        );
        let remaining = admins(&operator).await;
        assert_eq!(remaining.len(), 1, "round {round}: {one:?} {other:?}");
        let (won, lost) = if one.is_ok() { (0, other) } else { (1, one) };
        assert_eq!(remaining, [ADMINS[won]], "round {round}");
        let refused = lost.expect_err("both were demoted");
        assert!(
            matches!(reason(&refused), Some(Reason::Denied | Reason::LastAdmin)),
            "round {round}: {refused:?}"
        );
        survivors[won] += 1;
        put(&operator, ADMINS[1 - won], Role::Admin, "the next round")
            .await
            .unwrap();
    }
    let [first, second] = survivors;
    let told = writeln!(
        std::io::stderr(),
        "{ROUNDS} rounds: {first} times the first admin remained, {second} times the second"
    );
    drop(told);
    assert_eq!(first + second, ROUNDS);
    product.stop().await;
}

async fn put(by: &Speaker, subject: &str, role: Role, why: &str) -> Result<(), Status> {
    let request = MemberServicePutRequest {
        workspace: WORKSPACE.to_owned(),
        subject: subject.to_owned(),
        role: role.into(),
        reason: why.to_owned(),
    };
    by.vault.members().put(request).await.map(drop)
}

async fn token(operator: &Speaker, subject: &str) -> String {
    let request = TokenServiceCreateRequest {
        workspace: WORKSPACE.to_owned(),
        role: Role::Admin.into(),
        subject: subject.to_owned(),
        reason: "the next round".to_owned(),
        ..Default::default()
    };
    operator.token(request).await
}

async fn admins(operator: &Speaker) -> Vec<String> {
    let request = MemberServiceListRequest {
        workspace: WORKSPACE.to_owned(),
        ..Default::default()
    };
    let answer = operator.vault.members().list(request).await.unwrap();
    let members = answer.into_inner().members.into_iter();
    let admins = members.filter(|member| member.role() == Role::Admin);
    admins.map(|member| member.subject).collect()
}
