//! What is taken away at one of two vaults on PostgreSQL is taken away at both of two routers, whatever
//! it is and whichever vault each of them asks.

use std::io::Write as _;
use std::time::Duration;

use keyway_proto::Reason;
use keyway_proto::billing::v1::{ListUsageRequest, Source, UsageFilter};
use keyway_proto::router::v1::AttemptReceipt;
use keyway_proto::vault::v1::{
    CredentialMode, MemberServicePutRequest, MemberServiceRemoveRequest, Policy, Role,
    TokenServiceCreateRequest, TokenServiceRevokeRequest, UpdateKeyRequest,
    WorkspaceServiceSuspendRequest, WorkspaceServiceUpdateRequest,
};
use prost_types::FieldMask;
use tokio::time::Instant;
use tonic::Status;

use crate::harness::{Logs, Setup, Speaker, Tenant, VaultDatabase, ask, reason, wait_for};

const MODEL: &str = "openai/gpt-5-mini";
const MEMBER: &str = "service:taken-away";
/// Ten times what DESIGN promises; a router that heard of nothing would serve for 15 minutes.
const BOUND: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy)]
enum Kind {
    KeyDeleted,
    KeyDisabled,
    KeyReplaced,
    TokenRevoked,
    MemberRemoved,
    WorkspaceSuspended,
    PolicyChanged,
}

const KINDS: [Kind; 7] = [
    Kind::KeyDeleted,
    Kind::KeyDisabled,
    Kind::KeyReplaced,
    Kind::TokenRevoked,
    Kind::MemberRemoved,
    Kind::WorkspaceSuspended,
    Kind::PolicyChanged,
];

#[tokio::test]
async fn what_is_taken_away_at_either_vault_is_taken_away_at_both_routers() {
    let database = VaultDatabase::migrated("taken_away").await;
    let product = Setup::new().on(&database).start().await;
    let _logs = Logs(&product);
    let replica = product.replica().await;
    let theirs = format!("http://{}", replica.data);
    let second = [("KEYWAY_ROUTER__VAULT__ENDPOINT", theirs.as_str())];
    let second = product.second_router(&second).await;
    for (number, kind) in KINDS.into_iter().cycle().take(14).enumerate() {
        let tenant = product.tenant(&format!("tenant-{number}")).await;
        let token = warm(&tenant, kind).await;
        let routers = [product.speaker(&token), second.speaker(&token)];
        for router in &routers {
            let before = async || (!is_over(router, kind, &tenant.name).await).then_some(());
            wait_for("a use before the change", before).await;
        }
        // Each kind once at either vault.
        let at = if number < KINDS.len() {
            product.running.site.addresses.vault
        } else {
            replica.admin
        };
        let operator = product.running.access.operator_token.expose();
        let operator = product.operator().at_vault(at, operator);
        let admin = tenant.admin.at_vault(at, &tenant.token);
        take(
            kind,
            &tenant.name,
            &admin,
            &operator,
            &routers[0].at_vault(at, &token),
        )
        .await;
        let answered = Instant::now();
        for router in &routers {
            let over = async || is_over(router, kind, &tenant.name).await.then_some(());
            wait_for("the change", over).await;
        }
        let took = answered.elapsed();
        let told = writeln!(
            std::io::stderr(),
            "{kind:?} at {at}: over at both after {took:?}"
        );
        drop(told);
        assert!(took < BOUND, "{kind:?}: {took:?}");
        for router in routers.iter().cycle().take(20) {
            assert!(
                is_over(router, kind, &tenant.name).await,
                "{kind:?} came back"
            );
        }
    }
}

/// Stores an own key; the token that uses what will be taken away.
async fn warm(tenant: &Tenant, kind: Kind) -> String {
    let secret = "sk-keyway-test-taken-0001";
    let admin = &tenant.admin;
    admin.put_key(&tenant.name, "openai", secret).await.unwrap();
    if !matches!(kind, Kind::MemberRemoved) {
        return tenant.call_token.clone();
    }
    let request = MemberServicePutRequest {
        workspace: tenant.name.clone(),
        subject: MEMBER.to_owned(),
        role: Role::Admin.into(),
        ..Default::default()
    };
    admin.vault.members().put(request).await.unwrap();
    let request = TokenServiceCreateRequest {
        workspace: tenant.name.clone(),
        role: Role::Admin.into(),
        subject: MEMBER.to_owned(),
        ..Default::default()
    };
    admin.token(request).await
}

