//! Acknowledged means on the disk; what can't be written is not begun.

use keyway_migrations::DatabaseAddress;

use super::*;

async fn says(connection: &DatabaseConnection, sql: &str) -> String {
    let query = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(query).await.unwrap().unwrap();
    match row.try_get_by_index::<i64>(0) {
        Ok(number) => number.to_string(),
        Err(_text) => row.try_get_by_index(0).unwrap(),
    }
}

#[tokio::test]
async fn the_live_connections_sync_every_commit() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let (syncs, reads): (&[_], _) = if on_postgres() {
        let syncs = &[("SHOW synchronous_commit", "on"), ("SHOW fsync", "on")];
        (syncs, ("SHOW transaction_read_only", "on"))
    } else {
        let syncs = &[("PRAGMA synchronous", "2"), ("PRAGMA journal_mode", "wal")];
        (syncs, ("PRAGMA query_only", "1"))
    };
    for connection in [&ledger.connections.writer, &ledger.connections.sequencer] {
        for (sql, expected) in syncs {
            assert_eq!(says(&connection.get(), sql).await, *expected, "{sql}");
        }
    }
    assert_eq!(
        says(&ledger.connections.readers.connections(), reads.0).await,
        reads.1
    );
}

#[tokio::test]
async fn a_second_ledger_on_the_same_file_is_refused_until_the_first_stops() {
    if on_postgres() {
        return; // there several share a database
    }
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
    let database = TestDatabase::empty().await;
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(START));
    let config = LedgerConfig::new(database.address.clone());
    let refused = Ledger::start(config, clock, &Tasks::default()).await;
    let fault = keyway_proto::Fault::from(refused.unwrap_err());
    assert_eq!(fault.reason, keyway_proto::Reason::MigrationPending);
}

/// SQL that keeps every other connection from writing: of SQLite, and of PostgreSQL.
const BLOCK_WRITES: [&str; 2] = [
    "BEGIN IMMEDIATE",
    "BEGIN; LOCK TABLE open_attempts IN EXCLUSIVE MODE",
];

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
    outside
        .execute_unprepared(BLOCK_WRITES[usize::from(on_postgres())])
        .await
        .unwrap();
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
    // Nothing was begun, so there is nothing to report, and nothing to wait for.
    let nothing = refused.settle(failed()).durable();
    let nothing = tokio::time::timeout(Duration::from_secs(20), nothing).await;
    let nothing = nothing.expect("an answer before the ledger recovers");
    assert!(matches!(nothing, Err(LedgerError::Unavailable)));

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

#[tokio::test]
async fn a_full_file_refuses_openings_and_once_there_is_room_again_nothing_is_lost() {
    if on_postgres() {
        return; // how full its disk is, is not a router's to say
    }
    let home = Home::new().await;
    let config = LedgerConfig {
        max_size: Some(1 << 20),
        ..home.config()
    };
    let ledger = home.start_with(config).await.unwrap();
    let before = ledger.reserve().unwrap().open(attempt("acme", Source::Own));
    before.durable().await.unwrap();
    let outside = home.outside().await;
    for sql in [
        "CREATE TABLE others (bytes BLOB)",
        "INSERT INTO others VALUES (zeroblob(1 << 20))",
    ] {
        outside.execute_unprepared(sql).await.unwrap();
    }

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

    outside
        .execute_unprepared("DROP TABLE others")
        .await
        .unwrap();
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

#[tokio::test]
async fn a_file_that_is_taken_away_acknowledges_nothing_until_it_is_back() {
    if on_postgres() {
        return; // a server looks after its files itself
    }
    let home = Home::new().await;
    let ledger = home.start().await;
    let DatabaseAddress::File(path) = &home.database.address else {
        panic!("a file")
    };
    let beside = |end: &str| std::path::PathBuf::from(format!("{}{end}", path.display()));
    let mut available = ledger.availability();
    for lost in ["", "-wal"] {
        one(&ledger, "acme", Source::Hosted).await;
        let (there, away) = (beside(lost), beside(".away"));
        std::fs::rename(&there, &away).unwrap();
        let refused = ledger.reserve().unwrap().open(attempt("acme", Source::Own));
        let refused = refused.durable().await;
        assert!(matches!(refused, Err(LedgerError::Unavailable)), "{lost}");
        assert!(matches!(ledger.reserve(), Err(LedgerError::Unavailable)));
        std::fs::rename(&away, &there).unwrap();
        let back = available.wait_for(|is| *is);
        let back = tokio::time::timeout(Duration::from_secs(20), back).await;
        back.expect("the ledger recovers").unwrap();
    }
    one(&ledger, "acme", Source::Hosted).await;
    assert_eq!(events(&ledger, 3).await.len(), 3);
    ledger.stop(Duration::from_secs(5)).await.unwrap();
    let again = home.start().await;
    assert_eq!(events(&again, 3).await.len(), 3);
}
