//! What no honest client sends, by hand and in numbers: the services refuse it, stay, and stay
//! small.

use std::io;
use std::net::SocketAddr;

use keyway::Part;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::bytes::{DATA, END_STREAM, Frame, GOAWAY, HEADERS, PREFACE, RESET, Raw, call, frame};
use super::{MODEL, Pair};
use crate::harness::{BOUND, Logs, Product, Setup, wait_for};

const PUT_KEY: &str = "keyway.vault.v1.KeyService/PutKey";
const CHAT: &str = "keyway.router.v1.ExecutionService/Chat";
/// What a service may grow by under any of this, KiB.
const GROWTH: u64 = 300 << 10;

/// Resident memory of a process, KiB.
fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number.expect("VmRSS").parse().expect("a number")
}

/// The product after everything: it serves, and no process grew.
async fn serves(product: &mut Product, before: [u64; 2]) {
    product.caller().chat_once(MODEL).await;
    for (part, before) in [Part::Vault, Part::Router].into_iter().zip(before) {
        let now = resident(product.id(part));
        assert!(
            now < before + GROWTH,
            "{part:?}: {before} KiB became {now} KiB"
        );
    }
}

fn residents(product: &mut Product) -> [u64; 2] {
    [Part::Vault, Part::Router].map(|part| resident(product.id(part)))
}

fn doors(product: &Product) -> [SocketAddr; 3] {
    let addresses = &product.running.site.addresses;
    [addresses.vault, addresses.vault_data, addresses.router]
}

fn impatient() -> Setup {
    let mut setup = Setup::new();
    for service in ["VAULT", "ROUTER"] {
        for (name, value) in [
            ("HANDSHAKE_TIMEOUT", "1s"),
            ("KEEPALIVE_INTERVAL", "1s"),
            ("KEEPALIVE_TIMEOUT", "1s"),
        ] {
            setup = setup.with(&format!("KEYWAY_{service}__SERVER__{name}"), value);
        }
    }
    setup
}

#[tokio::test]
async fn who_says_nothing_or_half_of_it_is_closed() {
    let mut product = impatient().start().await;
    let before = residents(&mut product);
    for door in doors(&product) {
        for said in [&b""[..], &PREFACE[..1], &PREFACE[..23], PREFACE] {
            let mut raw = Raw::connect(door).await;
            raw.send(said).await.expect("sent");
            raw.closed().await;
        }
        // Headers that never end: no answer to a ping may stand between them.
        let mut raw = Raw::http2(door).await;
        let endless = frame(HEADERS, 0, 1, &[0, 1, b'x']);
        raw.send(&endless).await.expect("sent");
        raw.closed().await;
    }
    let counts = product.counts(Part::Router).await;
    assert_eq!(counts.sum("keyway_connections_refused_total", "slow"), 3);
    serves(&mut product, before).await;
}

#[tokio::test]
async fn what_is_not_spoken_here_is_closed_and_named_in_the_log() {
    let mut product = Setup::new().start().await;
    let before = residents(&mut product);
    // The router has an edge for HTTP/1.
    let (both, vault) = (&[Part::Vault, Part::Router][..], &[Part::Vault][..]);
    for (said, words, by) in [
        (
            &b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"[..],
            "an HTTP/1 request",
            vault,
        ),
        (
            &[0x16, 3, 1, 2, 0, 1][..],
            "a TLS handshake on a port of plain text",
            both,
        ),
        (&[0; 64][..], "unknown bytes", both),
    ] {
        for door in doors(&product) {
            let mut raw = Raw::connect(door).await;
            // It may be closed before all is sent.
            drop(raw.send(said).await);
            raw.closed().await;
        }
        for part in by {
            let told = async || product.log(*part).contains(words).then_some(());
            wait_for(words, told).await;
        }
    }
    serves(&mut product, before).await;
}

