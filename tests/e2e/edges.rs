//! The HTTP edges: the providers' own SDKs work by another base URL and a call token as their key.

mod bytes;
mod compatible;
mod disconnects;
mod errors;
mod hang_up;
pub(crate) mod harness;
mod hosted;
mod hygiene;
mod isolation;
mod nonsense;
mod stream;

use keyway::Part;
use keyway_proto::billing::v1::{Basis, Outcome, Source};
use serde_json::json;

use crate::harness::pki::{Authority, Files};
use crate::harness::{DEMO, Logs, Product, Setup, wait_for};
use harness::{Http, PROVIDERS, chat};

#[tokio::test]
async fn a_call_over_http_is_on_the_stream_like_any_other_with_the_providers_own_counts() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    let before = product.counts(Part::Router).await;
    let mut ids = Vec::new();
    for provider in PROVIDERS {
        for stream in [false, true] {
            let answer = http.post(provider, &chat(provider, stream)).await;
            assert_eq!(answer.status, 200, "{provider}: {}", answer.text());
            assert_eq!(answer.header("keyway-source"), "hosted");
            assert_eq!(answer.header("keyway-key"), "platform");
            assert_eq!(answer.header("keyway-workspace"), "demo");
            ids.push(answer.header("keyway-call-id"));
        }
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let events = product.admin().events_of(DEMO, &ids).await;
    assert_eq!(events.len(), ids.len());
    for event in events {
        assert_eq!(event.outcome(), Outcome::Completed, "{event:?}");
        assert_eq!(event.basis(), Basis::ProviderReported, "{event:?}");
        assert_eq!(event.source(), Source::Hosted);
        assert_eq!(event.charge_usd, event.list_price_usd);
    }
    let counted = async || {
        let grown = product.counts(Part::Router).await;
        let grown = grown.grown(&before, "keyway_rpcs_total").into_iter();
        let calls: Vec<_> = grown
            .filter(|(series, _)| series.contains("ExecutionService"))
            .collect();
        (calls.iter().map(|(_, by)| by).sum::<u64>() >= ids.len() as u64).then_some(calls)
    };
    let (calls, _) = wait_for("every call in the figures", counted).await;
    let answered = |(series, _): &(String, u64)| series.contains("code=\"Ok\"");
    assert!(calls.iter().all(answered), "{calls:?}");
}

#[tokio::test]
async fn on_an_own_key_the_reply_names_it_and_the_charge_is_zero() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let key = product
        .admin()
        .put_key(DEMO, "openai", "sk-keyway-test-own-0001")
        .await
        .unwrap();
    product
        .until_served_by("openai/gpt-5-mini", Source::Own)
        .await;
    let http = Http::of(&product);
    let answer = http.post("openai", &chat("openai", true)).await;
    assert_eq!(answer.header("keyway-source"), "own");
    assert_eq!(answer.header("keyway-key"), key.name);
    let id = answer.header("keyway-call-id");
    let events = product.admin().events_of(DEMO, &[&id]).await;
    assert_eq!(events[0].charge_usd.as_deref(), Some("0.000000000000"));
    assert_eq!(events[0].basis(), Basis::ProviderReported);
    assert!(events[0].usage.as_ref().unwrap().output_tokens.is_some());
}

#[tokio::test]
async fn listing_models_and_counting_tokens_pass_and_cost_nothing() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    for path in [
        "/openai/v1/models",
        "/anthropic/v1/models?limit=2",
        "/google/v1beta/models?pageSize=2",
        "/mistral/v1/models",
    ] {
        let answer = http.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    let count =
        json!({"model": "claude-haiku-4-5", "messages": [{"role": "user", "content": "hello"}]});
    let counted = http.at("/anthropic/v1/messages/count_tokens", &count).await;
    assert_eq!(counted.status, 200, "{}", counted.text());
    for event in product.admin().first_events(DEMO, 5).await {
        assert_eq!(event.basis(), Basis::None, "{event:?}");
        assert_eq!(event.charge_usd.as_deref(), Some("0.000000000000"));
    }
}

#[tokio::test]
async fn a_request_id_is_good_for_one_call() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product).with("idempotency-key", "order-17");
    let first = http.post("openai", &chat("openai", false)).await;
    assert_eq!(first.status, 200, "{}", first.text());
    let second = http.post("openai", &chat("openai", false)).await;
    assert_eq!(
        (second.status, second.reason().as_str()),
        (409, "REQUEST_REPEATED")
    );
    // Their SDK repeats a 409 by itself.
    assert_eq!(second.header("x-should-retry"), "false");
}

#[tokio::test]
async fn over_tls_an_sdk_that_speaks_http_1_is_served_like_one_that_speaks_http_2() {
    let (authority, files) = (Authority::new(), Files::new());
    let (certificate, key) = files.put_pair("calls", &authority.server());
    let product = Setup::new()
        .with("KEYWAY_ROUTER__SERVER__TLS__CERTIFICATE", &certificate)
        .with("KEYWAY_ROUTER__SERVER__TLS__KEY", &key)
        .start()
        .await;
    let _logs = Logs(&product);
    let http = Http::of(&product).over_tls(&authority);
    for stream in [false, true] {
        let answer = http.post("openai", &chat("openai", stream)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}
