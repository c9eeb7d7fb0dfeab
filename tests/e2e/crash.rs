//! kill -9 of the router: what was open is closed after the restart and says so, what was settled
//! stays, and nothing is there twice.

use keyway::Part;
use keyway_proto::billing::v1::{Basis, Outcome, Source};
use keyway_proto::router::v1::GetReceiptRequest;
use serde_json::json;

use crate::harness::{DEMO, Product, ask};

const MODEL: &str = "openai/gpt-5-mini";

#[tokio::test]
async fn an_attempt_that_was_open_at_a_kill_is_closed_after_the_restart_and_says_so() {
    let mut product = Product::start().await;
    let (settled, settled_id) = product.caller().chat_once(MODEL).await;
    let simulator = product.simulator();
    simulator.script(&json!({"action": {"hold": "gate"}})).await;
    let open = tokio::spawn({
        let caller = product.caller();
        async move { caller.chat(ask(MODEL)).await }
    });
    simulator.until_held("gate", 1).await;
    product.kill(Part::Router).await;
    assert!(open.await.expect("a task").is_err());
    simulator.release("gate").await;
    product.start_again(Part::Router).await;

    let admin = product.admin();
    let events = admin.first_events(DEMO, 2).await;
    let [first, swept] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!(
        (first.call_id.as_str(), first.outcome()),
        (settled_id.as_str(), Outcome::Completed)
    );
    assert_eq!(first.charge_usd, settled.charge_usd);
    assert_eq!(swept.outcome(), Outcome::Swept);
    assert_eq!(swept.source(), Source::Hosted);
    assert!(
        matches!(swept.basis(), Basis::Unknown | Basis::Estimated),
        "{:?}",
        swept.basis()
    );
    assert_eq!(swept.charge_usd, None, "nobody knows what it used");

    let request = GetReceiptRequest {
        call_id: swept.call_id.clone(),
        workspace: DEMO.to_owned(),
    };
    let receipt = admin
        .router
        .execution()
        .get_receipt(request)
        .await
        .unwrap()
        .into_inner();
    let attempts = receipt.receipt.expect("a receipt").attempts;
    assert_eq!(attempts[0].outcome(), Outcome::Swept);

    product.kill(Part::Router).await;
    product.start_again(Part::Router).await;
    let (_, later_id) = product.caller().chat_once(MODEL).await;
    let events = product.admin().first_events(DEMO, 3).await;
    let ids: Vec<_> = events.iter().map(|event| event.call_id.as_str()).collect();
    assert_eq!(ids, [&settled_id, &swept.call_id, &later_id]);
}