async fn take(kind: Kind, workspace: &str, admin: &Speaker, operator: &Speaker, bearer: &Speaker) {
    let key = format!("{workspace}/keys/openai/default");
    let name = workspace.to_owned();
    match kind {
        Kind::KeyDeleted => admin.delete_key(&key).await.unwrap(),
        Kind::KeyDisabled => {
            let request = UpdateKeyRequest {
                name: key,
                disabled: true,
                update_mask: Some(mask("disabled")),
                ..Default::default()
            };
            admin.vault.keys().update_key(request).await.unwrap();
        }
        Kind::KeyReplaced => {
            let secret = "sk-keyway-test-taken-0002";
            admin.put_key(workspace, "openai", secret).await.unwrap();
        }
        Kind::TokenRevoked => {
            let request = TokenServiceRevokeRequest::default();
            bearer.vault.tokens().revoke(request).await.unwrap();
        }
        Kind::MemberRemoved => {
            let request = MemberServiceRemoveRequest {
                workspace: name,
                subject: MEMBER.to_owned(),
                ..Default::default()
            };
            admin.vault.members().remove(request).await.unwrap();
        }
        Kind::WorkspaceSuspended => {
            let reason = "a test".to_owned();
            let request = WorkspaceServiceSuspendRequest { name, reason };
            operator.vault.workspaces().suspend(request).await.unwrap();
        }
        Kind::PolicyChanged => {
            let policy = Policy {
                credential_mode: CredentialMode::HostedOnly.into(),
                ..Default::default()
            };
            let request = WorkspaceServiceUpdateRequest {
                name,
                policy: Some(policy),
                update_mask: Some(mask("policy.credential_mode")),
                ..Default::default()
            };
            admin.vault.workspaces().update(request).await.unwrap();
        }
    }
}

/// Whether a router acts on the change. Anything but before and after is a failure.
async fn is_over(router: &Speaker, kind: Kind, workspace: &str) -> bool {
    if matches!(kind, Kind::MemberRemoved) {
        let refused = usage(router, workspace).await.err();
        return refused.is_some_and(|why| why == Some(Reason::CallerUnknown));
    }
    let answer = router.chat(ask(MODEL)).await;
    let answer = answer.map(|answer| answer.receipt.expect("a receipt").attempts);
    let is = |test: fn(&AttemptReceipt) -> bool| {
        let attempts = answer
            .as_ref()
            .unwrap_or_else(|status| panic!("{kind:?}: {status:?}"));
        attempts.last().is_some_and(test)
    };
    match kind {
        Kind::KeyDeleted | Kind::PolicyChanged => is(|last| last.source() == Source::Hosted),
        Kind::KeyReplaced => is(|last| last.key_version == 2),
        Kind::KeyDisabled => refused(&answer, Reason::KeyDisabled),
        Kind::WorkspaceSuspended => refused(&answer, Reason::WorkspaceSuspended),
        Kind::TokenRevoked | Kind::MemberRemoved => refused(&answer, Reason::CallerUnknown),
    }
}

fn refused(answer: &Result<Vec<AttemptReceipt>, Status>, why: Reason) -> bool {
    match answer {
        Ok(attempts) => {
            assert!(
                attempts
                    .iter()
                    .all(|attempt| attempt.source() == Source::Own)
            );
            false
        }
        Err(status) => {
            assert_eq!(reason(status), Some(why), "{status:?}");
            true
        }
    }
}

async fn usage(speaker: &Speaker, workspace: &str) -> Result<(), Option<Reason>> {
    let request = ListUsageRequest {
        filter: Some(UsageFilter {
            workspace: workspace.to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let answer = speaker.router.billing().list_usage(request).await;
    answer.map(drop).map_err(|status| reason(&status))
}

fn mask(path: &str) -> FieldMask {
    FieldMask {
        paths: vec![path.to_owned()],
    }
}
