//! Summaries are the sums of the stream, however they are asked for.

use std::collections::HashSet;

use keyway_proto::billing::v1::{self as wire, UsageSummary};

use super::*;
use crate::{Part, SummaryRequest};

fn by(parts: &[Part]) -> SummaryRequest {
    SummaryRequest {
        by: parts.iter().copied().collect::<HashSet<_>>(),
        label: if parts.contains(&Part::Label) {
            "team".to_owned()
        } else {
            String::new()
        },
        ..SummaryRequest::default()
    }
}

/// Waits until the roll-ups have everything.
pub(super) async fn rolled_up(home: &Home, events: i64) {
    let outside = home.outside().await;
    let all = async {
        while number(&outside, "SELECT position FROM rolled_up").await < events {
            tokio::task::yield_now().await;
        }
    };
    let bound = Duration::from_secs(20);
    tokio::time::timeout(bound, all)
        .await
        .expect("the roll-ups catch up");
}

/// Two own and three hosted calls of one workspace, one of another, and one that never said a word.
async fn some_calls(home: &Home) -> Arc<Ledger> {
    let ledger = home.start().await;
    for (workspace, source) in [
        ("acme", Source::Own),
        ("acme", Source::Own),
        ("acme", Source::Hosted),
        ("acme", Source::Hosted),
        ("beta", Source::Hosted),
    ] {
        one(&ledger, workspace, source).await;
    }
    let lost = ledger
        .reserve()
        .unwrap()
        .open(attempt("acme", Source::Hosted));
    let unknown = Settlement::without_usage(Outcome::Failed, Basis::Unknown, "INTERNAL", START);
    lost.settle(unknown).durable().await.unwrap();
    ledger
        .reserve()
        .unwrap()
        .operation("{}".into())
        .durable()
        .await
        .unwrap();
    rolled_up(home, 7).await;
    ledger
}

fn figures(row: &UsageSummary) -> (u64, u64, &str, &str) {
    (
        row.events,
        row.events_without_charge,
        &row.charge_usd,
        &row.list_price_usd,
    )
}

#[tokio::test]
async fn a_summary_is_exact_and_its_own_rows_say_what_own_keys_saved() {
    let home = Home::new().await;
    let ledger = some_calls(&home).await;
    let rows = ledger
        .summarize(&by(&[Part::Workspace, Part::Source]))
        .await
        .unwrap();
    let told: Vec<_> = rows
        .iter()
        .map(|row| (row.workspace.as_str(), row.source(), figures(row)))
        .collect();
    let (acme, beta) = ("workspaces/acme", "workspaces/beta");
    assert_eq!(
        told,
        [
            (
                acme,
                wire::Source::Hosted,
                (3, 1, "0.001100000000", "0.001100000000")
            ),
            (
                acme,
                wire::Source::Own,
                (2, 0, "0.000000000000", "0.001100000000")
            ),
            (
                beta,
                wire::Source::Hosted,
                (1, 0, "0.000550000000", "0.000550000000")
            ),
        ]
    );
    let usage = rows[0].usage.unwrap();
    assert_eq!(
        (usage.input_tokens, usage.output_tokens),
        (Some(200), Some(40))
    );
    assert_eq!(
        usage.requests, None,
        "nobody reported any: that is not zero"
    );
}

#[tokio::test]
async fn roll_ups_and_events_give_the_same_sums() {
    let home = Home::new().await;
    let ledger = some_calls(&home).await;
    let parts = [
        Part::Workspace,
        Part::Day,
        Part::Model,
        Part::Source,
        Part::Key,
    ];
    let rolled = by(&parts);
    // A time that is no midnight is answered from the events.
    let scanned = SummaryRequest {
        from: Some(Timestamp(START.0 - 1)),
        ..rolled.clone()
    };
    let rolled = ledger.summarize(&rolled).await.unwrap();
    assert_eq!(rolled, ledger.summarize(&scanned).await.unwrap());
    assert_eq!((rolled.len(), rolled[0].day.as_str()), (3, "2026-11-24"));
    assert_eq!(rolled[0].model, "openai/gpt-5.4");
    let labelled = ledger.summarize(&by(&[Part::Label])).await.unwrap();
    assert_eq!(labelled.len(), 1);
    assert_eq!(
        (labelled[0].label_value.as_str(), labelled[0].events),
        ("blue", 6)
    );
}

#[tokio::test]
async fn a_correction_counts_on_its_own_day_and_is_no_event_of_its_own() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let open = ledger
        .reserve()
        .unwrap()
        .open(attempt("acme", Source::Hosted));
    open.durable().await.unwrap();
    let event = crate::event::opened(attempt("acme", Source::Hosted));
    let event = UsageEvent {
        event_id: open_event_id(&ledger, &home).await,
        ..event
    };
    let outside = home.outside().await;
    let swept = crate::record::EventRow::new(crate::event::swept(event, START));
    let transaction = crate::database::begin(&outside).await.unwrap();
    crate::group::settle(&transaction, &[&swept]).await.unwrap();
    transaction.commit().await.unwrap();
    drop(outside);
    let late = Settlement {
        settled_at: START.plus_seconds(86_400),
        ..completed()
    };
    open.settle(late).durable().await.unwrap();
    rolled_up(&home, 2).await;
    let rows = ledger.summarize(&by(&[Part::Day])).await.unwrap();
    let days: Vec<_> = rows
        .iter()
        .map(|row| (row.day.as_str(), row.events, row.charge_usd.as_str()))
        .collect();
    assert_eq!(
        days,
        [
            ("2026-11-24", 1, "0.000000000000"),
            ("2026-11-25", 0, "0.000550000000"),
        ]
    );
    let all = ledger.summarize(&by(&[])).await.unwrap();
    assert_eq!(figures(&all[0]), (1, 0, "0.000550000000", "0.000550000000"));
}

/// The one open attempt's event id.
async fn open_event_id(ledger: &Ledger, home: &Home) -> String {
    assert!(ledger.is_available());
    let outside = home.outside().await;
    let sql = "SELECT event_id FROM open_attempts";
    let query = Statement::from_string(outside.get_database_backend(), sql);
    let row = outside.query_one_raw(query).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}
