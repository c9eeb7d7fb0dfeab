//! What the ledger promises, against real databases of both kinds: one module per promise.

mod crash;
mod database;
mod durability;
mod exactly_once;
mod group_commit;
mod postgres;
mod rate;
mod reading;
mod relaying;
mod request_ids;
mod rerating;
mod retention;
mod shared_keys;
mod spend;
mod streaming;
mod summaries;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use keyway_chassis::clock::{Clock, ManualClock};
use keyway_chassis::lifecycle::Tasks;
use keyway_proto::billing::v1::UsageEvent;
use keyway_words::{Basis, CallId, EventKind, Outcome, ProviderId, Source, Timestamp, Usage, Usd};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};

use self::database::{TestDatabase, on_postgres};

use crate::{Amounts, Ledger, LedgerConfig, LedgerError, OpenAttempt, Settlement, UsageFilter};

/// 2026-11-24T00:00:00Z.
const START: Timestamp = Timestamp(1_795_478_400_000_000);

/// A migrated database and a clock.
struct Home {
    database: TestDatabase,
    clock: Arc<ManualClock>,
}

impl Home {
    async fn new() -> Self {
        Self {
            database: TestDatabase::migrated().await,
            clock: Arc::new(ManualClock::at(START)),
        }
    }

    fn config(&self) -> LedgerConfig {
        LedgerConfig {
            sequence_every: Duration::from_millis(1),
            follow_every: Duration::from_millis(5),
            probe_every: Duration::from_millis(20),
            ..LedgerConfig::new(self.database.address.clone())
        }
    }

    async fn start(&self) -> Arc<Ledger> {
        self.start_with(self.config()).await.unwrap()
    }

    async fn start_with(&self, config: LedgerConfig) -> Result<Arc<Ledger>, LedgerError> {
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        Ledger::start(config, clock, &Tasks::default()).await
    }

    /// Another connection to the database, as an operator would have.
    async fn outside(&self) -> DatabaseConnection {
        self.database.stranger().await
    }

    /// As if the lease of every writer so far had run out. On a file it has, once the lock is free.
    async fn all_writers_are_gone(&self) {
        let outside = self.outside().await;
        let gone = "UPDATE writers SET heartbeat_at = 1";
        outside.execute_unprepared(gone).await.unwrap();
    }
}

fn attempt(workspace: &str, source: Source) -> OpenAttempt {
    let owner = match source {
        Source::Own => format!("workspaces/{workspace}"),
        Source::Hosted => "platform".to_owned(),
    };
    OpenAttempt {
        call_id: CallId::new(),
        attempt: 1,
        kind: EventKind::Call,
        owner: format!("workspaces/{workspace}").parse().unwrap(),
        caller_accessor: "accessor-1".into(),
        labels: BTreeMap::from([("team".into(), "blue".into())]),
        end_user: "user-7".into(),
        endpoint: "chat".into(),
        provider: ProviderId::OpenAi,
        requested_model: "gpt-5.4".into(),
        source,
        key: format!("{owner}/keys/openai/default").parse().unwrap(),
        key_version: 3,
        request_id: None,
        started_at: START,
        price_table: "ab".repeat(32),
    }
}

fn completed() -> Settlement {
    let price = "0.000550000000".parse::<Usd>().unwrap();
    Settlement {
        usage: Some(Usage {
            input_tokens: Some(100),
            output_tokens: Some(20),
            ..Usage::default()
        }),
        raw_usage_json: r#"{"prompt_tokens":100,"completion_tokens":20}"#.into(),
        served_model: "gpt-5.4-2026-03-05".into(),
        service_tier: "default".into(),
        price_dimensions: BTreeMap::from([("inference_geo".into(), "global".into())]),
        amounts: Amounts {
            charge: Some(price),
            list_price: Some(price),
            ..Amounts::default()
        },
        ..Settlement::without_usage(
            Outcome::Completed,
            Basis::ProviderReported,
            "",
            START.plus_seconds(2),
        )
    }
}

fn failed() -> Settlement {
    Settlement::without_usage(Outcome::Failed, Basis::None, "PROVIDER_UNAVAILABLE", START)
}

/// Opens and settles one attempt, durably.
async fn one(ledger: &Ledger, workspace: &str, source: Source) -> CallId {
    let attempt = attempt(workspace, source);
    let call_id = attempt.call_id;
    let open = ledger.reserve().unwrap().open(attempt);
    open.durable().await.unwrap();
    open.settle(completed()).durable().await.unwrap();
    call_id
}

/// The first so many events of the stream, waiting for those that have no place yet.
async fn events(ledger: &Ledger, count: usize) -> Vec<UsageEvent> {
    let stream = ledger
        .stream(UsageFilter::default(), "", true)
        .await
        .unwrap();
    let taken = stream
        .take(count)
        .map(|item| item.unwrap().event.unwrap())
        .collect();
    tokio::time::timeout(Duration::from_secs(20), taken)
        .await
        .expect("all events arrive")
}

async fn number(database: &DatabaseConnection, sql: &str) -> i64 {
    let row = database
        .query_one_raw(Statement::from_string(database.get_database_backend(), sql))
        .await
        .unwrap()
        .unwrap();
    row.try_get_by_index(0).unwrap()
}

/// Waits for a condition, with a bound.
async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let met = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), met)
        .await
        .expect(what);
}

/// The suite in a process of its own, which takes its databases from a private PostgreSQL. To run one
/// test there by hand, set the same variable.
#[cfg(feature = "external")]
#[test]
fn the_whole_suite_passes_on_postgres_too() {
    use std::process::Command;

    if on_postgres() {
        return; // this is that process
    }
    let run = Command::new(std::env::current_exe().unwrap())
        .arg("tests::")
        .env("KEYWAY_TEST_DATABASE", "postgres")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}");
    assert!(said.contains("test result: ok."), "{said}");
}
