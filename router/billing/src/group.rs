//! One group commit: openings and settlements that gathered, in one transaction.
//!
//! No statement reads, unless an opening carries a request id or a settlement comes late.

use std::collections::{HashMap, HashSet};

use keyway_words::Timestamp;
use sea_orm::sea_query::{Expr, OnConflict, SimpleExpr, Value};
use sea_orm::{
    ColumnTrait, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, Set,
    TryInsertResult,
};

use crate::database;
use crate::entity::{corrections, open_attempts, request_ids, settlements, unsequenced};
use crate::event;
use crate::record::{EventRow, OpenRecord, SettleRecord};
use crate::spend;

/// The openings that a commit refused: their place among the openings, and the first call.
pub(crate) type Repeated = HashMap<usize, String>;

/// Writes a group. On an error nothing of it is written.
pub(crate) async fn commit(
    connection: &DatabaseConnection,
    term: i64,
    now: Timestamp,
    opens: &[OpenRecord],
    settles: &[SettleRecord],
) -> Result<Repeated, DbErr> {
    let transaction = database::begin(connection).await?;
    let repeated = open(&transaction, term, now, opens).await?;
    let refused: HashSet<&str> = repeated
        .keys()
        .filter_map(|index| opens.get(*index))
        .map(|record| record.event_id.as_str())
        .collect();
    let real: Vec<&SettleRecord> = settles
        .iter()
        .filter(|record| !record.is_void() && !refused.contains(record.row.event.event_id.as_str()))
        .collect();
    let rows: Vec<&EventRow> = real.iter().map(|record| &record.row).collect();
    let again = settle(&transaction, &rows).await?;
    // A commit whose acknowledgement was lost is written again; a swept attempt's slice is given back.
    let fresh = |record: &&SettleRecord| !again.contains(&record.row.event.event_id);
    let drawing: Vec<&SettleRecord> = real.iter().copied().filter(fresh).collect();
    spend::draw(&transaction, term, &drawing).await?;
    for record in real
        .iter()
        .filter(|record| record.keeps_request_id.is_some())
    {
        let keeps = record.keeps_request_id.unwrap_or_default();
        close_request_id(&transaction, &record.row, keeps).await?;
    }
    transaction.commit().await?;
    Ok(repeated)
}

/// Writes openings; gives those whose request id another call has.
async fn open(
    transaction: &DatabaseTransaction,
    term: i64,
    now: Timestamp,
    opens: &[OpenRecord],
) -> Result<Repeated, DbErr> {
    let mut repeated = Repeated::new();
    // In one order in every router, so that no two wait for each other.
    let mut claims: Vec<_> = opens
        .iter()
        .enumerate()
        .filter_map(|(index, record)| Some((record, record.request_id.as_ref()?, index)))
        .collect();
    claims.sort_by_key(|(record, request_id, index)| (&record.workspace, *request_id, *index));
    for (record, request_id, index) in claims {
        if let Some(first) = claim(transaction, record, request_id, now).await? {
            repeated.insert(index, first);
        }
    }
    let rows: Vec<_> = opens
        .iter()
        .enumerate()
        .filter(|(index, _)| !repeated.contains_key(index))
        .map(|(_, record)| open_attempts::ActiveModel {
            event_id: Set(record.event_id.clone()),
            call_id: Set(record.call_id.clone()),
            workspace: Set(record.workspace.clone()),
            term: Set(term),
            event: Set(record.event.clone()),
        })
        .collect();
    if !rows.is_empty() {
        open_attempts::Entity::insert_many(rows)
            .exec_without_returning(transaction)
            .await?;
    }
    Ok(repeated)
}

/// Takes a request id for a call; gives the call that has it, if another one does.
async fn claim(
    transaction: &DatabaseTransaction,
    record: &OpenRecord,
    request_id: &str,
    now: Timestamp,
) -> Result<Option<String>, DbErr> {
    request_ids::Entity::delete_many()
        .filter(request_ids::Column::Workspace.eq(&record.workspace))
        .filter(request_ids::Column::RequestId.eq(request_id))
        .filter(is_over(now))
        .exec(transaction)
        .await?;
    let row = request_ids::ActiveModel {
        workspace: Set(record.workspace.clone()),
        request_id: Set(request_id.to_owned()),
        call_id: Set(record.call_id.clone()),
        completed_at: Set(None),
    };
    let inserted = request_ids::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .try_insert()
        .exec_without_returning(transaction)
        .await?;
    if matches!(inserted, TryInsertResult::Inserted(1)) {
        return Ok(None);
    }
    let key = (record.workspace.clone(), request_id.to_owned());
    let holder = request_ids::Entity::find_by_id(key)
        .one(transaction)
        .await?;
    let holder = holder.map(|row| row.call_id);
    if holder.as_ref() != Some(&record.call_id) {
        return Ok(holder);
    }
    // The next attempt of the same call: until it ends, the call is not complete.
    request_ids::Entity::update_many()
        .col_expr(
            request_ids::Column::CompletedAt,
            Expr::value(Value::BigInt(None)),
        )
        .filter(request_ids::Column::CallId.eq(&record.call_id))
        .exec(transaction)
        .await?;
    Ok(None)
}

