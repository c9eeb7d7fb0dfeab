//! Answers that can't be read as what they should be: whoever asked is told so, and what they say that was
//! used is charged all the same.

use keyway_proto::Reason;
use keyway_proto::billing::v1::{Basis, Outcome, Source, UsageEvent};
use keyway_proto::router::v1::{EmbedRequest, SearchRequest};
use tonic::Status;

use crate::harness::{DEMO, Logs, Product, ask, reason};

/// The model, the answer, what it costs at list price, and how that comes about.
const CHATS: [(&str, &str, &str); 5] = [
    // 10 × 0.25 + 20 × 2 a million
    (
        "openai/gpt-5-mini",
        r#"{"model":"gpt-5-mini","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":20}}"#,
        "0.000042500000",
    ),
    // 10 × 15 + 20 × 120 a million; this model is asked by responses
    (
        "openai/gpt-5-pro",
        r#"{"model":"gpt-5-pro","status":7,"usage":{"input_tokens":10,"output_tokens":20}}"#,
        "0.002550000000",
    ),
    // 10 × 1 + 20 × 5 a million
    (
        "anthropic/claude-haiku-4-5",
        r#"{"type":"message","model":"claude-haiku-4-5","usage":{"input_tokens":10,"output_tokens":20}}"#,
        "0.000110000000",
    ),
    // 10 × 0.3 + 20 × 2.5 a million: it thought and said nothing
    (
        "google/gemini-2.5-flash",
        r#"{"modelVersion":"gemini-2.5-flash","usageMetadata":{"promptTokenCount":10,"thoughtsTokenCount":20,"totalTokenCount":30}}"#,
        "0.000053000000",
    ),
    // 10 × 0.15 + 20 × 0.6 a million
    (
        "mistral/mistral-small-2603",
        r#"{"model":"mistral-small-2603","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30}}"#,
        "0.000013500000",
    ),
];

async fn answers(product: &Product, body: &str) {
    product.simulator().answers("application/json", body).await;
}

/// The event of the one call that was refused.
async fn refused(product: &Product, status: &Status) -> UsageEvent {
    assert_eq!(reason(status), Some(Reason::ProviderProtocol), "{status:?}");
    let call = status.metadata().get("keyway-call-id");
    let call = call.expect("a call").to_str().expect("an id").to_owned();
    let mut events = product.admin().events_of(DEMO, &[&call]).await;
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

fn is_charged(event: &UsageEvent, amount: &str) {
    assert_eq!(event.source(), Source::Hosted);
    assert_eq!(event.outcome(), Outcome::Failed, "{event:?}");
    assert_eq!(event.basis(), Basis::ProviderReported, "{event:?}");
    assert_eq!(event.charge_usd.as_deref(), Some(amount), "{event:?}");
}

#[tokio::test]
async fn an_answer_that_can_not_be_read_is_charged_for_what_it_says_was_used() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let caller = product.caller();
    for (model, body, amount) in CHATS {
        answers(&product, body).await;
        let status = caller.chat(ask(model)).await.expect_err(model);
        is_charged(&refused(&product, &status).await, amount);
    }
    let embed = EmbedRequest {
        model: "openai/text-embedding-3-small".to_owned(),
        inputs: vec!["a".to_owned(), "b".to_owned()],
        ..Default::default()
    };
    // 10 × 0.02 a million, for vectors that are not there
    answers(&product, r#"{"model":"text-embedding-3-small","data":[],"usage":{"prompt_tokens":10,"total_tokens":10}}"#).await;
    let execution = caller.router.execution();
    let status = execution
        .clone()
        .embed(embed)
        .await
        .expect_err("no vectors");
    is_charged(&refused(&product, &status).await, "0.000000200000");
    let search = SearchRequest {
        query: "rust".to_owned(),
        ..Default::default()
    };
    answers(&product, r#"{"found":[],"costDollars":{"total":0.0123}}"#).await;
    let status = execution
        .clone()
        .search(search)
        .await
        .expect_err("no results");
    is_charged(&refused(&product, &status).await, "0.012300000000");
}
