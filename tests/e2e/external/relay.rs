//! The billing stream on a real NATS server: in order, exactly once in every sum whatever is killed,
//! and in no call's way while NATS is slow or gone.

use std::collections::{BTreeMap, HashSet};

use futures::future::join_all;
use keyway::Part;
use keyway_proto::billing::v1::{
    StreamUsageOpen, StreamUsageRequest, UsageEvent, stream_usage_request,
};
use serde_json::{Value, json};

use crate::harness::{Broker, DEMO, Logs, Product, Way, ask, wait_for};

const MODEL: &str = "openai/gpt-5-mini";

#[tokio::test]
async fn what_the_ledger_holds_is_on_the_stream_in_its_order_and_sums_to_the_same() {
    let broker = Broker::start();
    let product = broker.setup().start().await;
    let _logs = Logs(&product);
    let secret = "sk-keyway-test-relay-0001";
    let admin = product.admin();
    admin.put_key(DEMO, "anthropic", secret).await.unwrap();
    for _ in 0..10 {
        product.caller().chat_once(MODEL).await;
        let own = "anthropic/claude-haiku-4-5";
        product.caller().chat(ask(own)).await.unwrap();
    }
    let events = published(&product, &broker, 20).await;
    let stored = broker.stored().await;
    let ids: Vec<_> = stored.iter().map(|message| message.id.clone()).collect();
    let wanted: Vec<_> = events.iter().map(|event| event.event_id.clone()).collect();
    assert_eq!(ids, wanted);
    for (message, event) in stored.iter().zip(&events) {
        let (body, data) = (&message.body, &message.body["data"]);
        assert_eq!(body["id"], event.event_id.as_str());
        assert_eq!(body["type"], event.r#type.as_str());
        assert_eq!(data["callId"].as_str().unwrap_or_default(), event.call_id);
        assert_eq!(data["chargeUsd"].as_str(), event.charge_usd.as_deref());
    }
    let demo = stored
        .iter()
        .filter(|message| message.body["subject"] == DEMO);
    assert!(demo.clone().count() >= 20);
    for message in demo {
        assert_eq!(message.subject, "keyway.usage.v1.workspaces.demo");
    }
    assert_eq!(broker.sums("sums").await, sums(&events));
    let metrics = product.metrics(Part::Router).await;
    for line in [
        "keyway_router_relay_leads 1",
        "keyway_router_relay_waiting_events 0",
        "keyway_degraded{what=\"relay\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
}

#[tokio::test]
async fn sums_stay_exact_while_router_nats_and_consumer_are_killed_at_any_moment() {
    let broker = Broker::start();
    let mut product = broker.setup().start().await;
    for round in 0..4 {
        let callers: Vec<_> = (0..4).map(|_| product.caller()).collect();
        let calling = tokio::spawn(async move {
            let calls = callers.iter().map(async |caller| {
                for _ in 0..10 {
                    // What fails at a kill is not counted here but in the ledger.
                    drop(caller.chat(ask(MODEL)).await);
                }
            });
            join_all(calls).await;
        });
        let before = broker.count().await;
        let some = async || (broker.count().await > before + 5).then_some(());
        wait_for("some events", some).await;
        let mut consumer = broker.consumer("sums");
        if round % 2 == 0 {
            product.kill(Part::Router).await;
            consumer.kill().await.unwrap();
            broker.server.crash().unwrap();
            broker.server.restart().unwrap();
            product.start_again(Part::Router).await;
        } else {
            broker.server.crash().unwrap();
            consumer.kill().await.unwrap();
            product.kill(Part::Router).await;
            product.start_again(Part::Router).await;
            broker.server.restart().unwrap();
        }
        calling.await.unwrap();
    }
    let _logs = Logs(&product);
    let events = published(&product, &broker, 40).await;
    let mut seen = HashSet::new();
    let stored = broker.stored().await.into_iter();
    let first: Vec<_> = stored
        .map(|message| message.id)
        .filter(|id| seen.insert(id.clone()))
        .collect();
    let wanted: Vec<_> = events.iter().map(|event| event.event_id.clone()).collect();
    assert_eq!(first, wanted, "each once at least, and first in order");
    assert_eq!(broker.sums("sums").await, sums(&events));
}

#[tokio::test]
async fn a_nats_that_says_nothing_slows_no_call_and_is_left_behind() {
    let broker = Broker::start();
    let way = Way::to(broker.server.address()).await;
    let url = format!("nats://{}", way.address());
    let product = broker.setup_by(&url).start().await;
    let _logs = Logs(&product);
    product.caller().chat_once(MODEL).await;
    published(&product, &broker, 1).await;
    for _round in 0..2 {
        way.swallow();
        calls(&product, 104).await;
        let silent = async || {
            let metrics = product.metrics(Part::Router).await;
            metrics
                .contains("keyway_degraded{what=\"relay\"} 1")
                .then_some(())
        };
        wait_for("the router notices", silent).await;
        way.mend();
        published(&product, &broker, 105).await;
    }
    assert_eq!(broker.sums("sums").await, sums(&all_events(&product).await));
}

#[tokio::test]
async fn three_replays_change_no_sum_and_an_id_that_comes_with_another_body_is_found_by_all() {
    let broker = Broker::start();
    let setup = broker.setup();
    let product = setup
        .with("KEYWAY_ROUTER__RELAY__DEDUPLICATE", "1s")
        .start()
        .await;
    let _logs = Logs(&product);
    calls(&product, 40).await;
    let events = published(&product, &broker, 40).await;
    let right = broker.sums("sums").await;
    assert_eq!(right, sums(&events));
    let whole = ["--from", "2020-01-01", "--to", "2100-01-01"];
    for round in 1..=3 {
        // Until the server has forgotten the ids, so that all of it comes again.
        let again = async || {
            let before = broker.count().await;
            let (code, said) = command(&product, "replay", &whole).await;
            assert_eq!(code, 0, "{said}");
            let come = broker.count().await - before;
            (come == u64::try_from(events.len()).ok()?).then_some(())
        };
        wait_for("a replay that the server takes", again).await;
        assert_eq!(broker.sums("sums").await, right, "round {round}");
    }
    assert_eq!(broker.sums("new").await, right);
    let (code, said) = command(&product, "reconcile", &whole).await;
    assert_eq!(code, 0, "{said}");

    let (event, stored) = (&events[events.len() - 1], broker.stored().await);
    let stored = stored.iter().find(|stored| stored.id == event.event_id);
    let mut other = stored.expect("it is there").clone();
    other.body["data"]["chargeUsd"] = json!("99.000000000000");
    let taken = async || {
        let known = broker.publish(&other.subject, &other.id, &other.body).await;
        (!known).then_some(())
    };
    wait_for("an id that the server forgot", taken).await;
    let (code, said) = command(&product, "replay", &whole).await;
    assert_eq!(code, 3, "{said}");
    assert!(said.contains(&event.event_id), "{said}");
    let (code, said) = command(&product, "reconcile", &whole).await;
    assert_eq!(code, 3, "{said}");
    let refused = broker.consume("sums").await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(3), "{said}");
    assert!(said.contains(&event.event_id), "{said}");
}

#[tokio::test]
async fn a_reconciliation_names_the_day_and_key_in_which_the_stream_or_a_report_differs() {
    let broker = Broker::start();
    let setup = broker.setup();
    let product = setup
        .with("KEYWAY_ROUTER__RELAY__DEDUPLICATE", "1s")
        .start()
        .await;
    let _logs = Logs(&product);
    calls(&product, 16).await;
    let events = published(&product, &broker, 16).await;
    let whole = ["--from", "2020-01-01", "--to", "2100-01-01"];
    let (code, said) = command(&product, "reconcile", &whole).await;
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("\tok\n") && !said.contains("DIFFERS"),
        "{said}"
    );

    // What the provider would bill, and a pico-dollar more.
    let billed = billed(&events);
    for (more, wanted, tolerance) in [(0, 0, "0"), (1, 3, "0"), (1, 0, "0.01")] {
        let file = product.running.site.state.path("report.csv");
        std::fs::write(&file, report(&billed, more)).unwrap();
        let file = file.display().to_string();
        let arguments = [&whole[..], &["--report", &file, "--tolerance", tolerance]].concat();
        let (code, said) = command(&product, "reconcile", &arguments).await;
        assert_eq!(code, wanted, "{said}");
        assert_eq!(said.contains("REPORT DIFFERS"), wanted == 3, "{said}");
    }

    let last = broker.stored().await.pop().expect("a message");
    broker.lose_last().await;
    let metrics = product.running.site.state.path("reconcile.prom");
    let file = metrics.display().to_string();
    let arguments = [&whole[..], &["--metrics", &file]].concat();
    let (code, said) = command(&product, "reconcile", &arguments).await;
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("STREAM DIFFERS"), "{said}");
    let metrics = std::fs::read_to_string(metrics).unwrap();
    let differs = "keyway_reconcile_differences{between=\"ledger_stream\"} 1";
    assert!(metrics.contains(differs), "{metrics}");
    // The ledger has it still.
    let wait = async || {
        // Until the server has forgotten the id, it says that it has what it lost.
        let (code, said) = command(&product, "replay", &whole).await;
        assert!(code == 0 || said.contains(&last.id), "{said}");
        let mut stored = broker.stored().await.into_iter();
        stored.any(|stored| stored.id == last.id).then_some(())
    };
    wait_for("what was lost", wait).await;
    let (code, said) = command(&product, "reconcile", &whole).await;
    assert_eq!(code, 0, "{said}");
}

