//! The sequencer: gives committed events their place in the stream, from 1 and without a gap.
//!
//! It works after the commit, in transactions of its own: writers never wait for their turn in
//! the stream, and what was committed before a crash is numbered after it.

use std::sync::Arc;
use std::time::Duration;

use keyway_chassis::clock::Clock;
use keyway_migrations::DatabaseAddress;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait,
    QueryFilter, QueryOrder, QuerySelect, Set,
};
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{error, info};

use crate::config::LedgerConfig;
use crate::database::{self, Reopening};
use crate::entity::{sequencer, stream_positions, unsequenced};
use crate::retention::{self, Retention};
use crate::roll_up::roll_up;
use crate::sweep;

/// The numbering side of a ledger.
pub(crate) struct Sequencer {
    pub(crate) connection: Arc<Reopening>,
    /// Shared with the writer of the same file.
    pub(crate) turn: Arc<Mutex<()>>,
    pub(crate) term: i64,
    pub(crate) config: LedgerConfig,
    pub(crate) clock: Arc<dyn Clock>,
    /// Woken by the writer.
    pub(crate) committed: Arc<Notify>,
    /// The last position given; followers watch it.
    pub(crate) head: watch::Sender<i64>,
    /// Asks it to number what is left and end.
    pub(crate) stop: CancellationToken,
    /// Tells that the task is over, however it ends.
    pub(crate) _ended: DropGuard,
}

/// What came of one look.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Numbered {
    /// A group has its places; the last of them.
    UpTo(i64),
    /// Nothing waits, or another sequencer has the lease; the last place so far.
    Nothing(i64),
}

impl Sequencer {
    /// Works until asked to stop; then once more.
    pub(crate) async fn run(self) {
        // After the longest wait it looks anyway: after an error nobody may wake it, and of what
        // another router commits nobody tells it.
        let longest = match &self.config.address {
            DatabaseAddress::File(_) => LONGEST_WAIT,
            DatabaseAddress::Server(_) => self.config.follow_every,
        };
        let mut expires = Instant::now();
        loop {
            let woken = timeout(longest, self.committed.notified());
            let stops = tokio::select! {
                () = self.stop.cancelled() => true,
                _ = woken => false,
            };
            self.catch_up().await;
            if stops {
                return;
            }
            if expires <= Instant::now() {
                self.expire_all().await;
                expires = Instant::now() + self.config.expire_every;
            }
            sleep(self.config.sequence_every).await;
        }
    }

    async fn catch_up(&self) {
        self.number_all().await;
        self.roll_up_all().await;
    }

    async fn roll_up_all(&self) {
        let head = *self.head.borrow();
        loop {
            let _turn = self.turn.lock().await;
            match roll_up(&self.connection.get(), head).await {
                Ok(true) => {}
                Ok(false) => return,
                Err(cause) => {
                    error!(%cause, "usage events could not be summed up");
                    return;
                }
            }
        }
    }

    async fn expire_all(&self) {
        let retention = Retention::at(self.clock.now(), &self.config);
        let mut expired = 0;
        loop {
            let _turn = self.turn.lock().await;
            let connection = self.connection.get();
            let taken = retention::expire(&connection, retention);
            match database::bounded(&self.config, taken).await {
                Ok(0) => break,
                Ok(some) => expired += some,
                Err(cause) => {
                    error!(%cause, "old usage events could not be taken away");
                    break;
                }
            }
        }
        if expired > 0 {
            info!(
                expired,
                "usage events older than ledger.retention are no longer kept"
            );
        }
    }

    async fn number_all(&self) {
        loop {
            let _turn = self.turn.lock().await;
            let connection = self.connection.get();
            let numbered = number(&connection, self.term, self.config.lease);
            match database::bounded(&self.config, numbered).await {
                Ok(Numbered::UpTo(last)) => self.tell(last),
                Ok(Numbered::Nothing(last)) => {
                    self.tell(last);
                    return;
                }
                Err(cause) => {
                    error!(%cause, "usage events could not be given their place in the stream");
                    if let Err(cause) = self.connection.reopen().await {
                        error!(%cause, "the ledger's numbering side could not be opened again");
                    }
                    return;
                }
            }
        }
    }

