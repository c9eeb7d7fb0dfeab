//! Both databases have one schema: what the catalogues of a migrated SQLite file and of a migrated
//! PostgreSQL database say is the same, line by line.

#![cfg(feature = "external")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't go on has failed"
)]

#[path = "schema/postgres.rs"]
mod postgres;
#[path = "schema/sqlite.rs"]
mod sqlite;

use std::collections::BTreeSet;

use keyway_migrations::{ServerAddress, router, vault};
use keyway_test_servers::Postgres;
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, QueryResult, Statement,
};

/// Tables, columns with type, nullability and default, primary keys, unique constraints, indexes and
/// foreign keys, each as one line of text.
type Lines = BTreeSet<String>;

/// Migrated databases of both kinds.
struct Both {
    sqlite: DatabaseConnection,
    postgres: DatabaseConnection,
}

impl Both {
    async fn new(name: &str) -> Self {
        let mut options = ConnectOptions::new("sqlite::memory:");
        options.max_connections(1).sqlx_logging(false);
        let server = Postgres::shared().unwrap();
        let maintenance = connect(server, "postgres").await;
        let create = format!("CREATE DATABASE {name}");
        maintenance.execute_unprepared(&create).await.unwrap();
        Self {
            sqlite: Database::connect(options).await.unwrap(),
            postgres: connect(server, name).await,
        }
    }

    async fn vault(name: &str) -> Self {
        let both = Self::new(name).await;
        vault::migrate(&both.sqlite).await.unwrap();
        vault::migrate(&both.postgres).await.unwrap();
        both
    }

    async fn router(name: &str) -> Self {
        let both = Self::new(name).await;
        router::migrate(&both.sqlite).await.unwrap();
        router::migrate(&both.postgres).await.unwrap();
        both
    }

    /// What only one of them has.
    async fn differences(&self) -> Vec<String> {
        let (sqlite, postgres) = (
            sqlite::lines(&self.sqlite).await,
            postgres::lines(&self.postgres).await,
        );
        assert!(sqlite.len() > 50, "the catalogue is read: {sqlite:?}");
        let only_sqlite = sqlite
            .difference(&postgres)
            .map(|line| format!("only SQLite: {line}"));
        let only_postgres = postgres
            .difference(&sqlite)
            .map(|line| format!("only PostgreSQL: {line}"));
        only_sqlite.chain(only_postgres).collect()
    }
}

async fn connect(server: &Postgres, database: &str) -> DatabaseConnection {
    let address = ServerAddress::parse(&server.url(database)).unwrap();
    address
        .pool(1, std::time::Duration::from_secs(20))
        .await
        .unwrap()
}

async fn rows(on: &DatabaseConnection, sql: &str) -> Vec<QueryResult> {
    let statement = Statement::from_string(on.get_database_backend(), sql);
    on.query_all_raw(statement).await.unwrap()
}

fn text(row: &QueryResult, column: &str) -> String {
    row.try_get::<Option<String>>("", column)
        .unwrap()
        .unwrap_or_default()
}

/// A condition or a default in one spelling.
fn plain(expression: &str) -> String {
    let lower = expression.to_ascii_lowercase();
    let without_casts = lower.split("::").next().unwrap_or_default();
    let bare = without_casts.replace(['(', ')', '"'], "");
    match bare.trim() {
        "false" => "0".to_owned(),
        "true" => "1".to_owned(),
        other => other.to_owned(),
    }
}

#[tokio::test]
async fn the_vaults_schema_is_the_same_on_sqlite_and_postgres() {
    let both = Both::vault("same_vault").await;
    assert_eq!(both.differences().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_routers_schema_is_the_same_on_sqlite_and_postgres() {
    let both = Both::router("same_router").await;
    assert_eq!(both.differences().await, Vec::<String>::new());
}

#[tokio::test]
async fn whatever_postgres_lacks_is_found() {
    let damages = [
        (
            "DROP INDEX keys_live",
            "unique (owner, provider, name) where deleted_at is null",
        ),
        (
            "ALTER TABLE data_keys DROP CONSTRAINT data_keys_owner_generation_key",
            "data_keys unique (owner, generation)",
        ),
        (
            "ALTER TABLE members DROP CONSTRAINT members_workspace_fkey",
            "members (workspace) references workspaces (id)",
        ),
        (
            "ALTER TABLE audit_rows DROP CONSTRAINT audit_rows_pkey",
            "audit_rows primary key (chain, sequence)",
        ),
        (
            "DROP INDEX requests_by_age",
            "index requests_by_age on requests (created_at)",
        ),
        (
            "ALTER TABLE keys ALTER COLUMN envelope DROP NOT NULL",
            "keys.envelope bytes not null",
        ),
        (
            "ALTER TABLE keys ALTER COLUMN version TYPE INT",
            "keys.version number not null",
        ),
        (
            "ALTER TABLE keys ALTER COLUMN name TYPE TEXT COLLATE \"POSIX\"",
            "keys.name text not null",
        ),
        (
            "ALTER TABLE keys DROP COLUMN label",
            "keys.label text not null",
        ),
        (
            "ALTER TABLE feed RENAME TO food",
            "feed.epoch text not null",
        ),
    ];
    let both = Both::vault("damaged_vault").await;
    let mut found = Vec::new();
    for (damage, line) in damages {
        both.postgres.execute_unprepared(damage).await.unwrap();
        let all = both.differences().await;
        assert!(all.len() > found.len(), "{damage} was not found");
        assert!(
            all.iter()
                .any(|difference| difference.starts_with("only SQLite: ")
                    && difference.contains(line)),
            "{damage}: {all:#?}"
        );
        found = all;
    }
}
