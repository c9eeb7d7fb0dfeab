//! Applying and checking the steps of one database, whichever it is.

use std::time::Duration;

use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, SqliteTransactionMode,
    Statement, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait};
use tokio::time::timeout;

use crate::DatabaseAddress;
use crate::address::is_away;

/// A database whose schema is not the one this build needs.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// Steps are missing.
    #[error(
        "the {database} database lacks {missing} schema step(s), the first is {first}; run \
         `keyway-migrate {database}` with `--database FILE` or `--url-file FILE`"
    )]
    Behind {
        /// `vault` or `router`.
        database: &'static str,
        /// How many steps are missing.
        missing: usize,
        /// Name of the first of them.
        first: String,
    },
    /// A newer build has changed it.
    #[error(
        "the {database} database has the schema step {step}, which this build does not know; start the newer build"
    )]
    Ahead {
        /// `vault` or `router`.
        database: &'static str,
        /// The unknown step.
        step: String,
    },
    /// The database can't be read or changed.
    #[error("the {database} database can't be read: {cause}")]
    Database {
        /// `vault` or `router`.
        database: &'static str,
        /// What the database said.
        cause: DbErr,
    },
}

impl SchemaError {
    /// Whether nobody answered.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Database { cause, .. } if is_away(cause))
    }
}

/// One step: its name for ever, and SQL that is never edited once released. Statements run in one
/// transaction with every other missing step.
pub(crate) struct Step {
    /// Sorts after every step before it.
    pub(crate) name: &'static str,
    /// For SQLite.
    pub(crate) sqlite: &'static str,
    /// For PostgreSQL.
    pub(crate) postgres: &'static str,
}

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.name
    }
}

#[expect(
    elided_lifetimes_in_paths,
    reason = "the trait's own signature has it elided"
)]
#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let sql = match manager.get_database_backend() {
            DbBackend::Postgres => self.postgres,
            _ => self.sqlite,
        };
        manager
            .get_connection()
            .execute_unprepared(sql)
            .await
            .map(drop)
    }
}

/// A database and its steps.
pub(crate) trait Steps: MigratorTrait {
    /// `vault` or `router`.
    const DATABASE: &'static str;
}

/// PostgreSQL's advisory lock of whoever makes tables or first rows: `keyway` in ASCII. It ends with
/// the transaction that took it.
pub const MIGRATION_LOCK: i64 = 0x6b65_7977_6179;

/// Applies every missing step, all or none. On PostgreSQL a second one waits for the first.
pub(crate) async fn migrate<S: Steps>(database: &DatabaseConnection) -> Result<(), SchemaError> {
    let failed = |cause| SchemaError::Database {
        database: S::DATABASE,
        cause,
    };
    let immediate = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let transaction = database
        .begin_with_options(immediate)
        .await
        .map_err(failed)?;
    if database.get_database_backend() == DbBackend::Postgres {
        let lock = format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})");
        transaction
            .execute_unprepared(&lock)
            .await
            .map_err(failed)?;
    }
    S::up(&transaction, None).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Compares the applied steps with the known ones. Changes nothing.
pub(crate) async fn check<S: Steps>(database: &DatabaseConnection) -> Result<(), SchemaError> {
    let applied = applied::<S>(database).await?;
    let known: Vec<String> = known::<S>();
    if let Some(step) = applied.iter().find(|step| !known.contains(step)) {
        return Err(SchemaError::Ahead {
            database: S::DATABASE,
            step: step.clone(),
        });
    }
    let missing: Vec<&String> = known
        .iter()
        .filter(|step| !applied.contains(step))
        .collect();
    missing.first().map_or(Ok(()), |first| {
        Err(SchemaError::Behind {
            database: S::DATABASE,
            missing: missing.len(),
            first: (*first).clone(),
        })
    })
}