    fn tell(&self, last: i64) {
        self.head.send_if_modified(|head| {
            let newer = last > *head;
            *head = last.max(*head);
            newer
        });
    }
}

/// Numbers one group, if this term has the sequencer's lease or can take it from a writer that is
/// gone. The lease is checked in the transaction that numbers, so two can't give one place.
pub(crate) async fn number(
    connection: &DatabaseConnection,
    term: i64,
    lease: Duration,
) -> Result<Numbered, DbErr> {
    let state = state(connection).await?;
    let waits = unsequenced::Entity::find().one(connection).await?.is_some();
    if !waits || !may_number(connection, &state, term, lease).await? {
        return Ok(Numbered::Nothing(state.last_position));
    }
    let transaction = database::begin(connection).await?;
    let locked = sequencer::Entity::find_by_id(1)
        .lock_exclusive()
        .one(&transaction)
        .await?;
    let Some(locked) = locked.filter(|locked| locked.term == state.term) else {
        return Ok(Numbered::Nothing(state.last_position));
    };
    let waiting = unsequenced::Entity::find()
        .order_by_asc(unsequenced::Column::Arrival)
        .limit(GROUP)
        .all(&transaction)
        .await?;
    if waiting.is_empty() {
        return Ok(Numbered::Nothing(locked.last_position));
    }
    let last = waiting
        .iter()
        .fold(locked.last_position, |last, _| last + 1);
    place(&transaction, waiting, locked.last_position + 1).await?;
    sequencer::Entity::update_many()
        .col_expr(sequencer::Column::LastPosition, last.into())
        .col_expr(sequencer::Column::Term, term.into())
        .filter(sequencer::Column::Id.eq(1))
        .exec(&transaction)
        .await?;
    transaction.commit().await?;
    Ok(Numbered::UpTo(last))
}

/// The sequencer's row.
pub(crate) async fn state(connection: &impl ConnectionTrait) -> Result<sequencer::Model, DbErr> {
    let row = sequencer::Entity::find_by_id(1).one(connection).await?;
    row.ok_or_else(|| DbErr::RecordNotFound("the sequencer's row is missing".into()))
}

/// Whether the lease is this term's, or that of a writer that is gone.
async fn may_number(
    connection: &DatabaseConnection,
    state: &sequencer::Model,
    term: i64,
    lease: Duration,
) -> Result<bool, DbErr> {
    if state.term == term || !database::is_shared(connection) {
        return Ok(state.term == term);
    }
    Ok(!sweep::is_alive(connection, state.term, lease).await?)
}

/// Moves a group from those that wait to its places.
async fn place(
    transaction: &DatabaseTransaction,
    waiting: Vec<unsequenced::Model>,
    first: i64,
) -> Result<(), DbErr> {
    let arrivals: Vec<i64> = waiting.iter().map(|row| row.arrival).collect();
    let rows =
        waiting
            .into_iter()
            .zip(first..)
            .map(|(row, position)| stream_positions::ActiveModel {
                position: Set(position),
                event_id: Set(row.event_id),
                workspace: Set(row.workspace),
                provider: Set(row.provider),
                source: Set(row.source),
                settled_at: Set(row.settled_at),
            });
    stream_positions::Entity::insert_many(rows)
        .exec_without_returning(transaction)
        .await?;
    unsequenced::Entity::delete_many()
        .filter(unsequenced::Column::Arrival.is_in(arrivals))
        .exec(transaction)
        .await
        .map(drop)
}

const GROUP: u64 = 512;
const LONGEST_WAIT: Duration = Duration::from_secs(1);
