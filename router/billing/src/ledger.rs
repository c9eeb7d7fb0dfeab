//! The ledger as a whole: start, reserve, stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keyway_chassis::clock::Clock;
use keyway_chassis::lifecycle::Tasks;
use keyway_migrations::{DatabaseAddress, DatabaseLock};
use keyway_words::Timestamp;
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, Set};
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use crate::config::LedgerConfig;
use crate::database::{self, Connections};
use crate::entity::{sequencer, writers};
use crate::error::LedgerError;
use crate::readers::Readers;
use crate::record::Record;
use crate::sequencer::{self as numbering, Sequencer};
use crate::slot::Slot;
use crate::sweep::{self, Sweeper};
use crate::writer::Writer;

/// Whoever writes has it.
type Turn = Arc<tokio::sync::Mutex<()>>;

/// The ledger of one router process. One exists per SQLite file at a time, and any number per
/// PostgreSQL database.
#[derive(Debug)]
pub struct Ledger {
    pub(crate) connections: Connections,
    config: LedgerConfig,
    term: i64,
    side_turn: Turn,
    clock: Arc<dyn Clock>,
    stream_id: i64,
    /// Shared by those who write to the same file, so that none sleeps in SQLite's own wait for it.
    turn: Turn,
    committed: Arc<Notify>,
    slot_count: u32,
    slots: Arc<Semaphore>,
    records: mpsc::UnboundedSender<Record>,
    available: watch::Receiver<bool>,
    head: watch::Receiver<i64>,
    stopping: AtomicBool,
    stop_sequencer: CancellationToken,
    writer_ended: CancellationToken,
    sequencer_ended: CancellationToken,
    lock: Mutex<Option<DatabaseLock>>,
}

impl Ledger {
    /// Looks for the database and its schema first, takes the file's lock, checks durability, closes what an earlier process left
    /// open, and starts the two tasks.
    pub async fn start(
        mut config: LedgerConfig,
        clock: Arc<dyn Clock>,
        tasks: &Tasks,
    ) -> Result<Arc<Self>, LedgerError> {
        config.address = there(&config).await?;
        let lock = lock(&config.address)?;
        let connections = Connections::open(&config).await?;
        let renewed = Instant::now();
        let (term, state) = begin_term(&connections, &config, clock.now()).await?;

        let (records, received) = mpsc::unbounded_channel();
        let (available, seen_available) = watch::channel(true);
        let (head, seen_head) = watch::channel(state.last_position);
        let committed = Arc::new(Notify::new());
        let (turn, sequencer_turn) = turns(&config.address);
        committed.notify_one(); // a crash may have left events without a place
        let slot_count = u32::try_from(config.slots).unwrap_or(u32::MAX);
        let ledger = Arc::new(Self {
            connections: connections.clone(),
            config: config.clone(),
            term,
            side_turn: Arc::clone(&sequencer_turn),
            clock: Arc::clone(&clock),
            stream_id: state.stream_id,
            turn: Arc::clone(&turn),
            committed: Arc::clone(&committed),
            slot_count,
            slots: Arc::new(Semaphore::new(config.slots)),
            records,
            available: seen_available,
            head: seen_head,
            stopping: AtomicBool::new(false),
            stop_sequencer: CancellationToken::new(),
            writer_ended: CancellationToken::new(),
            sequencer_ended: CancellationToken::new(),
            lock: Mutex::new(lock),
        });
        let numbering = Sequencer {
            connection: connections.sequencer,
            turn: Arc::clone(&sequencer_turn),
            term,
            config: config.clone(),
            clock: Arc::clone(&clock),
            committed: Arc::clone(&committed),
            head,
            stop: ledger.stop_sequencer.clone(),
            _ended: ledger.sequencer_ended.clone().drop_guard(),
        };
        let writing = Writer {
            connection: connections.writer,
            turn,
            term,
            renewed,
            config,
            clock,
            records: received,
            available,
            committed,
            _ended: ledger.writer_ended.clone().drop_guard(),
        };
        tasks.spawn("ledger-sequencer", numbering.run());
        tasks.spawn("ledger-writer", writing.run());
        Ok(ledger)
    }

    /// Takes room for one attempt. Never waits.
    ///
    /// `Unavailable`: the ledger is known not to take writes. `Overloaded`: every slot is taken.
    /// `Stopping`: the process is about to end.
    pub fn reserve(&self) -> Result<Slot, LedgerError> {
        if self.stopping.load(Ordering::Acquire) {
            return Err(LedgerError::Stopping);
        }
        if !self.is_available() {
            return Err(LedgerError::Unavailable);
        }
        let permit = Arc::clone(&self.slots)
            .try_acquire_owned()
            .map_err(|_full| LedgerError::Overloaded)?;
        Ok(Slot {
            permit,
            records: self.records.clone(),
            clock: Arc::clone(&self.clock),
        })
    }

    /// Whether the ledger takes writes, as far as is known.
    pub fn is_available(&self) -> bool {
        *self.available.borrow() && !self.writer_ended.is_cancelled()
    }