/// The same of a database that nobody has opened yet, without a lock: its schema, and whether a server
/// answers within `bound`. Whatever else is wrong is left to its opening, which says it better.
pub(crate) async fn look<S: Steps>(
    address: &DatabaseAddress,
    bound: Duration,
) -> Result<(), SchemaError> {
    let failed = |cause| SchemaError::Database {
        database: S::DATABASE,
        cause,
    };
    let looking = async {
        let connection = address.open("rw", bound).await.map_err(failed)?;
        let checked = check::<S>(&connection).await;
        connection.close().await.map_err(failed)?;
        checked
    };
    let late = |_elapsed| failed(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout));
    match timeout(bound * 2, looking).await.map_err(late)? {
        Err(error @ SchemaError::Database { .. }) if !error.is_away() => Ok(()),
        looked => looked,
    }
}

/// Names of the known steps, in order.
pub(crate) fn known<S: Steps>() -> Vec<String> {
    S::migrations()
        .iter()
        .map(|step| step.name().to_owned())
        .collect()
}

/// Names of the applied steps; none in a database that was never migrated.
pub(crate) async fn applied<S: Steps>(
    database: &DatabaseConnection,
) -> Result<Vec<String>, SchemaError> {
    let failed = |cause| SchemaError::Database {
        database: S::DATABASE,
        cause,
    };
    let backend = database.get_database_backend();
    let select = |sql: &str| Statement::from_string(backend, sql);
    let table = match backend {
        DbBackend::Postgres => "SELECT 1 WHERE to_regclass('seaql_migrations') IS NOT NULL",
        _ => "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'seaql_migrations'",
    };
    if database
        .query_one_raw(select(table))
        .await
        .map_err(failed)?
        .is_none()
    {
        return Ok(Vec::new());
    }
    database
        .query_all_raw(select(
            "SELECT version FROM seaql_migrations ORDER BY version",
        ))
        .await
        .map_err(failed)?
        .iter()
        .map(|row| row.try_get_by_index::<String>(0).map_err(failed))
        .collect()
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection};
    use tempfile::TempDir;

    use crate::{DatabaseLock, LockError, SchemaError, vault};

    async fn database(folder: &TempDir) -> DatabaseConnection {
        let path = folder.path().join("vault.db");
        let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rwc", path.display()));
        options.max_connections(1).sqlx_logging(false);
        Database::connect(options).await.unwrap()
    }

    #[tokio::test]
    async fn a_database_is_behind_until_it_is_migrated_and_migrating_again_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(&folder).await;
        let behind = vault::check(&database).await.unwrap_err();
        assert!(
            behind.to_string().contains("keyway-migrate vault"),
            "{behind}"
        );
        for _ in 0..2 {
            vault::migrate(&database).await.unwrap();
            vault::check(&database).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_database_of_a_newer_build_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(&folder).await;
        vault::migrate(&database).await.unwrap();
        let newer = "INSERT INTO seaql_migrations VALUES ('vault_9999_later', 0)";
        database.execute_unprepared(newer).await.unwrap();
        let ahead = vault::check(&database).await.unwrap_err();
        assert!(matches!(&ahead, SchemaError::Ahead { step, .. } if step == "vault_9999_later"));
        assert!(vault::migrate(&database).await.is_err());
    }

    #[tokio::test]
    async fn a_step_that_fails_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let database = database(&folder).await;
        // A table in the way of the last statements of the first step.
        database
            .execute_unprepared("CREATE TABLE requests (x)")
            .await
            .unwrap();
        assert!(vault::migrate(&database).await.is_err());
        database
            .execute_unprepared("DROP TABLE requests")
            .await
            .unwrap();
        assert!(matches!(
            vault::check(&database).await,
            Err(SchemaError::Behind { .. })
        ));
        vault::migrate(&database).await.unwrap();
    }

    #[test]
    fn one_process_at_a_time_has_a_database() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.db");
        let held = DatabaseLock::take(&path).unwrap();
        assert!(matches!(DatabaseLock::take(&path), Err(LockError::Held(_))));
        drop(held);
        DatabaseLock::take(&path).unwrap();
    }
}
