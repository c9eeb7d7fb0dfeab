//! The stream: events in order from a cursor, to the end or for ever.
//!
//! Every reader reads pages at its own pace from the database; a slow one holds up nobody and
//! costs one page of memory.

use std::collections::VecDeque;

use futures::Stream;
use futures::stream::try_unfold;
use keyway_proto::billing::v1::UsageEvent;
use keyway_words::WorkspaceId;
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, Set};
use tokio::sync::watch;

use crate::cursor::Cursor;
use crate::entity::{consumers, sequencer};
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::read::{self, UsageFilter};
use crate::readers::Readers;
use crate::sequencer as numbering;

/// One message of a stream.
#[derive(Debug, Clone)]
pub struct StreamItem {
    /// The event; `None` on a message that only moves the cursor, after many events that the
    /// filter left out.
    pub event: Option<UsageEvent>,
    /// Give this back to go on after it.
    pub cursor: String,
}

impl Ledger {
    /// Events in order, at least once, after a cursor (empty: from the beginning). With `follow`
    /// it goes on with new events until the ledger stops; otherwise it ends at the end.
    ///
    /// A cursor that is not of this stream is `CursorInvalid`; one older than what is kept is
    /// `CursorExpired`.
    pub async fn stream(
        &self,
        filter: UsageFilter,
        cursor: &str,
        follow: bool,
    ) -> Result<impl Stream<Item = Result<StreamItem, LedgerError>> + Send + use<>, LedgerError>
    {
        let start = self.start_after(cursor).await?.position();
        let reader = Reader {
            readers: self.readers().clone(),
            stream_id: self.stream_id(),
            head: self.head(),
            filter,
            follow,
            scanned: start,
            told: start,
            page: VecDeque::new(),
        };
        Ok(try_unfold(reader, async |mut reader| {
            Ok(reader.next().await?.map(|item| (item, reader)))
        }))
    }

    /// Stores how far a named consumer has processed the stream. It never goes back.
    pub async fn acknowledge(
        &self,
        scope: Option<&WorkspaceId>,
        consumer: &str,
        cursor: &str,
    ) -> Result<(), LedgerError> {
        let position = Cursor::parse(cursor, self.stream_id())?.position();
        // Another router may have given it, of events that this one has not heard of yet.
        let last = numbering::state(self.readers()).await?.last_position;
        if position > last {
            return Err(LedgerError::CursorInvalid);
        }
        let row = consumers::ActiveModel {
            scope: Set(scope.map(WorkspaceId::resource).unwrap_or_default()),
            name: Set(consumer.to_owned()),
            position: Set(position),
            acknowledged_at: Set(self.now().0),
        };
        let mut newer = OnConflict::columns([consumers::Column::Scope, consumers::Column::Name]);
        newer.update_columns([
            consumers::Column::Position,
            consumers::Column::AcknowledgedAt,
        ]);
        newer.action_and_where(sea_orm::ExprTrait::gt(
            sea_orm::sea_query::Expr::value(position),
            sea_orm::sea_query::Expr::col((consumers::Entity, consumers::Column::Position)),
        ));
        consumers::Entity::insert(row)
            .on_conflict(newer)
            .try_insert()
            .exec_without_returning(&self.side_writer())
            .await?;
        Ok(())
    }

    /// The cursor that a named consumer acknowledged last; empty if it never did.
    pub async fn acknowledged(
        &self,
        scope: Option<&WorkspaceId>,
        consumer: &str,
    ) -> Result<String, LedgerError> {
        let scope = scope.map(WorkspaceId::resource).unwrap_or_default();
        let row = consumers::Entity::find_by_id((scope, consumer.to_owned()))
            .one(self.readers())
            .await?;
        Ok(row
            .map(|row| Cursor::after(row.position).to_text(self.stream_id()))
            .unwrap_or_default())
    }

    /// The place that a cursor or page token stands for; the beginning if it is empty.
    pub(crate) async fn start_after(&self, text: &str) -> Result<Cursor, LedgerError> {
        let state = sequencer::Entity::find_by_id(1).one(self.readers()).await?;
        let (first, last) = state.map_or((1, 0), |row| (row.first_position, row.last_position));
        if text.is_empty() {
            return Ok(Cursor::after(first - 1));
        }
        let cursor = Cursor::parse(text, self.stream_id())?;
        if cursor.position() > last {
            return Err(LedgerError::CursorInvalid);
        }
        if cursor.position() < first - 1 {
            return Err(LedgerError::CursorExpired);
        }
        Ok(cursor)
    }
}

struct Reader {
    readers: Readers,
    stream_id: i64,
    head: watch::Receiver<i64>,
    filter: UsageFilter,
    follow: bool,
    /// Everything up to here was looked at.
    scanned: i64,
    /// The last cursor that was given.
    told: i64,
    page: VecDeque<(i64, UsageEvent)>,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<StreamItem>, LedgerError> {
        loop {
            if let Some((position, event)) = self.page.pop_front() {
                return Ok(Some(self.item(position, Some(event))));
            }
            let head = *self.head.borrow_and_update();
            if self.scanned < head {
                self.read_page(head).await?;
                if self.page.is_empty() && self.scanned - self.told >= SCAN {
                    return Ok(Some(self.item(self.scanned, None)));
                }
            } else if !self.follow || self.head.changed().await.is_err() {
                return Ok(None);
            }
        }
    }

    /// Reads one page, looking at a bounded stretch of the stream.
    async fn read_page(&mut self, head: i64) -> Result<(), LedgerError> {
        let up_to = head.min(self.scanned + SCAN);
        let page = read::between(
            &self.readers,
            &self.filter,
            self.scanned,
            up_to,
            PAGE as u64,
        )
        .await;
        // What was taken away meanwhile is not passed over in silence.
        if numbering::state(&self.readers).await?.first_position > self.scanned + 1 {
            return Err(LedgerError::CursorExpired);
        }
        let page = page?;
        self.scanned = match page.last() {
            Some((position, _)) if page.len() == PAGE => *position,
            Some(_) | None => up_to,
        };
        self.page = page.into();
        Ok(())
    }

    fn item(&mut self, position: i64, event: Option<UsageEvent>) -> StreamItem {
        self.told = position;
        StreamItem {
            event,
            cursor: Cursor::after(position).to_text(self.stream_id),
        }
    }
}

const PAGE: usize = 256;
const SCAN: i64 = 4096;