#[tokio::test]
async fn a_port_of_tls_bears_malformed_handshakes_alerts_and_plain_text() {
    let started = Pair::new().start().await;
    let data = started.data;
    let mut product = started.product;
    let before = residents(&mut product);
    let hello = client_hello();
    let mut cases: Vec<Vec<u8>> = (0..hello.len())
        .map(|place| {
            let mut broken = hello.clone();
            broken[place] ^= 0x5a;
            broken
        })
        .collect();
    cases.push(b"GET / HTTP/1.1\r\n\r\n".to_vec());
    cases.push(PREFACE.to_vec());
    cases.push(vec![0x15, 3, 3, 0, 2, 2, 40]); // a fatal alert
    cases.push(vec![0x16, 3, 3, 0xff, 0xff]); // a record longer than any
    cases.push(vec![0; 70_000]);
    for case in &cases {
        let mut tcp = TcpStream::connect(data).await.expect("a connection");
        // It may be refused before all is sent.
        drop(tcp.write_all(case).await);
        drop(tcp.shutdown().await);
        let mut sink = Vec::new();
        let read = tokio::time::timeout(BOUND, tcp.read_to_end(&mut sink)).await;
        drop(read.expect("it is closed"));
    }
    let told = "perhaps plain text on a port of TLS";
    assert!(product.log(Part::Vault).contains(told));
    serves(&mut product, before).await;
}

/// The first message of a TLS client.
fn client_hello() -> Vec<u8> {
    let authority = crate::harness::pki::Authority::new();
    let config = crate::harness::pki::config(&authority, None);
    let name = "localhost".try_into().expect("a name");
    let mut client = rustls::ClientConnection::new(config, name).expect("a client");
    let mut hello = Vec::new();
    client.write_tls(&mut hello).expect("a hello");
    hello
}

#[tokio::test]
async fn a_crowd_of_silent_connections_keeps_nobody_from_the_door() {
    // More handshakes in flight than there may be connections: they take no place of a caller.
    let mut product = Setup::new()
        .with("KEYWAY_ROUTER__SERVER__MAX_HANDSHAKES", "64")
        .with("KEYWAY_ROUTER__SERVER__MAX_CONNECTIONS", "50")
        .start()
        .await;
    let before = residents(&mut product);
    let router = product.running.site.addresses.router;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(Raw::connect(router).await);
    }
    product.caller().chat_once(MODEL).await;
    let evicted = async || {
        let counts = product.counts(Part::Router).await;
        (counts.sum("keyway_connections_refused_total", "gave_way") >= 200).then_some(())
    };
    wait_for("evictions", evicted).await;
    drop(silent);

    // As many real ones as there may be; the next is closed, and one that ends makes room.
    let (mut open, mut tried) = (Vec::new(), 0);
    let full = async || {
        let counts = product.counts(Part::Router).await;
        (counts.sum("keyway_connections_refused_total", "full") > 0).then_some(())
    };
    // On a busy machine some of them give way to the others before they have said anything.
    while full().await.is_none() {
        tried += 20;
        assert!(tried < 2000, "no refusal of {} connections", open.len());
        for _ in 0..20 {
            open.extend(Raw::try_http2(router).await.ok());
        }
    }
    drop(open);
    let caller = product.caller();
    let again = async || caller.chat(crate::harness::ask(MODEL)).await.ok();
    wait_for("room", again).await;
    serves(&mut product, before).await;
}

/// Reads until this stream has its answer; the frame that ends it.
async fn answered(raw: &mut Raw, stream: u32) -> Option<Frame> {
    loop {
        let frame = raw.next().await?;
        if frame.kind == GOAWAY || frame.stream == stream && [HEADERS, RESET].contains(&frame.kind)
        {
            return Some(frame);
        }
    }
}

