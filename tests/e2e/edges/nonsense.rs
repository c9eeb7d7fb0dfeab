//! Answers that no provider should give: none of them is a leak, a call for nothing, or a cut answer that
//! looks whole.

use keyway_proto::billing::v1::{Basis, Source, UsageEvent};
use serde_json::{Value, json};

use super::harness::{Answer, Http, PROVIDERS, chat};
use crate::harness::{DEMO, Logs, Product};

/// What a provider says of its account, to whoever holds the key.
const WORDS: &str = "account org-7f3a";
const SECRET: &str = "sk-keyway-test-own-0001";

async fn with_own_key(product: &Product) {
    let stored = product.admin().put_key(DEMO, "openai", SECRET).await;
    stored.expect("stored");
    product
        .until_served_by("openai/gpt-5-mini", Source::Own)
        .await;
}

/// Endings of a stream that are errors, with and without the end of their last line.
fn endings(provider: &str) -> Vec<String> {
    let error = match provider {
        "anthropic" => json!({"type": "error", "error": {"type": "api_error", "message": WORDS}}),
        "mistral" => json!({"object": "error", "message": WORDS, "type": "internal", "code": "1"}),
        _ => json!({"error": {"message": WORDS, "type": "server_error", "code": 500}}),
    };
    let cut = format!("data: {{\"error\": {{\"message\": \"{WORDS}");
    vec![
        format!("data: {error}\n\n"),
        format!("data: {error}\n"),
        format!("data: {error}"),
        format!("{error}\n"),
        format!("{error}"),
        format!("event: error\ndata: {error}"),
        format!("data: upstream failure: {WORDS}\n\n"),
        cut,
    ]
}

#[track_caller]
fn is_refused(answer: &Answer, what: &str) {
    let text = answer.text();
    assert_eq!(answer.status, 502, "{what}: {text}");
    assert_eq!(answer.reason(), "PROVIDER_PROTOCOL", "{what}: {text}");
    assert!(!text.contains(WORDS), "{what}: {text}");
}

#[tokio::test]
async fn what_nobody_can_read_does_not_pass_from_the_platforms_account() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    let page = format!("<html>{WORDS}</html>");
    let cut = format!("{{\"id\": \"x\", \"note\": \"{WORDS}");
    for provider in PROVIDERS {
        for body in [page.as_str(), &cut, WORDS, ""] {
            product.simulator().answers("application/json", body).await;
            let answer = http.post(provider, &chat(provider, false)).await;
            is_refused(&answer, &format!("{provider}, {body:?}"));
        }
        product
            .simulator()
            .answers("Text/HTML; charset=utf-8", &page)
            .await;
        let answer = http.post(provider, &chat(provider, false)).await;
        is_refused(&answer, provider);
        for ending in endings(provider) {
            product
                .simulator()
                .answers("text/event-stream", &ending)
                .await;
            let answer = http.post(provider, &chat(provider, true)).await;
            let text = answer.text();
            assert!(!text.contains("org-7f3a"), "{provider}, {ending}: {text}");
            assert!(
                answer.broken || text.contains("error") || answer.status >= 500,
                "{provider}, {ending}: {text}"
            );
            let is_cut = ending.ends_with(WORDS);
            assert_eq!(
                text.contains("STREAM_TRUNCATED"),
                is_cut,
                "{ending}: {text}"
            );
        }
    }
}

#[tokio::test]
async fn an_error_on_an_own_key_passes_without_the_key_wherever_in_an_answer_it_stands() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    with_own_key(&product).await;
    let error = json!({"error": {"message": format!("odd {SECRET} end"), "type": "server_error"}});
    for (kind, body, stream) in [
        ("application/json", format!("{error}"), false),
        ("text/event-stream", format!("data: {error}\n\n"), true),
        ("text/event-stream", format!("data: {error}"), true),
        ("text/event-stream", format!("{error}"), true),
    ] {
        product.simulator().answers(kind, &body).await;
        let answer = http.post("openai", &chat("openai", stream)).await;
        let text = answer.text();
        assert!(text.contains("odd [key] end"), "{body}: {text}");
        assert!(!answer.broken, "{body}: {text}");
        if stream {
            // As an SDK reads it: an event with an error, and every event has its end.
            assert!(text.ends_with("\n\n"), "{body}: {text}");
            let errors = text
                .split("\n\n")
                .filter(|event| event.starts_with("data: {\"error\""));
            assert_eq!(errors.count(), 1, "{body}: {text}");
        }
    }
}

