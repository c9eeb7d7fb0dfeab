//! What holds between several writers on one PostgreSQL database, and while the server is away.

use keyway_proto::billing::v1 as wire;
use keyway_test_servers::Postgres;

use super::*;

async fn shared(home: &Home, count: usize) -> Vec<Arc<Ledger>> {
    let mut ledgers = Vec::new();
    for _ in 0..count {
        ledgers.push(home.start().await);
    }
    ledgers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_writers_with_a_transaction_held_open_leave_no_gap_and_every_one_hears_of_all() {
    if !on_postgres() {
        return;
    }
    let home = Home::new().await;
    let ledgers = shared(&home, 4).await;
    let held = home.outside().await;
    held.execute_unprepared(
        "BEGIN; INSERT INTO settlements VALUES ('held-1', 'held', 'workspaces/acme', 1, ''); \
         INSERT INTO unsequenced (event_id, workspace, provider, source, settled_at) \
         VALUES ('held-1', 'workspaces/acme', 'openai', 'OWN', 1)",
    )
    .await
    .unwrap();
    let writing = ledgers.iter().map(|ledger| {
        let ledger = Arc::clone(ledger);
        tokio::spawn(async move {
            for _ in 0..50 {
                one(&ledger, "acme", Source::Hosted).await;
            }
        })
    });
    for task in writing.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let mut seen = Vec::new();
    for ledger in &ledgers {
        let ids: Vec<_> = events(ledger, 200).await;
        seen.push(
            ids.into_iter()
                .map(|event| event.event_id)
                .collect::<Vec<_>>(),
        );
    }
    assert!(seen.windows(2).all(|two| two[0] == two[1]));
    held.execute_unprepared("COMMIT").await.unwrap();
    let late = events(&ledgers[3], 201).await.remove(200);
    assert_eq!(
        late.event_id, "",
        "the empty event that was held comes last"
    );
    let outside = home.outside().await;
    let (count, last) = ("count(*)", "max(position)");
    for what in [count, last] {
        let sql = format!("SELECT {what} FROM stream_positions");
        assert_eq!(number(&outside, &sql).await, 201, "{what}");
    }
}

#[tokio::test]
async fn only_a_writer_whose_lease_ran_out_is_swept_and_only_once_by_several() {
    if !on_postgres() {
        return;
    }
    let home = Home::new().await;
    let often = LedgerConfig {
        sweep_every: Duration::from_millis(5),
        heartbeat: Duration::from_hours(1),
        ..home.config()
    };
    let first = home.start_with(often.clone()).await.unwrap();
    let open = first
        .reserve()
        .unwrap()
        .open(attempt("acme", Source::Hosted));
    open.durable().await.unwrap();
    let others = [
        home.start_with(often.clone()).await.unwrap(),
        home.start_with(often).await.unwrap(),
    ];
    for other in &others {
        // A settled attempt takes a while, in which both have swept many times.
        one(other, "acme", Source::Own).await;
    }
    let outside = home.outside().await;
    let left = "SELECT count(*) FROM open_attempts";
    assert_eq!(number(&outside, left).await, 1, "its writer is alive");

    let gone = "UPDATE writers SET heartbeat_at = 1 WHERE term = 1";
    outside.execute_unprepared(gone).await.unwrap();
    let swept = events(&others[0], 3).await.remove(2);
    assert_eq!(swept.outcome(), wire::Outcome::Swept);
    // It was only slow: what it knows corrects what the others had to say.
    open.settle(completed()).durable().await.unwrap();
    let late = events(&others[1], 4).await.remove(3);
    assert_eq!(late.r#type, "keyway.correction.v1");
    assert_eq!(late.corrects_event_id, swept.event_id);
    assert_eq!(
        number(&outside, "SELECT count(*) FROM settlements").await,
        3
    );
}

#[tokio::test]
async fn another_router_numbers_once_the_one_that_did_is_gone() {
    if !on_postgres() {
        return;
    }
    let home = Home::new().await;
    let ledgers = shared(&home, 2).await;
    one(&ledgers[0], "acme", Source::Own).await;
    events(&ledgers[1], 1).await;
    let outside = home.outside().await;
    let holder = number(&outside, "SELECT term FROM sequencer").await;
    let (stops, stays) = if holder == 1 { (0, 1) } else { (1, 0) };
    ledgers[stops].stop(Duration::from_secs(5)).await.unwrap();
    one(&ledgers[stays], "acme", Source::Own).await;
    events(&ledgers[stays], 2).await;
    assert_ne!(number(&outside, "SELECT term FROM sequencer").await, holder);
}

#[tokio::test]
async fn defaults_of_the_database_do_not_decide_what_acknowledged_means() {
    if !on_postgres() {
        return;
    }
    let home = Home::new().await;
    let outside = home.outside().await;
    let name = "SELECT current_database()";
    let query = Statement::from_string(outside.get_database_backend(), name);
    let row = outside.query_one_raw(query).await.unwrap().unwrap();
    let name: String = row.try_get_by_index(0).unwrap();
    let off = format!("ALTER DATABASE {name} SET synchronous_commit = off");
    outside.execute_unprepared(&off).await.unwrap();
    let ledger = home.start().await;
    let writer = ledger.connections.writer.get();
    let query = Statement::from_string(outside.get_database_backend(), "SHOW synchronous_commit");
    let row = writer.query_one_raw(query).await.unwrap().unwrap();
    assert_eq!(row.try_get_by_index::<String>(0).unwrap(), "on");
}

#[tokio::test]
async fn a_server_that_crashes_stops_new_attempts_and_when_it_is_back_nothing_is_lost() {
    if !on_postgres() {
        return;
    }
    let server = Postgres::start().unwrap();
    let home = Home {
        database: TestDatabase::on(&server).await,
        clock: Arc::new(ManualClock::at(START)),
    };
    let ledger = home.start().await;
    let before = ledger
        .reserve()
        .unwrap()
        .open(attempt("acme", Source::Hosted));
    before.durable().await.unwrap();
    server.crash().unwrap();
    let refused = ledger
        .reserve()
        .unwrap()
        .open(attempt("acme", Source::Hosted));
    assert!(refused.durable().await.is_err());
    let waiting = before.settle(completed());
    until("the ledger says so", || !ledger.is_available()).await;
    server.restart().unwrap();
    waiting.durable().await.unwrap();
    let mut available = ledger.availability();
    available.wait_for(|is| *is).await.unwrap();
    one(&ledger, "acme", Source::Own).await;
    assert_eq!(events(&ledger, 2).await.len(), 2);
    let outside = home.outside().await;
    let left = "SELECT count(*) FROM open_attempts";
    assert_eq!(
        number(&outside, left).await,
        0,
        "what was refused is not open"
    );
}
