//! How the database finds what lists and calls ask for: by an index, never by looking at every row.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use keyway_words::Timestamp;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};
use tokio::time::Instant;

use super::harness::{World, on_postgres};
use crate::store::keys::After;
use crate::store::tokens::Filter;
use crate::store::{data_keys, keys, members, purge, requests, tokens, workspaces};

#[tokio::test]
async fn no_list_and_no_call_looks_at_every_row_or_sorts_what_it_found() {
    let world = World::new().await;
    let mut connection = world.database.stranger().await;
    let seen: Arc<Mutex<Vec<Statement>>> = Arc::default();
    let notes = Arc::clone(&seen);
    connection.set_metric_callback(move |info| {
        notes.lock().unwrap().push(info.statement.clone());
    });
    let on = &connection;
    let owner = "workspaces/acme";
    let after = || Some(After("exa".to_owned(), 3, "k".to_owned()));
    for provider in ["", "openai"] {
        keys::page(on, owner, provider, None, 50).await.unwrap();
        keys::page(on, owner, provider, after(), 50).await.unwrap();
    }
    keys::live(on, owner, "openai").await.unwrap();
    keys::find(on, owner, "openai", "k").await.unwrap();
    keys::pool(on, owner, "openai").await.unwrap();
    data_keys::by_ids(on, vec!["a".to_owned(), "b".to_owned()])
        .await
        .unwrap();
    data_keys::newest(on, owner).await.unwrap();
    members::page(on, "acme", "service:x", 50).await.unwrap();
    members::count(on, "acme", "admin").await.unwrap();
    workspaces::page(on, "acme", 50).await.unwrap();
    for (workspace, subject) in [
        (Some("acme"), None),
        (Some("acme"), Some("service:x")),
        (None, None),
    ] {
        let filter = Filter { workspace, subject };
        tokens::page(on, filter, "0", 50).await.unwrap();
    }
    tokens::by_hash(on, &[0; 32]).await.unwrap();
    requests::find(on, owner, "one", Timestamp(0))
        .await
        .unwrap();
    purge::waiting(on).await.unwrap();
    purge::erase(on, "acme").await.unwrap();

    let statements = std::mem::take(&mut *seen.lock().unwrap());
    assert!(statements.len() > 20, "{}", statements.len());
    if on_postgres() {
        // The tables are small: without these the planner would rightly read them whole.
        for way in ["seqscan", "bitmapscan", "sort"] {
            let sql = format!("SET enable_{way} = off");
            connection.execute_unprepared(&sql).await.unwrap();
        }
    }
    for statement in statements {
        for step in plan(&connection, &statement).await {
            let slow = ["SCAN ", "TEMP B-TREE", "Seq Scan", "Sort"];
            let found = slow.iter().find(|word| step.contains(*word));
            assert!(found.is_none(), "{step}: {}", statement.sql);
        }
    }
}

/// What the database would do for a statement, step by step.
async fn plan(connection: &DatabaseConnection, statement: &Statement) -> Vec<String> {
    let (explain, column) = if on_postgres() {
        ("EXPLAIN", 0)
    } else {
        ("EXPLAIN QUERY PLAN", 3)
    };
    let explain = Statement {
        sql: format!("{explain} {}", statement.sql),
        ..statement.clone()
    };
    let rows = connection.query_all_raw(explain).await.unwrap();
    rows.iter()
        .map(|row| row.try_get_by_index(column).unwrap())
        .collect()
}

/// On PostgreSQL a million rows, since the bench measures SQLite only; fewer there.
#[tokio::test]
#[expect(clippy::print_stdout, reason = "its figures are read with --nocapture")]
async fn over_many_rows_the_planner_takes_the_index_of_its_own_accord() {
    let world = World::new().await;
    let rows = if on_postgres() { 1_000_000 } else { 50_000 };
    let fill = format!(
        "INSERT INTO keys (row_id, owner, provider, name, version, data_key_id, envelope, mask, \
         fingerprint, place, disabled, allowed_models, label, health, health_reason, \
         change_number, created_at, updated_at, deleted_at) \
         WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) \
         SELECT 'fill-' || i, 'workspaces/fill-' || (i / 40), \
         CASE i % 3 WHEN 0 THEN 'exa' WHEN 1 THEN 'google' ELSE 'openai' END, 'k' || (i % 40), 1, \
         'data-key-' || (i / 40), x'00ff', '…', '', i % 8, i % 7 = 0, '[]', '', 'ACTIVE', '', 1, \
         0, 0, CASE WHEN i % 10 < 3 THEN 1 END FROM n"
    );
    world.sql(&fill).await;
    let mut connection = world.database.stranger().await;
    connection.execute_unprepared("ANALYZE").await.unwrap();
    let mut taken = Vec::new();
    for number in 0..300 {
        let owner = format!("workspaces/fill-{}", number * 7_919 % (rows / 40));
        let provider = ["", "exa", "openai"][number % 3];
        let after = (number % 2 == 0).then(|| After("exa".to_owned(), 3, "k".to_owned()));
        let start = Instant::now();
        keys::page(&connection, &owner, provider, after, 20)
            .await
            .unwrap();
        taken.push(start.elapsed());
    }
    taken.sort();
    let at = |place: usize| taken.get(place).map_or(0.0, Duration::as_secs_f64) * 1_000.0;
    println!(
        "a page of {rows} rows: p50 {:.3} ms, p99 {:.3} ms",
        at(150),
        at(297)
    );

    let seen: Arc<Mutex<Vec<Statement>>> = Arc::default();
    let notes = Arc::clone(&seen);
    connection.set_metric_callback(move |info| {
        notes.lock().unwrap().push(info.statement.clone());
    });
    let owner = "workspaces/fill-77";
    keys::page(&connection, owner, "", None, 20).await.unwrap();
    keys::live(&connection, owner, "exa").await.unwrap();
    let statements = std::mem::take(&mut *seen.lock().unwrap());
    for statement in statements {
        let steps = plan(&connection, &statement).await.join("; ");
        println!("{steps}");
        let by_index = steps.contains("keys_by_place") || steps.contains("keys_live");
        assert!(by_index && !steps.contains("Seq Scan"), "{steps}");
    }
}
