//! Credentials of an issuer at both services, and streams that end with the credential that opened
//! them.

use keyway_proto::Reason;
use keyway_proto::billing::v1::stream_usage_request::Message as Asked;
use keyway_proto::billing::v1::{
    ListUsageRequest, StreamUsageOpen, StreamUsageRequest, StreamUsageResponse, UsageFilter,
};
use keyway_proto::vault::v1::{
    AuditServiceListRequest, MemberServicePutRequest, MemberServiceRemoveRequest, Role,
    TokenServiceCreateRequest, TokenServiceRevokeRequest,
};
use tonic::Streaming;

use crate::harness::{
    BOUND, DEMO, ISSUER, Issuer, Logs, Product, Setup, Speaker, ask, reason, subject, wait_for,
};

const MODEL: &str = "openai/gpt-5-mini";

/// A product whose vault trusts it for people and for routers.
async fn product(issuer: &Issuer) -> Product {
    let keys = issuer.keys();
    Setup::new()
        .with("KEYWAY_VAULT__OIDC__CORP__ISSUER", ISSUER)
        .with("KEYWAY_VAULT__OIDC__CORP__AUDIENCE", "keyway")
        .with("KEYWAY_VAULT__OIDC__CORP__ALGORITHMS", "ES256")
        .with("KEYWAY_VAULT__OIDC__CORP__KEYS", &keys)
        .with(
            "KEYWAY_VAULT__OIDC__CORP__GROUPS",
            "apps=workspaces/demo:call",
        )
        .with("KEYWAY_VAULT__JWT__SKEW", "0s")
        .with("KEYWAY_VAULT__KUBERNETES__EU__ISSUER", ISSUER)
        .with("KEYWAY_VAULT__KUBERNETES__EU__AUDIENCE", "keyway-vault")
        .with("KEYWAY_VAULT__KUBERNETES__EU__ALGORITHMS", "ES256")
        .with("KEYWAY_VAULT__KUBERNETES__EU__KEYS", &keys)
        .with(
            "KEYWAY_VAULT__KUBERNETES__EU__ROUTERS",
            "keyway:router=eu-1",
        )
        .start()
        .await
}

async fn seat(admin: &Speaker, subject: &str, role: Role) {
    let request = MemberServicePutRequest {
        workspace: DEMO.to_owned(),
        subject: subject.to_owned(),
        role: role.into(),
        ..Default::default()
    };
    admin.vault.members().put(request).await.expect("a member");
}

fn of_demo() -> UsageFilter {
    UsageFilter {
        workspace: DEMO.to_owned(),
        ..Default::default()
    }
}

async fn usage(speaker: &Speaker) -> Result<(), tonic::Status> {
    let request = ListUsageRequest {
        filter: Some(of_demo()),
        ..Default::default()
    };
    speaker.router.billing().list_usage(request).await.map(drop)
}

#[tokio::test]
async fn a_person_calls_with_the_issuers_token_and_reads_the_bill_while_a_member() {
    let issuer = Issuer::new();
    let product = product(&issuer).await;
    let _logs = Logs(&product);
    let app = product.speaker(&issuer.token("keyway", "app", 600, &["apps"]));
    app.chat_once(MODEL).await;
    assert_eq!(
        usage(&app).await.err().as_ref().and_then(reason),
        Some(Reason::Denied)
    );

    let alice = product.speaker(&issuer.token("keyway", "alice", 600, &[]));
    assert_eq!(
        usage(&alice).await.err().as_ref().and_then(reason),
        Some(Reason::Denied)
    );
    seat(&product.admin(), &subject("alice"), Role::Admin).await;
    let reads = async || usage(&alice).await.is_ok().then_some(());
    wait_for("the role at the router", reads).await;
    let chat = alice.chat(ask(MODEL)).await.unwrap_err();
    assert_eq!(reason(&chat), Some(Reason::Denied), "an admin is no client");

    let remove = MemberServiceRemoveRequest {
        workspace: DEMO.to_owned(),
        subject: subject("alice"),
        ..Default::default()
    };
    product
        .admin()
        .vault
        .members()
        .remove(remove)
        .await
        .unwrap();
    let refused = async || {
        let refusal = usage(&alice).await.err().as_ref().and_then(reason);
        (refusal == Some(Reason::Denied)).then_some(())
    };
    wait_for("the end of the role at the router", refused).await;
    for bad in [
        issuer.token("other", "app", 600, &["apps"]),
        issuer.token("keyway", "app", -61, &["apps"]),
        Issuer::new().token("keyway", "app", 600, &["apps"]),
    ] {
        let refused = product.speaker(&bad).chat(ask(MODEL)).await.unwrap_err();
        assert_eq!(reason(&refused), Some(Reason::CallerUnknown));
    }
}

