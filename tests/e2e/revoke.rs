//! What is deleted or revoked is not used for the next call, and what is stored is, both without a
//! restart; and what the workspace's two blocks say holds from the next call on.
//!
//! How long a change takes is the bench's business; here it only must not take for ever.

use std::time::Duration;

use futures::future::join_all;
use keyway_proto::Reason;
use keyway_proto::billing::v1::{ListUsageRequest, Source, UsageFilter};
use keyway_proto::router::v1::GetReceiptRequest;
use keyway_proto::vault::v1::{
    CredentialMode, FailureClass, MemberServicePutRequest, MemberServiceRemoveRequest,
    OperatorLimits, Policy, Role, TokenServiceCreateRequest, TokenServiceRevokeRequest,
    TokenServiceWhoAmIRequest, UpdateKeyRequest, WorkspaceServiceResumeRequest,
    WorkspaceServiceSuspendRequest, WorkspaceServiceUpdateRequest,
};
use prost_types::FieldMask;
use tonic::Status;

use crate::harness::{DEMO, Logs, Product, Speaker, ask, reason, wait_for};

const MODEL: &str = "openai/gpt-5-mini";
const KEY: &str = "workspaces/demo/keys/openai/default";
const PUT_KEY: &str = "keyway.vault.v1.KeyService/PutKey";
const BOUND: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_deleted_key_is_not_used_and_a_stored_one_is_without_a_restart() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let admin = product.admin();
    let (first, _) = product.caller().chat_once(MODEL).await;
    assert_eq!(first.source(), Source::Hosted);
    for round in 1..=3 {
        let secret = format!("sk-keyway-test-own-round-{round}");
        admin.put_key(DEMO, "openai", &secret).await.unwrap();
        let (_, stored) = product.until_served_by(MODEL, Source::Own).await;
        admin.delete_key(KEY).await.unwrap();
        let (_, deleted) = product.until_served_by(MODEL, Source::Hosted).await;
        assert!(stored < BOUND && deleted < BOUND, "{stored:?} {deleted:?}");
    }
}

#[tokio::test]
async fn a_new_version_takes_the_place_of_the_old_one() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    product
        .admin()
        .put_key(DEMO, "openai", "sk-keyway-test-version-0001")
        .await
        .unwrap();
    product.until_served_by(MODEL, Source::Own).await;
    let second = product
        .admin()
        .put_key(DEMO, "openai", "sk-keyway-test-version-0002")
        .await
        .unwrap();
    assert_eq!(second.version, 2);
    let caller = product.caller();
    let served = async || {
        let (attempt, _) = caller.chat_once(MODEL).await;
        assert_eq!(attempt.source(), Source::Own);
        (attempt.key_version == 2).then_some(())
    };
    wait_for("the new version", served).await;
    let journal = product.simulator().journal().await;
    let last = journal.last().expect("a request");
    assert_eq!(last["credential"]["last4"], "0002");
}

#[tokio::test]
async fn a_call_that_wants_an_own_key_only_is_refused_with_the_rpc_that_mends_it() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let mut request = ask(MODEL);
    request.credential_mode = CredentialMode::OwnOnly.into();
    let refused = product.caller().chat(request).await.unwrap_err();
    assert_eq!(reason(&refused), Some(Reason::NoKey));
    assert!(refused.message().contains(PUT_KEY), "{refused:?}");
    assert!(product.simulator().journal().await.is_empty());
}

#[tokio::test]
async fn a_token_that_revokes_itself_makes_no_more_calls() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let caller = product.caller();
    caller.chat_once(MODEL).await;
    let request = TokenServiceRevokeRequest::default();
    caller.vault.tokens().revoke(request).await.unwrap();
    until_refused(&caller, Reason::CallerUnknown).await;
    // It stays so: no cache brings it back.
    for _ in 0..20 {
        let refused = caller.chat(ask(MODEL)).await.unwrap_err();
        assert_eq!(reason(&refused), Some(Reason::CallerUnknown));
    }
}

#[tokio::test]
async fn a_token_that_its_admin_takes_away_makes_no_more_calls_and_another_goes_on() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let tenant = product.tenant("revoked").await;
    tenant.caller.chat_once(MODEL).await;
    let me = TokenServiceWhoAmIRequest {};
    let me = tenant.caller.vault.tokens().who_am_i(me).await.unwrap();
    let request = TokenServiceRevokeRequest {
        workspace: tenant.name.clone(),
        accessor: me.into_inner().accessor,
        ..Default::default()
    };
    tenant.admin.vault.tokens().revoke(request).await.unwrap();
    until_refused(&tenant.caller, Reason::CallerUnknown).await;
    product.caller().chat_once(MODEL).await;
}

