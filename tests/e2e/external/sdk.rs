//! The providers' own SDKs read the simulator, and a bill is recomputed in another language.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use keyway_proto::router::v1::{EmbedRequest, SearchRequest, StreamChatRequest};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::docs::root;
use crate::harness::{CHATS, DEMO, Logs, Product, Setup, Speaker, ask};

/// Runs a script of `tests/sdk`; what it said, and whether it found everything right.
pub(super) async fn python(
    script: &str,
    args: &[&str],
    input: &str,
    variables: &[(&str, &str)],
) -> (bool, String) {
    let mut child = Command::new("python3")
        .arg(root().join("tests/sdk").join(script))
        .args(args)
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python3 is missing: .ci/run needs it");
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(input.as_bytes()).await.expect("it reads");
    drop(pipe);
    let output = child.wait_with_output().await.expect("it ends");
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[tokio::test]
async fn the_official_sdks_read_what_the_simulator_answers() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let address = product.running.site.simulator.expect("it runs").to_string();
    let (right, said) = python("check_sdks.py", &[], "", &[("KEYWAY_SIM", &address)]).await;
    assert!(right, "{said}");
}

#[tokio::test]
async fn the_official_sdks_types_accept_every_request_of_the_feature_tables() {
    let cases = root().join("tests/e2e/features/cases");
    let cases = cases.to_str().expect("a path");
    let (right, said) = python("check_features.py", &[cases], "", &[]).await;
    assert!(right, "{said}");
}

const EMBEDDINGS: [&str; 3] = [
    "openai/text-embedding-3-small",
    "google/gemini-embedding-2",
    "mistral/mistral-embed",
];

/// One call of every kind that is priced in its own way.
async fn one_of_each(caller: &Speaker) {
    for model in CHATS {
        caller.chat(ask(model)).await.expect("a chat");
        let request = StreamChatRequest {
            request: Some(ask(model)),
        };
        let answer = caller
            .router
            .execution()
            .stream_chat(request)
            .await
            .expect("a stream");
        let mut stream = answer.into_inner();
        while stream.message().await.expect("a whole stream").is_some() {}
    }
    for model in EMBEDDINGS {
        let inputs = vec!["one text".to_owned(), "another text".to_owned()];
        let request = EmbedRequest {
            model: model.to_owned(),
            inputs,
            ..Default::default()
        };
        caller
            .router
            .execution()
            .embed(request)
            .await
            .expect("vectors");
    }
    let query = "who pays for this call".to_owned();
    let request = SearchRequest {
        query,
        max_results: 12,
        ..Default::default()
    };
    caller
        .router
        .execution()
        .search(request)
        .await
        .expect("results");
}

const KINDS: usize = 2 * CHATS.len() + EMBEDDINGS.len() + 1;

/// The events of the demo workspace, as grpcurl prints them.
pub(super) async fn pages(product: &Product) -> String {
    let (mut all, mut token) = (String::new(), String::new());
    loop {
        let page = page(product, &token).await;
        let read: serde_json::Value = serde_json::from_str(&page).expect("JSON");
        all.push_str(&page);
        let next = read["nextPageToken"].as_str().unwrap_or_default();
        next.clone_into(&mut token);
        if token.is_empty() {
            return all;
        }
    }
}

