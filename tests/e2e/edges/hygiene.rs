//! Raw bytes on the port of calls: whatever comes is bounded, refused with a reason, and no request
//! of it reaches a provider.

mod corpus;
mod large;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::harness::{Http, chat};
use crate::harness::{BOUND, Logs, Setup};
use corpus::{NATIVE, Seen, at, corpus};

/// A native path, and those of the shapes.
const PATHS: [&str; 4] = [
    NATIVE,
    "/v1/chat/completions",
    "/v1/messages",
    "/v1/responses",
];

/// Sends it and reads until the other side ends the connection; it must, in time.
async fn speak(router: SocketAddr, bytes: &[u8]) -> (Seen, String) {
    let mut stream = TcpStream::connect(router).await.expect("a connection");
    let mut read = Vec::new();
    let talk = async {
        let (mut from, mut to) = stream.split();
        // Who is refused early may not take it all.
        let write = async { drop(to.write_all(bytes).await) };
        let listen = async { drop(from.read_to_end(&mut read).await) };
        tokio::join!(write, listen);
    };
    let ended = tokio::time::timeout(BOUND, talk).await;
    assert!(ended.is_ok(), "the connection stayed open");
    let text = String::from_utf8_lossy(&read).into_owned();
    let status = text
        .strip_prefix("HTTP/1.1 ")
        .or(text.strip_prefix("HTTP/1.0 "));
    let status = status.and_then(|rest| rest.get(..3)?.parse().ok());
    (status, text)
}

#[tokio::test]
async fn every_raw_sequence_is_bounded_and_none_reaches_a_provider() {
    let product = Setup::new()
        .with("KEYWAY_ROUTER__SERVER__KEEPALIVE_INTERVAL", "1s")
        .with("KEYWAY_ROUTER__SERVER__KEEPALIVE_TIMEOUT", "1s")
        .with("KEYWAY_ROUTER__SERVER__HANDSHAKE_TIMEOUT", "1s")
        .with("KEYWAY_ROUTER__HTTP__BODY_TIME", "1s")
        .with("KEYWAY_ROUTER__LIMITS__REQUEST", "1MiB")
        .start()
        .await;
    let _logs = Logs(&product);
    let token = product.running.access.call_token.expose().to_owned();
    let router = product.running.site.addresses.router;
    for path in PATHS {
        let corpus = at(path, corpus(&token));
        assert!(corpus.len() >= 40, "{}", corpus.len());
        let begun = Instant::now();
        let spoken = corpus.iter().map(|raw| speak(router, &raw.bytes));
        let answers = futures::future::join_all(spoken).await;
        assert!(begun.elapsed() < Duration::from_secs(30));
        for (raw, (seen, text)) in corpus.iter().zip(answers) {
            // The few paths of a shape are known before the caller is.
            let unlisted = path != NATIVE && matches!(seen, Some(404 | 405));
            let allowed = raw.seen.contains(&seen) || unlisted;
            assert!(allowed, "{path}, {}: {seen:?} {text}", raw.name);
            let reason = text.contains("keyway-reason: ") || seen != Some(413) && seen != Some(408);
            assert!(reason, "{path}, {}: {text}", raw.name);
        }
    }
    let journal = product.simulator().journal().await;
    assert!(journal.is_empty(), "{journal:?}");
    let after = Http::of(&product)
        .post("openai", &chat("openai", false))
        .await;
    assert_eq!(after.status, 200, "{}", after.text());
}