#[tokio::test]
async fn ten_thousand_headers_are_refused() {
    let mut product = Setup::new().start().await;
    let before = residents(&mut product);
    let names: Vec<String> = (0..10_000).map(|number| format!("x-{number}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    for door in doors(&product) {
        let mut raw = Raw::http2(door).await;
        // It may be refused before all is sent.
        drop(raw.send(&call(1, CHAT, &many, END_STREAM)).await);
        let frame = answered(&mut raw, 1).await;
        // 431 with its answer (:status as a literal), or the connection ends; never a 200.
        if let Some(frame) = frame.filter(|frame| frame.kind == HEADERS) {
            assert_ne!(frame.payload.first(), Some(&0x88), "{frame:?}");
        }
    }
    serves(&mut product, before).await;
}

#[tokio::test]
async fn a_message_of_100_megabytes_is_refused_at_its_first_bytes() {
    let mut product = Setup::new().start().await;
    let before = residents(&mut product);
    let token = format!("Bearer {}", product.running.access.admin_token.expose());
    let vault = product.running.site.addresses.vault;
    let mut raw = Raw::http2(vault).await;
    let bearer = [("authorization", token.as_str())];
    raw.send(&call(1, PUT_KEY, &bearer, 0)).await.expect("sent");
    let mut message = vec![0];
    message.extend(100_000_000_u32.to_be_bytes());
    message.resize(16_384, b'x');
    raw.send(&frame(DATA, 0, 1, &message)).await.expect("sent");
    let answer = answered(&mut raw, 1).await.expect("an answer");
    let text = String::from_utf8_lossy(&answer.payload).into_owned();
    assert!(answer.kind == HEADERS && !text.is_empty());
    let refused = async || {
        let counts = product.counts(Part::Vault).await;
        (counts.sum("keyway_rpcs_total", "reason=\"FIELD_INVALID\"") == 1).then_some(())
    };
    wait_for("the refusal", refused).await;
    serves(&mut product, before).await;
}

#[tokio::test]
async fn ten_thousand_streams_of_one_connection_and_a_rapid_reset_leave_the_service_as_it_was() {
    let mut product = Setup::new().start().await;
    let before = residents(&mut product);
    let token = format!("Bearer {}", product.running.access.call_token.expose());
    let bearer = [("authorization", token.as_str())];
    let router = product.running.site.addresses.router;
    // Each waits for a message that does not come.
    let mut open = Raw::http2(router).await;
    let streams = (0..10_000_u32).map(|number| 2 * number + 1);
    for stream in streams.clone() {
        open.send(&call(stream, CHAT, &bearer, 0))
            .await
            .expect("sent");
    }
    serves(&mut product, before).await;
    drop(open);

    let mut reset = Raw::http2(router).await;
    let sent: io::Result<()> = async {
        for stream in streams {
            reset.send(&call(stream, CHAT, &bearer, 0)).await?;
            reset
                .send(&frame(RESET, 0, stream, &8_u32.to_be_bytes()))
                .await?;
        }
        Ok(())
    }
    .await;
    drop(sent); // the connection may be closed for it
    drop(reset);
    let idle = async || {
        let counts = product.counts(Part::Router).await;
        (counts.sum("keyway_connections", "listener=\"calls\"") < 50).then_some(())
    };
    wait_for("an end", idle).await;
    serves(&mut product, before).await;
}

#[tokio::test]
async fn a_connection_of_some_age_is_told_to_go_and_its_watch_comes_back() {
    let product = Setup::new()
        .with("KEYWAY_VAULT__SERVER__MAX_CONNECTION_AGE", "1s")
        .start()
        .await;
    let _logs = Logs(&product);
    let mut raw = Raw::http2(product.running.site.addresses.vault).await;
    let frame = raw.next().await.expect("a frame");
    assert_eq!(frame.kind, GOAWAY);
    raw.closed().await;
    // The feed is opened again and again, and keys resolve all the time.
    let watched = async || {
        let counts = product.counts(Part::Vault).await;
        (counts.sum("keyway_rpcs_total", "LeaseService/WatchChanges") >= 3).then_some(())
    };
    wait_for("watches", watched).await;
    let ready = keyway::ready::get(product.running.site.addresses.router_operations, "/readyz");
    assert_eq!(ready.await.expect("an answer").0, 200);
    product.caller().chat_once(MODEL).await;
}