async fn page(product: &Product, token: &str) -> String {
    let address = product.running.site.addresses.router.to_string();
    let mut child = Command::new("grpcurl")
        .args([
            "-plaintext",
            "-expand-headers",
            "-H",
            "authorization: Bearer ${KEYWAY_ADMIN_TOKEN}",
        ])
        .args([
            "-d",
            "@",
            &address,
            "keyway.billing.v1.BillingService/ListUsage",
        ])
        .env(
            "KEYWAY_ADMIN_TOKEN",
            product.running.access.admin_token.expose(),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("grpcurl is missing: .ci/run installs it");
    let mut pipe = child.stdin.take().expect("a pipe");
    let request =
        serde_json::json!({"filter": {"workspace": DEMO}, "page_size": 500, "page_token": token});
    let written = pipe.write_all(request.to_string().as_bytes()).await;
    written.expect("it reads");
    drop(pipe);
    let output = child.wait_with_output().await.expect("it ends");
    String::from_utf8(output.stdout).expect("text")
}

async fn hosted_and_own(product: &Product) -> String {
    let caller = product.caller();
    one_of_each(&caller).await;
    product.put_own_keys().await;
    one_of_each(&caller).await;
    product
        .admin()
        .first_events(DEMO, 2 * KINDS + CHATS.len())
        .await;
    pages(product).await
}

const REQUIRED: [&str; 20] = [
    "--require",
    "openai:HOSTED",
    "--require",
    "openai:OWN",
    "--require",
    "anthropic:HOSTED",
    "--require",
    "anthropic:OWN",
    "--require",
    "google:HOSTED",
    "--require",
    "google:OWN",
    "--require",
    "mistral:HOSTED",
    "--require",
    "mistral:OWN",
    "--require",
    "exa:HOSTED",
    "--require",
    "exa:OWN",
];

/// The same for other sources: `provider:SOURCE`.
pub(super) async fn journaled(
    product: &Product,
    events: &str,
    required: &BTreeSet<&str>,
) -> (bool, String) {
    let journal = product.running.site.state.journal().display().to_string();
    let mut args = vec!["--journal", &journal];
    args.extend(required.iter().flat_map(|source| ["--require", source]));
    python("recompute.py", &args, events, &[]).await
}

async fn recompute(product: &Product, events: &str, more: &[&str]) -> (bool, String) {
    let journal = product.running.site.state.journal().display().to_string();
    let args = [&["--journal", &journal][..], &REQUIRED, more].concat();
    python("recompute.py", &args, events, &[]).await
}

#[tokio::test]
async fn every_amount_is_what_another_language_makes_of_prices_and_journal() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let events = hosted_and_own(&product).await;
    let (right, said) = recompute(&product, &events, &[]).await;
    assert!(right, "{said}");

    let wrong = events.replacen("\"0.000000000000\"", "\"0.000000000001\"", 1);
    assert_ne!(wrong, events);
    let (right, said) = recompute(&product, &wrong, &[]).await;
    assert!(
        !right,
        "an amount that is wrong by a pico-dollar went unseen: {said}"
    );
}

#[tokio::test]
async fn other_counts_and_other_prices_give_other_amounts_that_are_right_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let overlay = folder.path().join("overlay.json");
    let prices = std::fs::read_to_string(root().join("router/pricing/prices/openai.json"));
    std::fs::write(&overlay, overlay_of(&prices.expect("prices"))).expect("a file");
    let plain = Product::start().await;
    let (before, _) = plain.caller().chat_once("openai/gpt-5-mini").await;
    drop(plain);

    let setup = Setup::new().options(|options| {
        options.token_factor = 7;
        options.price_overlay = Some(overlay.clone());
    });
    let product = setup.start().await;
    let _logs = Logs(&product);
    let (after, _) = product.caller().chat_once("openai/gpt-5-mini").await;
    assert_ne!(after.charge_usd, before.charge_usd);
    assert_ne!(after.usage, before.usage);
    let events = hosted_and_own(&product).await;
    let prices = [&root().join("router/pricing/prices"), Path::new(&overlay)];
    let prices: Vec<String> = prices
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let (right, said) = recompute(
        &product,
        &events,
        &["--prices", &prices[0], "--prices", &prices[1]],
    )
    .await;
    assert!(right, "{said}");
    let (right, said) = recompute(&product, &events, &[]).await;
    assert!(!right, "the overlay changed nothing: {said}");
}

/// The rows of one model, the dated one too, with another price.
fn overlay_of(prices: &str) -> String {
    let rows: serde_json::Value = serde_json::from_str(prices).expect("prices are JSON");
    let mut rows = rows.as_array().expect("a list").clone();
    rows.retain(|row| {
        row["model"]
            .as_str()
            .is_some_and(|model| model.starts_with("gpt-5-mini"))
    });
    for row in &mut rows {
        row["input"] = "12.345678".into();
        row["output"] = "98.7654321".into();
    }
    serde_json::Value::from(rows).to_string()
}
