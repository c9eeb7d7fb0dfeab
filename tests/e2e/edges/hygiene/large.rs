//! Bodies that are sent whole though nobody wants them: the router reads no more of them than it may hold.

use std::net::SocketAddr;
use std::time::Duration;

use futures::future::join_all;
use keyway::Part;
use keyway_proto::Reason;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::PATHS;
use crate::edges::harness::{Http, chat};
use crate::harness::{BOUND, Logs, Product, Setup, ask, reason, resident};

const BODY: usize = 100 << 20;
const PIECE: usize = 64 << 10;
/// Bodies at once, of each kind.
const MANY: usize = 4;
/// Far less than what is sent, and more than what may be held with all else that a router gets.
const GROWN: u64 = 64 << 20;

#[tokio::test]
async fn bodies_of_100_mb_that_are_sent_all_the_same_are_refused_and_not_held() {
    let setup = Setup::new().with("KEYWAY_ROUTER__LIMITS__REQUEST", "1MiB");
    let mut product = setup.start().await;
    let process = product.id(Part::Router);
    let _logs = Logs(&product);
    let before = resident(process);
    let router = product.running.site.addresses.router;
    let token = product.running.access.call_token.expose();
    for (headers, chunked) in [
        (format!("content-length: {BODY}"), false),
        ("transfer-encoding: chunked".to_owned(), true),
    ] {
        for path in PATHS {
            let head = format!(
                "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\nx-api-key: {token}\r\n{headers}\r\n\r\n"
            );
            let sent = (0..MANY).map(|_| send(router, &head, chunked));
            let told = timeout(BOUND, join_all(sent)).await.expect("in time");
            // Who still sends when the connection ends may not get to read why.
            let told: Vec<_> = told.into_iter().filter(|text| !text.is_empty()).collect();
            assert!(!told.is_empty(), "{path}, {headers}: nobody was told");
            for text in told {
                let refused = text.starts_with("HTTP/1.1 413 ") && text.contains("keyway-reason: ");
                assert!(refused, "{path}, {headers}: {text}");
            }
        }
    }
    over_http_2(&product).await;
    let grown = resident(process).saturating_sub(before);
    assert!(grown < GROWN, "{grown} bytes more");
    assert!(product.simulator().journal().await.is_empty());
    let after = Http::of(&product)
        .post("openai", &chat("openai", false))
        .await;
    assert_eq!(after.status, 200, "{}", after.text());
}

/// Sends a body to its end, or until nobody reads it; what came back.
async fn send(router: SocketAddr, head: &str, chunked: bool) -> String {
    let mut stream = TcpStream::connect(router).await.expect("a connection");
    let (mut from, mut to) = stream.split();
    let mut piece = vec![b'a'; PIECE];
    if chunked {
        let mut framed = format!("{PIECE:x}\r\n").into_bytes();
        framed.append(&mut piece);
        framed.extend_from_slice(b"\r\n");
        piece = framed;
    }
    let write = async {
        let mut done = to.write_all(head.as_bytes()).await;
        for _ in 0..BODY / PIECE {
            if done.is_err() {
                return;
            }
            done = to.write_all(&piece).await;
        }
    };
    let mut read = Vec::new();
    let listen = async { drop(from.read_to_end(&mut read).await) };
    tokio::join!(write, listen);
    String::from_utf8_lossy(&read).into_owned()
}

async fn over_http_2(product: &Product) {
    let calls = (0..MANY).map(async |_| {
        let mut request = ask("openai/gpt-5-mini");
        request.model = "a".repeat(BODY);
        let caller = product.caller();
        timeout(Duration::from_mins(1), caller.chat(request)).await
    });
    for refused in join_all(calls).await {
        let refused = refused.expect("in time").unwrap_err();
        assert_eq!(reason(&refused), Some(Reason::FieldInvalid), "{refused:?}");
    }
}