    /// The same, to be told of changes.
    pub fn availability(&self) -> watch::Receiver<bool> {
        self.available.clone()
    }

    /// Attempts that are open, or not yet settled on the disk.
    pub fn attempts_in_flight(&self) -> usize {
        let free = self.slots.available_permits();
        usize::try_from(self.slot_count)
            .unwrap_or(usize::MAX)
            .saturating_sub(free)
    }

    /// Stops: no new attempt; waits, at most so long, until every open one is settled on the
    /// disk; numbers what is left; closes the file and gives up its lock. Following streams end.
    /// What is still open then is closed by the sweep of the next start.
    pub async fn stop(&self, bound: Duration) -> Result<(), LedgerError> {
        self.stopping.store(true, Ordering::Release);
        if timeout(bound, self.slots.acquire_many(self.slot_count))
            .await
            .is_err()
        {
            warn!(
                open = self.attempts_in_flight(),
                "the ledger stops with attempts open"
            );
        }
        // If the writer is gone already there is nobody to tell.
        drop(self.records.send(Record::Stop));
        self.writer_ended.cancelled().await;
        self.stop_sequencer.cancel();
        self.sequencer_ended.cancelled().await;
        let closed = self.connections.close().await;
        drop(
            self.lock
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        Ok(closed?)
    }

    pub(crate) const fn readers(&self) -> &Readers {
        &self.connections.readers
    }

    /// For rare small writes beside the attempts.
    pub(crate) fn side_writer(&self) -> DatabaseConnection {
        self.connections.sequencer.get()
    }

    pub(crate) fn turn(&self) -> &tokio::sync::Mutex<()> {
        &self.turn
    }

    /// Something was committed beside the writer.
    pub(crate) fn wake_sequencer(&self) {
        self.committed.notify_one();
    }

    /// Who has it writes on the connection of [`Self::side_writer`], and on a file nobody else does.
    pub(crate) const fn side_turn(&self) -> &Turn {
        &self.side_turn
    }

    pub(crate) const fn config(&self) -> &LedgerConfig {
        &self.config
    }

    pub(crate) const fn term(&self) -> i64 {
        self.term
    }

    pub(crate) const fn stream_id(&self) -> i64 {
        self.stream_id
    }

    pub(crate) fn head(&self) -> watch::Receiver<i64> {
        self.head.clone()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Takes a term on a database with this build's schema, and closes what those before left open.
async fn begin_term(
    connections: &Connections,
    config: &LedgerConfig,
    now: Timestamp,
) -> Result<(i64, sequencer::Model), LedgerError> {
    let first = connections.writer.get();
    keyway_migrations::router::check(&first).await?;
    let (term, state) = take_term(&first, now).await?;
    let lease = config.lease;
    let swept = sweep::sweep(&first, Sweeper { term, lease, now }).await?;
    info!(term, swept, "the ledger is open");
    Ok((term, state))
}

/// The turns of the writer and of the sequencing side: one on a file, which takes one writer.
fn turns(address: &DatabaseAddress) -> (Turn, Turn) {
    let writer = Turn::default();
    match address {
        DatabaseAddress::File(_) => (Arc::clone(&writer), writer),
        DatabaseAddress::Server(_) => (writer, Turn::default()),
    }
}

/// The database with its password, when it answers and has this build's schema.
async fn there(config: &LedgerConfig) -> Result<DatabaseAddress, LedgerError> {
    let address = config.address.ready(config.password_file.as_deref())?;
    keyway_migrations::router::look(&address, config.connect).await?;
    Ok(address)
}

/// A file is one process's; a server keeps its clients apart by itself.
fn lock(address: &DatabaseAddress) -> Result<Option<DatabaseLock>, LedgerError> {
    match address {
        DatabaseAddress::File(path) => Ok(Some(DatabaseLock::take(path)?)),
        DatabaseAddress::Server(_) => Ok(None),
    }
}

/// Writes this process's row. On a file it takes the sequencer's lease with it; on a server the
/// sequencer does when the one before is gone.
async fn take_term(
    connection: &DatabaseConnection,
    now: Timestamp,
) -> Result<(i64, sequencer::Model), LedgerError> {
    let transaction = database::begin(connection).await?;
    let row = writers::ActiveModel {
        id: Set(Uuid::now_v7().to_string()),
        started_at: Set(now.0),
        heartbeat_at: Set(now.0),
        ..Default::default()
    };
    let term = writers::Entity::insert(row)
        .exec(&transaction)
        .await?
        .last_insert_id;
    writers::Entity::update_many()
        .col_expr(writers::Column::HeartbeatAt, database::now(connection, now))
        .filter(writers::Column::Term.eq(term))
        .exec(&transaction)
        .await?;
    if !database::is_shared(connection) {
        sequencer::Entity::update_many()
            .col_expr(sequencer::Column::Term, term.into())
            .filter(sequencer::Column::Id.eq(1))
            .exec(&transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok((term, numbering::state(connection).await?))
}
