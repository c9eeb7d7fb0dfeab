//! Scripts do the same at every provider.

use super::*;
use crate::fixtures;

/// A streamed request to every endpoint that streams.
fn streams() -> [(&'static str, Value); 6] {
    let said = json!([{"role": "user", "content": "hello"}]);
    [
        (
            CHAT,
            json!({"model": "gpt-4o", "stream": true, "stream_options": {"include_usage": true}, "messages": said}),
        ),
        (
            "/openai/v1/responses",
            json!({"model": "gpt-4o", "stream": true, "input": said}),
        ),
        (
            "/anthropic/v1/messages",
            json!({"model": "claude-haiku-4-5", "max_tokens": 99, "stream": true, "messages": said}),
        ),
        (
            "/google/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse",
            json!({"contents": [{"parts": [{"text": "hello"}]}]}),
        ),
        (
            "/mistral/v1/chat/completions",
            json!({"model": "mistral-small-latest", "stream": true, "messages": said}),
        ),
        ("/exa/answer", json!({"query": "hello", "stream": true})),
    ]
}

/// The body of a reply in chunks, as far as it came.
fn body_of(reply: &str) -> String {
    let (_, chunks) = reply.split_once("\r\n\r\n").unwrap_or_default();
    let mut body = String::new();
    let mut rest = chunks;
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap_or(0);
        let Some(chunk) = after.get(..size).filter(|chunk| !chunk.is_empty()) else {
            break;
        };
        body.push_str(chunk);
        rest = after.get(size + 2..).unwrap_or_default();
    }
    body
}

#[tokio::test]
async fn a_stream_fails_alike_at_every_provider() {
    let sim = sim(Options::default()).await;
    for (path, body) in streams() {
        let body = body.to_string();
        let whole = body_of(&sim.text(path, &body).await);
        assert_eq!(
            sim.journal().await.last().unwrap()["usage_sent"],
            true,
            "{path}"
        );
        let play = async |action: Value| {
            sim.script(&action).await;
            let text = body_of(&sim.text(path, &body).await);
            let entry = sim.journal().await.pop().unwrap();
            (text, entry)
        };
        // Ids count the requests: they are as long, and are no part of what is compared.
        let (text, entry) = play(json!({"piece_bytes": 5})).await;
        assert_eq!(
            (text.len(), &entry["sent"]),
            (whole.len(), &json!("whole")),
            "{path}"
        );
        let (text, entry) = play(json!({"cut_within_chunk": 1})).await;
        assert!(
            text.len() < whole.len() && !text.ends_with("\n\n"),
            "{path}: {text}"
        );
        assert_eq!(
            (&entry["sent"], &entry["usage_sent"]),
            (&json!("cut"), &json!(false)),
            "{path}"
        );
        let (text, entry) = play(json!({"error_after_chunks": 1})).await;
        assert!(
            text.contains("rror") && text.len() < whole.len(),
            "{path}: {text}"
        );
        assert_eq!(entry["usage_sent"], false, "{path}");
        let (text, entry) = play(json!({"no_usage": true})).await;
        assert_eq!(
            (&entry["reported"], &entry["usage_sent"]),
            (&Value::Null, &json!(false)),
            "{path}: {text}"
        );
        let (text, _) = play(json!({"nonsense": "unknown_event"})).await;
        assert!(text.contains("some_future_event"), "{path}");
        let (text, _) = play(json!({"cut_after_bytes": 0})).await;
        assert_eq!(text, "", "{path}");
    }
}

#[tokio::test]
async fn every_error_of_the_manifest_can_be_played() {
    let sim = sim(Options::default()).await;
    let errors = fixtures::errors();
    assert!(errors.len() > 45, "{}", errors.len());
    for (id, status) in errors {
        sim.script(&json!({"fixture": id})).await;
        let provider = id.split('/').next().unwrap();
        let text = sim.text(&format!("/{provider}/v1/anything"), "{}").await;
        assert!(
            text.starts_with(&format!("HTTP/1.1 {status} ")),
            "{id}: {text}"
        );
        let body = text.split_once("\r\n\r\n").unwrap().1;
        assert!(serde_json::from_str::<Value>(body).is_ok(), "{id}: {body}");
        sim.script(&json!({"fixture": id, "status": 200})).await;
        let text = sim.text(&format!("/{provider}/v1/anything"), "{}").await;
        assert!(text.starts_with("HTTP/1.1 200 "), "{id}: {text}");
    }
}
