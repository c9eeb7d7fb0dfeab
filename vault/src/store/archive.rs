//! Reading the audit trail of any database, without a key and beside a running vault.

use std::time::Duration;

use keyway_migrations::DatabaseAddress;
use sea_orm::{
    ColumnTrait as _, ConnectOptions, ConnectionTrait, Database, DatabaseConnection,
    DatabaseTransaction, DbBackend, DbErr, EntityTrait, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Statement, TransactionTrait as _,
};

use super::audit::Row;
use super::entity::{audit_checkpoint, audit_head, audit_row};

/// Opens a database to read it.
pub(crate) async fn open(address: &DatabaseAddress) -> Result<DatabaseConnection, DbErr> {
    match address {
        DatabaseAddress::File(path) => {
            let mut options = ConnectOptions::new(format!("sqlite://{}?mode=ro", path.display()));
            options.max_connections(1).sqlx_logging(false);
            Database::connect(options).await
        }
        DatabaseAddress::Server(server) => {
            server.probe(WAIT).await?;
            server.pool(1, WAIT).await
        }
    }
}

/// How many other processes of the product are connected to a PostgreSQL database. A SQLite file
/// has a lock of its own.
pub(crate) async fn others(database: &DatabaseConnection) -> Result<i64, DbErr> {
    if database.get_database_backend() != DbBackend::Postgres {
        return Ok(0);
    }
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
               AND application_name = 'keyway' AND pid <> pg_backend_pid()";
    let row = database
        .query_one_raw(Statement::from_string(DbBackend::Postgres, sql))
        .await?;
    row.map_or(Ok(0), |row| row.try_get_by_index(0))
}

/// One state of the database, however long it is read.
pub(crate) async fn snapshot(database: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let transaction = database.begin().await?;
    if database.get_database_backend() == DbBackend::Postgres {
        let mode = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";
        transaction.execute_unprepared(mode).await?;
    }
    Ok(transaction)
}

/// The first chain behind a name, by any table that names chains.
pub(crate) async fn next_chain(
    on: &impl ConnectionTrait,
    behind: Option<&str>,
) -> Result<Option<String>, DbErr> {
    let found = [
        first::<audit_row::Entity>(on, audit_row::Column::Chain, behind).await?,
        first::<audit_head::Entity>(on, audit_head::Column::Chain, behind).await?,
        first::<audit_checkpoint::Entity>(on, audit_checkpoint::Column::Chain, behind).await?,
    ];
    Ok(found.into_iter().flatten().min())
}

async fn first<E: EntityTrait>(
    on: &impl ConnectionTrait,
    chain: E::Column,
    behind: Option<&str>,
) -> Result<Option<String>, DbErr> {
    let mut names = E::find().select_only().column_as(chain.min(), "first");
    if let Some(behind) = behind {
        names = names.filter(chain.gt(behind));
    }
    let name = names.into_tuple::<Option<String>>().one(on).await?;
    Ok(name.flatten())
}

/// At most `limit` rows of a chain behind a sequence, whatever sequences they have.
pub(crate) async fn rows(
    on: &impl ConnectionTrait,
    chain: &str,
    behind: i64,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    audit_row::Entity::find()
        .filter(audit_row::Column::Chain.eq(chain))
        .filter(audit_row::Column::Sequence.gt(behind))
        .order_by_asc(audit_row::Column::Sequence)
        .limit(limit)
        .all(on)
        .await
}

const WAIT: Duration = Duration::from_secs(10);
