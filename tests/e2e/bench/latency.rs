//! What the router adds to a call: one caller, one call at a time, the simulator as the provider.

use std::time::Duration;

use keyway_proto::billing::v1::Source;
use reqwest::Client;
use serde_json::json;
use tokio::time::Instant;

use super::print;
use crate::harness::{DEMO, Product};

const MODEL: &str = "openai/gpt-5-mini";
const CALLS: u32 = 500;

pub(crate) async fn measure(product: &Product) {
    print::line("a call at the simulator itself", direct(product).await);
    print::line(
        "the same through the router, hosted key",
        routed(product).await,
    );
    let secret = "sk-keyway-test-bench-latency";
    product
        .admin()
        .put_key(DEMO, "openai", secret)
        .await
        .expect("stored");
    product.until_served_by(MODEL, Source::Own).await;
    print::line(
        "the same through the router, own key",
        routed(product).await,
    );
}

async fn routed(product: &Product) -> Vec<Duration> {
    let caller = product.caller();
    let mut taken = Vec::new();
    for _call in 0..CALLS {
        let start = Instant::now();
        caller.chat_once(MODEL).await;
        taken.push(start.elapsed());
    }
    taken
}

async fn direct(product: &Product) -> Vec<Duration> {
    let url = url(product);
    let client = Client::builder().no_proxy().build().expect("a client");
    let mut taken = Vec::new();
    for _call in 0..CALLS {
        let start = Instant::now();
        ask_simulator(&client, &url).await;
        taken.push(start.elapsed());
    }
    taken
}

/// Where the simulator takes the same call.
pub(crate) fn url(product: &Product) -> String {
    let address = product.running.site.simulator.expect("the simulator runs");
    format!("http://{address}/openai/v1/chat/completions")
}

/// The same call without a router.
pub(crate) async fn ask_simulator(client: &Client, url: &str) {
    let body = json!({
        "model": "gpt-5-mini",
        "messages": [{ "role": "user", "content": "Say something short." }],
        "max_completion_tokens": 256,
    });
    let request = client.post(url).bearer_auth("sk-keyway-test-direct");
    let request = request.header("content-type", "application/json");
    let answer = request.body(body.to_string()).send().await;
    let answer = answer.expect("an answer");
    assert!(answer.status().is_success());
    answer.bytes().await.expect("a body");
}
