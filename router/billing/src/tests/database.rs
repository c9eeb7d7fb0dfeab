//! The database of one test: a SQLite file, or a PostgreSQL database of its own where the variable
//! `KEYWAY_TEST_DATABASE` says `postgres`. One suite runs on both.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use keyway_migrations::{DatabaseAddress, ServerAddress};
use keyway_test_servers::Postgres;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection};
use tempfile::TempDir;

/// A database that ends with the test.
pub(super) struct TestDatabase {
    folder: TempDir,
    pub(super) address: DatabaseAddress,
}

/// Whether this run is on PostgreSQL.
pub(super) fn on_postgres() -> bool {
    std::env::var_os("KEYWAY_TEST_DATABASE").is_some_and(|name| name == "postgres")
}

impl TestDatabase {
    /// With this build's schema and no row.
    pub(super) async fn migrated() -> Self {
        let made = Self::empty().await;
        let database = made.stranger().await;
        keyway_migrations::router::migrate(&database).await.unwrap();
        database.close().await.unwrap();
        made
    }

    /// One that nobody has migrated.
    pub(super) async fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = if on_postgres() {
            DatabaseAddress::Server(create(Postgres::shared().unwrap()).await)
        } else {
            let path = folder.path().join("router.db");
            std::fs::File::create(&path).unwrap();
            DatabaseAddress::File(path)
        };
        Self { folder, address }
    }

    /// On a server that is given.
    pub(super) async fn on(server: &Postgres) -> Self {
        let made = Self {
            folder: tempfile::tempdir().unwrap(),
            address: DatabaseAddress::Server(create(server).await),
        };
        let database = made.stranger().await;
        keyway_migrations::router::migrate(&database).await.unwrap();
        database.close().await.unwrap();
        made
    }

    /// A connection of a stranger.
    pub(super) async fn stranger(&self) -> DatabaseConnection {
        assert!(self.folder.path().exists());
        match &self.address {
            DatabaseAddress::File(path) => {
                let url = format!("sqlite://{}?mode=rw", path.display());
                let mut options = sea_orm::ConnectOptions::new(url);
                options.max_connections(1).sqlx_logging(false);
                Database::connect(options).await.unwrap()
            }
            DatabaseAddress::Server(server) => server.pool(1, WAIT).await.unwrap(),
        }
    }
}

/// A new database of a server.
async fn create(server: &Postgres) -> ServerAddress {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("keyway_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let maintenance = ServerAddress::parse(&server.url("postgres")).unwrap();
    let maintenance = maintenance.pool(1, WAIT).await.unwrap();
    let sql = format!("CREATE DATABASE {name}");
    maintenance.execute_unprepared(&sql).await.unwrap();
    maintenance.close().await.unwrap();
    ServerAddress::parse(&server.url(&name)).unwrap()
}

const WAIT: Duration = Duration::from_secs(20);
