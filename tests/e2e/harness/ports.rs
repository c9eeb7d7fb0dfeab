//! Ports for tests that run at the same time, in this process and in others.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range from which the kernel gives ports to outgoing connections.
const FIRST: u16 = 10_000;
const COUNT: u16 = 20_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port that nobody listens on and that no other test of this process is given.
pub(super) fn free() -> u16 {
    // Test processes that run at the same time begin at different places.
    let start = u16::try_from(std::process::id() % u32::from(COUNT / 100)).unwrap_or(0) * 100;
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = FIRST + (start + step) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between {FIRST} and {}", FIRST + COUNT);
}
