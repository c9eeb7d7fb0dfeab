//! Whole and half rows in each other's place: across workspaces, providers, names and versions.

use super::live::Live;
use super::{ANTHROPIC, Bench, OPENAI, SECRET};
use crate::harness::{Logs, Product, Tenant};
use keyway_proto::vault::v1::PutKeyRequest;

/// Columns that change places, from one to all that are sealed or bound.
const SEALED: [&[&str]; 5] = [
    &["envelope"],
    &["envelope", "data_key_id"],
    &["envelope", "row_id"],
    &["envelope", "data_key_id", "row_id"],
    &["envelope", "data_key_id", "row_id", "version"],
];

#[tokio::test]
async fn rows_swapped_across_workspaces_are_unreadable() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let mut bench = Bench::new(&product).await;
    for columns in SEALED.into_iter().chain([["owner"].as_slice()]) {
        let (one, other) = (bench.stored().await, bench.stored().await);
        let rows = (row(&bench, &one, "").await, row(&bench, &other, "").await);
        swap(&bench.live, (&rows.0, &rows.1), columns).await;
        for tenant in [&one, &other] {
            bench
                .refused(tenant, OPENAI, &format!("{columns:?} of two workspaces"))
                .await;
        }
    }
    bench.nothing_left().await;
}

#[tokio::test]
async fn rows_swapped_across_providers_are_unreadable() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let mut bench = Bench::new(&product).await;
    // One owner has one data key: swapping its id alone would change nothing.
    for columns in SEALED.into_iter().chain([["provider"].as_slice()]) {
        let tenant = bench.stored().await;
        let key = format!("{SECRET}-anthropic");
        tenant
            .admin
            .put_key(&tenant.name, "anthropic", &key)
            .await
            .unwrap();
        let openai = row(&bench, &tenant, "AND provider = 'openai'").await;
        let anthropic = row(&bench, &tenant, "AND provider = 'anthropic'").await;
        swap(&bench.live, (&openai, &anthropic), columns).await;
        for model in [OPENAI, ANTHROPIC] {
            bench
                .refused(&tenant, model, &format!("{columns:?} of two providers"))
                .await;
        }
    }
    bench.nothing_left().await;
}

#[tokio::test]
async fn rows_swapped_across_names_are_unreadable() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let mut bench = Bench::new(&product).await;
    for columns in SEALED.into_iter().chain([["name"].as_slice()]) {
        let tenant = bench.stored().await;
        put_second(&tenant).await;
        let first = row(&bench, &tenant, "AND name = 'default'").await;
        let second = row(&bench, &tenant, "AND name = 'second'").await;
        swap(&bench.live, (&first, &second), columns).await;
        bench
            .refused(&tenant, OPENAI, &format!("{columns:?} of two names"))
            .await;
    }
    bench.nothing_left().await;
}

#[tokio::test]
async fn an_earlier_version_in_the_row_of_a_later_one_is_unreadable() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let mut bench = Bench::new(&product).await;
    for column in ["envelope", "version"] {
        let tenant = bench.stored().await;
        let row = row(&bench, &tenant, "").await;
        let earlier = bench.live.literal(&row, column).await;
        let key = format!("{SECRET}-later");
        let stored = tenant
            .admin
            .put_key(&tenant.name, "openai", &key)
            .await
            .unwrap();
        assert_eq!(stored.version, 2);
        put(&bench.live, &row, column, &earlier).await;
        bench
            .refused(&tenant, OPENAI, &format!("{column} of version 1"))
            .await;
    }
    bench.nothing_left().await;
}

async fn put_second(tenant: &Tenant) {
    let request = PutKeyRequest {
        owner: tenant.name.clone(),
        provider: "openai".to_owned(),
        key_name: "second".to_owned(),
        secret: format!("{SECRET}-second"),
        ..Default::default()
    };
    tenant.admin.vault.keys().put_key(request).await.unwrap();
}

/// SQLite's number of the only live row of a workspace that fits.
async fn row(bench: &Bench<'_>, tenant: &Tenant, and: &str) -> String {
    let owner = &tenant.name;
    let sql = format!("SELECT CAST(rowid AS TEXT) FROM keys WHERE owner = '{owner}' {and}");
    bench.live.text(&sql).await
}

async fn put(live: &Live, row: &str, column: &str, literal: &str) {
    let sql = format!("UPDATE keys SET {column} = {literal} WHERE rowid = {row}");
    live.change(&sql).await;
}

async fn swap(live: &Live, (one, other): (&str, &str), columns: &[&str]) {
    for column in columns {
        let of_one = live.literal(one, column).await;
        let of_other = live.literal(other, column).await;
        // Names are unique: the first row steps aside.
        let aside = if matches!(*column, "owner" | "provider" | "name" | "row_id") {
            "'aside'"
        } else {
            of_one.as_str()
        };
        put(live, one, column, aside).await;
        put(live, other, column, &of_one).await;
        put(live, one, column, &of_other).await;
    }
}
