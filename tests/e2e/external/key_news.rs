//! What becomes of a key is told on the relay, once per change and to nobody who reads usage.

use serde_json::{Value, json};

use super::relay::all_events;
use crate::harness::{Broker, DEMO, Logs, Product, Speaker, Stored, ask, wait_for};

const MODEL: &str = "openai/gpt-5-mini";
const SECRET: &str = "sk-keyway-test-news-0001";

#[tokio::test]
async fn a_rejected_key_and_its_way_back_are_told_on_the_relay_once_each_and_are_no_usage() {
    let broker = Broker::start();
    let setup = ["FIRST_TRIAL", "SECOND_TRIAL", "LATER_TRIALS"]
        .iter()
        .fold(broker.setup(), |setup, name| {
            setup.with(&format!("KEYWAY_ROUTER__HEALTH__{name}"), "1s")
        });
    let product = setup.start().await;
    let _logs = Logs(&product);
    product
        .admin()
        .put_key(DEMO, "openai", SECRET)
        .await
        .unwrap();
    let caller = product.caller();
    let rule = json!({
        "match": {"key_suffix": "0001"}, "action": {"fixture": "openai/401_bad_key.error"}
    });
    product.simulator().script(&rule).await;
    refused(&caller).await;
    let told = until_told(&broker, 1).await;
    assert_eq!(told[0].subject, "keyway.key.v1.workspaces.demo");
    let data = &told[0].body["data"];
    assert_eq!(data["keyName"], "workspaces/demo/keys/openai/default");
    assert_eq!(data["keyVersion"], "1");
    let news = json!({"cause": "HTTP 401", "state": "REJECTED", "was": "ACTIVE"});
    assert_eq!(parsed(data), news);

    // Trials find it as it was, which is no news.
    let sent = sent(&product).await;
    let tried = async || {
        drop(caller.chat(ask(MODEL)).await);
        (self::sent(&product).await >= sent + 2).then_some(())
    };
    wait_for("two trials", tried).await;
    product.simulator().reset().await;
    let well = async || caller.chat(ask(MODEL)).await.ok().map(drop);
    wait_for("a trial that passes", well).await;
    let told = until_told(&broker, 2).await;
    assert_eq!(parsed(&told[1].body["data"])["state"], "ACTIVE");
    assert_eq!(parsed(&told[1].body["data"])["was"], "REJECTED");

    let usage = all_events(&product).await;
    assert!(usage.iter().all(|event| event.r#type != "keyway.key.v1"));
    let all = async || {
        let wanted = u64::try_from(usage.len()).ok()? + 2;
        (broker.count().await >= wanted).then_some(())
    };
    wait_for("all of it on the relay", all).await;
    assert_eq!(broker.sums("sums").await, super::relay::sums(&usage));
    let everything = broker.stored().await;
    assert!(
        everything
            .iter()
            .all(|stored| !stored.body.to_string().contains(SECRET))
    );
}

async fn refused(caller: &Speaker) {
    let refusal = async || caller.chat(ask(MODEL)).await.err();
    wait_for("a refusal", refusal).await;
}

async fn sent(product: &Product) -> usize {
    let journal = product.simulator().journal().await;
    let with_it = journal
        .iter()
        .filter(|sent| sent["credential"]["last4"] == "0001");
    with_it.count()
}

async fn until_told(broker: &Broker, count: usize) -> Vec<Stored> {
    let told = async || {
        let stored = broker.stored().await.into_iter();
        let told: Vec<_> = stored
            .filter(|stored| stored.body["type"] == "keyway.key.v1")
            .collect();
        assert!(told.len() <= count, "{told:?}");
        (told.len() == count).then_some(told)
    };
    wait_for("news of the key", told).await.0
}

fn parsed(data: &Value) -> Value {
    let text = data["operationJson"].as_str().expect("what happened");
    serde_json::from_str(text).expect("JSON")
}
