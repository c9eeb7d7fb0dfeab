//! PostgreSQL goes away under a running vault and comes back: everybody is told that the vault is
//! unavailable, nobody that they or their keys are unknown, and nothing has to be restarted.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::future::join_all;
use keyway::client::Session;
use keyway::ready::get;
use keyway_proto::Reason;
use keyway_proto::billing::v1::Source;
use keyway_proto::vault::v1::{
    AuditServiceListRequest, GetKeyRequest, ListKeysRequest, ResolveKeysRequest, Role,
    SealServiceStatusRequest, TokenServiceCreateRequest, TokenServiceRevokeRequest,
    TokenServiceWhoAmIRequest, VerifyCallerRequest, WorkspaceServiceGetRequest,
};
use keyway_test_servers::Postgres;
use keyway_words::{CallId, Secret};
use tokio::time::{Instant, timeout};
use tonic::Status;

use crate::harness::{
    DEMO, Logs, Product, Setup, Speaker, VaultDatabase, Way, ask, reason, wait_for,
};

const CACHED: &str = "openai/gpt-5-mini";
const UNCACHED: &str = "anthropic/claude-haiku-4-5";
const KEY: &str = "workspaces/demo/keys/openai/default";
/// No bound of the database is longer than its lock timeout, 5 s.
const BOUND: Duration = Duration::from_secs(15);

#[tokio::test]
async fn every_call_is_told_that_the_vault_is_unavailable_while_its_database_is_away_and_served_after()
 {
    let server = Postgres::start().expect("PostgreSQL");
    let database = VaultDatabase::migrated_on(&server, "away").await;
    let product = Setup::new().on(&database).start().await;
    let _logs = Logs(&product);
    let admin = product.admin();
    let secret = "sk-keyway-test-away-0001";
    let before = admin.put_key(DEMO, "openai", secret).await.unwrap();
    for round in 1..=3 {
        let revoked = revoked(&product).await;
        server.crash().unwrap();
        everybody_is_told(&product, &revoked).await;
        readiness(&product, false).await;
        let alive = get(product.running.site.addresses.vault_operations, "/livez").await;
        assert_eq!(alive.unwrap().0, 200);
        everybody_is_told(&product, &revoked).await;
        server.restart().unwrap();
        let found = async || version(&admin).await.ok();
        let (version, took) = wait_for("the database again", found).await;
        assert_eq!(version, before.version, "what was refused was not done");
        assert!(took < BOUND, "round {round}: {took:?}");
        readiness(&product, true).await;
        served(&product, &revoked).await;
    }
    let after = admin.put_key(DEMO, "openai", secret).await.unwrap();
    assert_eq!(after.version, before.version + 1);
}

#[tokio::test]
async fn a_database_that_hangs_is_a_database_that_is_away() {
    let server = Postgres::start().expect("PostgreSQL");
    let database = VaultDatabase::migrated_on(&server, "hangs").await;
    let port = database.url.rsplit_once(':').expect("a port").1;
    let port = port
        .split_once('/')
        .expect("a port")
        .0
        .parse()
        .expect("a port");
    let way = Way::to(([127, 0, 0, 1], port).into()).await;
    let url = database
        .url
        .replace(&port.to_string(), &way.address().port().to_string());
    let setup = Setup::new()
        .with("KEYWAY_VAULT__DATABASE__PATH", "")
        .with("KEYWAY_VAULT__DATABASE__URL", &url)
        .with("KEYWAY_VAULT__DATABASE__STATEMENT_TIMEOUT", "3s");
    let product = setup.start().await;
    let _logs = Logs(&product);
    let admin = product.admin();
    let secret = "sk-keyway-test-hangs-0001";
    let before = admin.put_key(DEMO, "openai", secret).await.unwrap();
    for _round in 0..3 {
        let revoked = revoked(&product).await;
        // In the middle of a change: its connection must not keep the place of the next one.
        let changes = AtomicU32::new(0);
        let changing = ["anthropic", "google", "mistral", "exa"].map(async |provider| {
            let secret = || {
                let count = changes.fetch_add(1, Ordering::Relaxed);
                if count == 12 {
                    way.swallow();
                }
                format!("sk-keyway-test-hangs-{count:04}")
            };
            while admin.put_key(DEMO, provider, &secret()).await.is_ok() {}
        });
        join_all(changing).await;
        everybody_is_told(&product, &revoked).await;
        readiness(&product, false).await;
        way.mend();
        let found = async || version(&admin).await.ok();
        let (version, took) = wait_for("the database again", found).await;
        assert_eq!(version, before.version);
        assert!(took < BOUND, "{took:?}");
        readiness(&product, true).await;
        served(&product, &revoked).await;
    }
}