#[tokio::test]
async fn a_router_goes_on_with_a_renewed_token_of_its_service_account() {
    let issuer = Issuer::new();
    let product = product(&issuer).await;
    let _logs = Logs(&product);
    product.caller().chat_once(MODEL).await;
    let account = "system:serviceaccount:keyway:router";
    let token = issuer.token("keyway-vault", account, 600, &[]);
    let file = product.running.site.state.router_token();
    std::fs::write(file, token).expect("the token's file");
    let admin = product.admin();
    // Each round needs a lease, because a change ends the one there was.
    let by_account = async || {
        let secret = "sk-keyway-test-service-account";
        admin.put_key(DEMO, "openai", secret).await.ok()?;
        product.caller().chat(ask(MODEL)).await.ok()?;
        let list = AuditServiceListRequest {
            workspace: DEMO.to_owned(),
            ..Default::default()
        };
        let rows = admin.vault.audit().list(list).await.ok()?.into_inner().rows;
        rows.iter()
            .any(|row| row.rpc.ends_with("/ResolveKeys") && row.accessor == "router:eu-1")
            .then_some(())
    };
    wait_for("a lease under the service account", by_account).await;
}

/// The demo workspace's stream of usage, followed.
async fn follow(speaker: &Speaker) -> Streaming<StreamUsageResponse> {
    let open = StreamUsageOpen {
        filter: Some(of_demo()),
        follow: true,
        ..Default::default()
    };
    let message = Some(Asked::Open(open));
    let asked = tokio_stream::once(StreamUsageRequest { message });
    let stream = speaker.router.billing().stream_usage(asked).await;
    stream.expect("a stream").into_inner()
}

/// What a stream ends with, in time.
async fn end(mut stream: Streaming<StreamUsageResponse>) -> Option<Reason> {
    let ended = async {
        loop {
            match stream.message().await {
                Ok(Some(_event)) => {}
                Ok(None) => return None,
                Err(status) => return reason(&status),
            }
        }
    };
    let ended = tokio::time::timeout(BOUND, ended).await;
    ended.expect("the stream goes on")
}

#[tokio::test]
async fn a_stream_of_usage_ends_with_its_token_its_role_and_its_time_and_no_other_does() {
    let issuer = Issuer::new();
    let product = product(&issuer).await;
    let _logs = Logs(&product);
    let admin = product.admin();
    seat(&admin, "service:reader-to-be", Role::Admin).await;
    seat(&admin, &subject("alice"), Role::Admin).await;
    let create = TokenServiceCreateRequest {
        workspace: DEMO.to_owned(),
        role: Role::Admin.into(),
        subject: "service:reader-to-be".to_owned(),
        ..Default::default()
    };
    let make = async || {
        let made = admin.vault.tokens().create(create.clone()).await;
        made.expect("a token").into_inner()
    };
    let (revoked, demoted) = (make().await, make().await);
    let short = issuer.token("keyway", "alice", 8, &[]);
    let by_revoked = follow(&product.speaker(&revoked.secret)).await;
    let by_demoted = follow(&product.speaker(&demoted.secret)).await;
    let by_short = follow(&product.speaker(&short)).await; // it has eight seconds
    let mut by_admin = follow(&admin).await;

    let revoke = TokenServiceRevokeRequest {
        workspace: DEMO.to_owned(),
        accessor: revoked.token.expect("a token").accessor,
        ..Default::default()
    };
    admin.vault.tokens().revoke(revoke).await.unwrap();
    assert_eq!(end(by_revoked).await, Some(Reason::CallerUnknown));
    seat(&admin, "service:reader-to-be", Role::Reader).await;
    assert_eq!(end(by_demoted).await, Some(Reason::Denied));
    product.caller().chat_once(MODEL).await;
    let event = tokio::time::timeout(BOUND, by_admin.message()).await;
    assert!(event.expect("an event").expect("no end").is_some());
    assert_eq!(end(by_short).await, Some(Reason::CallerUnknown));
}
