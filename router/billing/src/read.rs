//! Reading the ledger: pages of the stream, and everything about one call.

use std::collections::HashMap;

use keyway_proto::billing::v1::UsageEvent;
use keyway_words::{CallId, ProviderId, Source, Timestamp, WorkspaceId};
use prost::Message as _;
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};

use crate::cursor::Cursor;
use crate::entity::{corrections, open_attempts, settlements, stream_positions};
use crate::error::LedgerError;
use crate::event;
use crate::ledger::Ledger;

/// Which events. `None` is all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageFilter {
    /// Of one workspace.
    pub workspace: Option<WorkspaceId>,
    /// Of one provider.
    pub provider: Option<ProviderId>,
    /// On own or on hosted keys.
    pub source: Option<Source>,
    /// With what is told of keys, which is no usage: for the relay.
    pub with_keys: bool,
}

/// One page of a list.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// Which events.
    pub filter: UsageFilter,
    /// Settled at this time or later.
    pub from: Option<Timestamp>,
    /// Settled before this time.
    pub to: Option<Timestamp>,
    /// Of one call.
    pub call_id: Option<CallId>,
    /// Events at most.
    pub size: u32,
    /// [`Page::next`] of the page before; empty for the first one.
    pub token: String,
}

/// Events in stream order.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The events.
    pub events: Vec<UsageEvent>,
    /// Token of the next page; `None` on the last one.
    pub next: Option<String>,
}

/// Everything about one call.
#[derive(Debug, Clone, Default)]
pub struct CallRecord {
    /// Attempts that are open: usage and ending are not set yet.
    pub open: Vec<UsageEvent>,
    /// Settled attempts.
    pub settled: Vec<UsageEvent>,
    /// Corrections of settled attempts.
    pub corrections: Vec<UsageEvent>,
}

impl Ledger {
    /// A page of events in stream order. Events that were settled a moment ago may not have
    /// their place yet.
    pub async fn list(&self, request: &PageRequest) -> Result<Page, LedgerError> {
        let (events, next) = self.list_up_to(request, i64::MAX).await?;
        Ok(Page { events, next })
    }

    /// The same, of the events up to a position.
    pub(crate) async fn list_up_to(
        &self,
        request: &PageRequest,
        last: i64,
    ) -> Result<(Vec<UsageEvent>, Option<String>), LedgerError> {
        let after = self.start_after(&request.token).await?.position();
        let mut query = filtered(&request.filter)
            .filter(stream_positions::Column::Position.gt(after))
            .filter(stream_positions::Column::Position.lte(last))
            .limit(u64::from(request.size) + 1);
        if let Some(from) = request.from {
            query = query.filter(stream_positions::Column::SettledAt.gte(from.0));
        }
        if let Some(to) = request.to {
            query = query.filter(stream_positions::Column::SettledAt.lt(to.0));
        }
        if let Some(call_id) = request.call_id {
            let (low, high) = event::event_id_range(call_id);
            query = query.filter(stream_positions::Column::EventId.gt(low));
            query = query.filter(stream_positions::Column::EventId.lt(high));
        }
        let mut rows = query.all(self.readers()).await?;
        let size = usize::try_from(request.size).unwrap_or(usize::MAX);
        let has_more = rows.len() > size;
        rows.truncate(size);
        let next = rows.last().filter(|_| has_more);
        let next = next.map(|row| Cursor::after(row.position).to_text(self.stream_id()));
        let events = bodies(self.readers(), rows).await;
        // What was deleted meanwhile is not a hole: whoever goes on from here is told.
        self.start_after(&request.token).await?;
        let events = events?.into_iter().map(|(_, event)| event);
        Ok((events.collect(), next))
    }

    /// Everything about a call, its open attempts too; `None` if there is no such call, or not
    /// in this workspace.
    pub async fn receipt(
        &self,
        workspace: &WorkspaceId,
        call_id: CallId,
    ) -> Result<Option<CallRecord>, LedgerError> {
        let (call, owner) = (call_id.to_string(), workspace.resource());
        // Open ones first: what is settled in between is then found among the settled.
        let (low, high) = event::event_id_range(call_id);
        let open = open_attempts::Entity::find()
            .filter(open_attempts::Column::EventId.gt(low))
            .filter(open_attempts::Column::EventId.lt(high))
            .filter(open_attempts::Column::Workspace.eq(&owner))
            .all(self.readers())
            .await?;
        let settled = settlements::Entity::find()
            .filter(settlements::Column::CallId.eq(&call))
            .filter(settlements::Column::Workspace.eq(&owner))
            .all(self.readers())
            .await?;
        let corrected = corrections::Entity::find()
            .filter(corrections::Column::CallId.eq(&call))
            .filter(corrections::Column::Workspace.eq(&owner))
            .all(self.readers())
            .await?;
        let open = open.iter().filter(|row| {
            settled
                .iter()
                .all(|settled| settled.event_id != row.event_id)
        });
        let record = CallRecord {
            open: in_order(open.map(|row| row.event.as_slice()))?,
            settled: in_order(settled.iter().map(|row| row.event.as_slice()))?,
            corrections: in_order(corrected.iter().map(|row| row.event.as_slice()))?,
        };
        Ok((!record.open.is_empty() || !record.settled.is_empty()).then_some(record))
    }
}

