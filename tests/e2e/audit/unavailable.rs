//! While the record can't be written nothing is done and nothing leaves, with a reason and within a
//! bound; readiness says so, reads go on, and it comes back by itself.

use std::time::Duration;

use keyway::ready::get;
use keyway_proto::Reason;
use keyway_proto::vault::v1::lease_service_client::LeaseServiceClient;
use keyway_proto::vault::v1::{GetKeyRequest, ResolveKeysRequest};
use keyway_words::CallId;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection};
use tokio::time::timeout;
use tonic::metadata::MetadataValue;
use tonic::{Request, Status};

use crate::harness::{DEMO, Logs, Product, Setup, reason, wait_for};

const KEY: &str = "workspaces/demo/keys/openai/default";
/// The bound of the database is set to 1 s; whatever takes this long hangs.
const BOUND: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_record_that_can_not_be_written_stops_changes_and_resolves_and_nothing_else() {
    let setup = Setup::new()
        .with("KEYWAY_VAULT__DATABASE__LOCK_TIMEOUT", "1s")
        .with("KEYWAY_VAULT__AUDIT__CHECK_INTERVAL", "200ms");
    let product = setup.start().await;
    let _logs = Logs(&product);
    store(&product).await.unwrap();
    let troubles = [
        (
            "a trigger that refuses",
            "CREATE TRIGGER broken BEFORE INSERT ON audit_rows BEGIN SELECT RAISE(ABORT, 'no'); END",
            "DROP TRIGGER broken",
        ),
        (
            "rows that are gone",
            "ALTER TABLE audit_rows RENAME TO elsewhere",
            "ALTER TABLE elsewhere RENAME TO audit_rows",
        ),
        (
            "heads that are gone",
            "ALTER TABLE audit_heads RENAME TO elsewhere",
            "ALTER TABLE elsewhere RENAME TO audit_heads",
        ),
        ("a stranger's lock", "BEGIN IMMEDIATE", "ROLLBACK"),
    ];
    for (name, begin, end) in troubles {
        let before = version(&product).await;
        let stranger = stranger(&product).await;
        stranger.execute_unprepared(begin).await.expect(name);
        let refused = timeout(BOUND, store(&product))
            .await
            .expect(name)
            .unwrap_err();
        assert_eq!(reason(&refused), Some(Reason::AuditUnavailable), "{name}");
        let refused = timeout(BOUND, resolve(&product))
            .await
            .expect(name)
            .unwrap_err();
        assert_eq!(reason(&refused), Some(Reason::AuditUnavailable), "{name}");
        ready(&product, false).await;
        assert_eq!(version(&product).await, before, "{name}: nothing was done");
        stranger.execute_unprepared(end).await.expect(name);
        stranger.close().await.expect(name);
        ready(&product, true).await;
        store(&product).await.expect(name);
        resolve(&product).await.expect(name);
        assert_eq!(version(&product).await, before + 1, "{name}");
    }
}

#[tokio::test]
async fn trouble_with_the_record_shows_before_anybody_calls() {
    let setup = Setup::new().with("KEYWAY_VAULT__AUDIT__CHECK_INTERVAL", "200ms");
    let product = setup.start().await;
    let _logs = Logs(&product);
    let stranger = stranger(&product).await;
    let away = "ALTER TABLE audit_rows RENAME TO elsewhere";
    stranger.execute_unprepared(away).await.unwrap();
    ready(&product, false).await;
    let back = "ALTER TABLE elsewhere RENAME TO audit_rows";
    stranger.execute_unprepared(back).await.unwrap();
    ready(&product, true).await;
    stranger.close().await.unwrap();
}

async fn stranger(product: &Product) -> DatabaseConnection {
    let file = product.running.site.state.vault_database();
    let mut options = sea_orm::ConnectOptions::new(format!("sqlite://{}?mode=rw", file.display()));
    options.max_connections(1);
    Database::connect(options).await.expect("the database")
}

async fn store(product: &Product) -> Result<(), Status> {
    let stored = product.admin();
    let stored = stored.put_key(DEMO, "openai", "sk-keyway-test-record-0001");
    stored.await.map(drop)
}

async fn version(product: &Product) -> u64 {
    let request = GetKeyRequest {
        name: KEY.to_owned(),
    };
    let key = product.admin().vault.keys().get_key(request).await;
    key.expect("reads go on")
        .into_inner()
        .key
        .expect("a key")
        .version
}

/// What a router asks, by the router's own token.
async fn resolve(product: &Product) -> Result<(), Status> {
    let site = &product.running.site;
    let token = std::fs::read_to_string(site.state.router_token()).expect("the router's token");
    let data = site
        .environment
        .iter()
        .find(|(name, _)| *name == "KEYWAY_VAULT__DATA__LISTEN");
    let address = data.expect("an address").1.to_str().expect("an address");
    let mut client = LeaseServiceClient::connect(format!("http://{address}"))
        .await
        .expect("a connection");
    let mut request = Request::new(ResolveKeysRequest {
        workspace: DEMO.to_owned(),
        provider: "openai".to_owned(),
        call_id: CallId::new().to_string(),
        key: String::new(),
    });
    let value: MetadataValue<_> = format!("Bearer {}", token.trim()).parse().expect("ascii");
    request.metadata_mut().insert("authorization", value);
    client.resolve_keys(request).await.map(drop)
}

/// Waits until the vault says that it is ready, or that its record keeps it from being so.
async fn ready(product: &Product, wanted: bool) {
    let address = product.running.site.addresses.vault_operations;
    let seen = async || {
        let (status, body) = get(address, "/readyz").await.ok()?;
        let is_so = if wanted {
            status == 200
        } else {
            status == 503 && body.contains("\"audit\"")
        };
        is_so.then_some(())
    };
    wait_for("the readiness", seen).await;
}
