//! Everything that callers and admins do, over and over: what the processes hold stops growing.
//!
//! `KEYWAY_SOAK_SECONDS` is how long, 12 without it; `.ci/long soak` takes half an hour.

use std::time::Duration;

use futures::future::join_all;
use keyway::Part;
use keyway_proto::router::v1::{EmbedRequest, StreamChatRequest};
use keyway_proto::vault::v1::{Role, TokenServiceCreateRequest, TokenServiceRevokeRequest};
use tokio::time::Instant;

use crate::harness::{Logs, Product, Setup, Speaker, Tenant, ask, resident, sockets, wait_for};

const WORKERS: usize = 6;
const HOSTED: &str = "anthropic/claude-haiku-4-5";
const OWN: &str = "openai/gpt-5-mini";
/// What memory may have grown by after the first third: caches that fill to their bound, not a
/// leak, which in half an hour would be more.
const MARGIN: u64 = 48 << 20;
/// What sockets may have grown by: the pools of connections keep as many as were in use at once,
/// one for each worker and provider at most, which no look at the first third may have seen. A
/// leak would be one for each round.
const POOLED: usize = 2 * WORKERS;

/// What one process holds at one moment.
#[derive(Debug, Clone, Copy)]
struct Held {
    memory: u64,
    sockets: usize,
}

impl Held {
    fn or_more(self, other: Self) -> Self {
        Self {
            memory: self.memory.max(other.memory),
            sockets: self.sockets.max(other.sockets),
        }
    }
}

#[tokio::test]
async fn what_the_processes_hold_stops_growing_whatever_is_asked_of_them() {
    let setup = Setup::new()
        .with("KEYWAY_ROUTER__LEASE__LONGEST", "2s")
        .with("KEYWAY_ROUTER__CALLERS__VERDICT", "2s")
        .with("KEYWAY_ROUTER__CALLERS__UNKNOWN_RATE", "10000")
        .with("KEYWAY_ROUTER__CALLERS__UNKNOWN_BURST", "10000");
    let mut product = setup.start().await;
    let processes = [Part::Router, Part::Vault].map(|part| product.id(part));
    let product = &product;
    let _logs = Logs(product);
    let seconds = seconds();
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut tenants = Vec::new();
    for worker in 0..WORKERS {
        tenants.push(product.tenant(&format!("soak-{worker}")).await);
    }
    let workers = tenants.iter().map(|tenant| work(product, tenant, end));
    // The first third: what is made once, and caches that fill.
    let warm = most_held(processes, Duration::from_secs(seconds / 3));
    let (rounds, before) = tokio::join!(join_all(workers), warm);
    let rounds: u64 = rounds.into_iter().sum();
    at_rest(product).await;
    let after = processes.map(held);
    tell(&format!(
        "{seconds} s, {rounds} rounds; router {:?} -> {:?}, vault {:?} -> {:?}",
        before[0], after[0], before[1], after[1]
    ));
    for (before, after) in before.iter().zip(&after) {
        assert!(
            after.memory < before.memory + MARGIN,
            "{before:?} -> {after:?}"
        );
        assert!(
            after.sockets <= before.sockets + POOLED,
            "{before:?} -> {after:?}"
        );
    }
}

/// Rounds until the end; how many.
async fn work(product: &Product, tenant: &Tenant, end: Instant) -> u64 {
    let mut round = 0;
    while Instant::now() < end {
        let secret = format!("sk-keyway-test-soak-{round:08}");
        let put = tenant.admin.put_key(&tenant.name, "openai", &secret).await;
        put.expect("a key");
        tenant.caller.chat(ask(HOSTED)).await.expect("a reply");
        // The new version may be on its way; the old one is as good.
        tenant.caller.chat(ask(OWN)).await.expect("a reply");
        leave_after_a_piece(&tenant.caller, OWN).await;
        tenant.caller.stream_chat(ask(HOSTED)).await;
        embed(&tenant.caller).await;
        token_that_ends(product, tenant).await;
        round += 1;
    }
    round
}

async fn leave_after_a_piece(caller: &Speaker, model: &str) {
    let request = StreamChatRequest {
        request: Some(ask(model)),
    };
    let answer = caller.router.execution().stream_chat(request).await;
    let mut stream = answer.expect("a stream").into_inner();
    drop(stream.message().await.expect("no error"));
}

async fn embed(caller: &Speaker) {
    let request = EmbedRequest {
        model: "openai/text-embedding-3-small".to_owned(),
        inputs: vec!["one".to_owned()],
        ..Default::default()
    };
    let answer = caller.router.execution().embed(request).await;
    answer.expect("a vector");
}

/// A call token of its own for one call; then it is revoked, and refused.
async fn token_that_ends(product: &Product, tenant: &Tenant) {
    let request = TokenServiceCreateRequest {
        workspace: tenant.name.clone(),
        role: Role::Caller.into(),
        ..Default::default()
    };
    let made = tenant.admin.vault.tokens().create(request).await;
    let made = made.expect("a token").into_inner();
    let caller = product.speaker(&made.secret);
    caller.chat(ask(HOSTED)).await.expect("a reply");
    let revoke = TokenServiceRevokeRequest {
        workspace: tenant.name.clone(),
        accessor: made.token.expect("a token").accessor,
        ..Default::default()
    };
    let revoked = tenant.admin.vault.tokens().revoke(revoke).await;
    revoked.expect("revoked");
    // One that never was.
    let unknown = product.speaker(&format!("{}x", made.secret));
    unknown.chat(ask(HOSTED)).await.expect_err("unknown");
}

async fn at_rest(product: &Product) {
    let quiet = async || {
        let counts = product.counts(Part::Router).await;
        let (_, replies) = product.simulator().open().await;
        let calls = counts.sum("keyway_router_calls_in_flight", "");
        (calls == 0 && replies == 0).then_some(())
    };
    wait_for("everything to be over", quiet).await;
}

/// The most that each was seen to hold: one look alone may meet the moment between two calls.
async fn most_held(processes: [u32; 2], time: Duration) -> [Held; 2] {
    let end = Instant::now() + time;
    let mut most = processes.map(held);
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(50)).await;
        for (most, process) in most.iter_mut().zip(processes) {
            *most = most.or_more(held(process));
        }
    }
    most
}

fn held(process: u32) -> Held {
    Held {
        memory: resident(process),
        sockets: sockets(process),
    }
}

fn seconds() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "it is a test's own switch, no setting of a service"
    )]
    let asked = std::env::var("KEYWAY_SOAK_SECONDS").ok();
    asked.map_or(12, |text| text.parse().expect("seconds"))
}

#[expect(clippy::print_stdout, reason = "the long run shows what was held")]
fn tell(line: &str) {
    println!("{line}");
}
