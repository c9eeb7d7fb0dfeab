//! A ledger of a test's own, and attempts in it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use keyway_chassis::clock::{Clock, ManualClock};
use keyway_chassis::lifecycle::Tasks;
use keyway_migrations::DatabaseAddress;
use keyway_proto::billing::v1::UsageEvent;
use keyway_router_billing::{Ledger, LedgerConfig, OpenAttempt, Part, SummaryRequest, UsageFilter};
use keyway_router_providers::Metered;
use keyway_words::{CallId, EventKind, Outcome, Source, Timestamp, Usd};

use super::{Line, prices};
use crate::meter::{Meter, Pricing};

/// 2026-11-24T00:00:00Z.
const NOW: Timestamp = Timestamp(1_795_478_400_000_000);

pub(super) struct Home {
    _folder: tempfile::TempDir,
    ledger: Arc<Ledger>,
    pricing: Pricing,
}

impl Home {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("router.db");
        let words = [
            "keyway-migrate".into(),
            "router".into(),
            "--database".into(),
            path.clone().into_os_string(),
        ];
        // It has a runtime of its own.
        let migrated = std::thread::spawn(move || keyway_migrations::run(words));
        assert_eq!(migrated.join().unwrap(), std::process::ExitCode::SUCCESS);
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW));
        let config = LedgerConfig::new(DatabaseAddress::File(path));
        let ledger = Ledger::start(config, Arc::clone(&clock), &Tasks::default()).await;
        let prices = Arc::new(prices());
        let pricing = Pricing {
            table: prices.table(),
            prices,
            clock,
        };
        Self {
            _folder: folder,
            ledger: ledger.unwrap(),
            pricing,
        }
    }

    /// One attempt from its opening to its settlement on the disk.
    pub(super) async fn settle(&self, line: &Line, metered: &Metered, source: Source) {
        let slot = self.ledger.reserve().unwrap();
        let mut meter = Meter::open(
            slot,
            attempt(line, source, &self.pricing),
            self.pricing.clone(),
        );
        meter.left();
        meter.saw(metered);
        let settled = meter.settle(Outcome::Completed, "");
        settled.handle.unwrap().durable().await.unwrap();
    }

    /// The first so many events of the stream.
    pub(super) async fn events(&self, count: usize) -> Vec<UsageEvent> {
        let stream = self
            .ledger
            .stream(UsageFilter::default(), "", true)
            .await
            .unwrap();
        let all = stream.take(count).map(|item| item.unwrap().event.unwrap());
        let all = tokio::time::timeout(Duration::from_secs(20), all.collect());
        all.await.expect("all events arrive")
    }

    /// Charge and list price of the own and of the hosted key, by the summary: hosted comes first.
    pub(super) async fn summarized(&self) -> Vec<(Usd, Usd)> {
        // A time that is no midnight is answered from the events.
        let request = SummaryRequest {
            from: Some(Timestamp(1)),
            by: [Part::Source].into(),
            ..SummaryRequest::default()
        };
        let rows = self.ledger.summarize(&request).await.unwrap();
        let amount = |text: &str| text.parse().unwrap();
        let sums = rows
            .iter()
            .map(|row| (amount(&row.charge_usd), amount(&row.list_price_usd)));
        let mut sums: Vec<(Usd, Usd)> = sums.collect();
        sums.sort();
        sums
    }
}

fn attempt(line: &Line, source: Source, pricing: &Pricing) -> OpenAttempt {
    let owner = match source {
        Source::Own => "workspaces/acme",
        Source::Hosted => "platform",
    };
    OpenAttempt {
        call_id: CallId::new(),
        attempt: 1,
        kind: EventKind::Call,
        owner: "workspaces/acme".parse().unwrap(),
        caller_accessor: "accessor-1".into(),
        labels: BTreeMap::new(),
        end_user: String::new(),
        endpoint: line.endpoint.clone(),
        provider: line.provider,
        requested_model: line.model.clone(),
        source,
        key: format!("{owner}/keys/{}/default", line.provider)
            .parse()
            .unwrap(),
        key_version: 1,
        request_id: None,
        started_at: NOW,
        price_table: pricing.table.hash().to_owned(),
    }
}
