//! What a caller sees on its own connection while others send everything that is refused: smuggled
//! requests, endless heads, bodies that never come, all of the corpus over and over.

use std::net::SocketAddr;
use std::time::Duration;

use futures::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::dead_key::{RUN, paced};
use super::print;
use crate::harness::Product;

#[path = "../edges/hygiene/corpus.rs"]
#[expect(dead_code, reason = "what a sequence may see is the tests' business")]
mod corpus;

/// 50 calls per second.
const PACE: Duration = Duration::from_millis(20);
/// A sequence that waits is left after so long, and comes again.
const PATIENCE: Duration = Duration::from_secs(1);

pub(crate) async fn measure(product: &Product) {
    let caller = product.caller();
    let router = product.running.site.addresses.router;
    let token = product.running.access.call_token.expose();
    let alone = paced(&caller, PACE).await;
    let (beside, sent) = tokio::join!(paced(&caller, PACE), hostile(router, token));
    assert_eq!((alone.failed, beside.failed), (0, 0), "others did this");
    println!("hostile sequences sent beside 50 calls/s: {sent}");
    print::line(
        "50 calls/s on the platform's key, nothing beside",
        alone.taken,
    );
    print::line(
        "the same beside all raw sequences, over and over",
        beside.taken,
    );
}

/// Sends all sequences at once, again and again; how many.
async fn hostile(router: SocketAddr, token: &str) -> usize {
    let (begun, corpus) = (Instant::now(), corpus::corpus(token));
    let mut sent = 0;
    while begun.elapsed() < RUN {
        join_all(corpus.iter().map(|raw| speak(router, &raw.bytes))).await;
        sent += corpus.len();
    }
    sent
}

async fn speak(router: SocketAddr, bytes: &[u8]) {
    let talk = async {
        let mut stream = TcpStream::connect(router).await?;
        let (mut from, mut to) = stream.split();
        let mut read = Vec::new();
        let (_written, listened) = tokio::join!(to.write_all(bytes), from.read_to_end(&mut read));
        listened
    };
    // Refused in whichever way, or left.
    drop(timeout(PATIENCE, talk).await);
}
