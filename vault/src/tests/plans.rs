//! How the database finds what lists and calls ask for: by an index, never by looking at every row.

use std::sync::{Arc, Mutex};

use keyway_words::Timestamp;
use sea_orm::{ConnectionTrait as _, Statement};

use super::harness::{World, raw};
use crate::store::keys::After;
use crate::store::tokens::Filter;
use crate::store::{data_keys, keys, members, purge, requests, tokens, workspaces};

#[tokio::test]
async fn no_list_and_no_call_looks_at_every_row_or_sorts_what_it_found() {
    let world = World::new().await;
    let mut connection = raw(&world.database(), "rw").await;
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
    for statement in statements {
        let sql = format!("EXPLAIN QUERY PLAN {}", statement.sql);
        let explain = Statement {
            sql,
            ..statement.clone()
        };
        for row in connection.query_all_raw(explain).await.unwrap() {
            let step: String = row.try_get_by_index(3).unwrap();
            let slow = step.starts_with("SCAN") || step.contains("TEMP B-TREE");
            assert!(!slow, "{step}: {}", statement.sql);
        }
    }
}
