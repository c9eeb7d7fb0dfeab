//! Bytes pass as they are, but for the closed list.

use keyway_proto::billing::v1::Source;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::harness::{Answer, Http, chat};
use crate::docs::root;
use crate::harness::{Logs, Product};

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
    product.put_own_keys().await;
    let compared = pass(&product, Source::Own, &answers()).await;
    assert!(compared > 100, "{compared}");
}

#[tokio::test]
async fn every_fixture_passes_on_the_platforms_key_but_for_the_providers_own_words_of_an_error() {
    let (failures, plain): (Vec<_>, Vec<_>) =
        answers().into_iter().partition(|row| fails(&row["file"]));
    let product = Product::start().await;
    let _logs = Logs(&product);
    let compared = pass(&product, Source::Hosted, &plain).await;
    assert!(compared > 100, "{compared}");
    for failure in failures {
        // The key is rested for what it says.
        let product = Product::start().await;
        pass(&product, Source::Hosted, &[failure]).await;
    }
}

/// Whether a fixture is of an answer that ends in an error.
fn fails(file: &Value) -> bool {
    let file = file.as_str().unwrap_or_default();
    file.contains("error") || file.contains("failed")
}

/// With usage asked for where that is the caller's to say, and without. How many were compared.
async fn pass(product: &Product, source: Source, rows: &[Value]) -> usize {
    let mut compared = 0;
    for row in rows {
        let text = |name: &str| row[name].as_str().expect("a text").to_owned();
        let (id, file, stream) = (text("id"), text("file"), row["kind"] == "stream");
        let (provider, name) = file.split_once('/').expect("a provider");
        let asks = asked(provider, name, stream);
        let mut asks_nothing = asks.clone();
        let optional = asks_nothing.1["stream_options"].take() != Value::Null;
        for (request, hides) in [(asks, false), (asks_nothing, true)] {
            if hides && !optional {
                continue;
            }
            let rule =
                json!({"match": {"provider": provider}, "times": 1, "action": {"fixture": id}});
            product.simulator().script(&rule).await;
            let answer = Http::of(product).post(provider, &request).await;
            is_edited(&file, stream, hides, source, &answer);
            compared += 1;
            if fails(&row["file"]) && source == Source::Own {
                // The key is rested for what the answer said; a new version of it is not.
                product.put_own_keys().await;
            }
        }
    }
    compared
}

/// What came is what was written, after the edits that are listed and no other.
fn is_edited(file: &str, stream: bool, hides: bool, source: Source, answer: &Answer) {
    let theirs = source == Source::Hosted && fails(&file.into());
    if theirs && !stream {
        // Not for the caller, so it was asked for again.
        assert!(
            !answer.text().contains("The model failed"),
            "{file}: {}",
            answer.text()
        );
        return;
    }
    let written = std::fs::read(fixtures().join(file)).expect("a fixture");
    let expected = masked(&edited(&written, stream, hides, source));
    let body = masked(&answer.body);
    let (same, more) = body.split_at(expected.len().min(body.len()));
    assert_eq!(digest(same), digest(&expected), "{file}: {}", answer.text());
    // What is cut off, or whose error is not for the caller, is told after the bytes that came.
    let cut = file.contains("truncated") || file.contains("no_usage");
    let more = String::from_utf8_lossy(more);
    assert!(
        more.is_empty() || cut || theirs,
        "{file}, hides {hides}: {more} behind it"
    );
}

/// The closed list: the event that only tells usage goes if nobody asked for it, and a provider's
/// own words of an error if the key is not the caller's.
fn edited(written: &[u8], stream: bool, hides: bool, source: Source) -> Vec<u8> {
    if !stream {
        return written.to_vec();
    }
    let text = std::str::from_utf8(written).expect("text");
    let mut kept = String::new();
    let end = if text.contains("\r\n") {
        "\r\n\r\n"
    } else {
        "\n\n"
    };
    for event in text.split_inclusive(end) {
        if hides && event.contains("\"choices\":[]") {
            continue;
        }
        if source == Source::Hosted && is_error(event) {
            break;
        }
        kept.push_str(event);
    }
    kept.into_bytes()
}

/// Whether an event of a stream is an error, in whichever provider's form.
fn is_error(event: &str) -> bool {
    let dense: String = event.split_whitespace().collect();
    [
        "event:error",
        "{\"error\":",
        "\"object\":\"error\"",
        "response.failed",
    ]
    .iter()
    .any(|mark| dense.contains(mark))
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
    product.put_own_keys().await;
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
