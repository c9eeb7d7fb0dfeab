//! A flood of bad tokens stops nothing, and the record of it does not grow with it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures::future::join_all;
use keyway::Part;
use keyway_proto::vault::v1::ListKeysRequest;
use keyway_proto::vault::v1::key_service_client::KeyServiceClient;
use sea_orm::{ConnectionTrait as _, Database, DbBackend, Statement};
use tonic::metadata::MetadataValue;
use tonic::transport::Endpoint;
use tonic::{Code, Request};

use crate::harness::{DEMO, Logs, Product};

const SOURCES: u8 = 4;
const EACH: u64 = 12_500;
/// Bad tokens under way at once from one source.
const AT_ONCE: usize = 16;

#[tokio::test]
async fn a_flood_of_bad_tokens_stops_no_change_and_is_one_row_per_source_and_minute() {
    let mut product = Product::start().await;
    let over = Arc::new(AtomicBool::new(false));
    let changes = tokio::spawn(changes(product.admin(), Arc::clone(&over)));
    let address = product.running.site.addresses.vault;
    let sent = Arc::new(AtomicU64::new(0));
    let floods = (1..=SOURCES).map(|last| flood(format!("http://{address}"), last, &sent));
    join_all(floods).await;
    over.store(true, Ordering::Relaxed);
    let made = changes.await.expect("changes went on");
    let sent = sent.load(Ordering::Relaxed);
    assert_eq!(sent, u64::from(SOURCES) * EACH);
    assert!(made > 0, "no change got through");

    product.terminate(Part::Vault);
    assert_eq!(product.exit_code(Part::Vault).await, Some(0));
    let _logs = Logs(&product);
    let rows = rows(&product).await;
    let mut by_minute: BTreeMap<(String, i64), u64> = BTreeMap::new();
    for (subject, time, _count) in &rows {
        *by_minute
            .entry((subject.clone(), time / 60_000_000))
            .or_default() += 1;
    }
    assert!(by_minute.values().all(|rows| *rows == 1), "{by_minute:?}");
    let sources: std::collections::BTreeSet<_> = rows.iter().map(|row| &row.0).collect();
    assert_eq!(sources.len(), usize::from(SOURCES), "{rows:?}");
    let counted: u64 = rows.iter().map(|row| row.2).sum();
    println_once(&format!(
        "{sent} bad tokens, {made} changes beside them, {} rows, {counted} counted",
        rows.len()
    ));
    assert!(counted <= sent && counted > 0, "{counted} of {sent}");
}

fn println_once(line: &str) {
    use std::io::Write as _;
    drop(writeln!(std::io::stderr(), "{line}"));
}

/// Changes, one after the other, until the flood is over; how many.
async fn changes(admin: crate::harness::Speaker, over: Arc<AtomicBool>) -> u64 {
    let mut made = 0;
    while !over.load(Ordering::Relaxed) {
        let stored = admin
            .put_key(DEMO, "openai", "sk-keyway-test-flood-0001")
            .await;
        stored.unwrap_or_else(|status| panic!("after {made} changes: {status:?}"));
        made += 1;
    }
    made
}

/// Bad tokens from one address, each another.
async fn flood(vault: String, last: u8, sent: &AtomicU64) {
    let source: IpAddr = [127, 0, 0, last].into();
    let endpoint = Endpoint::new(vault)
        .expect("an address")
        .local_address(Some(source));
    let channel = endpoint.connect().await.expect("a connection");
    let each = EACH / AT_ONCE as u64;
    let extra = EACH % AT_ONCE as u64;
    let senders = (0..AT_ONCE as u64).map(|sender| {
        let mut keys = KeyServiceClient::new(channel.clone());
        let count = each + u64::from(sender < extra);
        async move {
            for number in 0..count {
                let token = bad_token(last, sender, number);
                let mut request = Request::new(ListKeysRequest::default());
                let value: MetadataValue<_> = format!("Bearer {token}").parse().expect("ascii");
                request.metadata_mut().insert("authorization", value);
                let refused = keys.list_keys(request).await.expect_err("refused");
                let known = [
                    Code::Unauthenticated,
                    Code::ResourceExhausted,
                    Code::Unavailable,
                ];
                // A connection with too many refusals is cut; the next call makes another.
                let is_cut = refused.code() == Code::Unknown;
                assert!(is_cut || known.contains(&refused.code()), "{refused:?}");
                sent.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    join_all(senders).await;
}

/// Half of them have no form at all.
fn bad_token(source: u8, sender: u64, number: u64) -> String {
    if number.is_multiple_of(2) {
        format!("nobody-{source}-{sender}-{number}")
    } else {
        format!("kwa_{source:03}{sender:016}{number:030}")
    }
}

/// Subject, time and count of the rows about unknown callers, by SQL.
async fn rows(product: &Product) -> Vec<(String, i64, u64)> {
    let file = product.running.site.state.vault_database();
    let database = Database::connect(format!("sqlite://{}?mode=ro", file.display()));
    let database = database.await.expect("the database");
    let sql = "SELECT subject, time, facts FROM audit_rows WHERE reason = 'CALLER_UNKNOWN'";
    let found = database
        .query_all_raw(Statement::from_string(DbBackend::Sqlite, sql))
        .await;
    let rows = found.expect("rows");
    rows.iter()
        .map(|row| {
            let facts: String = row.try_get_by_index(2).expect("facts");
            let facts: serde_json::Value = serde_json::from_str(&facts).expect("json");
            (
                row.try_get_by_index(0).expect("a subject"),
                row.try_get_by_index(1).expect("a time"),
                facts["count"].as_u64().expect("a count"),
            )
        })
        .collect()
}
