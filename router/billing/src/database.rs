//! Connections: one that writes, one that numbers, a few that only read.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    DbErr, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};

use crate::config::LedgerConfig;
use crate::error::LedgerError;

/// The connections of one ledger.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    pub(crate) writer: Arc<Reopening>,
    pub(crate) sequencer: Arc<Reopening>,
    pub(crate) readers: DatabaseConnection,
}

/// A connection that writes, and that is replaced after an error: after a full disk one was seen
/// that took no transaction again though there was room. Closing it ends whatever it had begun.
#[derive(Debug)]
pub(crate) struct Reopening {
    config: LedgerConfig,
    current: Mutex<DatabaseConnection>,
}

impl Reopening {
    /// Opens it, and checks on the live connection that a commit is on the disk before it is
    /// acknowledged.
    async fn open(config: &LedgerConfig) -> Result<Arc<Self>, LedgerError> {
        let current = Mutex::new(durable(config).await?);
        let config = config.clone();
        Ok(Arc::new(Self { config, current }))
    }

    /// The connection to use now.
    pub(crate) fn get(&self) -> DatabaseConnection {
        let current = self.current.lock();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Closes the connection, and with it whatever it had begun, and opens another one.
    pub(crate) async fn reopen(&self) -> Result<(), LedgerError> {
        self.get().close_by_ref().await?;
        let opened = durable(&self.config).await?;
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = opened;
        Ok(())
    }
}

async fn durable(config: &LedgerConfig) -> Result<DatabaseConnection, LedgerError> {
    let connection = connect(config, 1, false).await?;
    require(&connection, "journal_mode", "wal").await?;
    require(&connection, "synchronous", "2").await?;
    Ok(connection)
}

impl Connections {
    /// Opens the file, which must exist.
    pub(crate) async fn open(config: &LedgerConfig) -> Result<Self, LedgerError> {
        Ok(Self {
            writer: Reopening::open(config).await?,
            sequencer: Reopening::open(config).await?,
            readers: connect(config, config.readers, true).await?,
        })
    }

    pub(crate) async fn close(&self) -> Result<(), DbErr> {
        self.readers.close_by_ref().await?;
        self.sequencer.get().close_by_ref().await?;
        self.writer.get().close_by_ref().await
    }
}

/// Begins a transaction that will write: with the lock from the start, since SQLite refuses to
/// wait when a reading transaction becomes a writing one.
pub(crate) async fn begin(connection: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    connection.begin_with_options(options).await
}

async fn connect(
    config: &LedgerConfig,
    connections: u32,
    only_reads: bool,
) -> Result<DatabaseConnection, DbErr> {
    let busy_timeout = config.busy_timeout;
    let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rw", config.path.display()));
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(Duration::from_secs(10))
        // A connection of one file does not go stale: a check would be a read per use.
        .test_before_acquire(false)
        .idle_timeout(None::<Duration>)
        .max_lifetime(None::<Duration>)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            sqlite
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "FULL")
                .pragma("query_only", if only_reads { "ON" } else { "OFF" })
                .busy_timeout(busy_timeout)
        });
    Database::connect(options).await
}

async fn require(
    connection: &DatabaseConnection,
    setting: &'static str,
    required: &'static str,
) -> Result<(), LedgerError> {
    let query = Statement::from_string(DbBackend::Sqlite, format!("PRAGMA {setting}"));
    let row = connection
        .query_one_raw(query)
        .await?
        .ok_or_else(|| DbErr::RecordNotFound(format!("PRAGMA {setting} gives no answer")))?;
    let found = match row.try_get_by_index::<String>(0) {
        Ok(text) => text,
        Err(_not_text) => row.try_get_by_index::<i64>(0)?.to_string(),
    };
    if found == required {
        Ok(())
    } else {
        Err(LedgerError::NotDurable {
            setting,
            found,
            required,
        })
    }
}
