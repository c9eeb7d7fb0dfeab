//! A stream of a provider's bytes over a socket, through the router's HTTP client: however they are
//! cut, ended and filled up, they are the same answer, and it is what the fixture expects.

use keyway_proto::billing::v1::Usage;
use keyway_proto::router::v1::{ChatResponse, Part, part};
use serde_json::{Value, json};

use crate::docs::root;
use crate::harness::{Logs, Product, only_attempt, say};

/// Sizes of what is written at once; the last is more than any of the streams has.
const SIZES: [usize; 5] = [1, 3, 64, 1_021, 1 << 20];

#[tokio::test]
async fn a_stream_over_a_socket_is_the_same_answer_however_its_bytes_are_cut_and_filled_up() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let mut told = 0;
    for stream in streams() {
        let event_by_event = answer(&product, &stream, json!({"fixture": stream.id})).await;
        stream.check(&event_by_event);
        for action in stream.cut() {
            let shown = format!("{} as {action:.60}", stream.id);
            let cut = answer(&product, &stream, action).await;
            assert_eq!(said(&cut), said(&event_by_event), "{shown}");
            told += 1;
        }
    }
    assert!(told > 200, "{told}");
}

/// A streamed chat of the fixtures that comes to its end, and what its manifest expects.
struct Stream {
    id: String,
    text: String,
    expect: Value,
    model: &'static str,
}

fn streams() -> Vec<Stream> {
    let folder = root().join("tests/provider-sim/fixtures");
    let read = |file: &str| std::fs::read_to_string(folder.join(file)).expect("a text");
    let rows: Vec<Value> = serde_json::from_str(&read("manifest.json")).expect("JSON");
    let ends = |row: &Value| {
        row["kind"] == "stream"
            && row["expect"]["finish"].is_string()
            && row["expect"]["error"].is_null()
    };
    let streams = rows.into_iter().filter(ends).filter_map(|row| {
        let text = |name: &str| row[name].as_str().expect("a text").to_owned();
        Some(Stream {
            model: model(&text("endpoint"), &text("id"))?,
            text: read(&text("file")),
            id: text("id"),
            expect: row["expect"].clone(),
        })
    });
    streams.collect()
}

/// One that is asked for at that endpoint.
fn model(endpoint: &str, id: &str) -> Option<&'static str> {
    let provider = id.split('/').next()?;
    Some(match (provider, endpoint) {
        ("openai", "POST /v1/responses") => "openai/gpt-5.4-pro",
        ("openai", _) => "openai/gpt-4.1-mini",
        ("anthropic", _) => "anthropic/claude-haiku-4-5",
        ("google", _) => "google/gemini-3.8-flash",
        ("mistral", _) => "mistral/mistral-small-latest",
        _ => return None,
    })
}

impl Stream {
    /// The same bytes in pieces of every size; with other line ends; and with what says nothing
    /// between the events.
    fn cut(&self) -> Vec<Value> {
        let fixture = SIZES.map(|size| json!({"fixture": self.id, "piece_bytes": size}));
        let plain = self.text.replace("\r\n", "\n");
        let with_returns = plain.replace('\n', "\r\n");
        let filled = plain.replace("\n\n", &format!("\n\n: nothing\n\n{}", self.ping()));
        let bodies = [&with_returns, &filled, &filled.replace('\n', "\r\n")].map(|body| {
            let headers = json!({"content-type": "text/event-stream; charset=utf-8"});
            [7, 1 << 20].map(|size| {
                json!({"status": 200, "headers": headers, "body": body, "piece_bytes": size})
            })
        });
        fixture
            .into_iter()
            .chain(bodies.into_iter().flatten())
            .collect()
    }

    fn ping(&self) -> &'static str {
        if self.id.starts_with("anthropic/") {
            "event: ping\ndata: {\"type\": \"ping\"}\n\n"
        } else {
            ":\n\n"
        }
    }

    fn check(&self, answer: &ChatResponse) {
        let (text, calls) = parts(answer);
        assert_eq!(
            text,
            self.expect["text"].as_str().unwrap_or_default(),
            "{}",
            self.id
        );
        let expected = self.expect["tool_calls"].as_array().map_or(0, Vec::len);
        assert_eq!(calls, expected, "{}", self.id);
    }
}

async fn answer(product: &Product, stream: &Stream, action: Value) -> ChatResponse {
    let provider = stream.id.split('/').next();
    let rule =
        json!({"match": {"provider": provider, "method": "POST"}, "times": 1, "action": action});
    product.simulator().script(&json!([rule])).await;
    let answer = product
        .caller()
        .try_stream_chat(say(stream.model, "Say it."))
        .await;
    answer.unwrap_or_else(|status| panic!("{} as {action:.80}: {status:?}", stream.id))
}

/// All that an answer says, without the names of its call.
fn said(answer: &ChatResponse) -> (ChatResponse, Option<Usage>, Option<String>) {
    let (attempt, _call) = only_attempt(answer.receipt.clone());
    let without = ChatResponse {
        receipt: None,
        ..answer.clone()
    };
    (without, attempt.usage, attempt.list_price_usd)
}

/// The text, and how many tools are called.
fn parts(answer: &ChatResponse) -> (String, usize) {
    let parts: &[Part] = answer
        .message
        .as_ref()
        .map_or(&[], |message| &message.parts);
    let mut text = String::new();
    let mut calls = 0;
    for part in parts {
        match &part.part {
            Some(part::Part::Text(said)) => text.push_str(said),
            Some(part::Part::ToolCall(_)) => calls += 1,
            _ => {}
        }
    }
    (text, calls)
}
