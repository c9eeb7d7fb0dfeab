//! A consumer of the billing stream goes on behind what it acknowledged.

use std::time::Duration;

use keyway_proto::billing::v1::stream_usage_request::Message;
use keyway_proto::billing::v1::{
    StreamUsageOpen, StreamUsageRequest, StreamUsageResponse, UsageFilter,
};
use tokio::sync::mpsc::{Sender, channel};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use crate::harness::{BOUND, DEMO, Product, Speaker, ask};

const MODEL: &str = "openai/gpt-5-mini";
const CALLS: usize = 3;

/// Opens the stream to its end of now; the side that acknowledges stays open.
async fn open(
    admin: &Speaker,
    consumer: &str,
) -> (Sender<StreamUsageRequest>, Streaming<StreamUsageResponse>) {
    let (says, asked) = channel(2);
    let open = StreamUsageOpen {
        filter: Some(UsageFilter {
            workspace: DEMO.to_owned(),
            ..Default::default()
        }),
        consumer: consumer.to_owned(),
        ..Default::default()
    };
    let message = Some(Message::Open(open));
    let opened = says.send(StreamUsageRequest { message }).await;
    opened.expect("it is listened to");
    let requests = ReceiverStream::new(asked);
    let stream = admin.router.billing().stream_usage(requests).await;
    (says, stream.expect("a stream").into_inner())
}

async fn three_calls(product: &Product) -> Speaker {
    for _ in 0..CALLS {
        product.caller().chat(ask(MODEL)).await.expect("an answer");
    }
    let admin = product.admin();
    admin.first_events(DEMO, CALLS).await;
    admin
}

#[tokio::test]
async fn the_last_event_of_a_stream_that_ends_can_be_acknowledged() {
    let product = Product::start().await;
    let admin = three_calls(&product).await;
    let (says, mut stream) = open(&admin, "warehouse").await;
    let mut last = String::new();
    for _ in 0..CALLS {
        let said = stream.message().await.expect("a stream");
        last = said.expect("an event").cursor;
    }
    // The stream has nothing more to say, and waits for the word that all of it was stored.
    let ended = tokio::time::timeout(Duration::from_millis(200), stream.message()).await;
    ended.unwrap_err();
    let message = Some(Message::Acknowledge(last));
    let said = says.send(StreamUsageRequest { message }).await;
    said.expect("it is listened to");
    drop(says);
    assert!(stream.message().await.expect("a good end").is_none());

    let (says, mut stream) = open(&admin, "warehouse").await;
    drop(says);
    assert!(stream.message().await.expect("a good end").is_none());
}

#[tokio::test]
async fn a_consumer_that_says_nothing_more_still_sees_the_end() {
    let product = Product::start().await;
    let admin = three_calls(&product).await;
    let (_says, mut stream) = open(&admin, "silent").await;
    let mut count = 0;
    let read = async {
        while stream.message().await.expect("a stream").is_some() {
            count += 1;
        }
    };
    let ended = tokio::time::timeout(BOUND, read).await;
    ended.expect("the end comes by itself");
    assert_eq!(count, CALLS);
}
