//! Embeddings of more texts than one provider request or one reply takes.

use keyway_proto::billing::v1::{Outcome, Source};
use keyway_proto::router::v1::stream_embed_response::Event;
use keyway_proto::router::v1::{EmbedRequest, Receipt, StreamEmbedRequest};
use keyway_proto::{Reason, status};
use serde_json::json;
use tonic::Status;

use crate::harness::{DEMO, Product, Speaker, reason};

const MODEL: &str = "openai/text-embedding-3-small";

fn request(count: usize, dimensions: Option<u32>) -> EmbedRequest {
    EmbedRequest {
        model: MODEL.to_owned(),
        inputs: (0..count).map(|at| format!("text number {at}")).collect(),
        dimensions,
        ..Default::default()
    }
}

/// The vectors by their index as they came, the receipt, and how it ended.
struct Read {
    call_id: String,
    vectors: Vec<(u32, Vec<f32>)>,
    receipt: Option<Receipt>,
    failed: Option<Status>,
}

async fn read(speaker: &Speaker, request: EmbedRequest) -> Result<Read, Status> {
    let request = StreamEmbedRequest {
        request: Some(request),
    };
    let answer = speaker.router.execution().stream_embed(request).await?;
    let named = answer.metadata().get("keyway-call-id").cloned();
    let mut stream = answer.into_inner();
    let mut read = Read {
        call_id: String::new(),
        vectors: Vec::new(),
        receipt: None,
        failed: None,
    };
    loop {
        match stream.message().await {
            Ok(Some(message)) => match message.event.expect("an event") {
                Event::CallId(id) => {
                    assert!(read.vectors.is_empty() && read.call_id.is_empty());
                    assert_eq!(named.as_ref().unwrap(), id.as_str());
                    read.call_id = id;
                }
                Event::Embedding(one) => {
                    let values = one.embedding.expect("a vector").values;
                    read.vectors.push((one.index, values));
                }
                Event::Receipt(receipt) => read.receipt = Some(receipt),
            },
            Ok(None) => break,
            Err(status) => {
                read.failed = Some(status);
                break;
            }
        }
    }
    Ok(read)
}

#[tokio::test]
async fn a_long_list_is_answered_in_order_with_one_recorded_attempt_per_provider_request() {
    let product = Product::start().await;
    let read = read(&product.caller(), request(5_000, Some(8)))
        .await
        .unwrap();
    assert!(read.failed.is_none(), "{:?}", read.failed);
    let places: Vec<u32> = read.vectors.iter().map(|(index, _)| *index).collect();
    assert_eq!(places, (0..5_000).collect::<Vec<_>>());

    // The same text has the same vector, wherever it stands in whichever request.
    let single = EmbedRequest {
        inputs: vec!["text number 4321".to_owned()],
        ..request(1, Some(8))
    };
    let single = product.caller().router.execution().embed(single).await;
    let single = single.unwrap().into_inner().embeddings;
    assert_eq!(read.vectors[4_321].1, single[0].values);

    // 2048 texts per request is what the provider takes.
    let receipt = read.receipt.expect("a receipt");
    assert_eq!(receipt.call_id, read.call_id);
    let numbers: Vec<u32> = receipt.attempts.iter().map(|one| one.attempt).collect();
    assert_eq!(numbers, [1, 2, 3]);
    let mut events = product.admin().first_events(DEMO, 4).await;
    events.retain(|event| event.call_id == read.call_id);
    assert_eq!(events.len(), 3);
    for (event, attempt) in events.iter().zip(&receipt.attempts) {
        assert_eq!(event.attempt, attempt.attempt);
        assert_eq!(event.endpoint, "stream_embed");
        assert_eq!(event.outcome(), Outcome::Completed);
        assert_eq!(event.source(), Source::Hosted);
        assert_eq!(event.charge_usd, attempt.charge_usd);
        assert_eq!(event.charge_usd, event.list_price_usd);
    }
}

#[tokio::test]
async fn what_does_not_fit_into_one_reply_is_refused_before_it_is_paid_and_names_the_remedy() {
    let product = Product::start().await;
    let caller = product.caller();
    for request in [request(1_000, None), request(2_049, Some(8))] {
        let refused = caller.router.execution().embed(request.clone()).await;
        let refused = refused.unwrap_err();
        assert_eq!(reason(&refused), Some(Reason::FieldInvalid));
        assert!(refused.message().contains("StreamEmbed"), "{refused:?}");
        assert_eq!(status::refusal(&refused).field.as_deref(), Some("inputs"));
        let count = request.inputs.len();
        let read = read(&caller, request).await.unwrap();
        assert_eq!(read.vectors.len(), count, "{:?}", read.failed);
    }
    let journal = product.simulator().journal().await;
    assert_eq!(journal.len(), 3, "the refused ones were not sent");
    let most = read(&caller, request(65_537, Some(8))).await;
    let refused = most.err().expect("a refusal");
    assert_eq!(reason(&refused), Some(Reason::FieldInvalid));
    assert_eq!(
        status::refusal(&refused).field.as_deref(),
        Some("request.inputs")
    );
}

#[tokio::test]
async fn requests_of_one_call_share_one_budget_and_a_failure_after_content_ends_it() {
    let product = Product::start().await;
    let simulator = product.simulator();
    // Each of the two requests fails once and is repeated.
    for text in ["text number 0\"", "text number 2048\""] {
        let rule = json!({
            "match": {"path": "/embeddings", "body_contains": text},
            "times": 1, "action": {"fixture": "openai/503_overloaded.error"},
        });
        simulator.script(&rule).await;
    }
    let repeated = read(&product.caller(), request(4_000, Some(8)))
        .await
        .unwrap();
    assert_eq!(repeated.vectors.len(), 4_000, "{:?}", repeated.failed);
    assert_eq!(repeated.receipt.expect("a receipt").attempts.len(), 4);
    assert_eq!(simulator.journal().await.len(), 4);

    simulator.reset().await;
    let rule = json!({
        "match": {"path": "/embeddings", "body_contains": "text number 2048\""},
        "action": {"fixture": "openai/503_overloaded.error"},
    });
    simulator.script(&rule).await;
    let before = simulator.journal().await.len();
    let cut = read(&product.caller(), request(4_000, Some(8)))
        .await
        .unwrap();
    assert_eq!(cut.vectors.len(), 2_048);
    assert!(cut.receipt.is_none());
    let failed = cut.failed.expect("a failure");
    assert_eq!(reason(&failed), Some(Reason::ProviderUnavailable));
    assert_eq!(status::refusal(&failed).retry_after, None);
    // Two requests, and the three attempts more that a call of one request may make too.
    let made = simulator.journal().await.len() - before;
    assert_eq!(made, 5);
}
