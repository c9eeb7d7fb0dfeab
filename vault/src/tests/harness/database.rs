//! The database of one test: a SQLite file, or on PostgreSQL a database of its own.
//!
//! Which of them is said by the variable `KEYWAY_TEST_DATABASE` (`postgres`; SQLite without it), so
//! that one suite runs on both: a test knows nothing of it, as long as it takes its database from
//! here and writes its SQL for SQLite ([`translated`] is the whole difference).

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use keyway_migrations::vault::migrate;
use keyway_migrations::{DatabaseAddress, ServerAddress};
use keyway_test_servers::Postgres;
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement,
};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::master_key;
use crate::settings::DatabaseSettings;
use crate::store::Bounds;

/// A database and a folder with the master key that belongs to it.
pub(in crate::tests) struct TestDatabase {
    pub(in crate::tests) folder: TempDir,
    address: DatabaseAddress,
}

/// Bounds that no test comes near by accident.
pub(in crate::tests) const BOUNDS: Bounds = Bounds {
    readers: 4,
    connect: Duration::from_secs(20),
    turn: Duration::from_secs(20),
    statement: Duration::from_secs(20),
};

/// Whether this run is on PostgreSQL.
pub(in crate::tests) fn on_postgres() -> bool {
    std::env::var_os("KEYWAY_TEST_DATABASE").is_some_and(|name| name == "postgres")
}

impl TestDatabase {
    /// A migrated database without a row, and a new master key.
    pub(in crate::tests) async fn migrated() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = if on_postgres() {
            let template = TEMPLATE.get_or_init(template).await;
            DatabaseAddress::Server(create(&format!("TEMPLATE {template}")).await)
        } else {
            let path = file(&folder);
            let connection = stranger_to(&path, "rwc").await;
            migrate(&connection).await.unwrap();
            connection.close().await.unwrap();
            DatabaseAddress::File(path)
        };
        master_key::create_file(&folder.path().join("master.key")).unwrap();
        Self { folder, address }
    }

    /// A database that nobody has migrated.
    pub(in crate::tests) async fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = if on_postgres() {
            DatabaseAddress::Server(create("").await)
        } else {
            let path = file(&folder);
            stranger_to(&path, "rwc").await.close().await.unwrap();
            DatabaseAddress::File(path)
        };
        Self { folder, address }
    }

    /// What a vault is told about it.
    pub(in crate::tests) fn settings(&self) -> DatabaseSettings {
        DatabaseSettings {
            address: self.address.clone(),
            password_file: None,
            bounds: BOUNDS,
        }
    }

    /// The file of its master key.
    pub(in crate::tests) fn key(&self) -> PathBuf {
        self.folder.path().join("master.key")
    }

    /// A connection of a stranger: none of the vault's checks are on.
    pub(in crate::tests) async fn stranger(&self) -> DatabaseConnection {
        match &self.address {
            DatabaseAddress::File(path) => stranger_to(path, "rw").await,
            DatabaseAddress::Server(server) => server.pool(1, BOUNDS.connect).await.unwrap(),
        }
    }

    /// Runs SQL as a stranger would, on the live database.
    pub(in crate::tests) async fn sql(&self, sql: &str) {
        let stranger = self.stranger().await;
        let sql = translated(&stranger, sql);
        let done = stranger.execute_unprepared(&sql).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
        stranger.close().await.unwrap();
    }

    /// One number that SQL finds.
    pub(in crate::tests) async fn number(&self, sql: &str) -> i64 {
        let stranger = self.stranger().await;
        let statement =
            Statement::from_string(stranger.get_database_backend(), translated(&stranger, sql));
        let row = stranger.query_one_raw(statement).await.unwrap().unwrap();
        stranger.close().await.unwrap();
        row.try_get_by_index(0).unwrap()
    }

    /// Lets every insert into a table fail from now on, until [`Self::mend_inserts`].
    pub(in crate::tests) async fn break_inserts(&self, table: &str) {
        let sql = if on_postgres() {
            format!(
                "CREATE FUNCTION broken() RETURNS trigger AS \
                 'BEGIN RAISE EXCEPTION ''the disk is full''; END' LANGUAGE plpgsql; \
                 CREATE TRIGGER broken BEFORE INSERT ON {table} EXECUTE FUNCTION broken()"
            )
        } else {
            format!(
                "CREATE TRIGGER broken BEFORE INSERT ON {table} \
                 BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
            )
        };
        self.sql(&sql).await;
    }

    /// The way back from [`Self::break_inserts`].
    pub(in crate::tests) async fn mend_inserts(&self, table: &str) {
        if on_postgres() {
            self.sql(&format!(
                "DROP TRIGGER broken ON {table}; DROP FUNCTION broken"
            ))
            .await;
        } else {
            self.sql("DROP TRIGGER broken").await;
        }
    }
}

/// SQL of SQLite in the words of the connection's database: byte literals, their type, and what
/// locks. Everything else that tests write is the same in both.
pub(in crate::tests) fn translated(connection: &DatabaseConnection, sql: &str) -> String {
    if connection.get_database_backend() != DbBackend::Postgres {
        return sql.to_owned();
    }
    let mut text = sql
        .replace("AS BLOB", "AS BYTEA")
        .replace("BEGIN IMMEDIATE", "BEGIN");
    while let Some((before, rest)) = text.split_once("zeroblob(length(") {
        let (column, after) = rest.split_once("))").unwrap();
        text = format!("{before}decode(repeat('00', length({column})), 'hex'){after}");
    }
    let mut pieces = text.split("x'");
    let mut whole = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once('\'') {
            Some((hex, after)) if hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                whole.extend(["'\\x", hex, "'::bytea", after]);
            }
            _ => whole.extend(["x'", piece]),
        }
    }
    whole
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("vault.db")
}

/// A connection of a stranger to a SQLite file.
pub(in crate::tests) async fn stranger_to(file: &Path, mode: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(format!("sqlite://{}?mode={mode}", file.display()));
    options
        .max_connections(1)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(|sqlite| {
            sqlite
                .foreign_keys(false)
                .busy_timeout(Duration::from_secs(5))
        });
    Database::connect(options).await.unwrap()
}

/// The migrated database that all others of this process are copies of.
static TEMPLATE: OnceCell<&'static str> = OnceCell::const_new();

async fn template() -> &'static str {
    let name = "keyway_template";
    let server = Postgres::shared().unwrap();
    let maintenance = connect(server, "postgres").await;
    let sql = format!("CREATE DATABASE {name}");
    maintenance.execute_unprepared(&sql).await.unwrap();
    maintenance.close().await.unwrap();
    let template = connect(server, name).await;
    migrate(&template).await.unwrap();
    template.close().await.unwrap();
    name
}

/// A new database of the shared server.
async fn create(from: &str) -> ServerAddress {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("keyway_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let server = Postgres::shared().unwrap();
    let maintenance = connect(server, "postgres").await;
    let sql = format!("CREATE DATABASE {name} {from}");
    maintenance.execute_unprepared(&sql).await.unwrap();
    maintenance.close().await.unwrap();
    ServerAddress::parse(&server.url(&name)).unwrap()
}

async fn connect(server: &Postgres, database: &str) -> DatabaseConnection {
    let address = ServerAddress::parse(&server.url(database)).unwrap();
    address.pool(1, BOUNDS.connect).await.unwrap()
}
