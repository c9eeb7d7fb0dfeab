//! Messages in, acknowledgements out, in order.

use async_nats::jetstream::Context;
use async_nats::jetstream::context::PublishAckFuture;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::stream::{RawMessageErrorKind, Stream};

use super::away;
use crate::relay::{Message, PublishError, Told};

/// Sends all and then waits for all. Each but the first is stored only if the one before it is the
/// last that the stream has, so that a failure in the middle stores nothing out of order.
pub(super) async fn all_at_once(
    context: &Context,
    stream: &Stream,
    page: &[Message],
) -> Result<Told, PublishError> {
    let mut sent = Vec::with_capacity(page.len());
    let mut before = None;
    for message in page {
        sent.push(send(context, message, before).await?);
        before = Some(message.id.as_str());
    }
    let mut told = Told::default();
    for (message, stored) in page.iter().zip(sent) {
        let stored = stored.await.map_err(|error| away(&error))?;
        told.add(stream, message, &stored).await?;
    }
    Ok(told)
}

/// Sends each after the one before it is stored.
pub(super) async fn one_by_one(
    context: &Context,
    stream: &Stream,
    page: &[Message],
) -> Result<Told, PublishError> {
    let mut told = Told::default();
    for message in page {
        let stored = send(context, message, None).await?;
        let stored = stored.await.map_err(|error| away(&error))?;
        told.add(stream, message, &stored).await?;
    }
    Ok(told)
}

async fn send(
    context: &Context,
    message: &Message,
    after: Option<&str>,
) -> Result<PublishAckFuture, PublishError> {
    let mut publish = PublishMessage::build()
        .message_id(&message.id)
        .header("content-type", "application/cloudevents+json")
        .payload(message.body.clone().into());
    if let Some(id) = after {
        publish = publish.expected_last_message_id(id);
    }
    let sent = context.send_publish(message.subject.clone(), publish).await;
    sent.map_err(|error| away(&error))
}

impl Told {
    /// Counts an acknowledgement. Of a message that was there already it looks whether it is the same:
    /// the server goes by the id alone.
    async fn add(
        &mut self,
        stream: &Stream,
        message: &Message,
        stored: &PublishAck,
    ) -> Result<(), PublishError> {
        if !stored.duplicate {
            return Ok(());
        }
        self.duplicates += 1;
        let found = stream.get_raw_message(stored.sequence).await;
        let found = found.map_err(|error| match error.kind() {
            RawMessageErrorKind::NoMessageFound => PublishError::Away(format!(
                "it knows the id {} and holds no message under it any more; it takes the event when it has forgotten the id (duplicate_window)",
                message.id
            )),
            _ => away(&error),
        })?;
        if found.payload != message.body || found.subject.as_str() != message.subject {
            self.conflicts += 1;
            tracing::error!(
                id = message.id,
                sequence = stored.sequence,
                "another message has the id of this event; what the stream holds under it is not what the ledger holds"
            );
        }
        Ok(())
    }
}
