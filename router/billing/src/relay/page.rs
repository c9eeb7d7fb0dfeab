//! A page of the stream, as messages.

use keyway_proto::convert::from_timestamp;
use keyway_words::Timestamp;

use super::message::Message;
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::read::{self, UsageFilter};

/// Some events that follow each other.
pub(super) struct Page {
    messages: Vec<Message>,
    last: i64,
    oldest: Option<Timestamp>,
}

impl Page {
    /// The events after one position and up to another, not more than a page; `None` if there are
    /// none.
    pub(super) async fn read(
        ledger: &Ledger,
        subject: &str,
        after: i64,
        up_to: i64,
    ) -> Result<Option<Self>, LedgerError> {
        let all = UsageFilter {
            with_keys: true,
            ..UsageFilter::default()
        };
        let events = read::between(ledger.readers(), &all, after, up_to, EVENTS).await?;
        let Some(last) = events.last().map(|(position, _)| *position) else {
            return Ok(None);
        };
        let oldest = events
            .first()
            .and_then(|(_, event)| event.settled_at.as_ref().and_then(from_timestamp));
        let messages = events
            .iter()
            .map(|(position, event)| Message::of(subject, ledger.stream_id(), *position, event))
            .collect::<Result<_, _>>()?;
        Ok(Some(Self {
            messages,
            last,
            oldest,
        }))
    }

    /// In the order of the stream.
    pub(super) fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Position of the last one.
    pub(super) const fn last(&self) -> i64 {
        self.last
    }

    /// When the first one was settled.
    pub(super) const fn oldest(&self) -> Option<Timestamp> {
        self.oldest
    }
}

/// Events of one page: what is in flight at once, and all that waits in memory.
const EVENTS: u64 = 256;
