//! Calls that only `OpenAI`'s responses endpoint serves: whole, streamed and with tools, each on the
//! billing stream with what the provider counted.

use keyway_proto::billing::v1::{Basis, Source};
use keyway_proto::router::v1::{ChatRequest, FinishReason, Reasoning, Tool};

use crate::google_and_mistral::compare;
use crate::harness::{DEMO, Logs, Product, only_attempt, say};

/// The one is there only; the other goes there with tools and reasoning.
const MODELS: [&str; 2] = ["openai/gpt-5.4-pro", "openai/gpt-5.4-mini"];

/// Plain where the endpoint is the model's only one, with reasoning, and with a tool and reasoning.
fn requests(model: &str) -> Vec<(ChatRequest, FinishReason)> {
    let reasoned = |text: &str| ChatRequest {
        reasoning: Some(Reasoning {
            effort: "high".to_owned(),
            budget_tokens: None,
        }),
        max_output_tokens: Some(2048),
        ..say(model, text)
    };
    let tool = Tool {
        name: "get_weather".to_owned(),
        parameters_json: r#"{"type":"object","properties":{"city":{"type":"string"}}}"#.to_owned(),
        ..Tool::default()
    };
    let tools = ChatRequest {
        tools: vec![tool],
        ..reasoned("[sim:tool]")
    };
    let mut requests = vec![(tools, FinishReason::ToolCalls)];
    if model == MODELS[0] {
        requests.push((say(model, "Say something short."), FinishReason::Stop));
        requests.push((reasoned("Think."), FinishReason::Stop));
    }
    requests
}

#[tokio::test]
async fn a_call_that_needs_responses_is_served_there_and_billed_as_it_was_counted() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    check(&product, Source::Hosted).await;
    let admin = product.admin();
    let stored = admin.put_key(DEMO, "openai", "sk-keyway-test-responses-01");
    stored.await.unwrap();
    product.until_served_by(MODELS[0], Source::Own).await;
    check(&product, Source::Own).await;
}

async fn check(product: &Product, source: Source) {
    let (caller, simulator) = (product.caller(), product.simulator());
    let before = simulator.journal().await.len();
    let mut ids = Vec::new();
    for (request, finish) in MODELS.into_iter().flat_map(requests) {
        let whole = caller.chat(request.clone()).await;
        let whole = whole.unwrap_or_else(|status| panic!("{request:?}: {status:?}"));
        let streamed = caller.stream_chat(request).await;
        for answer in [whole, streamed] {
            assert_eq!(answer.finish_reason(), finish, "{answer:?}");
            ids.push(only_attempt(answer.receipt).1);
        }
    }
    let journal = simulator.journal().await.split_off(before);
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let events = product.admin().events_of(DEMO, &ids).await;
    assert_eq!((journal.len(), events.len()), (ids.len(), ids.len()));
    let mut reasoned = 0;
    for (id, entry) in ids.iter().zip(&journal) {
        assert_eq!(entry["path"], "/v1/responses", "{entry}");
        let event = events.iter().find(|event| event.call_id == *id).unwrap();
        assert_eq!(
            (event.source(), event.basis()),
            (source, Basis::ProviderReported)
        );
        reasoned += event.usage.unwrap().reasoning_tokens.unwrap_or(0);
        compare(event, entry);
    }
    assert!(reasoned > 0, "no call has reasoned");
}