/// Requests and list price in pico-USD by day and key.
type Billed = BTreeMap<(String, String), (u64, i128)>;

fn billed(events: &[UsageEvent]) -> Billed {
    let mut billed = Billed::new();
    for event in events.iter().filter(|event| !event.key_name.is_empty()) {
        let at = event.settled_at.as_ref().expect("settled").to_string();
        let (day, _) = at.split_once('T').expect("a time");
        let list = event.list_price_usd.as_deref().unwrap_or("0");
        let list = list.replace('.', "").parse::<i128>().expect("an amount");
        let bill = billed.entry((day.to_owned(), event.key_name.clone()));
        let bill = bill.or_default();
        *bill = (bill.0 + 1, bill.1 + list);
    }
    billed
}

/// A provider's report with so many pico-dollars more per line.
fn report(billed: &Billed, more: i128) -> String {
    let dollar = 1_000_000_000_000;
    let lines = billed.iter().map(|((day, key), (requests, pico))| {
        let (whole, rest) = ((pico + more) / dollar, (pico + more) % dollar);
        format!("{day},{key},{requests},{whole}.{rest:012}")
    });
    let head = "day,key,requests,amount_usd".to_owned();
    let lines: Vec<_> = std::iter::once(head).chain(lines).collect();
    lines.join("\n")
}

