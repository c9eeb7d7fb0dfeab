//! Reading a ledger beside the routers that write it: for commands, which start no term and take no
//! lock.

use keyway_words::Timestamp;
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use crate::config::LedgerConfig;
use crate::entity::{consumers, sequencer, stream_positions};
use crate::error::LedgerError;
use crate::read;
use crate::readers::Readers;
use crate::relay::{CONSUMER, Message};

/// A ledger that is only read.
#[derive(Debug)]
pub struct LedgerReader {
    readers: Readers,
    stream_id: i64,
}

/// Events by the time at which they were settled. `None` is without an end.
#[derive(Debug, Clone, Copy, Default)]
pub struct Span {
    /// At this time or later.
    pub from: Option<Timestamp>,
    /// Before this time.
    pub to: Option<Timestamp>,
}

/// Some messages in the order of the stream, each with its position.
pub type Messages = Vec<(i64, Message)>;

impl LedgerReader {
    /// Opens a ledger whose schema is this build's.
    pub async fn open(mut config: LedgerConfig) -> Result<Self, LedgerError> {
        config.address = config.address.ready(config.password_file.as_deref())?;
        let readers = Readers::open(&config).await?;
        keyway_migrations::router::check(&readers.connections()).await?;
        let state = sequencer::Entity::find_by_id(1).one(&readers).await?;
        let stream_id = state.map_or(0, |state| state.stream_id);
        Ok(Self { readers, stream_id })
    }

    /// The next messages of a span after a position; none at its end.
    pub async fn messages(
        &self,
        subject: &str,
        span: Span,
        after: i64,
    ) -> Result<Messages, LedgerError> {
        let mut query = stream_positions::Entity::find()
            .order_by_asc(stream_positions::Column::Position)
            .filter(stream_positions::Column::Position.gt(after))
            .limit(PAGE);
        if let Some(from) = span.from {
            query = query.filter(stream_positions::Column::SettledAt.gte(from.0));
        }
        if let Some(to) = span.to {
            query = query.filter(stream_positions::Column::SettledAt.lt(to.0));
        }
        let rows = query.all(&self.readers).await?;
        let events = read::bodies(&self.readers, rows).await?;
        events
            .iter()
            .map(|(position, event)| {
                let message = Message::of(subject, self.stream_id, *position, event)?;
                Ok((*position, message))
            })
            .collect()
    }

    /// Up to which position the relay has published, as it said.
    pub async fn relayed(&self) -> Result<i64, LedgerError> {
        let relay = consumers::Entity::find_by_id((String::new(), CONSUMER.to_owned()));
        let row = relay.one(&self.readers).await?;
        Ok(row.map_or(0, |row| row.position))
    }
}

const PAGE: u64 = 256;
