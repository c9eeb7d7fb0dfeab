//! The sequencer: gives committed events their place in the stream, from 1 and without a gap.
//!
//! It works after the commit, in transactions of its own: writers never wait for their turn in
//! the stream, and what was committed before a crash is numbered after it.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{
    ColumnTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::error;

use crate::database::{self, Reopening};
use crate::entity::{sequencer, stream_positions, unsequenced};

/// The numbering side of a ledger.
pub(crate) struct Sequencer {
    pub(crate) connection: Arc<Reopening>,
    /// Shared with the writer.
    pub(crate) turn: Arc<Mutex<()>>,
    pub(crate) term: i64,
    pub(crate) pause: Duration,
    /// Woken by the writer.
    pub(crate) committed: Arc<Notify>,
    /// The last position given; followers watch it.
    pub(crate) head: watch::Sender<i64>,
    /// Asks it to number what is left and end.
    pub(crate) stop: CancellationToken,
    /// Tells that the task is over, however it ends.
    pub(crate) _ended: DropGuard,
}

impl Sequencer {
    /// Works until asked to stop; then once more.
    pub(crate) async fn run(self) {
        loop {
            let woken = timeout(LONGEST_WAIT, self.committed.notified());
            let stops = tokio::select! {
                () = self.stop.cancelled() => true,
                // After the longest wait it looks anyway: after an error nobody may wake it.
                _ = woken => false,
            };
            self.catch_up().await;
            if stops {
                return;
            }
            sleep(self.pause).await;
        }
    }

    async fn catch_up(&self) {
        loop {
            let _turn = self.turn.lock().await;
            match number(&self.connection.get(), self.term).await {
                Ok(Some(last)) => {
                    self.head.send_replace(last);
                }
                Ok(None) => return,
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
}

/// Numbers one group; gives the last position, or `None` if nothing waits or another sequencer
/// has the lease.
pub(crate) async fn number(
    connection: &DatabaseConnection,
    term: i64,
) -> Result<Option<i64>, DbErr> {
    if unsequenced::Entity::find().one(connection).await?.is_none() {
        return Ok(None);
    }
    let transaction = database::begin(connection).await?;
    let state = sequencer::Entity::find_by_id(1).one(&transaction).await?;
    let Some(state) = state.filter(|state| state.term == term) else {
        return Ok(None);
    };
    let waiting = unsequenced::Entity::find()
        .order_by_asc(unsequenced::Column::Arrival)
        .limit(GROUP)
        .all(&transaction)
        .await?;
    let last = waiting.iter().fold(state.last_position, |last, _| last + 1);
    let arrivals: Vec<i64> = waiting.iter().map(|row| row.arrival).collect();
    let rows = waiting
        .into_iter()
        .zip(state.last_position + 1..)
        .map(|(row, position)| stream_positions::ActiveModel {
            position: Set(position),
            event_id: Set(row.event_id),
            workspace: Set(row.workspace),
            provider: Set(row.provider),
            source: Set(row.source),
            settled_at: Set(row.settled_at),
        });
    stream_positions::Entity::insert_many(rows)
        .exec_without_returning(&transaction)
        .await?;
    unsequenced::Entity::delete_many()
        .filter(unsequenced::Column::Arrival.is_in(arrivals))
        .exec(&transaction)
        .await?;
    sequencer::Entity::update_many()
        .col_expr(sequencer::Column::LastPosition, last.into())
        .filter(sequencer::Column::Term.eq(term))
        .exec(&transaction)
        .await?;
    transaction.commit().await?;
    Ok(Some(last))
}

const GROUP: u64 = 512;
const LONGEST_WAIT: Duration = Duration::from_secs(1);
