//! What handles send to the writer: encoded already, so that the writer only writes.

use keyway_proto::billing::v1::UsageEvent;
use keyway_proto::convert::from_timestamp;
use keyway_words::Usd;
use prost::Message as _;
use sea_orm::Set;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use crate::entity::{corrections, settlements, unsequenced};
use crate::event;
use crate::slot::OpenState;
use crate::spend::SpendMonth;

/// What handles send to the writer.
#[derive(Debug)]
pub(crate) enum Record {
    Open(Box<OpenRecord>),
    Settle(Box<SettleRecord>),
    /// Nothing comes after this one.
    Stop,
}

/// An opening on its way.
#[derive(Debug)]
pub(crate) struct OpenRecord {
    pub(crate) event_id: String,
    pub(crate) call_id: String,
    pub(crate) workspace: String,
    pub(crate) event: Vec<u8>,
    pub(crate) request_id: Option<String>,
    state: watch::Sender<OpenState>,
}

impl OpenRecord {
    pub(crate) fn new(
        event: &UsageEvent,
        request_id: Option<String>,
        state: watch::Sender<OpenState>,
    ) -> Self {
        Self {
            event_id: event.event_id.clone(),
            call_id: event.call_id.clone(),
            workspace: event.workspace.clone(),
            event: event.encode_to_vec(),
            request_id,
            state,
        }
    }

    /// Tells whoever waits. Nobody waiting is fine.
    pub(crate) fn tell(&self, state: OpenState) {
        self.state.send_replace(state);
    }
}

/// A settlement on its way.
#[derive(Debug)]
pub(crate) struct SettleRecord {
    pub(crate) row: EventRow,
    /// Of a call with a request id: whether it completed, and so keeps the id.
    pub(crate) keeps_request_id: Option<bool>,
    /// The slice that its call was made from, and what it takes of it.
    pub(crate) draws: Option<(SpendMonth, Usd)>,
    open: watch::Receiver<OpenState>,
    done: Option<oneshot::Sender<()>>,
    _slot: OwnedSemaphorePermit,
}

impl SettleRecord {
    pub(crate) fn new(
        event: UsageEvent,
        keeps_request_id: Option<bool>,
        open: watch::Receiver<OpenState>,
        done: oneshot::Sender<()>,
        slot: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            row: EventRow::new(event),
            keeps_request_id,
            draws: None,
            open,
            done: Some(done),
            _slot: slot,
        }
    }

    /// The same, drawn from a slice of the workspace's spend.
    pub(crate) fn drawn(self, draws: Option<(SpendMonth, Usd)>) -> Self {
        Self { draws, ..self }
    }

    /// Whether its attempt was refused, so that there is nothing to settle.
    pub(crate) fn is_void(&self) -> bool {
        matches!(
            *self.open.borrow(),
            OpenState::Unavailable | OpenState::Repeated { .. }
        )
    }

    /// Tells whoever waits; gives the slot back.
    pub(crate) fn tell(mut self) {
        if let Some(done) = self.done.take() {
            // Nobody may be waiting for it: on an own key the reply does not.
            done.send(()).unwrap_or_default();
        }
    }
}

/// A whole event with the columns beside it.
#[derive(Debug, Clone)]
pub(crate) struct EventRow {
    pub(crate) event: UsageEvent,
    pub(crate) bytes: Vec<u8>,
    pub(crate) settled_at: i64,
}

impl EventRow {
    pub(crate) fn new(event: UsageEvent) -> Self {
        let settled_at = event
            .settled_at
            .as_ref()
            .and_then(from_timestamp)
            .unwrap_or_default();
        Self {
            bytes: event.encode_to_vec(),
            settled_at: settled_at.0,
            event,
        }
    }

    pub(crate) fn settlement(&self) -> settlements::ActiveModel {
        settlements::ActiveModel {
            event_id: Set(self.event.event_id.clone()),
            call_id: Set(self.event.call_id.clone()),
            workspace: Set(self.event.workspace.clone()),
            settled_at: Set(self.settled_at),
            event: Set(self.bytes.clone()),
        }
    }

    pub(crate) fn correction(&self) -> corrections::ActiveModel {
        corrections::ActiveModel {
            event_id: Set(self.event.event_id.clone()),
            corrects_event_id: Set(self.event.corrects_event_id.clone()),
            call_id: Set(self.event.call_id.clone()),
            workspace: Set(self.event.workspace.clone()),
            settled_at: Set(self.settled_at),
            event: Set(self.bytes.clone()),
        }
    }

    pub(crate) fn unsequenced(&self) -> unsequenced::ActiveModel {
        unsequenced::ActiveModel {
            event_id: Set(self.event.event_id.clone()),
            workspace: Set(self.event.workspace.clone()),
            provider: Set(self.event.provider.clone()),
            source: Set(event::source_of(&self.event).to_owned()),
            settled_at: Set(self.settled_at),
            ..Default::default()
        }
    }
}
