//! Acknowledged means on the disk; what can't be written is not begun.

use super::*;

#[tokio::test]
async fn the_live_connections_sync_every_commit() {
    let home = Home::new().await;
    let ledger = home.start().await;
    for connection in [&ledger.connections.writer, &ledger.connections.sequencer] {
        let connection = &connection.get();
        assert_eq!(number(connection, "PRAGMA synchronous").await, 2);
        let mode = Statement::from_string(DbBackend::Sqlite, "PRAGMA journal_mode");
        let row = connection.query_one_raw(mode).await.unwrap().unwrap();
        assert_eq!(row.try_get_by_index::<String>(0).unwrap(), "wal");
    }
    assert_eq!(
        number(&ledger.connections.readers, "PRAGMA query_only").await,
        1
    );
}

#[tokio::test]
async fn a_second_ledger_on_the_same_file_is_refused_until_the_first_stops() {
    let home = Home::new().await;
    let first = home.start().await;
    assert!(matches!(
        home.start_with(home.config()).await,
        Err(LedgerError::Locked(_))
    ));
    first.stop(Duration::from_secs(5)).await.unwrap();
    let second = home.start().await;
    assert!(matches!(first.reserve(), Err(LedgerError::Stopping)));
    one(&second, "acme", Source::Own).await;
}

#[tokio::test]
async fn a_database_without_its_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("router.db");
    std::fs::File::create(&path).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(START));
    let refused = Ledger::start(LedgerConfig::new(&path), clock, &Tasks::default()).await;
    let fault = keyway_proto::Fault::from(refused.unwrap_err());
    assert_eq!(fault.reason, keyway_proto::Reason::MigrationPending);
}

#[tokio::test]
async fn while_the_database_is_unwritable_no_attempt_opens_and_none_is_lost() {
    let home = Home::new().await;
    let impatient = LedgerConfig {
        busy_timeout: Duration::from_millis(200),
        ..home.config()
    };
    let ledger = home.start_with(impatient).await.unwrap();
    let before = ledger.reserve().unwrap().open(attempt("acme", Source::Own));
    before.durable().await.unwrap();

    let outside = home.outside().await;
    outside.execute_unprepared("BEGIN IMMEDIATE").await.unwrap();
    let refused = ledger
        .reserve()
        .unwrap()
        .open(attempt("acme", Source::Hosted));
    let waiting = before.settle(completed());
    assert!(matches!(
        refused.durable().await,
        Err(LedgerError::Unavailable)
    ));
    assert!(!ledger.is_available());
    let fault = keyway_proto::Fault::from(ledger.reserve().unwrap_err());
    assert_eq!(fault.reason, keyway_proto::Reason::LedgerUnavailable);
    assert!(fault.retry_after.is_some());
    // Nothing was begun, so there is nothing to report.
    drop(refused.settle(failed()));

    outside.execute_unprepared("ROLLBACK").await.unwrap();
    waiting.durable().await.unwrap();
    let mut available = ledger.availability();
    tokio::time::timeout(Duration::from_secs(20), available.wait_for(|is| *is))
        .await
        .expect("the ledger recovers")
        .unwrap();
    one(&ledger, "acme", Source::Own).await;
    assert_eq!(events(&ledger, 2).await.len(), 2);
    ledger.stop(Duration::from_secs(5)).await.unwrap();
    assert_eq!(
        number(&outside, "SELECT count(*) FROM settlements").await,
        2
    );
    assert_eq!(
        number(&outside, "SELECT count(*) FROM open_attempts").await,
        0
    );
}

#[tokio::test]
async fn beyond_the_slots_new_attempts_are_overloaded_and_a_settled_one_gives_its_slot_back() {
    let home = Home::new().await;
    let ledger = home
        .start_with(LedgerConfig {
            slots: 1,
            ..home.config()
        })
        .await
        .unwrap();
    let open = ledger.reserve().unwrap().open(attempt("acme", Source::Own));
    assert!(matches!(ledger.reserve(), Err(LedgerError::Overloaded)));
    assert_eq!(ledger.attempts_in_flight(), 1);
    open.settle(completed()).durable().await.unwrap();
    until("the slot comes back", || ledger.attempts_in_flight() == 0).await;
    one(&ledger, "acme", Source::Own).await;
}

#[tokio::test]
async fn a_stop_waits_for_open_attempts_and_loses_none() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let open: Vec<_> = (0..50)
        .map(|_| ledger.reserve().unwrap().open(attempt("acme", Source::Own)))
        .collect();
    let stopping = Arc::clone(&ledger);
    let stop = tokio::spawn(async move { stopping.stop(Duration::from_secs(20)).await });
    until("the stop has begun", || {
        matches!(ledger.reserve(), Err(LedgerError::Stopping))
    })
    .await;
    for handle in open {
        drop(handle.settle(completed()));
    }
    stop.await.unwrap().unwrap();
    let outside = home.outside().await;
    assert_eq!(
        number(&outside, "SELECT count(*) FROM settlements").await,
        50
    );
    assert_eq!(
        number(&outside, "SELECT max(position) FROM stream_positions").await,
        50
    );
    assert_eq!(
        number(
            &outside,
            "SELECT count(*) FROM writers WHERE stopped_at > 0"
        )
        .await,
        1
    );
}

/// Leaves the file no room to grow, on a connection that writes; or gives it room again.
async fn limit_pages(connection: &DatabaseConnection, full: bool) {
    let count = number(connection, "PRAGMA page_count").await;
    let pages = if full { count } else { 1_000_000 };
    connection
        .execute_unprepared(&format!("PRAGMA max_page_count = {pages}"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_full_disk_refuses_openings_and_once_there_is_room_again_nothing_is_lost() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let before = ledger.reserve().unwrap().open(attempt("acme", Source::Own));
    before.durable().await.unwrap();
    let connections = ledger.connections.clone();
    limit_pages(&connections.writer.get(), true).await;
    limit_pages(&connections.sequencer.get(), true).await;

    // Attempts go on until the file is full; every one of them hears of its fate.
    let mut settled = Vec::new();
    let refused = loop {
        let Ok(slot) = ledger.reserve() else {
            break None;
        };
        let open = slot.open(attempt("acme", Source::Hosted));
        match open.durable().await {
            Ok(()) => settled.push(open.settle(completed())),
            Err(refused) => break Some(refused),
        }
        assert!(settled.len() < 10_000, "the file never fills");
    };
    assert!(matches!(refused, None | Some(LedgerError::Unavailable)));
    until("the ledger says so", || !ledger.is_available()).await;
    let waiting = before.settle(completed());

    limit_pages(&connections.writer.get(), false).await;
    limit_pages(&connections.sequencer.get(), false).await;
    let mut available = ledger.availability();
    tokio::time::timeout(Duration::from_secs(20), available.wait_for(|is| *is))
        .await
        .expect("the ledger recovers")
        .unwrap();
    let count = settled.len() + 1;
    for handle in settled {
        handle.durable().await.unwrap();
    }
    waiting.durable().await.unwrap();
    one(&ledger, "acme", Source::Own).await;
    assert_eq!(events(&ledger, count + 1).await.len(), count + 1);
    ledger.stop(Duration::from_secs(5)).await.unwrap();
}
