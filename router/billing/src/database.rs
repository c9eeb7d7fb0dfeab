//! Connections: one that writes, one that numbers, a few that only read.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyway_migrations::{DatabaseAddress, close_unsettled};
use keyway_words::Timestamp;
use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    DbErr, RuntimeErr, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use tokio::time::timeout;

use crate::config::LedgerConfig;
use crate::error::LedgerError;
use crate::place::Place;
use crate::readers::Readers;

/// SQLite's page, bytes: what a new file has since its version 3.12.
const PAGE: u64 = 4096;

/// The connections of one ledger.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    pub(crate) writer: Arc<Reopening>,
    pub(crate) sequencer: Arc<Reopening>,
    pub(crate) readers: Readers,
}

/// A connection that writes, and that is replaced after an error: after a full disk one was seen
/// that took no transaction again though there was room. Closing it ends whatever it had begun.
#[derive(Debug)]
pub(crate) struct Reopening {
    config: LedgerConfig,
    /// Where its file lies.
    place: Place,
    current: Mutex<DatabaseConnection>,
}

impl Reopening {
    /// Opens it, and checks on the live connection that a commit is on the disk before it is
    /// acknowledged.
    async fn open(config: &LedgerConfig) -> Result<Arc<Self>, LedgerError> {
        let current = Mutex::new(durable(config).await?);
        // Now, since some file systems give a file another number when it is opened to be written.
        let place = Place::of(&config.address)?;
        Ok(Arc::new(Self {
            config: config.clone(),
            place,
            current,
        }))
    }

    /// Whether the file is still where the next process looks for it; see [`Place::holds`].
    pub(crate) fn holds(&self) -> Result<(), DbErr> {
        self.place.holds()
    }

    /// The connection to use now.
    pub(crate) fn get(&self) -> DatabaseConnection {
        let current = self.current.lock();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Closes the connection, and with it whatever it had begun, and opens another one: of the same file,
    /// never of another in its place.
    pub(crate) async fn reopen(&self) -> Result<(), LedgerError> {
        self.holds()?;
        bounded(&self.config, self.get().close_by_ref()).await?;
        let opened = durable(&self.config).await?;
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = opened;
        Ok(())
    }
}

async fn durable(config: &LedgerConfig) -> Result<DatabaseConnection, LedgerError> {
    let connection = connect(config, 1, false).await?;
    let required: &[_] = match connection.get_database_backend() {
        DbBackend::Postgres => &[
            ("SHOW", "fsync", "on"),
            ("SHOW", "synchronous_commit", "on"),
        ],
        _ => &[
            ("PRAGMA", "journal_mode", "wal"),
            ("PRAGMA", "synchronous", "2"),
        ],
    };
    for (verb, setting, value) in required {
        require(&connection, verb, setting, value).await?;
    }
    Ok(connection)
}

impl Connections {
    /// Opens the database, which must exist.
    pub(crate) async fn open(config: &LedgerConfig) -> Result<Self, LedgerError> {
        Ok(Self {
            writer: Reopening::open(config).await?,
            sequencer: Reopening::open(config).await?,
            readers: Readers::open(config).await?,
        })
    }

    pub(crate) async fn close(&self) -> Result<(), DbErr> {
        self.readers.close().await?;
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

/// The time as all writers of the database see it: on PostgreSQL the server's, in microseconds.
pub(crate) fn now(connection: &DatabaseConnection, own: Timestamp) -> SimpleExpr {
    if is_shared(connection) {
        Expr::cust(SERVER_NOW)
    } else {
        own.0.into()
    }
}

/// Whether other routers may be on the database.
pub(crate) fn is_shared(connection: &DatabaseConnection) -> bool {
    connection.get_database_backend() == DbBackend::Postgres
}

fn silent() -> DbErr {
    DbErr::Conn(RuntimeErr::Internal(
        "the server did not answer in time".into(),
    ))
}

/// A bound for what waits for a server, which may have gone without a word. A file is waited for.
pub(crate) async fn bounded<T>(
    config: &LedgerConfig,
    work: impl Future<Output = Result<T, DbErr>>,
) -> Result<T, DbErr> {
    if matches!(config.address, DatabaseAddress::File(_)) {
        return work.await;
    }
    timeout(config.longest_write(), work)
        .await
        .unwrap_or_else(|_late| Err(silent()))
}

/// Whether an error says that nobody answered.
pub(crate) const fn is_silence(error: &DbErr) -> bool {
    matches!(error, DbErr::ConnectionAcquire(_) | DbErr::Conn(_))
}

/// Other connections to a server, made when they are needed; `None` for a file.
pub(crate) async fn reading_again(
    config: &LedgerConfig,
) -> Result<Option<DatabaseConnection>, DbErr> {
    let DatabaseAddress::Server(server) = &config.address else {
        return Ok(None);
    };
    let server = server.clone().with_session(&session(config, true));
    let pool = server.pool(config.readers, config.connect).await?;
    Ok(Some(pool))
}

/// Opens connections; a server must be there.
pub(crate) async fn connect(
    config: &LedgerConfig,
    connections: u32,
    only_reads: bool,
) -> Result<DatabaseConnection, DbErr> {
    match &config.address {
        DatabaseAddress::File(path) => file(config, path, connections, only_reads).await,
        DatabaseAddress::Server(server) => {
            let session = session(config, only_reads);
            let server = server.clone().with_session(&session);
            server.probe(config.connect).await?;
            server.pool(connections, config.connect).await
        }
    }
}

/// What every connection to a server begins with, so that no default of a database or a user
/// decides what an acknowledged commit means or how long a router may hold others up.
fn session(config: &LedgerConfig, only_reads: bool) -> [(&'static str, String); 5] {
    let millis = |bound: Duration| bound.as_millis().to_string();
    let reads = if only_reads { "on" } else { "off" };
    [
        ("synchronous_commit", "on".to_owned()),
        ("default_transaction_read_only", reads.to_owned()),
        ("lock_timeout", millis(config.busy_timeout)),
        ("statement_timeout", millis(config.statement)),
        (
            "idle_in_transaction_session_timeout",
            millis(config.statement),
        ),
    ]
}

async fn file(
    config: &LedgerConfig,
    path: &Path,
    connections: u32,
    only_reads: bool,
) -> Result<DatabaseConnection, DbErr> {
    let busy_timeout = config.busy_timeout;
    let most_pages = config.max_size.map(|bytes| bytes / PAGE);
    let mut options = ConnectOptions::new(format!("sqlite://{}?mode=rw", path.display()));
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
            let sqlite = match most_pages {
                // It holds for the connection alone, so each one that writes has it.
                Some(pages) => sqlite.pragma("max_page_count", pages.to_string()),
                None => sqlite,
            };
            sqlite
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "FULL")
                .pragma("query_only", if only_reads { "ON" } else { "OFF" })
                .busy_timeout(busy_timeout)
        });
    close_unsettled(&mut options);
    Database::connect(options).await
}

async fn require(
    connection: &DatabaseConnection,
    verb: &str,
    setting: &'static str,
    required: &'static str,
) -> Result<(), LedgerError> {
    let backend = connection.get_database_backend();
    let query = Statement::from_string(backend, format!("{verb} {setting}"));
    let row = connection
        .query_one_raw(query)
        .await?
        .ok_or_else(|| DbErr::RecordNotFound(format!("{verb} {setting} gives no answer")))?;
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

const SERVER_NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
