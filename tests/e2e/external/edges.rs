//! The providers' own SDKs, unmodified, with Keyway as their base URL: what they read, what they
//! raise, and a bill that another language makes of the simulator's journal.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use tokio::process::Command;

use super::sdk::{journaled, pages, python};
use crate::docs::root;
use crate::harness::{Logs, Product};

const PROVIDERS: [&str; 5] = ["openai", "anthropic", "google", "mistral", "exa"];

/// Runs every check with calls on keys of one source.
async fn check(product: &Product, source: &str) -> (bool, String) {
    let access = &product.running.access;
    let addresses = &product.running.site.addresses;
    let simulator = product.running.site.simulator.expect("it runs").to_string();
    let edge = format!("http://{}", addresses.router);
    let vault = addresses.vault.to_string();
    let variables = [
        ("KEYWAY_EDGE", edge.as_str()),
        ("KEYWAY_SIM", &simulator),
        ("KEYWAY_VAULT", &vault),
        ("KEYWAY_CALL_TOKEN", access.call_token.expose()),
        ("KEYWAY_ADMIN_TOKEN", access.admin_token.expose()),
        ("KEYWAY_EXPECT_SOURCE", source),
    ];
    python("check_edges.py", &[], "", &variables).await
}

/// Every amount of the events so far, made again of prices and journal.
async fn bill_is_right(product: &Product, source: &str, providers: &[&str]) {
    let events = pages(product).await;
    let required: Vec<String> = providers
        .iter()
        .map(|provider| format!("{provider}:{source}"))
        .collect();
    let required: BTreeSet<&str> = required.iter().map(String::as_str).collect();
    let (right, said) = journaled(product, &events, &required).await;
    assert!(right, "{said}");
}

#[tokio::test]
async fn the_official_sdks_work_on_the_platforms_key_by_another_base_url() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let (right, said) = check(&product, "hosted").await;
    assert!(right, "{said}");
    bill_is_right(&product, "HOSTED", &PROVIDERS).await;
}

#[tokio::test]
async fn the_official_sdks_work_on_an_own_key_and_raise_what_its_provider_says() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    product.put_own_keys().await;
    let (right, said) = check(&product, "own").await;
    assert!(right, "{said}");
    bill_is_right(&product, "OWN", &PROVIDERS).await;
}

#[tokio::test]
async fn the_official_node_sdks_and_the_ai_sdk_work_on_the_platforms_key_by_another_base_url() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    node_works(&product).await;
    bill_is_right(&product, "HOSTED", &PROVIDERS[..4]).await;
}

#[tokio::test]
async fn the_official_node_sdks_and_the_ai_sdk_work_on_an_own_key() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    product.put_own_keys().await;
    node_works(&product).await;
    bill_is_right(&product, "OWN", &PROVIDERS[..4]).await;
}

async fn node_works(product: &Product) {
    let slowly = json!([{"match": {"body_contains": "slowly"}, "action": {"chunk_delay_ms": 200}}]);
    product.simulator().script(&slowly).await;
    let edge = format!("http://{}", product.running.site.addresses.router);
    let checks = Command::new("node")
        .arg(root().join("tests/sdk/node/check.mjs"))
        .env("KEYWAY_EDGE", edge)
        .env(
            "KEYWAY_CALL_TOKEN",
            product.running.access.call_token.expose(),
        )
        .output();
    let checks = tokio::time::timeout(Duration::from_mins(2), checks).await;
    let checks = checks
        .expect("it ends")
        .expect("node is missing: .ci/run needs it");
    let said = String::from_utf8_lossy(&[checks.stdout, checks.stderr].concat()).into_owned();
    assert!(checks.status.success(), "{}: {said}", checks.status);
}
