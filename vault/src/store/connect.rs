//! Opening either database: as many turns as connections, so that waiting for a turn and a database
//! that is away are two things.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use keyway_migrations::{DatabaseAddress, close_unsettled};
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend,
    SqliteTransactionMode, TransactionOptions, TransactionTrait as _,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::StoreError;
use super::live::{Live, Remote};
use super::patient::PatientTransaction;
use super::reach::Reach;

/// How much of the database one process takes, and how long anything on it may last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Connections that read. One more writes.
    pub(crate) readers: u32,
    /// Longest wait for a new connection.
    pub(crate) connect: Duration,
    /// Longest wait of a transaction for its turn.
    pub(crate) turn: Duration,
    /// Longest that a statement takes, and that a transaction stands idle between two.
    pub(crate) statement: Duration,
}

/// Connections of one kind.
#[derive(Clone)]
pub(super) struct Pool {
    live: Live,
    turns: Arc<Semaphore>,
    wait: Duration,
    /// Longest that the start of a transaction takes; `None` where nothing is far away.
    patience: Option<Duration>,
    /// The same for each of its statements.
    answer: Option<Duration>,
    reach: Reach,
    /// What a PostgreSQL transaction begins with.
    preamble: String,
    /// The same for one that writes beside the writers.
    aside: String,
}

/// A transaction and its turn, which ends after it.
pub(super) struct Begun {
    pub(super) transaction: PatientTransaction,
    pub(super) turn: OwnedSemaphorePermit,
    /// Rows that the preamble found.
    pub(super) found: u64,
}

/// The writing connection and the reading ones.
pub(super) async fn open(
    address: &DatabaseAddress,
    bounds: Bounds,
) -> Result<(Pool, Pool), StoreError> {
    let (writer, reader) = match address {
        DatabaseAddress::File(path) => (
            Live::file(Database::connect(sqlite(path, 1, bounds.turn, false)).await?),
            Live::file(Database::connect(sqlite(path, bounds.readers, bounds.turn, true)).await?),
        ),
        DatabaseAddress::Server(address) => {
            address.probe(bounds.connect).await?;
            let remote = |connections| Remote {
                address: address.clone(),
                connections,
                bound: bounds.connect,
            };
            (
                Live::server(remote(1)).await?,
                Live::server(remote(bounds.readers)).await?,
            )
        }
    };
    let reach = Reach::default();
    let is_server = matches!(address, DatabaseAddress::Server(_));
    let pool = |live, turns: u32, preamble| Pool {
        live,
        turns: Arc::new(Semaphore::new(turns.try_into().unwrap_or(usize::MAX))),
        wait: bounds.turn,
        patience: is_server.then_some(bounds.connect + bounds.turn),
        answer: is_server.then_some(bounds.statement + bounds.connect),
        reach: reach.clone(),
        preamble,
        aside: beside(bounds),
    };
    Ok((
        pool(writer, 1, writing(bounds)),
        pool(reader, bounds.readers, reading(bounds)),
    ))
}

impl Pool {
    /// The pool itself, for what needs no transaction.
    pub(super) fn connection(&self) -> DatabaseConnection {
        self.live.get().connections
    }

    /// Which database it is.
    pub(super) fn backend(&self) -> DbBackend {
        self.connection().get_database_backend()
    }