/// The corrections of these events, by the event, in the order in which they were made.
pub(crate) async fn corrections_of(
    readers: &impl ConnectionTrait,
    events: &[UsageEvent],
) -> Result<HashMap<String, Vec<UsageEvent>>, LedgerError> {
    let ids = events.iter().map(|event| event.event_id.as_str());
    let rows = corrections::Entity::find()
        .filter(corrections::Column::CorrectsEventId.is_in(ids))
        // `-c1` of a late settlement, then `-r0001` and so on.
        .order_by_asc(corrections::Column::EventId)
        .all(readers)
        .await?;
    let mut by_event: HashMap<String, Vec<UsageEvent>> = HashMap::new();
    for row in rows {
        let event = decode(&row.event)?;
        by_event
            .entry(row.corrects_event_id)
            .or_default()
            .push(event);
    }
    Ok(by_event)
}

/// Up to `limit` events after one position and up to another, each with its position.
pub(crate) async fn between(
    readers: &impl ConnectionTrait,
    filter: &UsageFilter,
    after: i64,
    up_to: i64,
    limit: u64,
) -> Result<Vec<(i64, UsageEvent)>, LedgerError> {
    let rows = filtered(filter)
        .filter(stream_positions::Column::Position.gt(after))
        .filter(stream_positions::Column::Position.lte(up_to))
        .limit(limit)
        .all(readers)
        .await?;
    bodies(readers, rows).await
}

fn filtered(filter: &UsageFilter) -> Select<stream_positions::Entity> {
    let mut query =
        stream_positions::Entity::find().order_by_asc(stream_positions::Column::Position);
    if let Some(workspace) = &filter.workspace {
        query = query.filter(stream_positions::Column::Workspace.eq(workspace.resource()));
    }
    if let Some(provider) = filter.provider {
        query = query.filter(stream_positions::Column::Provider.eq(provider.as_str()));
    }
    if !filter.with_keys {
        query = query.filter(stream_positions::Column::Source.ne(event::KEY_COLUMN));
    }
    if let Some(source) = filter.source {
        query = query.filter(stream_positions::Column::Source.eq(event::source_column(source)));
    }
    query
}

/// The events of these places, in their order.
pub(crate) async fn bodies(
    readers: &impl ConnectionTrait,
    rows: Vec<stream_positions::Model>,
) -> Result<Vec<(i64, UsageEvent)>, LedgerError> {
    let ids = || rows.iter().map(|row| row.event_id.as_str());
    let mut bytes: HashMap<String, Vec<u8>> = settlements::Entity::find()
        .filter(settlements::Column::EventId.is_in(ids()))
        .all(readers)
        .await?
        .into_iter()
        .map(|row| (row.event_id, row.event))
        .collect();
    if bytes.len() < rows.len() {
        let corrected = corrections::Entity::find()
            .filter(corrections::Column::EventId.is_in(ids()))
            .all(readers)
            .await?;
        bytes.extend(corrected.into_iter().map(|row| (row.event_id, row.event)));
    }
    rows.into_iter()
        .map(|row| {
            let event = bytes
                .get(&row.event_id)
                .ok_or(LedgerError::EventUnreadable)?;
            Ok((row.position, decode(event)?))
        })
        .collect()
}

fn in_order<'a>(rows: impl Iterator<Item = &'a [u8]>) -> Result<Vec<UsageEvent>, LedgerError> {
    let mut events = rows.map(decode).collect::<Result<Vec<_>, _>>()?;
    events.sort_by_key(|event| event.attempt);
    Ok(events)
}

fn decode(bytes: &[u8]) -> Result<UsageEvent, LedgerError> {
    UsageEvent::decode(bytes).map_err(|_bytes| LedgerError::EventUnreadable)
}
