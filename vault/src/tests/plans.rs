//! How the database finds what lists and calls ask for: by an index, never by looking at every row.

use std::sync::{Arc, Mutex};

use keyway_words::Timestamp;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, Statement};

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
