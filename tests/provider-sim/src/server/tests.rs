use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

mod alike;

const CHAT: &str = "/openai/v1/chat/completions";

/// A simulator on a port of its own.
struct Sim {
    address: std::net::SocketAddr,
}

async fn sim(options: Options) -> Sim {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, options));
    Sim { address }
}

impl Sim {
    /// Sends a request on a connection of its own, which the reply ends.
    async fn open(&self, path: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let method = if body.is_empty() { "GET" } else { "POST" };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: sim\r\nconnection: close\r\nauthorization: Bearer sk-keyway-test-0001\r\nx-goog-api-key: sk-keyway-test-0001\r\nanthropic-version: 2023-06-01\r\nx-secret: hush\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }

    async fn text(&self, path: &str, body: &str) -> String {
        rest(self.open(path, body).await).await
    }

    async fn script(&self, action: &Value) {
        let rule = json!({"times": 1, "action": action}).to_string();
        assert!(
            self.text("/_sim/script", &rule)
                .await
                .starts_with("HTTP/1.1 200")
        );
    }

    async fn json(&self, path: &str, body: &str) -> Value {
        let text = self.text(path, body).await;
        serde_json::from_str(text.split("\r\n\r\n").nth(1).unwrap()).unwrap()
    }

    /// Waits until so many connections, the asking one too, and replies are open.
    async fn until_open(&self, connections: u64, replies: u64) {
        for _ in 0..1000 {
            let state = self.json("/_sim/state", "").await;
            if state["connections"] == connections && state["replies"] == replies {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("never {connections} connections and {replies} replies");
    }

    /// The entries once the last has its end.
    async fn journal(&self) -> Vec<Value> {
        for _ in 0..1000 {
            let journal = self.json("/_sim/journal?after=0&wait_ms=5000", "").await;
            let entries = journal["entries"].as_array().unwrap().clone();
            if entries
                .last()
                .is_some_and(|entry| entry["sent"].is_string())
            {
                return entries;
            }
            tokio::task::yield_now().await;
        }
        panic!("the last reply has no end");
    }
}

async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hello(stream: bool) -> String {
    json!({"model": "gpt-4o", "stream": stream, "messages": [{"role": "user", "content": "hello"}]})
        .to_string()
}

#[tokio::test]
async fn a_request_is_in_the_journal_without_its_key() {
    let folder = std::env::temp_dir().join(format!("provider-sim-{}.journal", std::process::id()));
    let options = Options {
        journal: Some(folder.clone()),
        token_factor: 10,
    };
    let sim = sim(options).await;
    assert!(
        sim.text(CHAT, &hello(false))
            .await
            .contains("\"prompt_tokens\":50")
    );
    let entries = sim.journal().await;
    let entry = &entries[0];
    assert_eq!(
        (&entry["seq"], &entry["status"], &entry["sent"]),
        (&json!(1), &json!(200), &json!("whole"))
    );
    assert_eq!(entry["reported"]["counts"]["input"], 50);
    assert_eq!(
        (&entry["credential"]["last4"], &entry["usage_sent"]),
        (&json!("0001"), &json!(true))
    );
    assert_eq!(entry["body"], hello(false));
    assert_eq!(entry["headers"].get("x-secret"), None);
    assert!(
        entry["header_names"]
            .as_array()
            .unwrap()
            .contains(&json!("x-secret"))
    );
    let file = std::fs::read_to_string(&folder).unwrap();
    std::fs::remove_file(&folder).unwrap();
    assert_eq!(file.lines().count(), 2);
    assert!(!file.contains("sk-keyway-test") && !file.contains("hush"));
}

#[tokio::test]
async fn a_journal_goes_on_with_its_numbers() {
    let path =
        std::env::temp_dir().join(format!("provider-sim-{}-again.journal", std::process::id()));
    std::fs::write(&path, "{\"seq\":41,\"kind\":\"end\"}\n{\"seq\":40").unwrap();
    let journal = Journal::open(Some(&path)).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(journal.number(), 42);
}

#[tokio::test]
async fn a_reply_can_be_cut_at_any_byte() {
    let sim = sim(Options::default()).await;
    sim.script(&json!({"cut_after_bytes": 100})).await;
    let text = sim.text(CHAT, &hello(false)).await;
    assert_eq!(text.split("\r\n\r\n").nth(1).unwrap().len(), 100);
    sim.script(&json!({"cut_after_bytes": 0})).await;
    assert_eq!(sim.text(CHAT, &hello(false)).await, "");
    sim.script(&json!({"cut_after_chunks": 2})).await;
    let text = sim.text(CHAT, &hello(true)).await;
    assert_eq!(text.matches("data: ").count(), 2);
    assert!(!text.ends_with("0\r\n\r\n"));
    sim.script(&json!({"cut_within_chunk": 1})).await;
    let text = sim.text(CHAT, &hello(true)).await;
    assert_eq!(text.matches("\n\n").count(), 1, "{text}");
    assert_eq!(text.matches("data: ").count(), 2);
    let entries = sim.journal().await;
    assert!(
        entries
            .iter()
            .all(|entry| entry["sent"] == "cut" && entry["usage_sent"] == false),
        "{entries:?}"
    );
}

#[tokio::test]
async fn a_held_reply_waits_for_its_release_and_is_in_the_journal_before() {
    let sim = sim(Options::default()).await;
    sim.script(&json!({"hold": "gate"})).await;
    let held = sim.open(CHAT, &hello(false)).await;
    let journal = sim.json("/_sim/journal?after=0&wait_ms=5000", "").await;
    assert_eq!(journal["entries"][0]["sent"], Value::Null);
    sim.text("/_sim/release/gate", "{}").await;
    assert!(rest(held).await.starts_with("HTTP/1.1 200"));
    assert_eq!(sim.journal().await[0]["sent"], "whole");
}

#[tokio::test]
async fn a_stalled_stream_goes_on_when_released_and_is_abandoned_when_the_caller_leaves() {
    let sim = sim(Options::default()).await;
    let stall = json!({"stall_after_chunks": 1, "stall_hold": "middle"});
    sim.script(&stall).await;
    let mut stream = sim.open(CHAT, &hello(true)).await;
    let mut first = [0; 16];
    stream.read_exact(&mut first).await.unwrap();
    sim.text("/_sim/release/middle", "{}").await;
    assert!(rest(stream).await.contains("[DONE]"));
    sim.text("/_sim/reset", "{}").await;
    sim.script(&stall).await;
    let mut stream = sim.open(CHAT, &hello(true)).await;
    stream.read_exact(&mut first).await.unwrap();
    sim.until_open(2, 1).await;
    drop(stream);
    let sent: Vec<Value> = sim
        .journal()
        .await
        .iter()
        .map(|entry| entry["sent"].clone())
        .collect();
    assert_eq!(sent, ["whole", "abandoned"]);
    sim.until_open(1, 0).await;
}

#[tokio::test]
async fn nonsense_is_what_its_name_says() {
    let sim = sim(Options::default()).await;
    for (action, expected) in [
        (json!({"nonsense": "html"}), "<!DOCTYPE html>"),
        (json!({"nonsense": "html", "status": 200}), "HTTP/1.1 200"),
        (
            json!({"nonsense": "redirect", "location": "http://127.0.0.1:9/x"}),
            "location: http://127.0.0.1:9/x",
        ),
        (
            json!({"nonsense": "wrong_content_type"}),
            "content-type: text/plain",
        ),
        (json!({"nonsense": "gzip"}), "content-encoding: gzip"),
        (json!({"nonsense": "empty"}), "\r\n\r\n0\r\n"),
        (
            json!({"nonsense": "unknown_event"}),
            "event: some_future_event",
        ),
        (
            json!({"nonsense": "oversized_event", "oversized_bytes": 70_000}),
            "aaaa",
        ),
        (
            json!({"fixture": "openai/429_rate.error"}),
            "retry-after-ms: 120",
        ),
        (
            json!({"status": 418, "body": "leak {{key}}"}),
            "leak sk-keyway-test-0001",
        ),
        (
            json!({"headers": {"x-extra": "1", "content-type": ""}}),
            "x-extra: 1",
        ),
    ] {
        sim.script(&action).await;
        let text = sim.text(CHAT, &hello(true)).await;
        assert!(text.contains(expected), "{action}: {text}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let sim = sim(Options::default()).await;
    assert!(
        sim.text("/cohere/v1/models", "")
            .await
            .starts_with("HTTP/1.1 404")
    );
    assert!(sim.text("/_sim/what", "").await.contains("/_sim/script"));
    assert!(
        sim.text("/_sim/script", r#"{"action":{"wait":1}}"#)
            .await
            .contains("unknown field `wait`")
    );
    assert!(
        sim.text("/openai/v1/what", "")
            .await
            .contains("Invalid URL")
    );
}

#[tokio::test]
async fn a_header_may_never_end() {
    let sim = sim(Options::default()).await;
    sim.script(&json!({"nonsense": "endless_header"})).await;
    let mut stream = sim.open(CHAT, &hello(false)).await;
    let mut bytes = vec![0; 1 << 20];
    stream.read_exact(&mut bytes).await.unwrap();
    drop(stream);
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\nx-endless-0: a"));
    assert!(!text.contains("\r\n\r\n"));
    let entry = sim.journal().await.remove(0);
    assert_eq!(
        (&entry["sent"], &entry["usage_sent"]),
        (&json!("abandoned"), &json!(false))
    );
}

#[tokio::test]
async fn a_connection_fails_at_a_door_as_told_and_the_address_stays() {
    let sim = sim(Options::default()).await;
    let set = async |behaviour: &str| {
        let order = json!({"behaviour": behaviour}).to_string();
        let address = sim.json("/_sim/door/a", &order).await["address"].take();
        Sim {
            address: address.as_str().unwrap().parse().unwrap(),
        }
    };
    let door = set("refused").await;
    let refused = TcpStream::connect(door.address).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    assert_eq!(set("open").await.address, door.address);
    assert!(
        door.text(CHAT, &hello(false))
            .await
            .starts_with("HTTP/1.1 200")
    );
    for (behaviour, answer) in [
        ("reset", &b""[..]),
        ("tls_alert", &[0x15, 3, 3]),
        ("tls_plain", b"HTTP"),
    ] {
        set(behaviour).await;
        let mut stream = TcpStream::connect(door.address).await.unwrap();
        let mut bytes = Vec::new();
        // The reset may come before the first byte can be written.
        drop(stream.write_all(b"hello").await);
        drop(stream.read_to_end(&mut bytes).await);
        assert!(
            bytes.starts_with(answer) && bytes.is_empty() == answer.is_empty(),
            "{behaviour} {bytes:?}"
        );
    }
    set("silent").await;
    let mut waiting = door.open(CHAT, &hello(false)).await;
    assert_eq!(set("refused").await.address, door.address);
    // The change ended the connection that was waiting.
    let mut bytes = Vec::new();
    drop(waiting.read_to_end(&mut bytes).await);
    assert!(bytes.is_empty());
    assert!(TcpStream::connect(door.address).await.is_err());
    let state = sim.json("/_sim/state", "").await;
    assert_eq!(state["doors"]["a"]["connections"], 5);
    assert!(
        sim.text("/_sim/door/a", r#"{"behaviour":"ajar"}"#)
            .await
            .contains("unknown variant")
    );
}