#[tokio::test]
async fn a_role_that_is_taken_away_is_gone_at_the_router_too() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let (_, call_id) = product.caller().chat_once(MODEL).await;
    let admin = product.admin();
    let subject = "service:second-admin".to_owned();
    let workspace = DEMO.to_owned();
    let member = |role: Role| MemberServicePutRequest {
        workspace: DEMO.to_owned(),
        subject: "service:second-admin".to_owned(),
        role: role.into(),
        ..Default::default()
    };
    let mut members = admin.vault.members();
    members.put(member(Role::Admin)).await.unwrap();
    let request = TokenServiceCreateRequest {
        workspace: workspace.clone(),
        role: Role::Admin.into(),
        subject: subject.clone(),
        ..Default::default()
    };
    let second = product.speaker(&admin.token(request).await);
    assert_ne!(usage(&second).await, Some(Reason::Denied));
    receipt(&second, &call_id).await.unwrap();

    members.put(member(Role::Reader)).await.unwrap();
    let denied = async || (usage(&second).await == Some(Reason::Denied)).then_some(());
    wait_for("the lower role", denied).await;
    receipt(&second, &call_id).await.unwrap();

    let request = MemberServiceRemoveRequest {
        workspace,
        subject,
        ..Default::default()
    };
    members.remove(request).await.unwrap();
    let unknown = async || receipt(&second, &call_id).await.err();
    let (refused, delay) = wait_for("no role", unknown).await;
    assert_eq!(reason(&refused), Some(Reason::CallerUnknown));
    assert!(delay < BOUND, "{delay:?}");
}

/// Why usage can't be listed, which takes an admin.
async fn usage(speaker: &Speaker) -> Option<Reason> {
    let request = ListUsageRequest {
        filter: Some(UsageFilter {
            workspace: DEMO.to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let answer = speaker.router.billing().list_usage(request).await;
    answer.err().as_ref().and_then(reason)
}

/// Reads a receipt, which a reader may.
async fn receipt(speaker: &Speaker, call_id: &str) -> Result<(), Status> {
    let request = GetReceiptRequest {
        call_id: call_id.to_owned(),
        workspace: DEMO.to_owned(),
    };
    let mut execution = speaker.router.execution();
    execution.get_receipt(request).await.map(drop)
}

#[tokio::test]
async fn a_disabled_key_is_refused_and_never_replaced_by_the_platforms() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let admin = product.admin();
    let secret = "sk-keyway-test-disabled-0001";
    admin.put_key(DEMO, "openai", secret).await.unwrap();
    product.until_served_by(MODEL, Source::Own).await;
    switch(&admin, true).await;
    // Until the change is heard, the key serves; the platform's never does.
    until_refused(&product.caller(), Reason::KeyDisabled).await;
    switch(&admin, false).await;
    let caller = product.caller();
    let served = async || match caller.chat(ask(MODEL)).await {
        Ok(answer) => Some(answer.receipt.expect("a receipt").attempts[0].source()),
        Err(status) => {
            assert_eq!(reason(&status), Some(Reason::KeyDisabled));
            None
        }
    };
    let (source, _) = wait_for("the key again", served).await;
    assert_eq!(source, Source::Own);
    let journal = product.simulator().journal().await;
    let hosted = journal
        .iter()
        .find(|sent| sent["credential"]["last4"] != "0001");
    assert_eq!(hosted, None);
}

#[tokio::test]
async fn a_policy_holds_from_the_next_call_on_and_a_request_may_tighten_but_never_loosen_it() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let (admin, caller) = (product.admin(), product.caller());
    caller.chat_once(MODEL).await;

    set_mode(&admin, CredentialMode::OwnOnly).await;
    until_refused(&caller, Reason::NoKey).await;
    for mode in [CredentialMode::HostedOnly, CredentialMode::OwnThenHosted] {
        let mut request = ask(MODEL);
        request.credential_mode = mode.into();
        let refused = caller.chat(request).await.unwrap_err();
        let why = reason(&refused);
        let tight = [Some(Reason::FieldInvalid), Some(Reason::NoKey)].contains(&why);
        assert!(tight, "{mode:?}: {refused:?}");
    }

    set_mode(&admin, CredentialMode::OwnThenHosted).await;
    product.until_hosted_again().await;
    let secret = "sk-keyway-test-policy-0001";
    admin.put_key(DEMO, "openai", secret).await.unwrap();
    product.until_served_by(MODEL, Source::Own).await;
    let mut request = ask(MODEL);
    request.credential_mode = CredentialMode::HostedOnly.into();
    let answer = caller.chat(request).await.unwrap();
    let attempts = answer.receipt.expect("a receipt").attempts;
    assert_eq!(attempts[0].source(), Source::Hosted);

    set_mode(&admin, CredentialMode::HostedOnly).await;
    product.until_served_by(MODEL, Source::Hosted).await;
}

#[tokio::test]
async fn the_operators_block_holds_from_the_next_call_on() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let (operator, caller) = (product.operator(), product.caller());
    caller.chat_once(MODEL).await;
    hosted_allowed(&operator, false).await;
    let refused = until_refused(&caller, Reason::HostedNotAllowed).await;
    assert!(refused.contains(PUT_KEY), "{refused}");
    hosted_allowed(&operator, true).await;
    product.until_hosted_again().await;

    let name = DEMO.to_owned();
    let suspend = WorkspaceServiceSuspendRequest {
        name: name.clone(),
        reason: "a test".to_owned(),
    };
    operator.vault.workspaces().suspend(suspend).await.unwrap();
    until_refused(&caller, Reason::WorkspaceSuspended).await;
    let resume = WorkspaceServiceResumeRequest { name };
    operator.vault.workspaces().resume(resume).await.unwrap();
    product.until_hosted_again().await;
}

