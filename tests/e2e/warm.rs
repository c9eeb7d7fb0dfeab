//! A warm call asks the vault nothing: no keys are resolved again, and the vault's database sees
//! the feed's read of its revision row, the renewals of verdicts, what the vault looks at by the clock,
//! and nothing else.

use futures::future::join_all;
use keyway::Part;
use keyway_proto::billing::v1::Source;
use tokio::time::Instant;

use crate::harness::{Counts, DEMO, Logs, Product, Setup, ask};

const MODEL: &str = "openai/gpt-5-mini";
const CALLERS: usize = 8;
const CALLS_EACH: usize = 125;

#[tokio::test]
async fn a_thousand_warm_calls_cost_the_vault_nothing() {
    // The vault's own looks at its audit trail are no part of a call.
    let setup = Setup::new()
        .with("KEYWAY_VAULT__AUDIT__CHECK_INTERVAL", "1h")
        .with("KEYWAY_VAULT__AUDIT__CHECKPOINT_INTERVAL", "1h");
    let product = setup.start().await;
    let _logs = Logs(&product);
    let admin = product.admin();
    let secret = "sk-keyway-test-warm-0001";
    admin.put_key(DEMO, "openai", secret).await.unwrap();
    product.until_served_by(MODEL, Source::Own).await;
    let sent = product.simulator().journal().await.len();

    let before = Seen::before(&product).await;
    let callers = (0..CALLERS).map(async |_| {
        let caller = product.caller();
        for _ in 0..CALLS_EACH {
            let (attempt, _) = caller.chat_once(MODEL).await;
            assert_eq!(attempt.source(), Source::Own);
        }
    });
    join_all(callers).await;
    let after = Seen::after(&product).await;

    assert_eq!(more_than_warm(&before, &after), Vec::<String>::new());
    let journal = product.simulator().journal().await;
    assert_eq!(journal.len() - sent, CALLERS * CALLS_EACH);
    let polls = after.vault.sum(STATEMENTS, FEED) - before.vault.sum(STATEMENTS, FEED);
    assert!(polls > 0, "the statements are counted at all");
}

#[tokio::test]
async fn the_same_look_sees_a_cold_call() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    product.caller().chat_once(MODEL).await;
    let cold = product.tenant("cold").await;

    let before = Seen::before(&product).await;
    let answer = cold.caller.chat(ask(MODEL)).await.unwrap();
    assert!(answer.receipt.is_some());
    let after = Seen::after(&product).await;

    let found = more_than_warm(&before, &after).join("\n");
    for sign in ["ResolveKeys", "select key_pools", "insert audit_rows"] {
        assert!(found.contains(sign), "{sign} is not in {found}");
    }
}

const STATEMENTS: &str = "keyway_vault_statements_total";
const FEED: &str = "kind=\"select feed\"";
/// What the renewal of one verdict reads, each once at most.
const RENEWAL: [&str; 3] = ["select tokens", "select workspaces", "select members"];
/// Seconds after which a used verdict is renewed.
const RENEW_AFTER: u64 = 30;
/// What the vault reads by the clock, whoever calls: jobs that are open, keys to check, workspaces
/// whose delay is over. Every five seconds or less often, each twice at most.
const BY_THE_CLOCK: [&str; 3] = [
    "select seal_jobs",
    "select master_keys",
    "select workspaces",
];
/// Seconds between two such looks.
const TICK: u64 = 5;

/// What both services have counted, and when.
struct Seen {
    vault: Counts,
    router: Counts,
    at: Instant,
}

impl Seen {
    // The router counts an RPC before the vault does anything for it. It is read first at the start
    // and last at the end, so that no renewal's statements are seen without the renewal.
    async fn before(product: &Product) -> Self {
        let router = product.counts(Part::Router).await;
        let vault = product.counts(Part::Vault).await;
        let at = Instant::now();
        Self { vault, router, at }
    }

    async fn after(product: &Product) -> Self {
        let vault = product.counts(Part::Vault).await;
        let router = product.counts(Part::Router).await;
        let at = Instant::now();
        Self { vault, router, at }
    }

    fn asked(&self, rpc: &str) -> u64 {
        let label = format!("rpc=\"{rpc}\"");
        self.router.sum("keyway_router_vault_rpcs_total", &label)
    }

    fn answered(&self, rpc: &str) -> u64 {
        self.vault.sum("keyway_rpcs_total", rpc)
    }
}

/// Everything between two looks that a warm call may not cause.
fn more_than_warm(before: &Seen, after: &Seen) -> Vec<String> {
    let mut found = Vec::new();
    let asked = after.asked("ResolveKeys") - before.asked("ResolveKeys");
    let answered = after.answered("ResolveKeys") - before.answered("ResolveKeys");
    if asked + answered > 0 {
        found.push(format!("ResolveKeys: {asked} asked, {answered} answered"));
    }
    let renewals = after.asked("VerifyCaller") - before.asked("VerifyCaller");
    let seconds = (after.at - before.at).as_secs();
    let due = seconds / RENEW_AFTER + 1;
    let looks = 2 * (seconds / TICK + 1);
    if renewals > due {
        found.push(format!("{renewals} renewals where {due} are due"));
    }
    for (series, times) in after.vault.grown(&before.vault, STATEMENTS) {
        let is_one_of = |kinds: &[&str]| kinds.iter().any(|kind| series.contains(kind));
        let of_renewal = if is_one_of(&RENEWAL) { renewals } else { 0 };
        let by_the_clock = if is_one_of(&BY_THE_CLOCK) { looks } else { 0 };
        if !series.contains(FEED) && times > of_renewal + by_the_clock {
            found.push(format!("{times} × {series}"));
        }
    }
    found
}
