//! The end of a workspace as its people and its clients see it: refused at once, back while it can
//! be taken back, and gone for good after the delay, by the clocks of real processes.

use keyway_proto::Reason;
use keyway_proto::billing::v1::{ListUsageRequest, Source, UsageFilter};
use keyway_proto::vault::v1::{
    Workspace, WorkspaceServiceDeleteRequest, WorkspaceServiceGetRequest,
    WorkspaceServiceUndeleteRequest, WorkspaceState,
};
use tonic::Code;

use crate::harness::{Logs, Product, Setup, Speaker, Tenant, ask, reason, wait_for};

const MODEL: &str = "openai/gpt-5-mini";
const SECRET: &str = "sk-keyway-test-ending-0001";

async fn get(by: &Speaker, name: &str) -> Workspace {
    let request = WorkspaceServiceGetRequest {
        name: name.to_owned(),
    };
    let answer = by.vault.workspaces().get(request).await;
    answer.expect("shown").into_inner().workspace.expect("one")
}

async fn delete(by: &Speaker, name: &str, seconds: Option<i64>) -> Workspace {
    let request = WorkspaceServiceDeleteRequest {
        name: name.to_owned(),
        confirm_name: name.to_owned(),
        etag: get(by, name).await.etag,
        deletion_delay: seconds.map(|seconds| prost_types::Duration { seconds, nanos: 0 }),
    };
    let answer = by.vault.workspaces().delete(request).await;
    answer
        .expect("deleted")
        .into_inner()
        .workspace
        .expect("one")
}

/// Calls until the tenant's own key serves.
async fn served(tenant: &Tenant) {
    let own = async || {
        let answer = tenant.caller.chat(ask(MODEL)).await.ok()?;
        let receipt = answer.receipt?;
        (receipt.attempts.last()?.source() == Source::Own).then_some(())
    };
    wait_for("the own key", own).await;
}

#[tokio::test]
async fn a_deleted_workspace_makes_no_call_and_one_that_is_taken_back_calls_with_its_own_key() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let tenant = product.tenant("leaving").await;
    let admin = &tenant.admin;
    admin
        .put_key(&tenant.name, "openai", SECRET)
        .await
        .expect("stored");
    served(&tenant).await;
    let deleted = delete(admin, &tenant.name, None).await;
    assert_eq!(deleted.state(), WorkspaceState::Deleted);
    let refused = async || {
        let status = tenant.caller.chat(ask(MODEL)).await.err()?;
        let gone = matches!(
            reason(&status),
            Some(Reason::CallerUnknown | Reason::WorkspaceDeleted)
        );
        assert!(gone, "{status:?}");
        Some(())
    };
    wait_for("a refusal", refused).await;
    let before = product.simulator().journal().await.len();
    for _again in 0..3 {
        refused().await.expect("refused");
    }
    assert_eq!(product.simulator().journal().await.len(), before);

    let usage = ListUsageRequest {
        filter: Some(UsageFilter {
            workspace: tenant.name.clone(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let bill = admin.router.billing().list_usage(usage).await;
    assert!(!bill.expect("its bill").into_inner().events.is_empty());

    let request = WorkspaceServiceUndeleteRequest {
        name: tenant.name.clone(),
    };
    admin
        .vault
        .workspaces()
        .undelete(request)
        .await
        .expect("back");
    served(&tenant).await;
}

#[tokio::test]
async fn after_the_delay_the_keys_are_gone_for_good_and_the_bill_stays() {
    let setup = Setup::new().with("KEYWAY_VAULT__DELETION__SWEEP", "50ms");
    let product = setup.start().await;
    let _logs = Logs(&product);
    let tenant = product.tenant("leaving").await;
    tenant
        .admin
        .put_key(&tenant.name, "openai", SECRET)
        .await
        .expect("stored");
    served(&tenant).await;
    let operator = product.operator();
    delete(&tenant.admin, &tenant.name, Some(1)).await;
    let destroyed = async || get(&operator, &tenant.name).await.destroy_time;
    wait_for("the destruction", destroyed).await;
    let request = WorkspaceServiceUndeleteRequest {
        name: tenant.name.clone(),
    };
    let late = operator.vault.workspaces().undelete(request).await;
    assert_eq!(reason(&late.unwrap_err()), Some(Reason::WorkspaceDeleted));
    let admin_is_gone = async || {
        let request = WorkspaceServiceGetRequest {
            name: tenant.name.clone(),
        };
        let refused = tenant.admin.vault.workspaces().get(request).await.err()?;
        (refused.code() == Code::Unauthenticated).then_some(())
    };
    wait_for("the end of its admin", admin_is_gone).await;
    let usage = ListUsageRequest {
        filter: Some(UsageFilter {
            workspace: tenant.name.clone(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let bill = operator.router.billing().list_usage(usage).await;
    assert!(!bill.expect("its bill").into_inner().events.is_empty());
}
