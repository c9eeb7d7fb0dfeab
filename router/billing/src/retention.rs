//! Retention: the oldest events of the stream go, by whole days, once they are summed up and every
//! named consumer has acknowledged them, or has been silent for too long. What a relay has to
//! publish waits for it without a bound.
//!
//! What goes is always the beginning of the stream, so that a cursor before it can be told from any
//! other. Roll-ups, corrections and price tables stay.

use std::time::Duration;

use keyway_words::Timestamp;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr,
    EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use crate::config::LedgerConfig;
use crate::database;
use crate::entity::{consumers, rolled_up, sequencer, settlements, stream_positions};
use crate::relay::CONSUMER;

/// What is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retention {
    /// Events settled before this time may go.
    before: Timestamp,
    /// Events settled before this time go, whoever has not acknowledged them.
    at_the_latest_before: Timestamp,
    /// Whether a relay publishes them.
    relayed: bool,
}

impl Retention {
    pub(crate) fn at(now: Timestamp, config: &LedgerConfig) -> Self {
        let whole_days = Timestamp(now.0 - now.0.rem_euclid(DAY));
        let back = |by: Duration| Timestamp(whole_days.0.saturating_sub(micros(by)));
        Self {
            before: back(config.retention),
            at_the_latest_before: back(config.retention.saturating_add(config.consumer_hold)),
            relayed: config.relayed,
        }
    }
}

/// Takes one group away from the beginning of the stream; how many events.
pub(crate) async fn expire(
    connection: &DatabaseConnection,
    retention: Retention,
) -> Result<usize, DbErr> {
    // Mostly nothing is due: that is seen without a lock.
    if due(connection, retention).await?.is_empty() {
        return Ok(0);
    }
    let transaction = database::begin(connection).await?;
    let state = sequencer::Entity::find_by_id(1)
        .lock_exclusive()
        .one(&transaction)
        .await?;
    let due = due(&transaction, retention).await?;
    let Some(last) = due.last().filter(|_| state.is_some()) else {
        return Ok(0);
    };
    take_away(&transaction, &due, last.position).await?;
    transaction.commit().await?;
    Ok(due.len())
}

async fn take_away(
    transaction: &DatabaseTransaction,
    due: &[stream_positions::Model],
    last: i64,
) -> Result<(), DbErr> {
    let ids = due.iter().map(|row| row.event_id.as_str());
    settlements::Entity::delete_many()
        .filter(settlements::Column::EventId.is_in(ids))
        .exec(transaction)
        .await?;
    stream_positions::Entity::delete_many()
        .filter(stream_positions::Column::Position.lte(last))
        .exec(transaction)
        .await?;
    sequencer::Entity::update_many()
        .col_expr(sequencer::Column::FirstPosition, (last + 1).into())
        .filter(sequencer::Column::Id.eq(1))
        .exec(transaction)
        .await
        .map(drop)
}

/// The beginning of the stream as far as it may go, one group at most.
async fn due(
    on: &impl ConnectionTrait,
    retention: Retention,
) -> Result<Vec<stream_positions::Model>, DbErr> {
    let summed = rolled_up::Entity::find_by_id(1).one(on).await?;
    let summed = summed.map_or(0, |row| row.position);
    let behind = consumers::Entity::find()
        .order_by_asc(consumers::Column::Position)
        .one(on)
        .await?;
    let acknowledged = behind.map_or(i64::MAX, |row| row.position);
    let published = published(on, retention).await?;
    let first = stream_positions::Entity::find()
        .order_by_asc(stream_positions::Column::Position)
        .limit(GROUP)
        .all(on)
        .await?;
    let may_go = |row: &stream_positions::Model| {
        let settled_at = Timestamp(row.settled_at);
        let is_read = row.position <= acknowledged || settled_at < retention.at_the_latest_before;
        row.position <= summed.min(published) && settled_at < retention.before && is_read
    };
    Ok(first.into_iter().take_while(may_go).collect())
}

/// Up to which position nothing waits for the relay.
async fn published(on: &impl ConnectionTrait, retention: Retention) -> Result<i64, DbErr> {
    if !retention.relayed {
        return Ok(i64::MAX);
    }
    let relay = consumers::Entity::find_by_id((String::new(), CONSUMER.to_owned()));
    Ok(relay.one(on).await?.map_or(0, |row| row.position))
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Microseconds.
const DAY: i64 = 86_400_000_000;
const GROUP: u64 = 512;
