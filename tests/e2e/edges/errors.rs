//! Failures have the shape, the status and the headers that each SDK goes by.

use keyway_proto::billing::v1::Source;
use keyway_proto::vault::v1::{Policy, UnlistedPaths, WorkspaceServiceUpdateRequest};
use reqwest::Method;
use serde_json::json;

use super::harness::{Http, PROVIDERS, chat};
use crate::harness::{DEMO, Logs, Product};

/// Where the reason stands in an error of each provider.
fn reason_in(provider: &str, body: &serde_json::Value) -> String {
    let place = match provider {
        "anthropic" => &body["error"]["details"]["error_code"],
        "google" => &body["error"]["details"][0]["reason"],
        "mistral" => &body["code"],
        "exa" => &body["tag"],
        _ => &body["error"]["code"],
    };
    place.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_token_that_nobody_knows_is_a_401_in_the_words_of_each_provider() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::bearing(&product, "kwc_nobody");
    for provider in PROVIDERS {
        let answer = http.post(provider, &chat(provider, true)).await;
        assert_eq!(answer.status, 401, "{provider}: {}", answer.text());
        assert_eq!(reason_in(provider, &answer.json()), "CALLER_UNKNOWN");
        assert_eq!(answer.header("x-should-retry"), "false");
    }
    let search = http.at("/exa/search", &json!({"query": "x"})).await;
    assert_eq!(
        (search.status, reason_in("exa", &search.json()).as_str()),
        (401, "CALLER_UNKNOWN")
    );
}

#[tokio::test]
async fn paths_that_are_not_listed_upgrades_and_browsers_are_refused_each_with_its_reason() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    for (path, says) in [
        ("/openai/v1/files", "keeps files"),
        ("/openai/v1/batches", "keeps jobs"),
        ("/openai/v1/realtime", "lasting connection"),
        ("/openai/v1/audio/speech", "speech"),
        ("/openai/v1/organization/users", "not one of the paths"),
        ("/anthropic/v1/messages/batches", "keeps jobs"),
        ("/google/v1beta/cachedContents", "keeps objects"),
        ("/mistral/v1/agents/completions", "not one of the paths"),
        ("/exa/research/v1", "not one of the paths"),
        ("/nobody/v1/models", "base URLs"),
    ] {
        let answer = http.at(path, &json!({})).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        assert_eq!(answer.reason(), "FIELD_UNSUPPORTED", "{path}");
        assert!(answer.text().contains(says), "{path}: {}", answer.text());
    }
    let preflight = http
        .send(Method::OPTIONS, "/openai/v1/chat/completions", Vec::new())
        .await;
    assert_eq!(preflight.status, 405);
    assert!(preflight.text().contains("browsers"));
    let upgrade = Http::of(&product).with("upgrade", "websocket");
    let refused = upgrade.get("/openai/v1/models").await;
    assert_eq!(
        (refused.status, refused.text().contains("not upgraded")),
        (400, true)
    );
    let journal = product.simulator().journal().await;
    assert!(
        journal.is_empty(),
        "a refused request reached a provider: {journal:?}"
    );
}

