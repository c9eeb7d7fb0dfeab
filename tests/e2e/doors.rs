//! Providers to which no connection can be made.

use keyway_proto::Reason;
use serde_json::json;

use crate::harness::{DEMO, Logs, Setup, ask, reason};

const MODEL: &str = "mistral/mistral-small-latest";

#[tokio::test]
async fn a_provider_that_can_not_be_reached_is_told_as_that_and_serves_as_soon_as_it_can() {
    let (setup, door) = Setup::new().behind_a_door("mistral");
    let product = setup.start().await;
    let _logs = Logs(&product);
    let simulator = product.simulator();
    let (admin, caller) = (product.admin(), product.caller());
    admin
        .put_key(DEMO, "mistral", "keyway-test-behind-a-door")
        .await
        .unwrap();
    for behaviour in ["refused", "reset"] {
        simulator.door(door, behaviour).await;
        let failed = caller.chat(ask(MODEL)).await.unwrap_err();
        assert_eq!(
            reason(&failed),
            Some(Reason::ProviderUnavailable),
            "{behaviour}: {failed:?}"
        );
    }
    let journal = simulator.journal().await;
    assert!(journal.iter().all(|entry| entry["provider"] != "mistral"));
    simulator.door(door, "open").await;
    caller.chat(ask(MODEL)).await.unwrap();
    let journal = simulator.journal().await;
    let served = journal.iter().find(|entry| entry["provider"] == "mistral");
    assert_eq!(served.unwrap()["credential"]["last4"], json!("door"));
}
