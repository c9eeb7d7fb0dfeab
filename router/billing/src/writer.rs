//! The writer: one task that commits what gathered while its last commit ran.
//!
//! While the database can't be written it refuses openings at once, keeps settlements in their
//! slots, and tries until they are on the disk.

use std::sync::Arc;

use keyway_chassis::clock::Clock;
use keyway_words::Timestamp;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter};
use tokio::sync::{Mutex, Notify, mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::DropGuard;
use tracing::{error, info, warn};

use crate::config::LedgerConfig;
use crate::database::{self, Reopening};
use crate::entity::writers;
use crate::group;
use crate::record::{OpenRecord, Record, SettleRecord};
use crate::slot::OpenState;
use crate::sweep::{self, Sweeper};

/// The writing side of a ledger.
pub(crate) struct Writer {
    pub(crate) connection: Arc<Reopening>,
    /// Shared with the sequencer: whoever writes has it, so that neither sleeps in SQLite's own
    /// wait for the file.
    pub(crate) turn: Arc<Mutex<()>>,
    pub(crate) term: i64,
    /// Before its lease was renewed last.
    pub(crate) renewed: Instant,
    pub(crate) config: LedgerConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) records: mpsc::UnboundedReceiver<Record>,
    /// Whether the database takes writes.
    pub(crate) available: watch::Sender<bool>,
    /// Wakes the sequencer.
    pub(crate) committed: Arc<Notify>,
    /// Tells that the task is over, however it ends.
    pub(crate) _ended: DropGuard,
}

enum Next {
    GoOn,
    Stop,
}

impl Writer {
    /// Works until [`Record::Stop`].
    pub(crate) async fn run(mut self) {
        let mut heartbeat = interval(self.config.heartbeat);
        let mut sweep = interval(self.config.sweep_every);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(self.config.group);
        loop {
            let next = tokio::select! {
                taken = self.records.recv_many(&mut batch, self.config.group) => {
                    if taken == 0 { Next::Stop } else { self.write(&mut batch).await }
                }
                _ = heartbeat.tick() => self.renew().await,
                _ = sweep.tick() => self.sweep().await,
            };
            if matches!(next, Next::Stop) {
                break;
            }
        }
        self.available.send_replace(false);
        if let Err(cause) = self.mark_stopped().await {
            warn!(%cause, "the ledger's writer row could not be marked as stopped");
        }
    }

    async fn write(&mut self, batch: &mut Vec<Record>) -> Next {
        let (mut opens, mut settles, mut next) = (Vec::new(), Vec::new(), Next::GoOn);
        for record in batch.drain(..) {
            match record {
                Record::Open(open) => opens.push(*open),
                Record::Settle(settle) => settles.push(*settle),
                Record::Stop => next = Next::Stop,
            }
        }
        match self.commit(&opens, &mut settles).await {
            Ok(()) => next,
            Err(cause) => {
                refuse(&opens);
                let recovered = self.recover(cause, opens, settles, next).await;
                self.committed.notify_one();
                recovered
            }
        }
    }

    /// Commits a group and tells those who wait for it.
    async fn commit(
        &mut self,
        opens: &[OpenRecord],
        settles: &mut Vec<SettleRecord>,
    ) -> Result<(), DbErr> {
        if !opens.is_empty() && self.renewed.elapsed() >= self.config.lease {
            // It was held up for so long that another one may have closed what it had open.
            self.heartbeat().await?;
        }
        let now = self.clock.now();
        let turn = self.turn.lock().await;
        self.connection.holds()?;
        let connection = self.connection.get();
        let commit = group::commit(&connection, self.term, now, opens, settles);
        let mut repeated = database::bounded(&self.config, commit).await?;
        drop(turn);
        for (index, open) in opens.iter().enumerate() {
            open.tell(match repeated.remove(&index) {
                Some(first_call_id) => OpenState::Repeated { first_call_id },
                None => OpenState::Durable,
            });
        }
        if !settles.is_empty() {
            self.committed.notify_one();
        }
        for settle in settles.drain(..) {
            settle.tell();
        }
        Ok(())
    }

