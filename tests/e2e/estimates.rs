//! Embeddings whose provider tells no usage: estimated by the counting rule of the price table, charged
//! only where the operator says so, and no price at all without a rule.

use keyway_proto::Reason;
use keyway_proto::billing::v1::{Basis, Source, UsageEvent};
use keyway_proto::router::v1::{EmbedRequest, EmbedResponse};
use serde_json::json;
use tonic::Status;

use crate::edges::harness::Http;
use crate::harness::{DEMO, Logs, Product, Setup, reason, wait_for};

const SILENT: &str = "google/gemini-embedding-001";
/// 9 and 4 bytes, so 4 tokens of 4 bytes at 0.15 USD per million.
const TEXTS: [&str; 2] = ["nine byte", "four"];
const ESTIMATE: &str = "0.000000600000";

async fn embed(product: &Product, model: &str) -> Result<EmbedResponse, Status> {
    let request = EmbedRequest {
        model: model.to_owned(),
        inputs: TEXTS.map(str::to_owned).to_vec(),
        ..Default::default()
    };
    let answer = product.caller().router.execution().embed(request).await?;
    Ok(answer.into_inner())
}

/// Stores an own key, and waits until the router has heard of it.
async fn own_key(product: &Product) {
    let secret = "keyway-test-google-estimates-0001";
    let stored = product.admin().put_key(DEMO, "google", secret).await;
    stored.expect("stored");
    let own = async || {
        let receipt = embed(product, SILENT).await.ok()?.receipt?;
        (receipt.attempts.last()?.source() == Source::Own).then_some(())
    };
    wait_for("a call on the own key", own).await;
}

/// One call over gRPC and one over the native edge; their events.
async fn both(product: &Product) -> Vec<UsageEvent> {
    let answer = embed(product, SILENT).await.expect("vectors");
    let receipt = answer.receipt.expect("a receipt");
    let attempt = &receipt.attempts[0];
    assert_eq!(attempt.basis(), Basis::Estimated);
    assert_eq!(attempt.estimated_usd.as_deref(), Some(ESTIMATE));
    let row = |text: &str| json!({"model": "models/gemini-embedding-001", "content": {"parts": [{"text": text}]}});
    let body = json!({"requests": TEXTS.map(row)});
    let path = "/google/v1beta/models/gemini-embedding-001:batchEmbedContents";
    let passed = Http::of(product).at(path, &body).await;
    assert_eq!(passed.status, 200, "{}", passed.text());
    let call = passed.header("keyway-call-id");
    let calls = [receipt.call_id.as_str(), call.as_str()];
    let events = product.admin().events_of(DEMO, &calls).await;
    for event in &events {
        assert_eq!(event.basis(), Basis::Estimated, "{event:?}");
        assert_eq!(event.estimated_usd.as_deref(), Some(ESTIMATE), "{event:?}");
        assert!(
            event.usage.is_none() && event.list_price_usd.is_none(),
            "{event:?}"
        );
        assert!(!event.unpriced);
    }
    events
}

#[tokio::test]
async fn an_estimate_stands_beside_a_charge_that_is_not_known_and_an_own_key_costs_nothing() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    for event in both(&product).await {
        assert_eq!(event.source(), Source::Hosted);
        assert_eq!(event.charge_usd, None, "unknown is not zero");
    }
    own_key(&product).await;
    for event in both(&product).await {
        assert_eq!(event.source(), Source::Own);
        assert_eq!(event.charge_usd.as_deref(), Some("0.000000000000"));
    }
    // The next generation tells what it used.
    let answer = embed(&product, "google/gemini-embedding-2").await.unwrap();
    let attempt = &answer.receipt.expect("a receipt").attempts[0];
    assert_eq!(attempt.basis(), Basis::ProviderReported);
    assert_eq!(attempt.estimated_usd, None);
}

#[tokio::test]
async fn an_operator_may_charge_estimates_at_the_factor_of_every_hosted_call() {
    let setup = Setup::new()
        .with("KEYWAY_ROUTER__PRICES__CHARGE_ESTIMATES", "true")
        .with("KEYWAY_ROUTER__PRICES__MULTIPLIER", "1.5");
    let product = setup.start().await;
    let _logs = Logs(&product);
    for event in both(&product).await {
        assert_eq!(event.charge_usd.as_deref(), Some("0.000000900000"));
    }
}

#[tokio::test]
async fn a_model_that_tells_no_usage_and_has_no_counting_rule_is_not_called_on_the_platforms_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("prices.json");
    let row = r#"[{"provider":"google","model":"gemini-embedding-001","kind":"embedding","currency":"USD",
        "unit":"per_million_tokens","input":"0.15","output":"0","reports_usage":false,"source":"this test"}]"#;
    std::fs::write(&file, row).expect("a file");
    let setup = Setup::new().options(|options| options.price_overlay = Some(file));
    let product = setup.start().await;
    let _logs = Logs(&product);
    let before = product.simulator().journal().await.len();
    let refused = embed(&product, SILENT).await.expect_err("no price");
    assert_eq!(reason(&refused), Some(Reason::Unpriced));
    assert!(refused.message().contains("counting rule"), "{refused:?}");
    assert_eq!(product.simulator().journal().await.len(), before);
    own_key(&product).await;
    let answer = embed(&product, SILENT).await.expect("vectors");
    let attempt = &answer.receipt.expect("a receipt").attempts[0];
    assert_eq!(
        (attempt.source(), attempt.basis()),
        (Source::Own, Basis::Unknown)
    );
}
