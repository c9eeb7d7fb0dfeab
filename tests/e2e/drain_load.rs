//! SIGTERM under load, with streams that outlast the drain deadline: what can end ends, the rest is cut
//! and settled with what was seen, and no sweep finds anything.

use std::collections::HashMap;

use keyway::Part;
use keyway_proto::billing::v1::{
    Basis, ListUsageRequest, Outcome, Source, UsageEvent, UsageFilter,
};
use keyway_proto::router::v1::ChatRequest;
use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::{DEMO, Logs, Product, Setup, ask, wait_for};

/// Of each kind of call.
const MANY: usize = 50;
/// Streams without an end, of a provider that tells counts at once and of one that tells them last.
const ENDLESS: [&str; 2] = ["anthropic/claude-haiku-4-5", "openai/gpt-5-mini"];
const SLOW: &str = "google/gemini-3.8-flash";
const UNARY: &str = "mistral/mistral-small-latest";

#[tokio::test]
async fn a_stop_under_load_cuts_what_outlasts_the_deadline_and_leaves_nothing_to_a_sweep() {
    let setup = Setup::new().with("KEYWAY_ROUTER__SERVER__DRAIN", "4s");
    let mut product = setup.start().await;
    for (provider, model) in [("google", SLOW), ("mistral", UNARY)] {
        let secret = "sk-keyway-test-drain-load-0001";
        let admin = product.admin();
        admin.put_key(DEMO, provider, secret).await.unwrap();
        product.until_served_by(model, Source::Own).await;
    }
    let simulator = product.simulator();
    let rules = json!([
        {"match": {"provider": "anthropic"}, "action": {"stall_after_chunks": 3}},
        {"match": {"provider": "openai"}, "action": {"stall_after_chunks": 3}},
        {"match": {"stream": true}, "action": {"chunk_delay_ms": 50}},
        {"match": {"method": "POST"}, "action": {"delay_ms": 500}},
    ]);
    simulator.script(&rules).await;
    let before = simulator.journal().await.len();
    let mut calls = load(&product);
    let all_asked = async || (simulator.journal().await.len() == before + 4 * MANY).then_some(());
    wait_for("every request at its provider", all_asked).await;
    product.terminate(Part::Router);
    let mut ended = HashMap::new();
    while let Some(call) = calls.join_next().await {
        let (model, answered) = call.expect("no panic");
        let count: &mut (usize, usize) = ended.entry(model).or_default();
        if answered {
            count.0 += 1;
        } else {
            count.1 += 1;
        }
    }
    product.exit_code(Part::Router).await;
    for model in ENDLESS {
        assert_eq!(ended[model], (0, MANY), "{model}");
    }
    for model in [SLOW, UNARY] {
        assert_eq!(ended[model], (MANY, 0), "{model}");
    }

    product.start_again(Part::Router).await;
    let _logs = Logs(&product);
    let events = labelled(&product).await;
    assert_eq!(events.len(), 4 * MANY);
    for event in events {
        let wanted = match &*event.labels["model"] {
            model if model == ENDLESS[0] => (Basis::Partial, Outcome::Abandoned),
            model if model == ENDLESS[1] => (Basis::Unknown, Outcome::Abandoned),
            _ => (Basis::ProviderReported, Outcome::Completed),
        };
        assert_eq!((event.basis(), event.outcome()), wanted, "{event:?}");
    }
}

/// All calls at once; each tells its model and whether it was answered to the end.
fn load(product: &Product) -> JoinSet<(&'static str, bool)> {
    let mut calls = JoinSet::new();
    for model in [ENDLESS[0], ENDLESS[1], SLOW, UNARY] {
        for _ in 0..MANY {
            let caller = product.caller();
            let request = ChatRequest {
                labels: HashMap::from([("model".to_owned(), model.to_owned())]),
                ..ask(model)
            };
            calls.spawn(async move {
                let answered = if model == UNARY {
                    caller.chat(request).await.is_ok()
                } else {
                    caller.try_stream_chat(request).await.is_ok()
                };
                (model, answered)
            });
        }
    }
    calls
}

/// The events of the load, once as many are there as calls were made.
async fn labelled(product: &Product) -> Vec<UsageEvent> {
    let all = async || {
        let request = ListUsageRequest {
            filter: Some(UsageFilter {
                workspace: DEMO.to_owned(),
                ..Default::default()
            }),
            page_size: 500,
            ..Default::default()
        };
        let answer = product.admin().router.billing().list_usage(request).await;
        let mut events = answer.ok()?.into_inner().events;
        events.retain(|event| event.labels.contains_key("model"));
        (events.len() >= 4 * MANY).then_some(events)
    };
    wait_for("every event", all).await.0
}
