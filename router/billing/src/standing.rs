//! How a ledger stands, for those who watch it: what waits for its place in the stream, who reads it too
//! slowly, and what nobody closes.

use keyway_words::Timestamp;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
};

use crate::database;
use crate::entity::{consumers, stream_positions, unsequenced};
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::relay::CONSUMER;
use crate::sweep::{self, Sweeper};

/// How a ledger stands at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LedgerStanding {
    /// When the oldest event was settled that has no place in the stream yet.
    pub unplaced_since: Option<Timestamp>,
    /// Events that the slowest named consumer has not acknowledged.
    pub unacknowledged: u64,
    /// When the oldest of them was settled.
    pub unacknowledged_since: Option<Timestamp>,
    /// Open attempts of routers that are gone, which the sweep should have closed.
    pub left_open: u64,
}

impl Ledger {
    /// Reads how it stands.
    pub async fn standing(&self) -> Result<LedgerStanding, LedgerError> {
        let connection = self.readers().connections();
        let sweeper = Sweeper {
            term: self.term(),
            lease: self.config().lease,
            now: self.now(),
        };
        let head = *self.head().borrow();
        let read = read(&connection, sweeper, head);
        Ok(database::bounded(self.config(), read).await?)
    }

    /// For how long a writer may be silent until others take its work over.
    pub const fn lease(&self) -> std::time::Duration {
        self.config().lease
    }
}

async fn read(
    connection: &DatabaseConnection,
    sweeper: Sweeper,
    head: i64,
) -> Result<LedgerStanding, DbErr> {
    let unplaced = unsequenced::Entity::find()
        .order_by_asc(unsequenced::Column::Arrival)
        .one(connection)
        .await?;
    let slowest = consumers::Entity::find()
        .filter(consumers::Column::Name.ne(CONSUMER))
        .order_by_asc(consumers::Column::Position)
        .one(connection)
        .await?;
    let (unacknowledged, unacknowledged_since) = match slowest {
        Some(slowest) => (
            u64::try_from(head - slowest.position).unwrap_or_default(),
            settled_after(connection, slowest.position).await?,
        ),
        None => (0, None),
    };
    Ok(LedgerStanding {
        unplaced_since: unplaced.map(|row| Timestamp(row.settled_at)),
        unacknowledged,
        unacknowledged_since,
        left_open: sweep::left(connection, sweeper).count(connection).await?,
    })
}

/// When the first event behind a position was settled.
async fn settled_after(
    on: &impl ConnectionTrait,
    position: i64,
) -> Result<Option<Timestamp>, DbErr> {
    let next = stream_positions::Entity::find()
        .filter(stream_positions::Column::Position.gt(position))
        .order_by_asc(stream_positions::Column::Position)
        .one(on)
        .await?;
    Ok(next.map(|row| Timestamp(row.settled_at)))
}