/// Whether a request id's day is over.
pub(crate) fn is_over(now: Timestamp) -> SimpleExpr {
    request_ids::Column::CompletedAt.lt(now.plus_seconds(-REQUEST_ID_SECONDS).0)
}

/// Takes back openings whose commit failed, in case the database has them all the same: whoever
/// asked for them was refused, and nothing will settle them.
pub(crate) async fn void(
    connection: &DatabaseConnection,
    opens: &[OpenRecord],
) -> Result<(), DbErr> {
    if opens.is_empty() {
        return Ok(());
    }
    let transaction = database::begin(connection).await?;
    let ids = opens.iter().map(|open| open.event_id.as_str());
    open_attempts::Entity::delete_many()
        .filter(open_attempts::Column::EventId.is_in(ids))
        .exec(&transaction)
        .await?;
    let claimed = opens.iter().filter(|open| open.request_id.is_some());
    for open in claimed {
        request_ids::Entity::delete_many()
            .filter(request_ids::Column::CallId.eq(&open.call_id))
            .filter(request_ids::Column::CompletedAt.is_null())
            .exec(&transaction)
            .await?;
    }
    transaction.commit().await
}

/// Keeps the request id of a completed call for a day; frees that of any other.
async fn close_request_id(
    transaction: &DatabaseTransaction,
    row: &EventRow,
    keeps: bool,
) -> Result<(), DbErr> {
    let of_call = request_ids::Column::CallId.eq(&row.event.call_id);
    if keeps {
        request_ids::Entity::update_many()
            .col_expr(request_ids::Column::CompletedAt, row.settled_at.into())
            .filter(of_call)
            .exec(transaction)
            .await?;
    } else {
        request_ids::Entity::delete_many()
            .filter(of_call)
            .exec(transaction)
            .await?;
    }
    Ok(())
}

/// Writes settlements and takes their attempts from the open ones. The first settlement of an
/// attempt wins; a later one becomes a correction of it. Gives those that were settled before.
pub(crate) async fn settle(
    transaction: &DatabaseTransaction,
    rows: &[&EventRow],
) -> Result<HashSet<String>, DbErr> {
    if rows.is_empty() {
        return Ok(HashSet::new());
    }
    let ids = || rows.iter().map(|row| row.event.event_id.as_str());
    let closed = open_attempts::Entity::delete_many()
        .filter(open_attempts::Column::EventId.is_in(ids()))
        .exec(transaction)
        .await?;
    if closed.rows_affected == count(rows.len()) {
        append(transaction, rows).await?;
        return Ok(HashSet::new());
    }
    // Some are not open any more: either a sweep has settled them, or this is a second delivery.
    let known: HashMap<String, settlements::Model> = settlements::Entity::find()
        .filter(settlements::Column::EventId.is_in(ids()))
        .all(transaction)
        .await?
        .into_iter()
        .map(|row| (row.event_id.clone(), row))
        .collect();
    let fresh: Vec<&EventRow> = rows
        .iter()
        .copied()
        .filter(|row| !known.contains_key(&row.event.event_id))
        .collect();
    append(transaction, &fresh).await?;
    for row in rows {
        if let Some(original) = known.get(&row.event.event_id) {
            correct(transaction, row, original).await?;
        }
    }
    Ok(known.into_keys().collect())
}

async fn append(transaction: &DatabaseTransaction, rows: &[&EventRow]) -> Result<(), DbErr> {
    let mut seen = HashSet::new();
    let rows: Vec<&&EventRow> = rows
        .iter()
        .filter(|row| seen.insert(row.event.event_id.as_str()))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    settlements::Entity::insert_many(rows.iter().map(|row| row.settlement()))
        .exec_without_returning(transaction)
        .await?;
    unsequenced::Entity::insert_many(rows.iter().map(|row| row.unsequenced()))
        .exec_without_returning(transaction)
        .await?;
    Ok(())
}

async fn correct(
    transaction: &DatabaseTransaction,
    late: &EventRow,
    original: &settlements::Model,
) -> Result<(), DbErr> {
    if late.bytes == original.event {
        return Ok(());
    }
    let row = EventRow::new(event::correction(
        late.event.clone(),
        &original.event_id,
        Timestamp(original.settled_at),
    ));
    let inserted = corrections::Entity::insert(row.correction())
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .try_insert()
        .exec_without_returning(transaction)
        .await?;
    if matches!(inserted, TryInsertResult::Inserted(1)) {
        unsequenced::Entity::insert(row.unsequenced())
            .exec_without_returning(transaction)
            .await?;
    }
    Ok(())
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

const REQUEST_ID_SECONDS: i64 = 24 * 60 * 60;