/// Calls until it is refused for this reason, and never for another; what the refusal says.
async fn until_refused(caller: &Speaker, why: Reason) -> String {
    let refused = async || match caller.chat(ask(MODEL)).await {
        Ok(_) => None, // the change is still on its way
        Err(status) => {
            assert_eq!(reason(&status), Some(why), "{status:?}");
            Some(status.message().to_owned())
        }
    };
    let (message, delay) = wait_for("a refusal", refused).await;
    assert!(delay < BOUND, "{delay:?}");
    message
}

impl Product {
    /// Calls until the platform's key serves after a refusal.
    async fn until_hosted_again(&self) {
        let caller = self.caller();
        let served = async || caller.chat(ask(MODEL)).await.ok();
        let (answer, delay) = wait_for("a hosted call", served).await;
        assert!(delay < BOUND, "{delay:?}");
        let attempts = answer.receipt.expect("a receipt").attempts;
        assert_eq!(attempts[0].source(), Source::Hosted);
    }
}

async fn switch(admin: &Speaker, disabled: bool) {
    let request = UpdateKeyRequest {
        name: KEY.to_owned(),
        disabled,
        update_mask: Some(mask("disabled")),
        ..Default::default()
    };
    admin.vault.keys().update_key(request).await.unwrap();
}

async fn set_mode(admin: &Speaker, mode: CredentialMode) {
    let policy = Policy {
        credential_mode: mode.into(),
        ..Default::default()
    };
    let request = WorkspaceServiceUpdateRequest {
        name: DEMO.to_owned(),
        policy: Some(policy),
        update_mask: Some(mask("policy.credential_mode")),
        ..Default::default()
    };
    admin.vault.workspaces().update(request).await.unwrap();
}

async fn hosted_allowed(operator: &Speaker, allowed: bool) {
    let limits = OperatorLimits {
        hosted_allowed: Some(allowed),
        ..Default::default()
    };
    let request = WorkspaceServiceUpdateRequest {
        name: DEMO.to_owned(),
        operator_limits: Some(limits),
        update_mask: Some(mask("operator_limits.hosted_allowed")),
        ..Default::default()
    };
    operator.vault.workspaces().update(request).await.unwrap();
}

fn mask(path: &str) -> FieldMask {
    FieldMask {
        paths: vec![path.to_owned()],
    }
}

const CLASSES: [FailureClass; 2] = [FailureClass::RateLimited, FailureClass::KeyExhausted];

#[tokio::test]
async fn changes_that_leave_a_key_as_it_is_fail_no_call_that_waits_to_use_it() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    product.caller().chat_once(MODEL).await;
    let admin = product.admin();
    let changing = async {
        for round in 0..200 {
            let update = WorkspaceServiceUpdateRequest {
                name: DEMO.to_owned(),
                policy: Some(Policy {
                    fallback_on: vec![CLASSES[round % 2].into()],
                    ..Default::default()
                }),
                update_mask: Some(FieldMask {
                    paths: vec!["policy.fallback_on".to_owned()],
                }),
                ..Default::default()
            };
            admin.vault.workspaces().update(update).await.unwrap();
        }
    };
    let callers = (0..8).map(async |_| {
        let caller = product.caller();
        for _ in 0..50 {
            let (attempt, _) = caller.chat_once(MODEL).await;
            assert_eq!(attempt.source(), Source::Hosted);
        }
    });
    tokio::join!(changing, join_all(callers));
}
