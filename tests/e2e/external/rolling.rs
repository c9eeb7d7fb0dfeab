//! Everything is restarted under load, one after the other: both routers, both vaults, NATS and
//! PostgreSQL. Clients that go to the other router where one is unavailable before the first byte
//! see no call fail; what outlasts the drain is told so; no event is lost; a key that was deleted
//! while its router heard of no vault is not used past the bound.

mod clients;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use keyway::Part;
use keyway_proto::Reason;
use keyway_proto::billing::v1::{Basis, UsageEvent};
use keyway_test_servers::Postgres;
use serde_json::{Value, json};

use super::relay::{all_events, published, sums};
use crate::harness::{
    Broker, Logs, Product, Replica, SecondRouter, Tenant, VaultDatabase, ask, reason, wait_for,
};
use clients::{Client, Made, long_stream};

const STALE_BOUND: Duration = Duration::from_secs(6);
/// From the check of the lease to the request at the provider, on a busy machine.
const ON_ITS_WAY: Duration = Duration::from_secs(2);
const CLIENTS: usize = 6;

struct Site {
    product: Product,
    router: SecondRouter,
    vault: Replica,
    server: Postgres,
    broker: Broker,
}

#[tokio::test]
async fn a_rolling_restart_of_everything_under_load_fails_no_call_and_loses_no_event() {
    let mut site = start().await;
    let tenant = site.product.tenant("rolling").await;
    let secret = "sk-keyway-test-rolling-0001";
    tenant
        .admin
        .put_key(&tenant.name, "openai", secret)
        .await
        .unwrap();
    slowly(&site.product).await;
    let over = Arc::new(AtomicBool::new(false));
    let clients = clients(&site, &tenant);
    let load = clients
        .into_iter()
        .map(|client| client.run(Arc::clone(&over)));
    let load = tokio::spawn(join_all(load));
    let long = tokio::spawn(long_stream(site.product.caller()));
    site.product.simulator().until_held("for-ever", 1).await;

    site.product.terminate(Part::Router);
    assert_eq!(site.product.exit_code(Part::Router).await, Some(0));
    site.product.start_again(Part::Router).await;
    assert!(site.router.stop().await);
    site.router.start_again().await;
    let deleted = restart_first_vault(&mut site, &tenant).await;
    assert!(site.vault.stop().await);
    site.vault.start_again().await;
    site.broker.server.crash().unwrap();
    site.broker.server.restart().unwrap();
    site.server.crash().unwrap();
    site.server.restart().unwrap();
    served_by_both(&site).await;
    over.store(true, Ordering::Relaxed);

    let _logs = Logs(&site.product);
    let made: Vec<Made> = load.await.unwrap().into_iter().flatten().collect();
    let long = long.await.unwrap();
    assert_eq!(reason(&long.1), Some(Reason::Draining), "{:?}", long.1);
    until_all_have_events(&site.product, &made).await;
    let least = made.len() + 1;
    let events = published(&site.product, &site.broker, least).await;
    billed_once(&events, &made);
    let of_long = events.iter().filter(|event| event.call_id == long.0);
    let bases: Vec<Basis> = of_long.map(UsageEvent::basis).collect();
    assert_eq!(bases, [Basis::Partial]);
    every_request_is_on_the_bill(&site.product, &events).await;
    assert_eq!(site.broker.sums("rolling").await, sums(&events));
    used_until(&site.product, "0001", deleted + STALE_BOUND + ON_ITS_WAY).await;
}

/// Two vaults, two routers, each router with a vault of its own, one PostgreSQL, one NATS.
async fn start() -> Site {
    let broker = Broker::start();
    let server = Postgres::start().expect("PostgreSQL");
    let vault = VaultDatabase::migrated_on(&server, "rolling_vault").await;
    let ledger = VaultDatabase::ledger_on(&server, "rolling_router").await;
    let ledger = [
        ("KEYWAY_ROUTER__LEDGER__PATH", ""),
        ("KEYWAY_ROUTER__LEDGER__URL", ledger.url.as_str()),
    ];
    let setup = ledger
        .iter()
        .fold(broker.setup().on(&vault), |setup, (name, value)| {
            setup.with(name, value)
        });
    let bound = format!("{}s", STALE_BOUND.as_secs());
    let product = setup
        .with("KEYWAY_ROUTER__SERVER__DRAIN", "3s")
        .with("KEYWAY_VAULT__SERVER__DRAIN", "3s")
        .with("KEYWAY_VAULT__FEED__BOOKMARK", "500ms")
        .with("KEYWAY_ROUTER__FEED__DEAD_AFTER", "2s")
        .with("KEYWAY_ROUTER__LEASE__STALE_BOUND", &bound)
        .start()
        .await;
    let vault = product.replica().await;
    let endpoint = format!("http://{}", vault.data);
    let own = [
        ledger[0],
        ledger[1],
        ("KEYWAY_ROUTER__VAULT__ENDPOINT", &endpoint),
    ];
    let router = product.second_router(&own).await;
    Site {
        product,
        router,
        vault,
        server,
        broker,
    }
}