    /// The right to one of the connections, until it is dropped. Nobody waits for one while the
    /// server does not answer.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let turn = Arc::clone(&self.turns).acquire_owned();
        tokio::select! {
            biased;
            turn = tokio::time::timeout(self.wait, turn) => match turn {
                Ok(Ok(turn)) => Ok(turn),
                _ => Err(StoreError::NoTurn),
            },
            () = self.reach.lost() => Err(StoreError::Away),
        }
    }

    /// What transactions found out about the server.
    pub(super) const fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Starts a transaction when its turn has come.
    pub(super) async fn begin(&self, mode: AccessMode) -> Result<Begun, StoreError> {
        self.begin_with(mode, &self.preamble).await
    }

    /// Starts one that writes what no writer waits for.
    pub(super) async fn begin_aside(&self) -> Result<Begun, StoreError> {
        self.begin_with(AccessMode::ReadWrite, &self.aside).await
    }

    async fn begin_with(&self, mode: AccessMode, preamble: &str) -> Result<Begun, StoreError> {
        let turn = self.turn().await?;
        let used = self.live.get();
        let started = Box::pin(self.started(&used.connections, mode, preamble));
        let started = self.reach.learn(started).await;
        if started.as_ref().is_err_and(StoreError::is_silence) {
            Box::pin(self.live.leave(&used)).await?;
        }
        let (transaction, found) = started?;
        Ok(Begun {
            transaction,
            turn,
            found,
        })
    }

    /// A connection whose other end is gone without a word would hold its turn until the system
    /// gives it up, and background work has no caller whose deadline ends it.
    async fn started(
        &self,
        connections: &DatabaseConnection,
        mode: AccessMode,
        preamble: &str,
    ) -> Result<(PatientTransaction, u64), StoreError> {
        let start = self.start(connections, mode, preamble);
        match self.patience {
            Some(patience) => tokio::time::timeout(patience, start)
                .await
                .unwrap_or(Err(StoreError::Away)),
            None => start.await,
        }
    }

    async fn start(
        &self,
        connections: &DatabaseConnection,
        mode: AccessMode,
        preamble: &str,
    ) -> Result<(PatientTransaction, u64), StoreError> {
        let writes = mode == AccessMode::ReadWrite;
        let options = TransactionOptions {
            sqlite_transaction_mode: writes.then_some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let transaction = connections.begin_with_options(options).await?;
        let transaction = PatientTransaction::new(transaction, self.answer);
        let found = if self.backend() == DbBackend::Postgres {
            let done = transaction.execute_unprepared(preamble).await?;
            done.rows_affected()
        } else {
            1
        };
        Ok((transaction, found))
    }

    pub(super) async fn close(&self) -> Result<(), StoreError> {
        Ok(self.connection().close_by_ref().await?)
    }
}

/// Every writer of every process waits for the one feed row, so that their order is the order of
/// their commits. A writer that hangs loses its connection, and with it the row.
fn writing(bounds: Bounds) -> String {
    format!(
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE; \
         SET LOCAL synchronous_commit = on; \
         {} \
         SELECT 1 FROM feed WHERE \"only\" = 1 FOR UPDATE",
        local(bounds)
    )
}

fn reading(bounds: Bounds) -> String {
    format!(
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; {}",
        local(bounds)
    )
}

/// It holds no lock that a writer takes, and its commit waits for no disk.
fn beside(bounds: Bounds) -> String {
    format!(
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE; \
         SET LOCAL synchronous_commit = off; {}",
        local(bounds)
    )
}

fn local(bounds: Bounds) -> String {
    let (turn, statement) = (bounds.turn.as_millis(), bounds.statement.as_millis());
    format!(
        "SET LOCAL lock_timeout = {turn}; \
         SET LOCAL statement_timeout = {statement}; \
         SET LOCAL idle_in_transaction_session_timeout = {statement};"
    )
}

fn sqlite(path: &Path, connections: u32, wait: Duration, read_only: bool) -> ConnectOptions {
    let mode = if read_only { "ro" } else { "rw" };
    let mut options = ConnectOptions::new(format!("sqlite://{}?mode={mode}", path.display()));
    options
        .max_connections(connections)
        .acquire_timeout(wait)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            let sqlite = sqlite
                .busy_timeout(wait)
                .foreign_keys(true)
                .synchronous(SqliteSynchronous::Full)
                .pragma("secure_delete", "ON");
            // Only the writer may change the journal's mode; the readers find it in the file.
            if read_only {
                sqlite
            } else {
                sqlite.journal_mode(SqliteJournalMode::Wal)
            }
        });
    close_unsettled(&mut options);
    options
}
