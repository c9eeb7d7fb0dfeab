//! Kills at random under load, on both ledgers: whatever dies and whenever, what the providers were asked
//! on the platform's keys is on the bill once, at the provider's own count, and what nobody knows says so.
//!
//! The same seed makes the same calls and kills. `KEYWAY_CAMPAIGN_SEED`, `_ROUNDS`, `_CALLERS` and
//! `_CALLS` (of one caller in one round) choose another campaign.

mod books;
mod load;
mod seed;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use keyway::Part;
use keyway::ready::get;
use keyway_test_servers::Postgres;
use serde_json::json;
use tokio::sync::{OwnedRwLockWriteGuard, RwLock};
use tokio::time::{Instant, timeout};

use super::relay::{published, sums};
use crate::harness::{Broker, Logs, Product, VaultDatabase, wait_for};
use books::Books;
use load::{Caller, Kill, Victim};
use seed::Seed;

/// Longer than any call, its restarts and its sweep together.
const ROUND: Duration = Duration::from_mins(2);
const PROVIDERS: [&str; 5] = ["openai", "anthropic", "google", "mistral", "exa"];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_killed_at_any_moment_the_bill_on_sqlite_is_what_the_providers_counted() {
    let broker = Broker::start();
    let product = broker.setup().start().await;
    let world = World::new(product, broker, None);
    world.campaign("SQLite").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_killed_at_any_moment_the_bill_on_postgresql_is_what_the_providers_counted() {
    let broker = Broker::start();
    let server = Postgres::start().expect("PostgreSQL");
    let vault = VaultDatabase::migrated_on(&server, "campaign_vault").await;
    let ledger = VaultDatabase::ledger_on(&server, "campaign_router").await;
    let setup = broker
        .setup()
        .on(&vault)
        .ledger_on(&ledger)
        .with("KEYWAY_ROUTER__LEDGER__LEASE", "6s");
    let product = setup.start().await;
    let world = World::new(product, broker, Some(server));
    world.campaign("PostgreSQL").await;
}

/// Everything that runs.
struct World {
    product: Product,
    broker: Broker,
    /// Of vault and ledger, where they are not files.
    server: Option<Postgres>,
    /// Held while something is dead that calls need.
    up: Arc<RwLock<()>>,
}

/// The victims of one round, each with how many requests the providers see before it.
type Plan = Vec<(Victim, u64)>;

impl World {
    fn new(product: Product, broker: Broker, server: Option<Postgres>) -> Self {
        Self {
            product,
            broker,
            server,
            up: Arc::default(),
        }
    }

    async fn campaign(mut self, ledger: &str) {
        let number = chosen("SEED", 20_261_125);
        let (rounds, callers) = (chosen("ROUNDS", 15), chosen("CALLERS", 48));
        let calls = usize::try_from(chosen("CALLS", 3)).expect("a count");
        tell(&format!(
            "{ledger}: seed {number}, {rounds} rounds of {callers} callers with {calls} calls each"
        ));
        let mut seed = Seed(number);
        let mut callers = self.prepare(callers).await;
        let (mut books, mut killed) = (Books::default(), BTreeMap::new());
        for round in 1..=rounds {
            let began = Instant::now();
            // Two kills meet four fifths of the round's calls at most, so that each comes.
            let most = callers.len() * calls * 2 / 5;
            let plan = plan(&mut seed, self.server.is_some(), most);
            for (victim, _) in &plan {
                *killed.entry(*victim).or_insert(0) += 1;
            }
            let loads = callers
                .iter_mut()
                .map(|caller| caller.draw(&mut seed, calls));
            let calling: Vec<_> = loads.map(tokio::spawn).collect();
            let kills = timeout(ROUND, self.carry_out(&plan)).await;
            let kills = kills.expect("a round's kills in time");
            let _logs = Logs(&self.product);
            let mut made = Vec::new();
            for load in calling {
                let some = timeout(ROUND, load).await.expect("a round in time");
                made.extend(some.expect("no panic"));
            }
            books.close(&self.product, made, &kills).await;
            let took = began.elapsed();
            tell(&format!(
                "{ledger} round {round} {took:.1?} {plan:?}: {books}"
            ));
        }
        let _logs = Logs(&self.product);
        books.close_all(&self.product).await;
        assert!(rounds < 5 || books.swept > 0, "no kill met a call: {books}");
        let events = published(&self.product, &self.broker, 1).await;
        assert_eq!(self.broker.sums("campaign").await, sums(&events));
        tell(&format!(
            "{ledger}: kills {killed:?}; {books}; a consumer of the relay sums up the same"
        ));
    }

    /// Callers of a workspace without keys and of one that has a key of every provider, in turns.
    async fn prepare(&self, count: u64) -> Vec<Caller> {
        let product = &self.product;
        let slow = json!([
            {"match": {"stream": true}, "action": {"chunk_delay_ms": 40}},
            {"match": {"method": "POST"}, "action": {"delay_ms": 120}},
        ]);
        product.simulator().script(&slow).await;
        let tenant = product.tenant("campaign").await;
        for provider in PROVIDERS {
            let secret = format!("sk-keyway-test-campaign-{provider}-{}", load::OWN);
            let stored = tenant.admin.put_key(&tenant.name, provider, &secret).await;
            stored.unwrap_or_else(|status| panic!("{provider}: {status:?}"));
        }
        let tokens = [
            product.running.access.call_token.expose(),
            tenant.call_token.as_str(),
        ];
        let caller = |(number, token): (u64, &&str)| Caller {
            number,
            drawn: 0,
            speaker: product.speaker(token),
            up: Arc::clone(&self.up),
        };
        (0..count).zip(tokens.iter().cycle()).map(caller).collect()
    }

    /// Kills all of the plan, then starts what was killed again.
    async fn carry_out(&mut self, plan: &Plan) -> Vec<Kill> {
        let mut kills: Vec<Kill> = Vec::new();
        let mut down: Option<OwnedRwLockWriteGuard<()>> = None;
        for (victim, after) in plan {
            // Once something died that calls need, nobody may call any more.
            if down.is_none() {
                self.until_asked(*after).await;
            }
            if *victim != Victim::Nats && down.is_none() {
                down = Some(Arc::clone(&self.up).write_owned().await);
            }
            let since = kills.first().map_or_else(Instant::now, |kill| kill.since);
            self.kill(*victim).await;
            if matches!(victim, Victim::Router | Victim::Postgres) {
                kills.push(Kill {
                    victim: *victim,
                    since,
                    until: Instant::now(),
                });
            }
        }
        // A router is ready once its ledger and its vault are.
        for victim in [
            Victim::Postgres,
            Victim::Nats,
            Victim::Vault,
            Victim::Router,
        ] {
            if plan.iter().any(|(killed, _)| *killed == victim) {
                self.start(victim).await;
            }
        }
        self.until_ready().await;
        for kill in &mut kills {
            if kill.victim == Victim::Postgres {
                kill.until = Instant::now();
            }
        }
        kills
    }

    async fn until_asked(&self, more: u64) {
        let simulator = self.product.simulator();
        let before = simulator.last().await;
        let come = async || (simulator.last().await >= before + more).then_some(());
        wait_for("requests", come).await;
    }

    async fn until_ready(&self) {
        let address = self.product.running.site.addresses.router_operations;
        let ready = async || {
            let (status, _) = get(address, "/readyz").await.ok()?;
            (status == 200).then_some(())
        };
        wait_for("a router that is ready", ready).await;
    }

    async fn kill(&mut self, victim: Victim) {
        match victim {
            Victim::Router => self.product.kill(Part::Router).await,
            Victim::Vault => self.product.kill(Part::Vault).await,
            Victim::Nats => self.broker.server.crash().expect("killed"),
            Victim::Postgres => self.server().kill().expect("killed"),
        }
    }

    async fn start(&mut self, victim: Victim) {
        match victim {
            Victim::Router => self.product.start_again(Part::Router).await,
            Victim::Vault => self.product.start_again(Part::Vault).await,
            Victim::Nats => self.broker.server.restart().expect("started"),
            Victim::Postgres => self.server().restart().expect("started"),
        }
    }

    fn server(&self) -> &Postgres {
        self.server.as_ref().expect("PostgreSQL is in the plan")
    }
}

/// One or two victims, each after so many requests at most.
fn plan(seed: &mut Seed, postgres: bool, most: usize) -> Plan {
    let all = [
        Victim::Router,
        Victim::Vault,
        Victim::Nats,
        Victim::Postgres,
    ];
    let victims = if postgres { &all[..] } else { &all[..3] };
    let mut plan = Plan::new();
    for _ in 0..=seed.below(2) {
        let victim = victims[seed.below(victims.len())];
        let after = u64::try_from(1 + seed.below(most)).expect("a count");
        if plan.iter().all(|(other, _)| *other != victim) {
            plan.push((victim, after));
        }
    }
    plan
}

#[expect(
    clippy::disallowed_methods,
    reason = "an option of the tests, not of the product"
)]
fn chosen(name: &str, otherwise: u64) -> u64 {
    let value = std::env::var(format!("KEYWAY_CAMPAIGN_{name}"));
    value.map_or(otherwise, |value| value.parse().expect("a number"))
}

fn tell(text: &str) {
    let told = writeln!(std::io::stderr(), "{text}");
    drop(told);
}
