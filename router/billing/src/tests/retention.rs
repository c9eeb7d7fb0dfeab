//! What is no longer kept is told, and what a named consumer waits for is kept as long as promised.

use super::*;
use crate::relay::CONSUMER;
use crate::{Part, SummaryRequest};

const DAY: i64 = 86_400;

fn soon(home: &Home) -> LedgerConfig {
    LedgerConfig {
        retention: Duration::from_hours(10 * 24),
        consumer_hold: Duration::from_hours(5 * 24),
        expire_every: Duration::from_millis(5),
        ..home.config()
    }
}

/// One event of this day.
async fn of_day(ledger: &Ledger, day: i64) {
    let open = ledger
        .reserve()
        .unwrap()
        .open(attempt("acme", Source::Hosted));
    open.durable().await.unwrap();
    let settlement = Settlement {
        settled_at: START.plus_seconds(day * DAY + 2),
        ..completed()
    };
    open.settle(settlement).durable().await.unwrap();
}

/// Waits until the stream begins at a position.
async fn begins_at(home: &Home, first: i64) {
    let outside = home.outside().await;
    let begins = async {
        while number(&outside, "SELECT first_position FROM sequencer").await != first {
            tokio::task::yield_now().await;
        }
    };
    let bound = Duration::from_secs(20);
    tokio::time::timeout(bound, begins)
        .await
        .expect("the beginning goes");
}

#[tokio::test]
async fn whole_days_go_when_they_are_over_and_a_cursor_behind_them_is_told_so() {
    let home = Home::new().await;
    let ledger = home.start_with(soon(&home)).await.unwrap();
    for day in [0, 1, 2] {
        of_day(&ledger, day).await;
    }
    let stream = ledger
        .stream(UsageFilter::default(), "", true)
        .await
        .unwrap();
    let items: Vec<_> = stream.take(3).map(Result::unwrap).collect().await;
    // Ten days after the second event, to the last second of its day: the first one's day is over.
    home.clock.set(START.plus_seconds(11 * DAY + DAY - 1));
    begins_at(&home, 2).await;
    let kept = events(&ledger, 2).await;
    assert_eq!(kept[0].event_id, items[1].event.as_ref().unwrap().event_id);
    // After the first event: nothing is missing.
    let filter = UsageFilter::default;
    drop(
        ledger
            .stream(filter(), &items[0].cursor, false)
            .await
            .unwrap(),
    );
    home.clock.set(START.plus_seconds(12 * DAY));
    begins_at(&home, 3).await;
    let behind = ledger.stream(filter(), &items[0].cursor, false).await;
    assert!(matches!(behind.err(), Some(LedgerError::CursorExpired)));
    let outside = home.outside().await;
    assert_eq!(
        number(&outside, "SELECT count(*) FROM settlements").await,
        1
    );
    let all = SummaryRequest {
        by: [Part::Workspace].into(),
        ..SummaryRequest::default()
    };
    let sums = ledger.summarize(&all).await.unwrap();
    assert_eq!(sums[0].events, 3, "the roll-ups stay");
}

#[tokio::test]
async fn what_a_named_consumer_has_not_acknowledged_stays_until_its_bound() {
    let home = Home::new().await;
    let ledger = home.start_with(soon(&home)).await.unwrap();
    for day in [0, 0, 0, 20] {
        of_day(&ledger, day).await;
    }
    let stream = ledger
        .stream(UsageFilter::default(), "", true)
        .await
        .unwrap();
    let items: Vec<_> = stream.take(4).map(Result::unwrap).collect().await;
    ledger
        .acknowledge(None, "billing", &items[0].cursor)
        .await
        .unwrap();
    home.clock.set(START.plus_seconds(11 * DAY));
    begins_at(&home, 2).await;
    let cursor = ledger.acknowledged(None, "billing").await.unwrap();
    let stream = ledger
        .stream(UsageFilter::default(), &cursor, false)
        .await
        .unwrap();
    assert_eq!(
        stream.count().await,
        3,
        "nothing that it waits for has gone"
    );
    // It stays silent for five days more.
    home.clock.set(START.plus_seconds(16 * DAY));
    begins_at(&home, 4).await;
    let expired = ledger.stream(UsageFilter::default(), &cursor, false).await;
    assert!(matches!(expired.err(), Some(LedgerError::CursorExpired)));
}

#[tokio::test]
async fn what_the_relay_has_not_published_stays_without_a_bound() {
    let home = Home::new().await;
    let relayed = || LedgerConfig {
        relayed: true,
        ..soon(&home)
    };
    let ledger = home.start_with(relayed()).await.unwrap();
    for day in [0, 0, 20] {
        of_day(&ledger, day).await;
    }
    events(&ledger, 3).await;
    home.clock.set(START.plus_seconds(100 * DAY));
    let stream = ledger
        .stream(UsageFilter::default(), "", true)
        .await
        .unwrap();
    let items: Vec<_> = stream.take(3).map(Result::unwrap).collect().await;
    let publish = async |item: usize| {
        let cursor = &items[item].cursor;
        ledger.acknowledge(None, CONSUMER, cursor).await.unwrap();
    };
    publish(0).await;
    begins_at(&home, 2).await;
    publish(2).await;
    begins_at(&home, 4).await;
}

#[tokio::test]
async fn a_reader_whose_next_event_goes_while_it_reads_is_told_so() {
    let home = Home::new().await;
    let ledger = home.start_with(soon(&home)).await.unwrap();
    for day in [0, 0, 20] {
        of_day(&ledger, day).await;
    }
    events(&ledger, 3).await;
    let stream = ledger
        .stream(UsageFilter::default(), "", false)
        .await
        .unwrap();
    home.clock.set(START.plus_seconds(11 * DAY));
    begins_at(&home, 3).await;
    let first = Box::pin(stream).next().await.unwrap();
    assert!(
        matches!(first, Err(LedgerError::CursorExpired)),
        "{first:?}"
    );
}

#[tokio::test]
async fn a_correction_stays_when_what_it_corrects_has_gone() {
    let home = Home::new().await;
    let ledger = home.start_with(soon(&home)).await.unwrap();
    of_day(&ledger, 0).await;
    events(&ledger, 1).await;
    let request = crate::RerateRequest::default();
    let free = |_: &UsageEvent| crate::Rated {
        charge: Some(Usd::ZERO),
        list_price: Some(Usd::ZERO),
    };
    let rerated = ledger.rerate(&request, &free).await.unwrap();
    assert_eq!(rerated.corrections, 1);
    events(&ledger, 2).await;
    home.clock.set(START.plus_seconds(30 * DAY));
    begins_at(&home, 3).await;
    let outside = home.outside().await;
    assert_eq!(
        number(&outside, "SELECT count(*) FROM settlements").await,
        0
    );
    assert_eq!(
        number(&outside, "SELECT count(*) FROM corrections").await,
        1
    );
}
