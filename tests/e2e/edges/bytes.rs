//! Bytes pass as they are, but for the closed list.

use keyway_proto::billing::v1::Source;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::harness::{Http, chat};
use crate::docs::root;
use crate::harness::{DEMO, Logs, Product};

fn fixtures() -> std::path::PathBuf {
    root().join("tests/provider-sim/fixtures")
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// What each provider's fixtures are answers to.
fn asked(provider: &str, file: &str, stream: bool) -> (String, Value) {
    match provider {
        "openai" if file.starts_with("responses") => (
            "/v1/responses".to_owned(),
            json!({"model": "gpt-5.4-mini", "input": "hello", "stream": stream}),
        ),
        "openai" if file.starts_with("embeddings") => (
            "/v1/embeddings".to_owned(),
            json!({"model": "text-embedding-3-small", "input": "hello"}),
        ),
        "openai" if stream => {
            let (path, mut body) = chat("openai", true);
            body["stream_options"] = json!({"include_usage": true});
            (path, body)
        }
        "exa" => {
            let path = ["contents", "answer"]
                .into_iter()
                .find(|name| file.starts_with(name));
            let path = format!("/{}", path.unwrap_or("search"));
            (
                path,
                json!({"query": "hello", "urls": ["https://example.com"], "stream": stream}),
            )
        }
        _ => chat(provider, stream),
    }
}

#[tokio::test]
async fn every_fixture_passes_byte_for_byte_on_an_own_key() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    own_keys(&product).await;
    let http = Http::of(&product);
    let mut compared = 0;
    for row in answers() {
        let text = |name: &str| row[name].as_str().expect("a text").to_owned();
        let (id, file, stream) = (text("id"), text("file"), row["kind"] == "stream");
        let (provider, name) = file.split_once('/').expect("a provider");
        let rule = json!({"match": {"provider": provider}, "times": 1, "action": {"fixture": id}});
        product.simulator().script(&rule).await;
        let answer = http.post(provider, &asked(provider, name, stream)).await;
        let written = masked(&std::fs::read(fixtures().join(&file)).expect("a fixture"));
        let body = masked(&answer.body);
        let (same, more) = body.split_at(written.len().min(body.len()));
        assert_eq!(digest(same), digest(&written), "{file}: {}", answer.text());
        // What is cut off is told after the bytes that came.
        let told = name.contains("truncated") || name.contains("no_usage");
        assert!(more.is_empty() || told, "{file}: {}", answer.text());
        compared += 1;
        if name.contains("error") {
            // The key is rested for what the answer said; a new version of it is not.
            own_keys(&product).await;
        }
    }
    assert!(compared > 100, "{compared}");
}

/// The simulator numbers its answers in the body of an error too.
fn masked(bytes: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    let marks = ["\"request_id\":\"", "\"requestId\":\"", "\"requestId\": \""];
    let masked = marks.iter().fold(text, |text, mark| {
        let mut pieces = text.split(mark);
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |text, rest| {
            let (_id, rest) = rest.split_once('"').unwrap_or_default();
            text + "_" + rest
        })
    });
    masked.into_bytes()
}

/// Rows of the answers with status 200, whole or streamed.
fn answers() -> Vec<Value> {
    let manifest = std::fs::read(fixtures().join("manifest.json")).expect("a manifest");
    let rows: Vec<Value> = serde_json::from_slice(&manifest).expect("a list");
    let is_answer = |row: &Value| {
        row["status"] == 200
            && !row["file"]
                .as_str()
                .unwrap_or_default()
                .contains(".request.")
    };
    rows.into_iter().filter(is_answer).collect()
}

async fn own_keys(product: &Product) {
    let admin = product.admin();
    for provider in ["openai", "anthropic", "google", "mistral", "exa"] {
        let secret = format!("sk-keyway-test-{provider}-0001");
        admin.put_key(DEMO, provider, &secret).await.expect("a key");
    }
    for model in [
        "openai/gpt-5-mini",
        "anthropic/claude-haiku-4-5",
        "google/gemini-3.8-flash",
        "mistral/mistral-small-latest",
    ] {
        product.until_served_by(model, Source::Own).await;
    }
}

#[tokio::test]
async fn without_usage_asked_for_only_the_event_that_asking_adds_is_missing() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    let (path, mut body) = chat("openai", true);
    let plain = http.at(&format!("/openai{path}"), &body).await;
    body["stream_options"] = json!({"include_usage": true});
    let asked = http.at(&format!("/openai{path}"), &body).await;
    let (plain, asked) = (plain.text(), asked.text());
    let same = |text: &str| text.replace("Sim00000001", "").replace("Sim00000002", "");
    let without: String = asked
        .split_inclusive("\n\n")
        .filter(|event| !event.contains("\"choices\":[]"))
        .collect();
    assert_eq!(same(&plain), same(&without));
    assert!(asked.contains("\"choices\":[]") && plain.contains("\"usage\":null"));
}

#[tokio::test]
async fn the_body_that_leaves_is_the_one_that_came_but_for_the_listed_edits() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    let path = "/openai/v1/chat/completions";
    let written = "{ \"stream\" : true,\"seed\":10000000000000001,\n \"model\":\"gpt-4.1-mini\", \"temperature\":1.50e0,\"messages\":[{\"role\":\"user\",\"content\":\"h\\u00e9\"}] }";
    let post = reqwest::Method::POST;
    http.send(post.clone(), path, written.into()).await;
    own_keys(&product).await;
    http.send(post.clone(), path, written.into()).await;
    let asking = written.replacen(
        "\"seed\"",
        "\"stream_options\":{\"include_usage\":true},\"seed\"",
        1,
    );
    http.send(post, path, asking.clone().into()).await;
    let journal = product.simulator().journal().await;
    let bodies: Vec<&str> = journal
        .iter()
        .filter_map(|entry| entry["body"].as_str())
        .filter(|body| body.contains("10000000000000001"))
        .collect();
    let edit = |edits: &str| written.replacen('{', &format!("{{{edits},"), 1);
    let usage = "\"stream_options\":{\"include_usage\":true}";
    assert_eq!(
        bodies,
        [
            edit(&format!("{usage},\"store\":false")).as_str(),
            edit(usage).as_str(),
            asking.as_str(),
        ]
    );
}
