//! Every attempt is settled once: by its handle, by `Drop`, by a sweep; whichever comes first.

use std::sync::atomic::{AtomicUsize, Ordering};

use keyway_proto::billing::v1 as wire;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn settled_dropped_and_aborted_attempts_each_have_one_event_and_no_position_is_missing() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let mut tasks = Vec::new();
    let under_way = Arc::new(AtomicUsize::new(0));
    for index in 0..300 {
        let (ledger, under_way) = (Arc::clone(&ledger), Arc::clone(&under_way));
        tasks.push(tokio::spawn(async move {
            let open = ledger
                .reserve()
                .unwrap()
                .open(attempt("acme", Source::Hosted));
            under_way.fetch_add(1, Ordering::SeqCst);
            match index % 3 {
                0 => open.settle(completed()).durable().await.unwrap(),
                1 => drop(open),
                _ => {
                    open.durable().await.unwrap();
                    std::future::pending::<()>().await;
                }
            }
        }));
    }
    until("all are under way", || {
        under_way.load(Ordering::SeqCst) == 300
    })
    .await;
    for task in &tasks {
        task.abort();
    }
    let events = events(&ledger, 300).await;
    let ids: std::collections::HashSet<_> = events.iter().map(|event| &event.event_id).collect();
    assert_eq!(ids.len(), 300);
    let lost: Vec<_> = events
        .iter()
        .filter(|event| event.outcome() == wire::Outcome::Failed)
        .collect();
    assert!(
        lost.iter()
            .all(|event| event.basis() == wire::Basis::Unknown)
    );
    assert!(
        lost.iter()
            .all(|event| event.charge_usd.is_none() && event.reason == "INTERNAL")
    );
    ledger.stop(Duration::from_secs(20)).await.unwrap();
    let outside = home.outside().await;
    assert_eq!(
        number(&outside, "SELECT count(*) FROM stream_positions").await,
        300
    );
    assert_eq!(
        number(&outside, "SELECT max(position) FROM stream_positions").await,
        300
    );
    assert_eq!(
        number(&outside, "SELECT count(*) FROM open_attempts").await,
        0
    );
}

#[tokio::test]
async fn a_settlement_that_comes_after_a_sweep_becomes_a_correction() {
    let home = Home::new().await;
    let swept_often = LedgerConfig {
        sweep_every: Duration::from_millis(20),
        ..home.config()
    };
    let ledger = home.start_with(swept_often).await.unwrap();
    let open = ledger
        .reserve()
        .unwrap()
        .open(attempt("acme", Source::Hosted));
    open.durable().await.unwrap();
    // As if another router had opened it and its lease had run out.
    let outside = home.outside().await;
    outside
        .execute_unprepared("INSERT INTO writers VALUES (0, 'gone', 1, 1, NULL)")
        .await
        .unwrap();
    outside
        .execute_unprepared("UPDATE open_attempts SET term = 0")
        .await
        .unwrap();
    let swept = events(&ledger, 1).await.remove(0);
    assert_eq!(swept.outcome(), wire::Outcome::Swept);

    open.settle(completed()).durable().await.unwrap();
    let correction = events(&ledger, 2).await.remove(1);
    assert_eq!(correction.r#type, "keyway.correction.v1");
    assert_eq!(correction.event_id, format!("{}-c1", swept.event_id));
    assert_eq!(correction.corrects_event_id, swept.event_id);
    assert_eq!(
        (
            correction.corrects_period.as_str(),
            correction.period.as_str()
        ),
        ("2026-11", "2026-11")
    );
    assert_eq!(correction.charge_usd.as_deref(), Some("0.000550000000"));
    assert_eq!(correction.outcome(), wire::Outcome::Completed);
    let record = ledger
        .receipt(
            &"acme".parse().unwrap(),
            correction.call_id.parse().unwrap(),
        )
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (
            record.settled.len(),
            record.corrections.len(),
            record.open.len()
        ),
        (1, 1, 0)
    );
}

#[tokio::test]
async fn attempts_of_one_call_are_told_apart() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let first = attempt("acme", Source::Own);
    let second = OpenAttempt {
        attempt: 2,
        ..first.clone()
    };
    let call_id = first.call_id;
    for (attempt, settlement) in [(first, failed()), (second, completed())] {
        let open = ledger.reserve().unwrap().open(attempt);
        open.settle(settlement).durable().await.unwrap();
    }
    let ids: Vec<_> = events(&ledger, 2)
        .await
        .into_iter()
        .map(|event| event.event_id)
        .collect();
    assert_eq!(ids, [call_id.event_id(1), call_id.event_id(2)]);
}