/// Google's SDK takes an error that is no event for one; to the others it is told as an event too.
#[tokio::test]
async fn an_error_that_is_no_event_is_told_as_one_where_its_sdk_would_pass_over_it() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    for (provider, model) in [
        ("google", "google/gemini-3.8-flash"),
        ("anthropic", "anthropic/claude-haiku-4-5"),
        ("mistral", "mistral/mistral-small-latest"),
    ] {
        let secret = format!("sk-keyway-test-{provider}-0001");
        let stored = product.admin().put_key(DEMO, provider, &secret).await;
        stored.expect("stored");
        product.until_served_by(model, Source::Own).await;
        let error = match provider {
            "mistral" => json!({"object": "error", "message": "odd", "type": "internal"}),
            _ => {
                json!({"type": "error", "error": {"type": "api_error", "code": 500, "message": "odd"}})
            }
        };
        product
            .simulator()
            .answers("text/event-stream", &format!("{error:#}"))
            .await;
        let answer = http.post(provider, &chat(provider, true)).await;
        product.simulator().reset().await;
        let text = answer.text();
        assert!(text.starts_with('{') && text.contains("odd"), "{text}");
        assert!(!answer.broken, "{provider}: {text}");
        let events = text.lines().filter(|line| line.starts_with("data: {"));
        let expected = usize::from(provider != "google");
        assert_eq!(events.count(), expected, "{provider}: {text}");
    }
}

#[tokio::test]
async fn an_event_that_is_too_long_ends_its_stream_with_an_error_on_either_key() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    let rule = json!({"match": {"stream": true}, "action": {"nonsense": "oversized_event"}});
    for source in ["hosted", "own"] {
        if source == "own" {
            with_own_key(&product).await;
        }
        product.simulator().script(&rule).await;
        let answer = http.post("openai", &chat("openai", true)).await;
        product.simulator().reset().await;
        assert_eq!(answer.header("keyway-source"), source);
        assert!(
            answer.broken || answer.text().contains("PROVIDER_PROTOCOL"),
            "{source}: it ended as if it were whole: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn events_are_events_in_whatever_case_their_type_is_written() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    for provider in PROVIDERS {
        let headers = json!({"content-type": "Text/Event-Stream; charset=utf-8"});
        let rule = json!({"match": {"stream": true}, "action": {"headers": headers}});
        product.simulator().script(&rule).await;
        let answer = http.post(provider, &chat(provider, true)).await;
        product.simulator().reset().await;
        assert_eq!(
            answer.header("content-length"),
            "",
            "{provider}: it was held"
        );
        let id = answer.header("keyway-call-id");
        let events = product.admin().events_of(DEMO, &[&id]).await;
        let basis: Vec<_> = events.iter().map(UsageEvent::basis).collect();
        assert_eq!(basis, [Basis::ProviderReported], "{provider}");
    }
}

#[tokio::test]
async fn an_event_without_data_passes_and_ends_nothing() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    let chunk = json!({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "gpt-5-mini",
        "choices": [{"index": 0, "delta": {"content": "ok"}, "finish_reason": "stop"}], "usage": null});
    let body = format!(": ping\n\ndata:\n\ndata: {chunk}\n\ndata: \n\ndata: [DONE]\n\n");
    for source in ["hosted", "own"] {
        if source == "own" {
            product.simulator().reset().await;
            with_own_key(&product).await;
        }
        product
            .simulator()
            .answers("text/event-stream", &body)
            .await;
        let answer = http.post("openai", &chat("openai", true)).await;
        assert_eq!(answer.header("keyway-source"), source);
        assert!(!answer.broken);
        assert_eq!(answer.text(), body, "{source}");
    }
}

#[tokio::test]
async fn a_stream_that_is_answered_at_once_is_paid_for_once_and_refused() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let http = Http::of(&product);
    let usage = json!({"prompt_tokens": 4, "completion_tokens": 3, "total_tokens": 7});
    let choice = json!({"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"});
    let whole = json!({"id": "x", "object": "chat.completion", "created": 1, "model": "gpt-5-mini", "choices": [choice], "usage": usage});
    product
        .simulator()
        .answers("application/json", &whole.to_string())
        .await;
    let ask = json!({"model": "openai/gpt-5-mini", "stream": true, "messages": [{"role": "user", "content": "hi"}]});
    let before = product.simulator().journal().await.len();
    let answer = http.at("/v1/chat/completions", &ask).await;
    is_refused(&answer, "a whole answer");
    let asked: Vec<Value> = product.simulator().journal().await;
    assert_eq!(asked.len() - before, 1, "it was asked again");
    let id = answer.header("keyway-call-id");
    let events = product.admin().events_of(DEMO, &[&id]).await;
    let basis: Vec<_> = events.iter().map(UsageEvent::basis).collect();
    assert_eq!(basis, [Basis::ProviderReported]);
}