/// A command of the router with its own settings; exit code and all that it said.
async fn command(product: &Product, name: &str, arguments: &[&str]) -> (i32, String) {
    let site = &product.running.site;
    let output = tokio::process::Command::new(&site.program)
        .args(["--as", "router", name])
        .arg("--config")
        .arg(site.state.config(Part::Router))
        .args(arguments)
        .env_clear()
        .envs(&site.environment_of(Part::Router))
        .output()
        .await
        .expect("it runs");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    (output.status.code().expect("an exit code"), said)
}

/// Waits until all of the ledger, and so many at least, are on the stream; the ledger's events.
pub(super) async fn published(product: &Product, broker: &Broker, least: usize) -> Vec<UsageEvent> {
    let all = async || {
        let events = all_events(product).await;
        let here = u64::try_from(events.len()).ok()?;
        let metrics = product.metrics(Part::Router).await;
        let waiting = value(&metrics, "keyway_router_relay_waiting_events");
        let done = events.len() >= least && waiting == 0.0 && broker.count().await >= here;
        done.then_some(events)
    };
    wait_for("every event on the stream", all).await.0
}

/// All of the stream, as an operator reads it.
pub(super) async fn all_events(product: &Product) -> Vec<UsageEvent> {
    let message = stream_usage_request::Message::Open(StreamUsageOpen::default());
    let request = StreamUsageRequest {
        message: Some(message),
    };
    let mut billing = product.operator().router.billing();
    let answer = billing.stream_usage(tokio_stream::once(request)).await;
    let mut stream = answer.expect("a stream").into_inner();
    let mut events = Vec::new();
    while let Some(next) = stream.message().await.expect("an event") {
        events.extend(next.event);
    }
    events
}

/// So many calls, some at once, all of which must be served.
pub(super) async fn calls(product: &Product, count: u32) {
    let callers: Vec<_> = (0..8).map(|_| product.caller()).collect();
    let calling = callers.iter().map(async |caller| {
        for _ in 0..count / 8 {
            let served = caller.chat(ask(MODEL)).await;
            served.unwrap_or_else(|status| panic!("{status:?}"));
        }
    });
    join_all(calling).await;
}

/// What the reference consumer should print for these events, added here in another way.
pub(super) fn sums(events: &[UsageEvent]) -> Value {
    let pico = |amount: &Option<String>| {
        let digits = amount.as_deref().unwrap_or("0").replace('.', "");
        digits.parse::<i64>().expect("an amount")
    };
    let mut sums: BTreeMap<&str, (i64, i64, i64)> = BTreeMap::new();
    for event in events {
        let sum = sums.entry(&event.workspace).or_default();
        sum.0 += 1;
        sum.1 += pico(&event.charge_usd);
        sum.2 += pico(&event.list_price_usd);
    }
    let shown = sums.into_iter().map(|(workspace, (events, charge, list))| {
        let sum = json!({"events": events, "charge_pico": charge, "list_pico": list});
        (workspace.to_owned(), sum)
    });
    Value::Object(shown.collect())
}

pub(super) fn value(metrics: &str, series: &str) -> f64 {
    let line = metrics.lines().find_map(|line| {
        let rest = line.strip_prefix(series)?;
        rest.trim().parse().ok()
    });
    line.unwrap_or(f64::NAN)
}
