//! Streams whose callers leave at a random point after the first byte, and what is left of them:
//! nothing. Tasks, sockets (also at the provider) and memory come back to where they were.
//!
//! `KEYWAY_ABANDONED_STREAMS` is how many there are, 500 without it; `.ci/long abandon` takes 10 000.

use keyway::Part;
use keyway_proto::router::v1::StreamChatRequest;
use keyway_proto::router::v1::stream_chat_response::Event;
use keyway_proto::vault::v1::{OnDisconnect, Policy, WorkspaceServiceUpdateRequest};
use prost_types::FieldMask;
use serde_json::json;
use tokio::task::JoinSet;

use crate::harness::{DEMO, Logs, Product, Setup, Speaker, ask, resident, sockets, wait_for};

const MODEL: &str = "openai/gpt-5-mini";
/// Streams open at once.
const AT_ONCE: usize = 250;
/// Streams that one connection is used for. A client's HTTP/2 that meets frames of streams it has
/// left gives its connection up after 1024 of them.
const ON_ONE_CONNECTION: usize = 500;
/// Pieces of each answer.
const WORDS: usize = 40;
/// What the memory may have grown by: what an allocator keeps of a first wave, not a stream's.
const MARGIN: u64 = 48 << 20;

#[tokio::test]
async fn abandoned_streams_that_are_cancelled_leave_nothing_behind() {
    abandoned(OnDisconnect::Cancel).await;
}

#[tokio::test]
async fn abandoned_streams_that_are_read_on_leave_nothing_behind() {
    abandoned(OnDisconnect::Drain).await;
}

/// What is held at one moment.
#[derive(Debug, Clone, Copy)]
struct Held {
    calls: u64,
    sockets: usize,
    at_provider: (u64, u64),
    memory: u64,
}

async fn abandoned(policy: OnDisconnect) {
    let setup = Setup::new()
        .with("KEYWAY_ROUTER__LIMITS__WORKSPACE_CALLS", "1000")
        .with("KEYWAY_ROUTER__TIMEOUTS__POOLED", "200ms");
    let mut product = setup.start().await;
    let router = product.id(Part::Router);
    set_policy(&product, policy).await;
    let text = "word ".repeat(WORDS);
    let slowly = json!({"action": {"text": text, "chunk_delay_ms": 2}});
    product.simulator().script(&slowly).await;
    let product = &product;
    let _logs = Logs(product);
    // A call and a wave first: what is made once is there before anything is counted.
    product.caller().chat_once(MODEL).await;
    leave(product, AT_ONCE).await;
    let before = at_rest(product, router, None).await;
    let settled = settled(product).await;
    let count = count();
    leave(product, count).await;
    let after = at_rest(product, router, Some(before)).await;
    let told = format!("{count} streams, {policy:?}: before {before:?}, after {after:?}");
    tell(&told);
    assert_eq!(
        self::settled(product).await - settled,
        u64::try_from(count).expect("a count"),
        "each is settled once"
    );
    assert!(after.memory < before.memory + MARGIN, "{told}");
}

/// Begins so many streams, a part of them at once, and leaves each at a point of its own.
async fn leave(product: &Product, count: usize) {
    let mut caller = product.caller();
    let mut under_way = JoinSet::new();
    let mut points = Points(0x9e37_79b9_7f4a_7c15);
    for stream in 0..count {
        if stream % ON_ONE_CONNECTION == 0 {
            caller = product.caller();
        }
        if under_way.len() == AT_ONCE {
            under_way.join_next().await.expect("one").expect("it left");
        }
        under_way.spawn(leave_after(caller.clone(), points.next()));
    }
    while let Some(left) = under_way.join_next().await {
        left.expect("it left");
    }
}

/// One stream, left after so many pieces of the answer, the first one at least.
async fn leave_after(caller: Speaker, pieces: usize) {
    let request = StreamChatRequest {
        request: Some(ask(MODEL)),
    };
    let answer = caller.router.execution().stream_chat(request).await;
    let mut stream = answer.expect("a stream").into_inner();
    let mut seen = 0;
    while seen <= pieces {
        let message = stream.message().await.expect("no error");
        match message.expect("no end").event.expect("an event") {
            Event::Text(_) => seen += 1,
            Event::End(_) => return,
            _ => {}
        }
    }
}

/// Waits until nothing runs any more, and no more sockets are open than before.
async fn at_rest(product: &Product, router: u32, before: Option<Held>) -> Held {
    let quiet = async || {
        let held = held(product, router).await;
        let (connections, replies) = held.at_provider;
        let is_quiet = held.calls == 0
            && replies == 0
            && before.map_or(connections <= 2, |before| {
                held.sockets <= before.sockets && connections <= before.at_provider.0
            });
        is_quiet.then_some(held)
    };
    wait_for("everything to be over", quiet).await.0
}

async fn held(product: &Product, router: u32) -> Held {
    let counts = product.counts(Part::Router).await;
    Held {
        calls: counts.sum("keyway_router_calls_in_flight", ""),
        sockets: sockets(router),
        at_provider: product.simulator().open().await,
        memory: resident(router),
    }
}

/// Attempts that have ended, however.
async fn settled(product: &Product) -> u64 {
    let counts = product.counts(Part::Router).await;
    counts.sum("keyway_router_attempts_total", "")
}

/// The same points every time (xorshift).
struct Points(u64);

impl Points {
    fn next(&mut self) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % 30).unwrap_or_default()
    }
}

fn count() -> usize {
    #[expect(
        clippy::disallowed_methods,
        reason = "it is a test's own switch, no setting of a service"
    )]
    let asked = std::env::var("KEYWAY_ABANDONED_STREAMS").ok();
    asked.map_or(500, |text| text.parse().expect("a count"))
}

#[expect(clippy::print_stdout, reason = "the long run shows what was held")]
fn tell(line: &str) {
    println!("{line}");
}

async fn set_policy(product: &Product, policy: OnDisconnect) {
    let update = WorkspaceServiceUpdateRequest {
        name: DEMO.to_owned(),
        policy: Some(Policy {
            on_disconnect_hosted: policy.into(),
            ..Default::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["policy.on_disconnect_hosted".to_owned()],
        }),
        ..Default::default()
    };
    let updated = product.admin().vault.workspaces().update(update).await;
    updated.expect("the policy is set");
}
