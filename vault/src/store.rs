//! The vault's database: the only module that speaks SQL.
//!
//! Every change runs in one immediate transaction on the one writing connection, together with its
//! audit row and its place in the change feed: either all of it is on disk, or none.

pub(crate) mod audit;
mod counters;
pub(crate) mod data_keys;
mod entity;
pub(crate) mod feed;
pub(crate) mod health;
pub(crate) mod keys;
pub(crate) mod members;
pub(crate) mod purge;
pub(crate) mod requests;
mod scrub;
pub(crate) mod tokens;
pub(crate) mod workspaces;

/// What tests read of the tables themselves.
#[cfg(test)]
pub(crate) mod tests_only {
    pub(crate) use super::entity::audit_row;
}

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use keyway_chassis::clock::Clock;
use keyway_proto::{Fault, Reason};
use keyway_words::Timestamp;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use tokio::sync::watch;

use crate::store::feed::Change;

/// The database could not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// What the database said.
    #[error("the vault's database: {0}")]
    Database(#[from] DbErr),
    /// A row holds what no vault writes.
    #[error("the vault's database holds a damaged {what}")]
    Damaged {
        /// Which row, without its content.
        what: String,
    },
    /// Somebody reads an old state, so the write-ahead log can't be emptied now.
    #[error("the write-ahead log is in use and can't be emptied yet")]
    LogInUse,
    /// Another process has retired the master key that this one wraps with.
    #[error("the master key {0} is retired or unknown and must not wrap")]
    MasterKeyRetired(String),
    /// The audit row could not be written.
    #[error("the audit trail can't be written: {0}")]
    Audit(DbErr),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        // The caller gets the cause; the database's own words are for the log.
        tracing::error!(%error, "database failed");
        let retry = Duration::from_secs(1);
        match error {
            StoreError::Database(DbErr::ConnectionAcquire(_)) => Self::new(
                Reason::Overloaded,
                "the vault has more to write than it can",
            )
            .retry_after(retry),
            StoreError::Database(_) | StoreError::LogInUse => Self::new(
                Reason::VaultUnavailable,
                "the vault's database does not answer",
            )
            .retry_after(retry),
            StoreError::Damaged { what } => Self::new(
                Reason::Internal,
                format!("the vault's database holds a damaged {what}; restore it from a backup"),
            ),
            StoreError::MasterKeyRetired(_) => Self::new(
                Reason::VaultUnavailable,
                "the vault's master key was retired; it takes the newer one",
            )
            .retry_after(retry),
            StoreError::Audit(_) => Self::new(
                Reason::AuditUnavailable,
                "the audit trail can't be written, so nothing was done",
            )
            .retry_after(retry),
        }
    }
}

/// The open database.
#[derive(Clone)]
pub(crate) struct Store {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    clock: Arc<dyn Clock>,
    committed: watch::Sender<()>,
}

impl Store {
    /// Opens a migrated database file. Does not check its schema.
    pub(crate) async fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let mut writer = Database::connect(options(path, 1, false)).await?;
        let mut reader = Database::connect(options(path, READERS, true)).await?;
        counters::count(&mut writer);
        counters::count(&mut reader);
        Ok(Self {
            writer,
            reader,
            clock,
            committed: watch::Sender::new(()),
        })
    }

    /// The connection that checks of the schema run on.
    pub(crate) const fn connection(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// Starts a transaction that may write. It waits its turn, and is undone unless committed.
    pub(crate) async fn write(&self) -> Result<Write, StoreError> {
        let immediate = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let transaction = self.writer.begin_with_options(immediate).await?;
        let now = self.clock.now();
        Ok(Write {
            transaction,
            now,
            wakes: false,
            committed: self.committed.clone(),
        })
    }

    /// Starts a transaction that reads one state of the database.
    pub(crate) async fn read(&self) -> Result<Read, StoreError> {
        let transaction = self.reader.begin().await?;
        Ok(Read {
            transaction,
            now: self.clock.now(),
        })
    }

    /// The time, for what is not in a transaction.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Tells of changes by this process at once, and by others as soon as they are noticed.
    pub(crate) fn commits(&self) -> watch::Receiver<()> {
        self.committed.subscribe()
    }

    /// Tells of a change that another process made.
    pub(crate) fn noticed(&self) {
        self.committed.send_replace(());
    }

    /// Closes both pools; what is committed is on disk already.
    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        self.reader.close_by_ref().await?;
        Ok(self.writer.close_by_ref().await?)
    }
}

/// A transaction that may write.
pub(crate) struct Write {
    transaction: DatabaseTransaction,
    now: Timestamp,
    wakes: bool,
    committed: watch::Sender<()>,
}

impl Write {
    /// Where statements run.
    pub(crate) const fn on(&self) -> &DatabaseTransaction {
        &self.transaction
    }

    /// The one time of everything in this transaction.
    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    /// Puts a change on the feed; returns its revision.
    pub(crate) async fn change(&mut self, change: &Change) -> Result<u64, StoreError> {
        let revision = feed::append(&self.transaction, change, self.now).await?;
        self.wakes = true;
        Ok(revision)
    }

    /// Takes the next health number, which is none of the feed's revisions.
    pub(crate) async fn count_health(&mut self) -> Result<u64, StoreError> {
        let number = feed::count_health(&self.transaction).await?;
        self.wakes = true;
        Ok(number)
    }

    /// Writes an audit row.
    pub(crate) async fn audit(&self, entry: &audit::Entry) -> Result<(), StoreError> {
        audit::append(&self.transaction, entry, self.now).await
    }

    /// Makes it all durable, then wakes the watches.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit().await?;
        if self.wakes {
            self.committed.send_replace(());
        }
        Ok(())
    }
}

/// A transaction that reads one state of the database.
pub(crate) struct Read {
    transaction: DatabaseTransaction,
    now: Timestamp,
}

impl Read {
    /// Where statements run.
    pub(crate) const fn on(&self) -> &DatabaseTransaction {
        &self.transaction
    }

    /// The time at which it started.
    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }
}

fn options(path: &Path, connections: u32, read_only: bool) -> ConnectOptions {
    let mode = if read_only { "ro" } else { "rw" };
    let mut options = ConnectOptions::new(format!("sqlite://{}?mode={mode}", path.display()));
    options
        .max_connections(connections)
        .acquire_timeout(WAIT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            let sqlite = sqlite
                .busy_timeout(WAIT)
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
    options
}

const READERS: u32 = 4;
/// How long a transaction waits for its turn.
const WAIT: Duration = Duration::from_secs(5);

/// A number that no vault writes negative.
fn unsigned(number: i64, what: &str) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_negative| StoreError::Damaged {
        what: what.to_owned(),
    })
}

/// A number on its way to a column.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
