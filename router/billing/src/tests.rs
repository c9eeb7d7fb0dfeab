//! What the ledger promises, against real files: one module per promise.

mod crash;
mod durability;
mod exactly_once;
mod group_commit;
mod reading;
mod request_ids;
mod streaming;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use keyway_chassis::clock::{Clock, ManualClock};
use keyway_chassis::lifecycle::Tasks;
use keyway_proto::billing::v1::UsageEvent;
use keyway_words::{Basis, CallId, EventKind, Outcome, ProviderId, Source, Timestamp, Usage, Usd};
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement};

use crate::{Amounts, Ledger, LedgerConfig, LedgerError, OpenAttempt, Settlement, UsageFilter};

/// 2026-11-24T00:00:00Z.
const START: Timestamp = Timestamp(1_795_478_400_000_000);

/// A migrated database in a folder of its own.
struct Home {
    _folder: tempfile::TempDir,
    path: PathBuf,
    clock: Arc<ManualClock>,
}

impl Home {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("router.db");
        let url = format!("sqlite://{}?mode=rwc", path.display());
        let database = Database::connect(url).await.unwrap();
        keyway_migrations::router::migrate(&database).await.unwrap();
        database.close().await.unwrap();
        Self {
            _folder: folder,
            path,
            clock: Arc::new(ManualClock::at(START)),
        }
    }

    fn config(&self) -> LedgerConfig {
        LedgerConfig {
            sequence_every: Duration::from_millis(1),
            probe_every: Duration::from_millis(20),
            ..LedgerConfig::new(&self.path)
        }
    }

    async fn start(&self) -> Arc<Ledger> {
        self.start_with(self.config()).await.unwrap()
    }

    async fn start_with(&self, config: LedgerConfig) -> Result<Arc<Ledger>, LedgerError> {
        let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(&self.clock);
        Ledger::start(config, clock, &Tasks::default()).await
    }

    /// Another connection to the file, as an operator would have.
    async fn outside(&self) -> DatabaseConnection {
        let url = format!("sqlite://{}?mode=rw", self.path.display());
        Database::connect(url).await.unwrap()
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
        .query_one_raw(Statement::from_string(DbBackend::Sqlite, sql))
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
