//! The main job: a call on the platform's key is charged at list price, the same call on the own
//! key costs nothing, and both are on the billing stream with everything that a bill needs.

use keyway_proto::billing::v1::{Basis, Outcome, Source};
use keyway_proto::router::v1::AttemptReceipt;
use keyway_words::Usd;

use crate::harness::{DEMO, Logs, Product, Setup};

const MODEL: &str = "openai/gpt-5-mini";
const ZERO: &str = "0.000000000000";

#[tokio::test]
async fn the_same_call_is_charged_on_the_hosted_key_and_free_on_the_own_key() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let (hosted, hosted_id) = product.caller().chat_once(MODEL).await;
    assert_eq!(hosted.source(), Source::Hosted);
    assert_eq!(hosted.charge_usd, hosted.list_price_usd);
    assert_ne!(hosted.charge_usd.as_deref(), Some(ZERO));

    let key = product
        .admin()
        .put_key(DEMO, "openai", "sk-keyway-test-own-0001")
        .await
        .unwrap();
    let (own_id, _delay) = product.until_served_by(MODEL, Source::Own).await;

    let events = product
        .admin()
        .events_of(DEMO, &[&hosted_id, &own_id])
        .await;
    let [hosted_event, own_event] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(hosted_event.source(), Source::Hosted);
    assert_eq!(hosted_event.charge_usd, hosted_event.list_price_usd);
    assert_eq!(hosted_event.charge_usd, hosted.charge_usd);

    assert_eq!(own_event.source(), Source::Own);
    assert_eq!(own_event.charge_usd.as_deref(), Some(ZERO));
    assert_eq!(own_event.list_price_usd, hosted_event.list_price_usd);
    assert_eq!(own_event.key_name, key.name);
    assert_eq!(own_event.key_version, key.version);
    assert_eq!(own_event.basis(), Basis::ProviderReported);
    assert_eq!(own_event.outcome(), Outcome::Completed);
    assert_eq!(own_event.workspace, DEMO);
}

#[tokio::test]
async fn with_another_price_the_same_call_costs_another_amount() {
    let folder = tempfile::tempdir().expect("a folder");
    let overlay = folder.path().join("prices.json");
    // Twice the listed prices of the model.
    let row = r#"[{"provider": "openai", "model": "gpt-5-mini", "kind": "chat", "currency": "USD",
        "unit": "per_million_tokens", "input": "0.5", "output": "4", "source": "this test"}]"#;
    std::fs::write(&overlay, row).expect("a file");
    let charge = |attempt: AttemptReceipt| -> Usd {
        let text = attempt.charge_usd.expect("a charge");
        text.parse().expect("an amount")
    };
    let listed = charge(Product::start().await.caller().chat_once(MODEL).await.0);
    let setup = Setup::new().options(|options| options.price_overlay = Some(overlay));
    let doubled = charge(setup.start().await.caller().chat_once(MODEL).await.0);
    assert_eq!(doubled.pico(), 2 * listed.pico());
    assert!(listed > Usd::ZERO);
}