#[tokio::test]
async fn a_path_that_is_not_listed_passes_on_an_own_key_once_its_admin_says_so() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let admin = product.admin();
    admin
        .put_key(DEMO, "openai", "sk-keyway-test-own-0001")
        .await
        .unwrap();
    product
        .until_served_by("openai/gpt-5-mini", Source::Own)
        .await;
    let http = Http::of(&product);
    assert_eq!(http.get("/openai/v1/files").await.status, 404);
    let update = WorkspaceServiceUpdateRequest {
        name: DEMO.to_owned(),
        policy: Some(Policy {
            unlisted_paths: UnlistedPaths::Allow.into(),
            ..Policy::default()
        }),
        ..Default::default()
    };
    admin.vault.workspaces().update(update).await.unwrap();
    let (listed, _delay) = crate::harness::wait_for("the policy", async || {
        let answer = http.get("/openai/v1/files").await;
        (answer.status == 200).then_some(answer)
    })
    .await;
    assert_eq!(listed.header("keyway-source"), "own");
    // A credential in the query would be a third source.
    for query in ["access_token=x", "oauth_token=x", "%6bey=x"] {
        let answer = http.get(&format!("/openai/v1/files?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        assert_eq!(answer.reason(), "FIELD_UNSUPPORTED", "{query}");
    }
    // By TRACE a server sends back what it was sent: the key among it.
    let before = product.simulator().journal().await.len();
    for method in ["TRACE", "PROPFIND"] {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let answer = http.send(method, "/openai/v1/files", Vec::new()).await;
        assert_eq!(answer.status, 405, "{}", answer.text());
    }
    assert_eq!(product.simulator().journal().await.len(), before);
    // Another provider has no own key: the platform's is never used for it.
    let other = http.get("/anthropic/v1/files").await;
    assert_eq!((other.status, other.reason().as_str()), (403, "NO_KEY"));
}

#[tokio::test]
async fn on_an_own_key_a_providers_error_passes_without_the_key_and_on_the_platforms_it_does_not() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    let secret = "sk-keyway-test-own-0001";
    let error = json!({"error": {"message": format!("no such thing for {secret}"), "type": "invalid_request_error", "param": null, "code": "odd"}});
    let rule = json!({"match": {"provider": "openai"}, "action": {"status": 400, "body": error.to_string()}});
    product.simulator().script(&rule).await;
    let hosted = http.post("openai", &chat("openai", false)).await;
    assert_eq!(
        (hosted.status, hosted.reason().as_str()),
        (400, "PROVIDER_REJECTED_REQUEST")
    );
    assert!(
        !hosted.text().contains("no such thing"),
        "{}",
        hosted.text()
    );
    assert_eq!(hosted.header("keyway-provider-code"), "odd");
    product.simulator().reset().await;
    product
        .admin()
        .put_key(DEMO, "openai", secret)
        .await
        .unwrap();
    product
        .until_served_by("openai/gpt-5-mini", Source::Own)
        .await;
    product.simulator().script(&rule).await;
    let own = http.post("openai", &chat("openai", false)).await;
    assert_eq!(own.status, 400);
    assert_eq!(own.json()["error"]["code"], "odd");
    assert!(
        own.text().contains("no such thing for [key]"),
        "{}",
        own.text()
    );
}

#[tokio::test]
async fn an_sdk_is_told_not_to_try_again_once_every_attempt_was_made() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    let rule =
        json!({"match": {"provider": "anthropic"}, "action": {"fixture": "anthropic/500.error"}});
    product.simulator().script(&rule).await;
    let answer = http.post("anthropic", &chat("anthropic", false)).await;
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (503, "PROVIDER_UNAVAILABLE")
    );
    assert_eq!(answer.header("x-should-retry"), "false");
    let attempts = product.simulator().journal().await.len();
    assert!(attempts > 1, "{attempts}");
}

#[tokio::test]
async fn an_sdk_is_told_not_to_try_again_what_is_used_up_whatever_the_status_is() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    let models = ["openai/gpt-5-mini", "anthropic/claude-haiku-4-5"];
    for (model, name) in models.into_iter().zip(["429_quota", "429_tier_spend_cap"]) {
        let (provider, _) = model.split_once('/').expect("a provider");
        let secret = format!("sk-keyway-test-{provider}-0001");
        let stored = product.admin().put_key(DEMO, provider, &secret).await;
        stored.expect("stored");
        product.until_served_by(model, Source::Own).await;
        let rule = json!({"match": {"provider": provider}, "action": {"fixture": format!("{provider}/{name}.error")}});
        product.simulator().script(&rule).await;
        let answer = http.post(provider, &chat(provider, false)).await;
        let told = (answer.status, answer.header("x-should-retry"));
        assert_eq!(told, (429, "false".to_owned()), "{}", answer.text());
        assert!(
            answer.text().contains("\"error\""),
            "its own words: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn a_stream_that_is_cut_never_looks_whole() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    for provider in PROVIDERS {
        let rule = json!({"match": {"provider": provider}, "action": {"cut_after_chunks": 2}});
        product.simulator().script(&rule).await;
        let answer = http.post(provider, &chat(provider, true)).await;
        product.simulator().reset().await;
        let text = answer.text();
        assert_eq!(answer.status, 200);
        assert!(
            text.contains("STREAM_TRUNCATED") || answer.broken,
            "{provider}: {text}"
        );
        assert!(
            !text.contains("[DONE]") && !text.contains("message_stop"),
            "{provider}: {text}"
        );
    }
}
