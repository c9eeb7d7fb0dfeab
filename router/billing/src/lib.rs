//! The ledger: what was attempted is never lost, never counted twice, and has one place in the
//! billing stream.
//!
//! An attempt is opened before its answer can cost or reach anybody, and settled exactly once:
//! a settlement slot is taken first, so that handing a settlement over can't fail or wait, not
//! even in `Drop`. One writer commits what gathered; acknowledged means synced to disk. While
//! the database can't be written no attempt is opened. Positions are given after commit, without
//! a gap, by a sequencer that writers never wait for.

mod attempt;
mod beside;
mod config;
mod cursor;
mod database;
mod entity;
mod error;
mod event;
mod group;
mod ledger;
mod place;
mod price_tables;
mod rate;
mod read;
mod readers;
mod reconcile;
mod record;
mod relay;
mod replay;
mod rerate;
mod retention;
mod roll_up;
mod sequencer;
mod shared_keys;
mod slot;
mod spend;
mod standing;
mod stream;
mod summarize;
mod sums;
mod sweep;
mod writer;

pub use attempt::{Amounts, KeyTold, OpenAttempt, Settlement};
pub use beside::{LedgerReader, Messages, Span};
pub use config::LedgerConfig;
pub use error::LedgerError;
pub use ledger::Ledger;
pub use price_tables::PriceTable;
pub use rate::{RATE_MOMENT, RateLeased, RateSlice};
pub use read::{CallRecord, Page, PageRequest, UsageFilter};
pub use reconcile::{
    Compared, DayAndKey, ReconcileError, Reconciled, Report, ReportError, Totals, reconcile,
};
pub use relay::{
    JetStream, JetStreamConfig, Message, NatsLogin, NatsLoginError, PublishError, Publisher, Relay,
    RelayStanding, Told,
};
pub use replay::{ReplayError, Replayed, replay};
pub use rerate::{Rated, RerateRequest, Rerated};
pub use slot::{OpenHandle, SettleHandle, Slot};
pub use spend::{Leased, Spend, SpendMonth};
pub use standing::LedgerStanding;
pub use stream::StreamItem;
pub use summarize::{Part, SummaryRequest};

#[cfg(test)]
mod tests;
