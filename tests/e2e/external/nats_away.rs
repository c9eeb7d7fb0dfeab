//! NATS is gone while calls go on: what waits for it lies in the ledger and not in memory, and goes out by
//! itself, each event once and in its order. `KEYWAY_NATS_AWAY_EVENTS` says how many wait.

use keyway::Part;
use keyway::ready::get;

use super::relay::{all_events, calls, published, value};
use crate::harness::{Broker, Logs, Product, resident, wait_for};

/// Events before memory is measured, so that what every router comes to hold is there.
const BEFORE: u32 = 400;
/// Far more than a router needs that keeps none of them in memory, bytes.
const GROWN: u64 = 64 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn while_nats_is_gone_calls_are_served_and_what_waits_goes_out_by_itself_in_bounded_memory() {
    let broker = Broker::start();
    let mut product = broker.setup().start().await;
    product.caller().chat_once("openai/gpt-5-mini").await;
    published(&product, &broker, 1).await;
    broker.server.crash().expect("killed");
    let (router, waiting) = (product.id(Part::Router), waiting());
    let _logs = Logs(&product);
    calls(&product, BEFORE).await;
    let before = resident(router);
    calls(&product, waiting).await;
    let told = async || {
        let metrics = product.metrics(Part::Router).await;
        let degraded = metrics.contains("keyway_degraded{what=\"relay\"} 1");
        let waits = value(&metrics, "keyway_router_relay_waiting_events");
        (degraded && waits >= f64::from(waiting)).then_some(())
    };
    wait_for("the router says so", told).await;
    not_grown(router, before, waiting);
    let address = product.running.site.addresses.router_operations;
    let (status, body) = get(address, "/readyz").await.expect("an answer");
    assert_eq!(status, 200, "calls need no NATS: {body}");
    assert!(body.contains(r#""degraded":["relay"]"#), "{body}");

    broker.server.restart().expect("started");
    gone_out(&product).await;
    let mended = async || {
        let (_, body) = get(address, "/readyz").await.ok()?;
        (!body.contains("degraded")).then_some(())
    };
    wait_for("the router says so", mended).await;
    not_grown(router, before, waiting);
    let events = all_events(&product).await;
    let least = usize::try_from(BEFORE + waiting).expect("a count");
    assert!(events.len() > least, "{} events", events.len());
    let stored = broker.stored().await.into_iter();
    let ids: Vec<_> = stored.map(|stored| stored.id).collect();
    let wanted: Vec<_> = events.into_iter().map(|event| event.event_id).collect();
    assert!(ids == wanted, "{} stored, {} told", ids.len(), wanted.len());
}

fn not_grown(router: u32, before: u64, waiting: u32) {
    let grown = resident(router).saturating_sub(before);
    assert!(
        grown < GROWN,
        "{grown} bytes for {waiting} events that wait"
    );
}

/// Waits until nothing waits any more, as long as it becomes less.
async fn gone_out(product: &Product) {
    let mut left = f64::INFINITY;
    while left > 0.0 {
        let fewer = async || {
            let metrics = product.metrics(Part::Router).await;
            let now = value(&metrics, "keyway_router_relay_waiting_events");
            (now < left).then_some(now)
        };
        left = wait_for("fewer events that wait", fewer).await.0;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an option of the tests, not of the product"
)]
fn waiting() -> u32 {
    let chosen = std::env::var("KEYWAY_NATS_AWAY_EVENTS");
    chosen.map_or(2_000, |value| value.parse().expect("a number"))
}