#[tokio::test]
async fn a_router_serves_what_it_holds_until_the_stale_bound_and_then_nothing_and_never_the_platforms()
 {
    let server = Postgres::start().expect("PostgreSQL");
    let database = VaultDatabase::migrated_on(&server, "stale").await;
    let setup = Setup::new()
        .on(&database)
        .with("KEYWAY_ROUTER__LEASE__STALE_BOUND", "10s")
        .with("KEYWAY_ROUTER__FEED__DEAD_AFTER", "5s")
        .with("KEYWAY_VAULT__FEED__BOOKMARK", "500ms");
    let product = setup.start().await;
    let _logs = Logs(&product);
    let admin = product.admin();
    for (provider, secret) in [
        ("openai", "sk-keyway-test-pg-0001"),
        ("anthropic", "sk-keyway-test-pg-uncached-0001"),
    ] {
        admin.put_key(DEMO, provider, secret).await.unwrap();
    }
    let revoked = product.speaker(&revoked(&product).await);
    product.until_served_by(CACHED, Source::Own).await;
    server.crash().unwrap();

    let caller = product.caller();
    let refused = caller.chat(ask(UNCACHED)).await.unwrap_err();
    assert_eq!(reason(&refused), Some(Reason::VaultUnavailable));
    let refused = revoked.chat(ask(CACHED)).await.unwrap_err();
    assert_eq!(reason(&refused), Some(Reason::VaultUnavailable));
    let mut served = 0;
    let gone = async || match caller.chat(ask(CACHED)).await {
        Ok(answer) => {
            let attempts = answer.receipt.expect("a receipt").attempts;
            assert!(
                attempts
                    .iter()
                    .all(|attempt| attempt.source() == Source::Own)
            );
            served += 1;
            None
        }
        Err(status) => Some(reason(&status)),
    };
    let (why, _) = wait_for("the stale bound", gone).await;
    assert_eq!(why, Some(Reason::VaultUnavailable));
    assert!(served > 0, "what it holds serves");
    for sent in product.simulator().journal().await {
        assert_eq!(sent["credential"]["last4"], "0001", "{sent}");
    }

    server.restart().unwrap();
    let again = async || match caller.chat(ask(UNCACHED)).await {
        Ok(answer) => Some(answer.receipt.expect("a receipt").attempts[0].source()),
        Err(status) => {
            assert_eq!(reason(&status), Some(Reason::VaultUnavailable));
            None
        }
    };
    let (source, _) = wait_for("a call", again).await;
    assert_eq!(source, Source::Own);
    product.until_served_by(CACHED, Source::Own).await;
}

/// Each kind of call at both planes, some of them many at once: more than there are connections.
async fn everybody_is_told(product: &Product, revoked: &str) {
    let admin = product.admin();
    let crowd: Vec<_> = (0..32).map(|_| admin.clone()).collect();
    let begin = Instant::now();
    let told = timeout(BOUND, async {
        let mut told = Box::pin(every_call(product, revoked)).await;
        let crowd = join_all(
            crowd
                .iter()
                .map(async |admin| version(admin).await.map(drop)),
        );
        told.extend(
            crowd
                .await
                .into_iter()
                .map(|answer| ("GetKey of a crowd", answer)),
        );
        told
    });
    let told = told.await.expect("within the bound");
    for (call, answer) in told {
        let status = answer.expect_err(call);
        let shown = format!("{call} after {:?}: {status:?}", begin.elapsed());
        assert_eq!(status.code(), tonic::Code::Unavailable, "{shown}");
        assert_eq!(reason(&status), Some(Reason::VaultUnavailable), "{shown}");
    }
}

