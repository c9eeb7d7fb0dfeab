//! Four routers on one PostgreSQL ledger, with transactions held open among theirs on purpose, so that
//! settlements commit in another order than they began; a subscriber that goes and comes back at another router.

use std::collections::HashSet;

use futures::future::join_all;
use keyway_proto::billing::v1::{StreamUsageOpen, StreamUsageRequest, stream_usage_request};
use keyway_test_servers::Postgres;
use sea_orm::{
    ConnectionTrait as _, Database, DatabaseConnection, DatabaseTransaction, TransactionTrait as _,
};
use tokio::time::timeout;

use crate::harness::{BOUND, Logs, Setup, Speaker, VaultDatabase, ask, wait_for};

const MODEL: &str = "openai/gpt-5-mini";
const ROUTERS: usize = 4;
/// Of each router.
const CALLS: usize = 50;
/// Transactions that are held open in turns; every third one is undone.
const HELD: usize = 12;

#[tokio::test]
async fn a_subscriber_that_comes_and_goes_hears_every_event_of_four_routers_once_and_without_a_gap()
{
    let server = Postgres::start().expect("PostgreSQL");
    let database = VaultDatabase::ledger_on(&server, "four_routers").await;
    let ledger = [
        ("KEYWAY_ROUTER__LEDGER__PATH", ""),
        ("KEYWAY_ROUTER__LEDGER__URL", database.url.as_str()),
    ];
    let setup = ledger
        .iter()
        .fold(Setup::new(), |setup, (name, value)| setup.with(name, value));
    let product = setup.start().await;
    let _logs = Logs(&product);
    let (call, operate) = (
        product.running.access.call_token.expose(),
        product.running.access.operator_token.expose(),
    );
    let (mut callers, mut readers) = (vec![product.caller()], vec![product.operator()]);
    let mut others = Vec::new();
    for _ in 1..ROUTERS {
        let other = product.second_router(&ledger).await;
        callers.push(other.speaker(call));
        readers.push(other.speaker(operate));
        others.push(other);
    }
    let outside = Database::connect(&database.url)
        .await
        .expect("a connection");
    let calling = tokio::spawn(async move {
        let calls = callers.iter().map(async |caller| {
            for _ in 0..CALLS {
                let served = caller.chat(ask(MODEL)).await;
                served.unwrap_or_else(|status| panic!("{status:?}"));
            }
        });
        join_all(calls).await;
    });
    let (kept, heard) = tokio::join!(hold(&outside), subscribe(&readers));
    calling.await.expect("every call is served");
    let all = ROUTERS * CALLS + kept;
    assert_eq!(heard.len(), all);
    let last = async || (positions(&outside, "max(position)").await >= all).then_some(());
    wait_for("every position", last).await;
    for what in ["count(*)", "max(position)", "count(DISTINCT event_id)"] {
        assert_eq!(positions(&outside, what).await, all, "{what}");
    }
}

/// Holds settlements open, three at a time, and ends the first of them last; how many were committed.
async fn hold(outside: &DatabaseConnection) -> usize {
    let mut kept = 0;
    for round in 0..HELD / 3 {
        let mut open: Vec<DatabaseTransaction> = Vec::new();
        for at in 0..3 {
            let transaction = outside.begin().await.expect("begun");
            let id = format!("held-{round}-{at}");
            let settle = format!(
                "INSERT INTO settlements VALUES ('{id}', '{id}', 'workspaces/demo', 1, ''); \
                 INSERT INTO unsequenced (event_id, workspace, provider, source, settled_at) \
                 VALUES ('{id}', 'workspaces/demo', 'openai', 'OWN', 1)"
            );
            let done = transaction.execute_unprepared(&settle).await;
            done.expect("settled");
            open.push(transaction);
        }
        // While they are open the routers number others.
        let before = positions(outside, "count(*)").await;
        let others = async || (positions(outside, "count(*)").await >= before + 20).then_some(());
        wait_for("events of others", others).await;
        for (at, transaction) in open.into_iter().rev().enumerate() {
            if at == 1 {
                transaction.rollback().await.expect("undone");
            } else {
                transaction.commit().await.expect("committed");
                kept += 1;
            }
        }
    }
    kept
}

/// Reads on at one router after the other, from the last cursor, a few events each time; what it heard.
async fn subscribe(routers: &[Speaker]) -> Vec<String> {
    let all = ROUTERS * CALLS + HELD / 3 * 2;
    let (mut heard, mut cursor, mut seen) = (Vec::new(), String::new(), HashSet::new());
    for turn in 0.. {
        let open = StreamUsageOpen {
            cursor: cursor.clone(),
            follow: true,
            ..Default::default()
        };
        let message = Some(stream_usage_request::Message::Open(open));
        let request = tokio_stream::once(StreamUsageRequest { message });
        let mut billing = routers[turn % routers.len()].router.billing();
        let mut stream = billing
            .stream_usage(request)
            .await
            .expect("a stream")
            .into_inner();
        let mut here = 0;
        while here < 17 && heard.len() < all {
            let next = timeout(BOUND, stream.message())
                .await
                .expect("an event in time");
            let next = next.expect("no end").expect("no end");
            if !next.cursor.is_empty() {
                cursor = next.cursor;
            }
            if let Some(event) = next.event {
                // What was held has no body, so that its place stands for it.
                let id = if event.event_id.is_empty() {
                    cursor.clone()
                } else {
                    event.event_id.clone()
                };
                assert!(seen.insert(id.clone()), "twice: {event:?}");
                heard.push(id);
                here += 1;
            }
        }
        if heard.len() == all {
            break;
        }
        // Goes without a word, with more on its way.
        drop(stream);
    }
    heard
}

/// A number about the stream's positions.
async fn positions(outside: &DatabaseConnection, what: &str) -> usize {
    let sql = format!("SELECT {what} AS number FROM stream_positions");
    let row = outside.query_one_raw(sea_orm::Statement::from_string(
        sea_orm::DbBackend::Postgres,
        sql,
    ));
    let row = row.await.expect("read").expect("a row");
    let number: Option<i64> = row.try_get("", "number").expect("a number");
    usize::try_from(number.unwrap_or_default()).expect("a count")
}
