//! The replay: publishes a span of the stream once more, as it was published the first time.

use crate::beside::{LedgerReader, Span};
use crate::error::LedgerError;
use crate::relay::{Message, PublishError, Publisher, Told};

/// What a replay came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Events that were published.
    pub events: u64,
    /// What was found of them on the server.
    pub told: Told,
}

/// Why a replay ended early. It can be begun again: whoever reads the stream knows ids for ever.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The ledger can't be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// NATS does not take it.
    #[error("{cause}; {done} events were published before")]
    Publish {
        /// What it says.
        cause: PublishError,
        /// Events before that.
        done: u64,
    },
}

/// Publishes all events of a span in their order. Where the relay is does not change.
pub async fn replay(
    ledger: &LedgerReader,
    publisher: &mut impl Publisher,
    subject: &str,
    span: Span,
) -> Result<Replayed, ReplayError> {
    let (mut replayed, mut after) = (Replayed::default(), 0);
    loop {
        let page = ledger.messages(subject, span, after).await?;
        let Some((last, _)) = page.last() else {
            return Ok(replayed);
        };
        after = *last;
        let page: Vec<Message> = page.into_iter().map(|(_, message)| message).collect();
        let told = publish(publisher, &page).await;
        let told = told.map_err(|cause| ReplayError::Publish {
            cause,
            done: replayed.events,
        })?;
        replayed.events += u64::try_from(page.len()).unwrap_or_default();
        replayed.told.duplicates += told.duplicates;
        replayed.told.conflicts += told.conflicts;
    }
}

/// A page, and once more if the relay published something in between: then one by one.
async fn publish(publisher: &mut impl Publisher, page: &[Message]) -> Result<Told, PublishError> {
    match publisher.publish(page).await {
        Err(PublishError::Away(_)) => publisher.publish(page).await,
        other => other,
    }
}
