//! Applying and checking the steps of one database, whichever it is.

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait,
};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait};

/// A database whose schema is not the one this build needs.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// Steps are missing.
    #[error(
        "the {database} database lacks {missing} schema step(s), the first is {first}; run \
         `keyway-migrate {database} --database FILE`"
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

/// One step: its name for ever, and SQL that is never edited once released.
pub(crate) struct Step {
    /// Sorts after every step before it.
    pub(crate) name: &'static str,
    /// Statements, run in one transaction with every other missing step.
    pub(crate) sql: &'static str,
}

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.name
    }
}

#[expect(elided_lifetimes_in_paths, reason = "the trait's own signature has it elided")]
#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .get_connection()
            .execute_unprepared(self.sql)
            .await
            .map(drop)
    }
}

/// A database and its steps.
pub(crate) trait Steps: MigratorTrait {
    /// `vault` or `router`.
    const DATABASE: &'static str;
}

/// Applies every missing step, all or none.
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
    let select = |sql: &str| Statement::from_string(DbBackend::Sqlite, sql);
    let table = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = 'seaql_migrations'";
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
