//! Slots and handles: a settlement has its place before its attempt is opened.

use std::sync::Arc;

use keyway_chassis::clock::Clock;
use keyway_proto::billing::v1::UsageEvent;
use keyway_words::{Basis, Outcome};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};

use crate::attempt::{KeyTold, OpenAttempt, Settlement};
use crate::error::LedgerError;
use crate::event;
use crate::record::{OpenRecord, Record, SettleRecord};
use crate::spend::SpendMonth;

/// Room for one attempt, taken before it is opened: neither opening nor settling can fail for
/// want of room, or wait for any.
#[derive(Debug)]
pub struct Slot {
    pub(crate) permit: OwnedSemaphorePermit,
    pub(crate) records: mpsc::UnboundedSender<Record>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// How far an opening is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OpenState {
    Pending,
    Durable,
    Unavailable,
    Repeated { first_call_id: String },
}

impl Slot {
    /// Hands the opening to the writer. Does not wait; see [`OpenHandle::durable`].
    pub fn open(self, attempt: OpenAttempt) -> OpenHandle {
        let (state, seen) = watch::channel(OpenState::Pending);
        let request_id = attempt.request_id.clone();
        let event = event::opened(attempt);
        let record = OpenRecord::new(&event, request_id.clone(), state);
        // A writer that is gone drops `state`, which `durable` and `settle` see.
        drop(self.records.send(Record::Open(Box::new(record))));
        OpenHandle {
            parts: Some(Parts {
                slot: self,
                event,
                has_request_id: request_id.is_some(),
            }),
            seen,
        }
    }
}

impl Slot {
    /// Puts something that an operator did on the stream, as one JSON object; see
    /// [`SettleHandle::durable`].
    pub fn operation(self, json: String) -> SettleHandle {
        let event = event::operation(json, self.clock.now());
        self.put(event)
    }

    /// Tells those who follow the relay what became of a key; see [`SettleHandle::durable`].
    pub fn key_told(self, told: KeyTold) -> SettleHandle {
        let event = event::key_told(told, self.clock.now());
        self.put(event)
    }

    fn put(self, event: UsageEvent) -> SettleHandle {
        let (done, settled) = oneshot::channel();
        // It was never open: nothing can have refused it.
        let (_durable, open) = watch::channel(OpenState::Durable);
        let record = SettleRecord::new(event, None, open, done, self.permit);
        drop(self.records.send(Record::Settle(Box::new(record))));
        SettleHandle { settled }
    }
}

/// An open attempt. It is settled exactly once: by [`OpenHandle::settle`], or, if it is dropped
/// without, as FAILED with basis UNKNOWN.
#[derive(Debug)]
pub struct OpenHandle {
    parts: Option<Parts>,
    seen: watch::Receiver<OpenState>,
}

#[derive(Debug)]
struct Parts {
    slot: Slot,
    event: UsageEvent,
    has_request_id: bool,
}

impl OpenHandle {
    /// Waits until the opening is on the disk. May be called often, from several places.
    ///
    /// `Unavailable`: it is not, and will not be; the attempt must not go on and nothing of it is
    /// recorded. `RequestRepeated`: another call has the request id.
    pub fn durable(&self) -> impl Future<Output = Result<(), LedgerError>> + Send + use<> {
        let mut seen = self.seen.clone();
        async move {
            let state = seen.wait_for(|state| *state != OpenState::Pending).await;
            match state.map(|state| state.clone()) {
                Ok(OpenState::Durable) => Ok(()),
                Ok(OpenState::Repeated { first_call_id }) => {
                    Err(LedgerError::RequestRepeated { first_call_id })
                }
                Ok(OpenState::Pending | OpenState::Unavailable) | Err(_) => {
                    Err(LedgerError::Unavailable)
                }
            }
        }
    }

    /// Settles the attempt. Never waits and can't fail; see [`SettleHandle::durable`].
    pub fn settle(mut self, settlement: Settlement) -> SettleHandle {
        self.hand_over(settlement, None)
    }

    /// The same of a call that was made from a slice of the workspace's spend: its charge is taken
    /// from what this writer holds of that month.
    pub fn settle_from(mut self, month: SpendMonth, settlement: Settlement) -> SettleHandle {
        self.hand_over(settlement, Some(month))
    }

    fn hand_over(&mut self, settlement: Settlement, month: Option<SpendMonth>) -> SettleHandle {
        let (done, settled) = oneshot::channel();
        if let Some(Parts {
            slot,
            event,
            has_request_id,
        }) = self.parts.take()
        {
            let completed = settlement.outcome == Outcome::Completed;
            let draws = month.zip(settlement.amounts.charge);
            let event = event::settled(event, settlement);
            let record = SettleRecord::new(
                event,
                has_request_id.then_some(completed),
                self.seen.clone(),
                done,
                slot.permit,
            )
            .drawn(draws);
            drop(slot.records.send(Record::Settle(Box::new(record))));
        }
        SettleHandle { settled }
    }
}

impl Drop for OpenHandle {
    fn drop(&mut self) {
        let Some(parts) = &self.parts else { return };
        let now = parts.slot.clock.now();
        let lost = Settlement::without_usage(Outcome::Failed, Basis::Unknown, "INTERNAL", now);
        drop(self.hand_over(lost, None));
    }
}

/// A settlement on its way to the disk.
#[derive(Debug)]
pub struct SettleHandle {
    settled: oneshot::Receiver<()>,
}

impl SettleHandle {
    /// Waits until the settlement is on the disk. Dropping this future changes nothing.
    ///
    /// `Unavailable`: the attempt was never durably open, or the process is stopping; then a
    /// sweep closes it after the next start.
    pub async fn durable(self) -> Result<(), LedgerError> {
        self.settled.await.map_err(|_gone| LedgerError::Unavailable)
    }
}
