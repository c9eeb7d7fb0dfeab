//! The sweep: closes the attempts of writers that are gone.
//!
//! On SQLite the lock file lets one router run, so every earlier term is gone. On PostgreSQL a
//! writer is gone when it said so, or when its lease ran out by the database's clock.

use std::time::Duration;

use keyway_proto::billing::v1::UsageEvent;
use keyway_words::Timestamp;
use prost::Message as _;
use sea_orm::sea_query::{Expr, ExprTrait as _, LockBehavior, LockType, Query, SimpleExpr};
use sea_orm::{
    ColumnTrait, Condition, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait,
    QueryFilter, QueryOrder, QuerySelect, Select,
};

use crate::database;
use crate::entity::{open_attempts, request_ids, spend_slices, writers};
use crate::event;
use crate::group;
use crate::record::EventRow;

/// Whose attempts a writer may close.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sweeper {
    pub(crate) term: i64,
    pub(crate) lease: Duration,
    pub(crate) now: Timestamp,
}

/// Closes every attempt of a writer that is gone, as SWEPT with usage UNKNOWN; gives how many.
/// Their request ids may be used again.
pub(crate) async fn sweep(connection: &DatabaseConnection, sweeper: Sweeper) -> Result<u64, DbErr> {
    let mut closed = 0;
    loop {
        let some = close_some(connection, sweeper).await?;
        if some == 0 {
            drop_slices(connection, sweeper).await?;
            return Ok(closed);
        }
        closed += some;
    }
}

/// Open attempts of writers that are gone.
pub(crate) fn left(
    connection: &DatabaseConnection,
    sweeper: Sweeper,
) -> Select<open_attempts::Entity> {
    open_attempts::Entity::find().filter(gone(connection, sweeper, open_attempts::Column::Term))
}

/// Forgets request ids whose day is over.
pub(crate) async fn forget_request_ids(
    connection: &DatabaseConnection,
    now: Timestamp,
) -> Result<(), DbErr> {
    let transaction = database::begin(connection).await?;
    let over = request_ids::Entity::find()
        .filter(group::is_over(now))
        .limit(GROUP)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .all(&transaction)
        .await?;
    let calls: Vec<String> = over.into_iter().map(|row| row.call_id).collect();
    if !calls.is_empty() {
        request_ids::Entity::delete_many()
            .filter(request_ids::Column::CallId.is_in(calls))
            .filter(group::is_over(now))
            .exec(&transaction)
            .await?;
    }
    transaction.commit().await
}

async fn close_some(connection: &DatabaseConnection, sweeper: Sweeper) -> Result<u64, DbErr> {
    let gone = gone(connection, sweeper, open_attempts::Column::Term);
    if open_attempts::Entity::find()
        .filter(gone.clone())
        .one(connection)
        .await?
        .is_none()
    {
        return Ok(0);
    }
    let transaction = database::begin(connection).await?;
    // Whoever settles or sweeps one of them now has its row: that one is not ours.
    let left = open_attempts::Entity::find()
        .filter(gone)
        .order_by_asc(open_attempts::Column::EventId)
        .limit(GROUP)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .all(&transaction)
        .await?;
    let closed = u64::try_from(left.len()).unwrap_or_default();
    close(&transaction, left, sweeper.now).await?;
    transaction.commit().await?;
    Ok(closed)
}

async fn close(
    transaction: &DatabaseTransaction,
    left: Vec<open_attempts::Model>,
    now: Timestamp,
) -> Result<(), DbErr> {
    if left.is_empty() {
        return Ok(());
    }
    let calls: Vec<String> = left.iter().map(|row| row.call_id.clone()).collect();
    let rows: Vec<EventRow> = left
        .into_iter()
        .map(|row| EventRow::new(event::swept(opened(row), now)))
        .collect();
    group::settle(transaction, &rows.iter().collect::<Vec<_>>()).await?;
    request_ids::Entity::delete_many()
        .filter(request_ids::Column::CallId.is_in(calls))
        .filter(request_ids::Column::CompletedAt.is_null())
        .exec(transaction)
        .await
        .map(drop)
}

/// Gives back what writers hold of workspaces' spend that are gone, once their attempts are closed.
async fn drop_slices(connection: &DatabaseConnection, sweeper: Sweeper) -> Result<(), DbErr> {
    let gone = gone(connection, sweeper, spend_slices::Column::Term);
    let left = spend_slices::Entity::find().filter(gone.clone());
    if left.one(connection).await?.is_none() {
        return Ok(());
    }
    let transaction = database::begin(connection).await?;
    spend_slices::Entity::delete_many()
        .filter(gone)
        .exec(&transaction)
        .await?;
    transaction.commit().await
}

/// Rows whose writer is gone, by their column of its term.
fn gone(
    connection: &DatabaseConnection,
    sweeper: Sweeper,
    term: impl ColumnTrait + Copy,
) -> Condition {
    let others = term.ne(sweeper.term);
    if !database::is_shared(connection) {
        return Condition::all().add(term.lt(sweeper.term));
    }
    let dead = Query::select()
        .column(writers::Column::Term)
        .from(writers::Entity)
        .cond_where(is_dead(connection, sweeper.lease))
        .to_owned();
    Condition::all().add(others).add(term.in_subquery(dead))
}

/// Rows of writers that stopped, or whose lease ran out by the database's clock.
pub(crate) fn is_dead(connection: &DatabaseConnection, lease: Duration) -> Condition {
    let lease = i64::try_from(lease.as_micros()).unwrap_or(i64::MAX);
    let since: SimpleExpr = database::now(connection, Timestamp(0)).sub(lease);
    Condition::any()
        .add(writers::Column::StoppedAt.is_not_null())
        .add(Expr::col(writers::Column::HeartbeatAt).lt(since))
}

/// Whether the writer of a term is there.
pub(crate) async fn is_alive(
    connection: &DatabaseConnection,
    term: i64,
    lease: Duration,
) -> Result<bool, DbErr> {
    let alive = writers::Entity::find()
        .filter(writers::Column::Term.eq(term))
        .filter(is_dead(connection, lease).not())
        .one(connection)
        .await?;
    Ok(alive.is_some())
}

/// The event as it was opened. One that can't be read must not keep the others open: what the
/// columns say is left of it.
fn opened(row: open_attempts::Model) -> UsageEvent {
    UsageEvent::decode(row.event.as_slice()).unwrap_or_else(|_bytes| UsageEvent {
        event_id: row.event_id,
        call_id: row.call_id,
        workspace: row.workspace,
        ..UsageEvent::default()
    })
}

const GROUP: u64 = 512;
