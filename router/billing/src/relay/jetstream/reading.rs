//! All of the stream, from its first message until none is left.

use std::time::Duration;

use async_nats::jetstream::consumer::pull::{Ordered, OrderedConfig};
use futures::StreamExt as _;
use tokio::time::timeout;

use super::JetStream;
use super::away;
use crate::relay::PublishError;

/// A reading under way.
pub(crate) struct Reading {
    messages: Ordered,
    /// Whether there is another one.
    has_more: bool,
    bound: Duration,
}

impl JetStream {
    /// Begins to read.
    pub(crate) async fn read_all(&mut self) -> Result<Reading, PublishError> {
        let bound = self.config.bound;
        let stream = &self.session().await?.stream;
        let consumer = stream.create_consumer(OrderedConfig::default()).await;
        let consumer = consumer.map_err(|error| away(&error))?;
        let has_more = consumer.cached_info().num_pending > 0;
        let messages = consumer.messages().await.map_err(|error| away(&error))?;
        Ok(Reading {
            messages,
            has_more,
            bound,
        })
    }
}

impl Reading {
    /// The next message with its place in the stream; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<(u64, Vec<u8>)>, PublishError> {
        if !self.has_more {
            return Ok(None);
        }
        let next = timeout(self.bound, self.messages.next()).await;
        let next = next.map_err(|_late| away("no message in time"))?;
        let message = next.ok_or_else(|| away("the reading broke off"))?;
        let message = message.map_err(|error| away(&error))?;
        let info = message.info().map_err(|error| away(&error))?;
        self.has_more = info.pending > 0;
        let sequence = info.stream_sequence;
        Ok(Some((sequence, message.payload.to_vec())))
    }
}
