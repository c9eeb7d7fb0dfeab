//! The sweep: closes the attempts of writers that are gone.
//!
//! On SQLite the lock file lets one router run, so every earlier term is gone.

use keyway_proto::billing::v1::UsageEvent;
use keyway_words::Timestamp;
use prost::Message as _;
use sea_orm::{ColumnTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter, QuerySelect};

use crate::database;
use crate::entity::{open_attempts, request_ids};
use crate::event;
use crate::group;
use crate::record::EventRow;

/// Closes every attempt of an earlier term, as SWEPT with usage UNKNOWN; gives how many. Their
/// request ids may be used again.
pub(crate) async fn sweep(
    connection: &DatabaseConnection,
    term: i64,
    now: Timestamp,
) -> Result<u64, DbErr> {
    let mut closed = 0;
    loop {
        let left = open_attempts::Entity::find()
            .filter(open_attempts::Column::Term.lt(term))
            .limit(GROUP)
            .all(connection)
            .await?;
        if left.is_empty() {
            return Ok(closed);
        }
        closed += u64::try_from(left.len()).unwrap_or_default();
        close(connection, left, now).await?;
    }
}

async fn close(
    connection: &DatabaseConnection,
    left: Vec<open_attempts::Model>,
    now: Timestamp,
) -> Result<(), DbErr> {
    let calls: Vec<String> = left.iter().map(|row| row.call_id.clone()).collect();
    let rows: Vec<EventRow> = left
        .into_iter()
        .map(|row| EventRow::new(event::swept(opened(row), now)))
        .collect();
    let transaction = database::begin(connection).await?;
    group::settle(&transaction, &rows.iter().collect::<Vec<_>>()).await?;
    request_ids::Entity::delete_many()
        .filter(request_ids::Column::CallId.is_in(calls))
        .filter(request_ids::Column::CompletedAt.is_null())
        .exec(&transaction)
        .await?;
    transaction.commit().await
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