/// Streams take half a second, one that is asked for ever does not end.
async fn slowly(product: &Product) {
    let rules = json!([
        {"match": {"body_contains": clients::FOR_EVER}, "action": {"stall_after_chunks": 2, "stall_hold": "for-ever"}},
        {"match": {"stream": true}, "action": {"chunk_delay_ms": 30}},
        {"match": {"method": "POST"}, "action": {"delay_ms": 50}},
    ]);
    product.simulator().script(&rules).await;
}

fn clients(site: &Site, tenant: &Tenant) -> Vec<Client> {
    let product = &site.product;
    let hosted = product.running.access.call_token.expose();
    (0..CLIENTS)
        .map(|number| {
            let token = if number % 2 == 0 {
                hosted
            } else {
                &tenant.call_token
            };
            Client::new(number, [product.speaker(token), site.router.speaker(token)])
        })
        .collect()
}

/// Restarts the first vault; while it is away the own key is deleted at the other, and the first
/// router, which hears of neither, comes to its bound. When it was
/// deleted, as time since 1970.
async fn restart_first_vault(site: &mut Site, tenant: &Tenant) -> Duration {
    site.product.terminate(Part::Vault);
    assert_eq!(site.product.exit_code(Part::Vault).await, Some(0));
    let admin = site.vault.speaker(&site.product, &tenant.token);
    let key = format!("{}/keys/openai/default", tenant.name);
    admin.delete_key(&key).await.unwrap();
    let deleted = now();
    let caller = site.product.speaker(&tenant.call_token);
    let refused = async || {
        let refusal = caller.chat(ask(clients::OWN)).await.err()?;
        (reason(&refusal) == Some(Reason::VaultUnavailable)).then_some(())
    };
    wait_for("the bound of what is cached", refused).await;
    site.product.start_again(Part::Vault).await;
    deleted
}

async fn served_by_both(site: &Site) {
    let token = site.product.running.access.call_token.expose();
    for caller in [site.product.speaker(token), site.router.speaker(token)] {
        let served = async || caller.chat(ask(clients::HOSTED)).await.ok();
        wait_for("a call at each router", served).await;
    }
}

/// Events of calls that were refused count too, so their number does not tell that of each answered call
/// has come: on an own key it is settled after the answer.
async fn until_all_have_events(product: &Product, made: &[Made]) {
    let come = async || {
        let events = all_events(product).await;
        let with: HashSet<_> = events.iter().map(|event| &event.call_id).collect();
        made.iter()
            .all(|call| with.contains(&call.call_id))
            .then_some(())
    };
    wait_for("an event of each answered call", come).await;
}

/// Every call that was answered has one event with the provider's counts, under its id.
fn billed_once(events: &[UsageEvent], made: &[Made]) {
    for call in made {
        let of_call = events.iter().filter(|event| event.call_id == call.call_id);
        let reported = of_call.filter(|event| event.basis() == Basis::ProviderReported);
        assert_eq!(reported.count(), 1, "{call:?}");
    }
    let mut ids: Vec<_> = events.iter().map(|event| &event.event_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), events.len(), "an event came twice");
}

/// What left for a provider is an attempt on the stream, and no more of them.
async fn every_request_is_on_the_bill(product: &Product, events: &[UsageEvent]) {
    let journal = product.simulator().journal().await;
    let asked = journal
        .iter()
        .filter(|sent| sent["method"] == "POST")
        .count();
    let left = events
        .iter()
        .filter(|event| event.r#type == "keyway.usage.v1" && event.basis() != Basis::None);
    assert_eq!(left.count(), asked);
}

/// No request with this key came later.
async fn used_until(product: &Product, last4: &str, latest: Duration) {
    let journal = product.simulator().journal().await;
    let with_it = journal
        .iter()
        .filter(|sent| sent["credential"]["last4"] == last4);
    let times: Vec<u64> = with_it.map(time).collect();
    assert!(!times.is_empty());
    let last = times.into_iter().max().map(Duration::from_micros);
    assert!(last < Some(latest), "{last:?} is after {latest:?}");
}

fn time(sent: &Value) -> u64 {
    sent["time_us"].as_u64().expect("a time")
}

/// Since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the simulator's journal goes by it; nothing else ties the two together"
)]
fn now() -> Duration {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("a clock after 1970")
}