/// Waits until every call is served, and the revoked token refused.
async fn served(product: &Product, revoked: &str) {
    let all = async || {
        let answers = Box::pin(every_call(product, revoked)).await.into_iter();
        let mut expected = answers.map(|(call, answer)| match answer {
            Err(status) if call == UNKNOWN => status.code() == tonic::Code::Unauthenticated,
            answer => call != UNKNOWN && answer.is_ok(),
        });
        expected.all(|so| so).then_some(())
    };
    let ((), took) = wait_for("every call", all).await;
    assert!(took < BOUND, "{took:?}");
}

const UNKNOWN: &str = "a revoked token";

async fn every_call(product: &Product, revoked: &str) -> Vec<(&'static str, Result<(), Status>)> {
    let (admin, operator) = (product.admin().vault, product.operator().vault);
    let unknown = product.speaker(revoked).vault;
    let router = router(product);
    let list = ListKeysRequest {
        owner: DEMO.to_owned(),
        ..Default::default()
    };
    let workspace = WorkspaceServiceGetRequest {
        name: DEMO.to_owned(),
    };
    let rows = AuditServiceListRequest {
        workspace: DEMO.to_owned(),
        ..Default::default()
    };
    let resolve = ResolveKeysRequest {
        workspace: DEMO.to_owned(),
        provider: "openai".to_owned(),
        call_id: CallId::new().to_string(),
        key: String::new(),
    };
    let verify = VerifyCallerRequest {
        token: product.running.access.call_token.expose().to_owned(),
        source_address: "127.0.0.1".to_owned(),
    };
    let me = TokenServiceWhoAmIRequest {};
    let status = SealServiceStatusRequest::default();
    let speaker = product.admin();
    let (mut keys, mut leases) = (admin.keys(), router.leases());
    let (mut workspaces, mut audit) = (admin.workspaces(), operator.audit());
    let (mut tokens, mut strange, mut seal) = (admin.tokens(), unknown.tokens(), operator.seal());
    let mut leases_too = leases.clone();
    let (one, two, three, four, five, six, seven, eight, nine) = tokio::join!(
        keys.list_keys(list),
        workspaces.get(workspace),
        audit.list(rows),
        leases.resolve_keys(resolve),
        leases_too.verify_caller(verify),
        tokens.who_am_i(me),
        strange.who_am_i(me),
        seal.status(status),
        speaker.put_key(DEMO, "exa", "sk-keyway-test-refused-0001"),
    );
    vec![
        ("ListKeys", one.map(drop)),
        ("Get", two.map(drop)),
        ("List", three.map(drop)),
        ("ResolveKeys", four.map(drop)),
        ("VerifyCaller", five.map(drop)),
        ("WhoAmI", six.map(drop)),
        (UNKNOWN, seven.map(drop)),
        ("Status", eight.map(drop)),
        ("PutKey", nine.map(drop)),
    ]
}

/// A token that has the form of one and opens nothing: only the database knows.
async fn revoked(product: &Product) -> String {
    let request = TokenServiceCreateRequest {
        workspace: DEMO.to_owned(),
        role: Role::Caller.into(),
        ..Default::default()
    };
    let token = product.admin().token(request).await;
    let mut tokens = product.speaker(&token).vault.tokens();
    let revoked = tokens.revoke(TokenServiceRevokeRequest::default()).await;
    revoked.expect("revoked");
    token
}

/// The data plane, as this installation's router.
fn router(product: &Product) -> Session {
    let token = std::fs::read_to_string(product.running.site.state.router_token());
    let token = Secret::new(token.expect("a token").trim().to_owned());
    Session::new(product.vault_data(), &token).expect("a session")
}

async fn version(admin: &Speaker) -> Result<u64, Status> {
    let request = GetKeyRequest {
        name: KEY.to_owned(),
    };
    let answer = admin.vault.keys().get_key(request).await?;
    Ok(answer.into_inner().key.expect("a key").version)
}

/// Waits until the vault is ready, or says that its database keeps it from being so.
async fn readiness(product: &Product, wanted: bool) {
    let address = product.running.site.addresses.vault_operations;
    let seen = async || {
        let (status, body) = get(address, "/readyz").await.ok()?;
        let is_so = if wanted {
            status == 200
        } else {
            status == 503 && body.contains("\"database\"")
        };
        is_so.then_some(())
    };
    wait_for("the readiness", seen).await;
}