    /// Keeps trying until everything that waits is written. Openings are refused meanwhile.
    async fn recover(
        &mut self,
        cause: DbErr,
        mut refused: Vec<OpenRecord>,
        mut waiting: Vec<SettleRecord>,
        mut next: Next,
    ) -> Next {
        self.available.send_replace(false);
        // What was refused has nothing to write: whoever waits for its end is not held up.
        waiting.retain(|settle| !settle.is_void());
        error!(%cause, waiting = waiting.len(), "the ledger can't be written; no call is made until it can");
        let mut probe = interval(self.config.probe_every);
        probe.set_missed_tick_behavior(MissedTickBehavior::Delay);
        probe.reset();
        loop {
            tokio::select! {
                record = self.records.recv(), if matches!(next, Next::GoOn) => match record {
                    Some(Record::Open(open)) => open.tell(OpenState::Unavailable),
                    Some(Record::Settle(settle)) if settle.is_void() => drop(settle),
                    Some(Record::Settle(settle)) => waiting.push(*settle),
                    Some(Record::Stop) | None => next = Next::Stop,
                },
                _ = probe.tick() => {
                    if self.connection.reopen().await.is_ok()
                        && self.write_waiting(&mut refused, &mut waiting).await.is_ok()
                    {
                        break;
                    }
                    if matches!(next, Next::Stop) {
                        error!(
                            attempts = waiting.len(),
                            "the ledger stops unwritten; a sweep closes these attempts after the next start"
                        );
                        return next;
                    }
                }
            }
        }
        info!("the ledger can be written again");
        self.available.send_replace(true);
        next
    }

    async fn write_waiting(
        &mut self,
        refused: &mut Vec<OpenRecord>,
        waiting: &mut Vec<SettleRecord>,
    ) -> Result<(), DbErr> {
        self.heartbeat().await?;
        let void = group::void(&self.connection.get(), refused).await;
        void?;
        refused.clear();
        while !waiting.is_empty() {
            let rest = waiting.split_off(waiting.len().min(self.config.group));
            let mut group = std::mem::replace(waiting, rest);
            if let Err(cause) = self.commit(&[], &mut group).await {
                group.append(waiting);
                *waiting = group;
                return Err(cause);
            }
        }
        Ok(())
    }

    async fn renew(&mut self) -> Next {
        match self.heartbeat().await {
            Ok(()) => Next::GoOn,
            Err(cause) => self.recover_nothing(cause).await,
        }
    }

    async fn sweep(&mut self) -> Next {
        match self.sweep_once().await {
            Ok(0) => Next::GoOn,
            Ok(closed) => {
                info!(closed, "attempts of a stopped router were closed");
                self.committed.notify_one();
                Next::GoOn
            }
            Err(cause) => self.recover_nothing(cause).await,
        }
    }

    async fn sweep_once(&self) -> Result<u64, DbErr> {
        let sweeper = Sweeper {
            term: self.term,
            lease: self.config.lease,
            now: self.clock.now(),
        };
        let connection = self.connection.get();
        database::bounded(&self.config, async {
            sweep::forget_request_ids(&connection, sweeper.now).await?;
            sweep::sweep(&connection, sweeper).await
        })
        .await
    }

    async fn recover_nothing(&mut self, cause: DbErr) -> Next {
        self.recover(cause, Vec::new(), Vec::new(), Next::GoOn)
            .await
    }

    async fn heartbeat(&mut self) -> Result<(), DbErr> {
        let before = Instant::now();
        self.connection.holds()?;
        self.mark(writers::Column::HeartbeatAt).await?;
        self.renewed = before;
        Ok(())
    }

    async fn mark_stopped(&self) -> Result<(), DbErr> {
        self.mark(writers::Column::StoppedAt).await
    }

    /// Writes the time into a column of its row, which is never deleted while it runs.
    async fn mark(&self, column: writers::Column) -> Result<(), DbErr> {
        let connection = self.connection.get();
        let now: Timestamp = self.clock.now();
        let marked = writers::Entity::update_many()
            .col_expr(column, database::now(&connection, now))
            .filter(writers::Column::Term.eq(self.term))
            .exec(&connection);
        let marked = database::bounded(&self.config, marked).await?;
        if marked.rows_affected == 1 {
            Ok(())
        } else {
            Err(DbErr::RecordNotUpdated)
        }
    }
}

fn refuse(opens: &[OpenRecord]) {
    for open in opens {
        open.tell(OpenState::Unavailable);
    }
}
