//! The vault's database: the only module that speaks SQL.
//!
//! Every change runs in one transaction together with its audit row and its place in the change
//! feed: either all of it is on disk, or none. One transaction writes at a time: on SQLite because
//! there is one writing connection, on PostgreSQL because each takes the feed row first.

pub(crate) mod archive;
pub(crate) mod audit;
pub(crate) mod checkpoints;
mod connect;
mod counters;
pub(crate) mod data_keys;
mod entity;
mod error;
pub(crate) mod feed;
pub(crate) mod health;
pub(crate) mod keys;
mod live;
pub(crate) mod members;
mod patient;
pub(crate) mod purge;
mod reach;
pub(crate) mod requests;
pub(crate) mod router_watches;
mod scrub;
pub(crate) mod seal_jobs;
pub(crate) mod tokens;
mod trail;
pub(crate) mod workspaces;

/// What tests read of the tables themselves.
#[cfg(test)]
pub(crate) mod tests_only {
    pub(crate) use super::entity::audit_row;
}

use std::sync::Arc;

use keyway_chassis::clock::Clock;
use keyway_migrations::{DatabaseAddress, MIGRATION_LOCK};
use keyway_words::Timestamp;
use sea_orm::{AccessMode, ConnectionTrait as _, DatabaseConnection, DbBackend};
use tokio::sync::{OwnedSemaphorePermit, watch};

pub(crate) use self::connect::Bounds;
use self::connect::{Begun, Pool};
pub(crate) use self::error::StoreError;
use self::patient::PatientTransaction;
use self::trail::Trail;
use crate::failpoints;
use crate::store::feed::Change;

/// The open database.
#[derive(Clone)]
pub(crate) struct Store {
    writer: Pool,
    reader: Pool,
    clock: Arc<dyn Clock>,
    committed: watch::Sender<()>,
    trail: Trail,
}

impl Store {
    /// Opens a migrated database. Does not check its schema.
    pub(crate) async fn open(
        address: &DatabaseAddress,
        bounds: Bounds,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let (writer, reader) = connect::open(address, bounds).await?;
        Ok(Self {
            writer,
            reader,
            clock,
            committed: watch::Sender::new(()),
            trail: Trail::default(),
        })
    }

    /// The connection that checks of the schema run on.
    pub(crate) fn connection(&self) -> DatabaseConnection {
        self.reader.connection()
    }

    /// Starts a transaction that may write. It waits its turn, and is undone unless committed.
    pub(crate) async fn write(&self) -> Result<Write, StoreError> {
        let begun = self.writer.begin(AccessMode::ReadWrite).await;
        let begun = begun.map_err(|error| self.not_begun(error))?;
        if begun.found == 0 {
            // Nothing would keep two writers apart.
            return Err(StoreError::Damaged {
                what: "feed".to_owned(),
            });
        }
        Ok(self.begun(begun))
    }

    /// The same in a database that may have no row yet: of the processes that start at once, one
    /// makes the first rows.
    pub(crate) async fn write_first(&self) -> Result<Write, StoreError> {
        let begun = self.writer.begin(AccessMode::ReadWrite).await?;
        if self.writer.backend() == DbBackend::Postgres {
            let lock = format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})");
            begun.transaction.execute_unprepared(&lock).await?;
        }
        Ok(self.begun(begun))
    }

    /// Whoever waits behind a transaction that is refused is refused for the same reason.
    fn not_begun(&self, error: StoreError) -> StoreError {
        if self.writer.backend() != DbBackend::Sqlite {
            return error;
        }
        let error = error.not_begun(self.trail.is_away());
        if matches!(error, StoreError::Audit(_)) {
            self.trail.refused();
        }
        error
    }

    fn begun(&self, begun: Begun) -> Write {
        failpoints::statement();
        Write {
            transaction: begun.transaction,
            _turn: begun.turn,
            now: self.clock.now(),
            wakes: false,
            committed: self.committed.clone(),
            trail: self.trail.clone(),
        }
    }

    /// Starts a transaction that reads one state of the database.
    pub(crate) async fn read(&self) -> Result<Read, StoreError> {
        let begun = self.reader.begin(AccessMode::ReadOnly).await?;
        Ok(Read {
            transaction: begun.transaction,
            _turn: begun.turn,
            now: self.clock.now(),
        })
    }

    /// Whether other processes may have the database open too.
    pub(crate) fn is_shared(&self) -> bool {
        self.reader.backend() == DbBackend::Postgres
    }

    /// Starts a transaction beside the writers, for rows that no decision rests on: it waits for no
    /// writer and holds none up. Only where the database is shared; a file has one writer.
    pub(crate) async fn aside(&self) -> Result<Aside, StoreError> {
        let begun = self.reader.begin_aside().await?;
        Ok(Aside {
            transaction: begun.transaction,
            _turn: begun.turn,
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

    /// Tells when the database's server stops answering, and when it answers again.
    pub(crate) fn reach(&self) -> watch::Receiver<bool> {
        self.reader.reach().changes()
    }

    /// What writers tell of the audit trail.
    pub(crate) const fn trail(&self) -> &Trail {
        &self.trail
    }

    /// Closes both pools; what is committed is on disk already.
    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        self.reader.close().await?;
        self.writer.close().await
    }
}

/// A transaction that may write.
pub(crate) struct Write {
    transaction: PatientTransaction,
    _turn: OwnedSemaphorePermit, // given back after the transaction
    now: Timestamp,
    wakes: bool,
    committed: watch::Sender<()>,
    trail: Trail,
}

impl Write {
    /// Where statements run.
    pub(crate) const fn on(&self) -> &PatientTransaction {
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
        let appended = audit::append(&self.transaction, entry, self.now).await;
        match appended {
            Ok(uncovered) => self.trail.grew(uncovered),
            Err(_) => self.trail.refused(),
        }
        appended.map(drop)
    }

    /// Undoes it all, and waits until it is undone.
    pub(crate) async fn undo(self) -> Result<(), StoreError> {
        Ok(self.transaction.rollback().await?)
    }

    /// Makes it all durable, then wakes the watches.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        // PostgreSQL answers the commit of a transaction in which a statement failed by undoing it
        // without an error; any statement before it brings the error out.
        if self.transaction.get_database_backend() == DbBackend::Postgres {
            self.transaction.execute_unprepared("SELECT 1").await?;
        }
        if let Err(error) = self.transaction.commit().await {
            self.trail.refused();
            return Err(StoreError::not_committed(error));
        }
        self.trail.taken();
        failpoints::statement();
        if self.wakes {
            self.committed.send_replace(());
        }
        Ok(())
    }
}

/// A transaction that writes beside the writers.
pub(crate) struct Aside {
    transaction: PatientTransaction,
    _turn: OwnedSemaphorePermit, // given back after the transaction
}

impl Aside {
    /// Where statements run.
    pub(crate) const fn on(&self) -> &PatientTransaction {
        &self.transaction
    }

    /// Makes it visible; a crash of the database may take it back.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        Ok(self.transaction.commit().await?)
    }
}

/// A transaction that reads one state of the database.
pub(crate) struct Read {
    transaction: PatientTransaction,
    _turn: OwnedSemaphorePermit, // given back after the transaction
    now: Timestamp,
}

impl Read {
    /// Where statements run.
    pub(crate) const fn on(&self) -> &PatientTransaction {
        &self.transaction
    }

    /// The time at which it started.
    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }
}

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
