//! Two workspaces on one hosted key, in the providers' own words and in the shapes for every provider:
//! no sequence of requests brings back a byte of another's.

use keyway_proto::vault::v1::{Role, TokenServiceCreateRequest};
use reqwest::Method;
use serde_json::{Value, json};

use super::harness::Http;
use crate::harness::{Logs, Product, Tenant};
use crate::hosted_state::{CANARY, Random, SECRET, SEED, option, plant};

/// Paths below which a provider gives back what it keeps.
const KEPT: [&str; 13] = [
    "/openai/v1/responses/{id}",
    "/openai/v1/responses/{id}/input_items",
    "/openai/v1/conversations/{id}",
    "/openai/v1/conversations/{id}/items",
    "/openai/v1/chat/completions",
    "/openai/v1/chat/completions/{id}/messages",
    "/openai/v1/files",
    "/google/v1beta/cachedContents",
    "/google/v1beta/{id}",
    "/v1/responses/{id}",
    "/v1/responses/{id}/input_items",
    "/v1/chat/completions/{id}/messages",
    "/v1/conversations/{id}",
];

/// A turn that asks a model for all that it was told.
fn recall(random: &mut Random, told: &str) -> (&'static str, Value) {
    let turns = json!([
        {"role": "user", "content": told},
        {"role": "assistant", "content": "Noted."},
        {"role": "user", "content": "[sim:recall]"},
    ]);
    let google = json!([
        {"role": "user", "parts": [{"text": told}]},
        {"role": "model", "parts": [{"text": "Noted."}]},
        {"role": "user", "parts": [{"text": "[sim:recall]"}]},
    ]);
    match random.below(8) {
        0 => (
            "/openai/v1/chat/completions",
            json!({"model": "gpt-5-mini", "messages": turns}),
        ),
        1 => (
            "/openai/v1/responses",
            json!({"model": "gpt-5-mini", "input": turns}),
        ),
        2 => (
            "/anthropic/v1/messages",
            json!({"model": "claude-haiku-4-5", "max_tokens": 256, "messages": turns}),
        ),
        3 => (
            "/google/v1beta/models/gemini-2.5-flash:generateContent",
            json!({"contents": google}),
        ),
        4 => (
            "/v1/chat/completions",
            json!({"model": "anthropic/claude-haiku-4-5", "messages": turns}),
        ),
        5 => (
            "/v1/messages",
            json!({"model": "openai/gpt-5-mini", "messages": turns}),
        ),
        6 => (
            "/v1/responses",
            json!({"model": "google/gemini-2.5-flash", "input": turns}),
        ),
        _ => (
            "/mistral/v1/chat/completions",
            json!({"model": "mistral-small-latest", "messages": turns}),
        ),
    }
}

/// What a step asked for.
#[derive(PartialEq, Eq)]
enum Step {
    Plain,
    WithState,
    Kept,
}

async fn step(random: &mut Random, ids: &[String], sides: &[(Http, &str); 2]) -> Step {
    let side = random.below(2);
    let ((who, mark), (_, other)) = (&sides[side], &sides[1 - side]);
    let (answer, asked, at) = if random.below(4) == 0 {
        let id: &String = random.of(ids);
        let path = random.of(&KEPT).replace("{id}", id);
        let method = random
            .of(&[Method::GET, Method::POST, Method::DELETE])
            .clone();
        let answer = who.send(method.clone(), &path, Vec::new()).await;
        (answer, Step::Kept, format!("{method} {path}"))
    } else {
        let (path, mut body) = recall(random, mark);
        let state = random.below(2) == 0;
        if state {
            let (name, value) = option(random, ids);
            body[name] = value;
        }
        let asked = if state { Step::WithState } else { Step::Plain };
        (who.at(path, &body).await, asked, format!("{path} {body}"))
    };
    let text = answer.text();
    assert!(!text.contains(*other), "{at}: {text}");
    assert!(!text.contains(CANARY), "{at}: {text}");
    match asked {
        Step::Plain => assert!(text.contains(*mark) && answer.status == 200, "{at}: {text}"),
        Step::Kept => assert!(answer.status >= 400, "{at}: {text}"),
        // What is stateless under one provider's name of it is taken; then it changed nothing.
        Step::WithState => assert!(answer.status == 200 || answer.status == 400, "{at}: {text}"),
    }
    asked
}

async fn side(product: &Product, tenant: Tenant) -> Http {
    let request = TokenServiceCreateRequest {
        workspace: tenant.name,
        role: Role::Caller.into(),
        ..Default::default()
    };
    Http::bearing(product, &tenant.admin.token(request).await)
}

#[tokio::test]
async fn no_sequence_of_requests_over_http_brings_back_a_byte_of_anothers() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let operator = product.operator();
    for provider in ["openai", "google", "anthropic", "mistral"] {
        let stored = operator.put_key("platform", provider, SECRET).await;
        stored.unwrap();
    }
    let ids = plant(&product).await;
    let planted = product.simulator().journal().await.len();
    let left = side(&product, product.tenant("left-one").await).await;
    let right = side(&product, product.tenant("right-one").await).await;
    let sides = [(left, "mark-of-left"), (right, "mark-of-right")];
    let mut random = Random(SEED);
    let mut plain = 0;
    for _ in 0..400 {
        plain += usize::from(step(&mut random, &ids, &sides).await == Step::Plain);
    }
    assert!((80..300).contains(&plain), "{plain}");
    let journal = product.simulator().journal().await;
    assert!(journal.len() - planted >= plain);
    for entry in &journal[planted..] {
        let body = entry["body"].as_str().unwrap_or_default();
        assert!(!body.contains(CANARY), "{entry}");
        let stores = ["/chat/completions", "/responses"];
        let path = entry["path"].as_str().unwrap_or_default();
        if entry["provider"] == "openai" && stores.iter().any(|end| path.ends_with(end)) {
            let sent: Value = serde_json::from_str(body).expect("JSON");
            assert_eq!(sent["store"], false, "{entry}");
        }
    }
}
