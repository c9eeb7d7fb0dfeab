//! A request id makes a call once, and every call has a name that its caller learns at once.

use keyway::Part;
use keyway_proto::router::v1::{
    ChatRequest, GetReceiptRequest, Receipt, StreamChatRequest, StreamEmbedRequest,
};
use keyway_proto::{Reason, status};
use serde_json::json;
use tokio::task::JoinSet;
use tonic::Status;

use crate::harness::{DEMO, Product, Speaker, ask, reason, wait_for};

const MODEL: &str = "openai/gpt-5-mini";

fn once(id: &str) -> ChatRequest {
    ChatRequest {
        request_id: id.to_owned(),
        ..ask(MODEL)
    }
}

/// The id of the call that has the request id already.
fn first_call(refused: &Status) -> String {
    assert_eq!(
        reason(refused),
        Some(Reason::RequestRepeated),
        "{refused:?}"
    );
    let refusal = status::refusal(refused);
    assert_eq!(refusal.field.as_deref(), Some("request_id"));
    refusal.metadata["call_id"].clone()
}

async fn receipt(speaker: &Speaker, call_id: &str) -> Receipt {
    let request = GetReceiptRequest {
        call_id: call_id.to_owned(),
        workspace: DEMO.to_owned(),
    };
    let answer = speaker.router.execution().get_receipt(request).await;
    answer.unwrap().into_inner().receipt.expect("a receipt")
}

#[tokio::test]
async fn of_twins_at_once_one_is_made_and_the_others_learn_its_id() {
    let product = Product::start().await;
    for own in [false, true] {
        if own {
            let secret = "sk-keyway-test-twins-0001";
            product
                .admin()
                .put_key(DEMO, "openai", secret)
                .await
                .unwrap();
            let source = keyway_proto::billing::v1::Source::Own;
            product.until_served_by(MODEL, source).await;
        }
        let (simulator, caller) = (product.simulator(), product.caller());
        let before = simulator.journal().await.len();
        simulator
            .script(&json!({"action": {"hold": "twins"}}))
            .await;
        let id = format!("twin-{own}");
        let mut twins = JoinSet::new();
        for _ in 0..8 {
            let (caller, request) = (caller.clone(), once(&id));
            twins.spawn(async move { caller.chat(request).await });
        }
        let mut firsts = Vec::new();
        for _ in 0..7 {
            let refused = twins.join_next().await.unwrap().unwrap().unwrap_err();
            firsts.push(first_call(&refused));
        }
        simulator.until_held("twins", 1).await;
        simulator.reset().await;
        let made = twins.join_next().await.unwrap().unwrap().unwrap();
        let made = made.receipt.expect("a receipt").call_id;
        assert!(
            firsts.iter().all(|first| *first == made),
            "{firsts:?} {made}"
        );
        let later = caller.chat(once(&id)).await.unwrap_err();
        assert_eq!(first_call(&later), made);
        assert_eq!(simulator.journal().await.len(), before + 1);
        // Another workspace's ids are its own.
        let other = product.tenant(&format!("twins-{own}")).await;
        other.caller.chat(once(&id)).await.unwrap();
    }
}

#[tokio::test]
async fn after_a_failure_the_id_may_be_used_again_and_its_receipt_shows_every_attempt() {
    let product = Product::start().await;
    let (simulator, caller) = (product.simulator(), product.caller());
    let rule = json!({"times": 1, "action": {"fixture": "openai/400_invalid.error"}});
    simulator.script(&rule).await;
    let failed = caller.chat(once("again")).await.unwrap_err();
    assert_eq!(reason(&failed), Some(Reason::ProviderRejectedRequest));

    let rule = json!({"times": 1, "action": {"fixture": "openai/503_overloaded.error"}});
    simulator.script(&rule).await;
    let made = caller.chat(once("again")).await.unwrap();
    let given = made.receipt.expect("a receipt");
    assert_eq!(given.attempts.len(), 2);
    let stored = receipt(&product.admin(), &given.call_id).await;
    assert_eq!(stored.attempts, given.attempts);
    let repeated = caller.chat(once("again")).await.unwrap_err();
    assert_eq!(first_call(&repeated), given.call_id);
}

/// Callers beside each other keep every worker busy, so that one may be held up behind its answer.
#[tokio::test]
async fn a_failed_call_has_let_go_of_its_id_before_its_caller_knows() {
    let product = Product::start().await;
    let rule = json!({"action": {"fixture": "openai/400_invalid.error"}});
    product.simulator().script(&rule).await;
    let mut callers = JoinSet::new();
    for caller in 0..8 {
        let speaker = product.caller();
        callers.spawn(async move {
            for call in 0..100 {
                let id = format!("at-once-{caller}-{call}");
                for _time in 0..2 {
                    let failed = speaker.chat(once(&id)).await.unwrap_err();
                    let why = reason(&failed);
                    assert_eq!(
                        why,
                        Some(Reason::ProviderRejectedRequest),
                        "{id}: {failed:?}"
                    );
                }
            }
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
}

#[tokio::test]
async fn a_call_keeps_its_id_between_two_attempts() {
    let product = Product::start().await;
    let (simulator, caller) = (product.simulator(), product.caller());
    let failing =
        json!({"fixture": "openai/503_overloaded.error", "headers": {"retry-after": "5"}});
    simulator
        .script(&json!({"times": 1, "action": failing}))
        .await;
    let first = tokio::spawn({
        let caller = caller.clone();
        async move { caller.chat(once("pause")).await }
    });
    // The attempt is settled on its way to the disk; the call waits for its next one.
    let settled = product.admin().first_events(DEMO, 1).await;
    let repeated = caller.chat(once("pause")).await.unwrap_err();
    assert_eq!(first_call(&repeated), settled[0].call_id);
    let made = first.await.unwrap().unwrap().receipt.expect("a receipt");
    assert_eq!(
        (made.call_id, made.attempts.len()),
        (settled[0].call_id.clone(), 2)
    );
    assert_eq!(simulator.journal().await.len(), 2);
}

#[tokio::test]
async fn a_crash_frees_the_id_of_what_was_open_and_keeps_that_of_what_was_done() {
    let mut product = Product::start().await;
    let done = product.caller().chat(once("done")).await.unwrap();
    let done = done.receipt.expect("a receipt").call_id;
    let simulator = product.simulator();
    simulator
        .script(&json!({"action": {"hold": "crash"}}))
        .await;
    let open = tokio::spawn({
        let caller = product.caller();
        async move { caller.chat(once("open")).await }
    });
    simulator.until_held("crash", 1).await;
    product.kill(Part::Router).await;
    open.await.unwrap().unwrap_err();
    simulator.reset().await;
    product.start_again(Part::Router).await;

    let caller = product.caller();
    let repeated = caller.chat(once("done")).await.unwrap_err();
    assert_eq!(first_call(&repeated), done);
    let again = async || caller.chat(once("open")).await.ok();
    wait_for("the sweep", again).await;
}

#[tokio::test]
async fn every_refusal_names_its_call_wherever_it_comes_from() {
    let product = Product::start().await;
    let named = |status: &Status| {
        let id = status.metadata().get("keyway-call-id").cloned();
        id.unwrap_or_else(|| panic!("no call id: {status:?}"))
    };
    let nobody = product.speaker("kwc_none");
    let unknown = nobody.chat(ask(MODEL)).await.unwrap_err();
    assert_eq!(reason(&unknown), Some(Reason::CallerUnknown));
    let denied = product.admin().chat(ask(MODEL)).await.unwrap_err();
    assert_eq!(reason(&denied), Some(Reason::Denied));
    let caller = product.caller();
    let invalid = caller.chat(ChatRequest::default()).await.unwrap_err();
    assert_eq!(reason(&invalid), Some(Reason::FieldInvalid));
    let no_stream = caller
        .router
        .execution()
        .stream_chat(StreamChatRequest::default())
        .await
        .unwrap_err();
    let no_vectors = caller
        .router
        .execution()
        .stream_embed(StreamEmbedRequest::default())
        .await
        .unwrap_err();
    let refusals = [&unknown, &denied, &invalid, &no_stream, &no_vectors];
    let mut ids: Vec<_> = refusals.into_iter().map(named).collect();
    ids.sort_by(|left, right| left.as_encoded_bytes().cmp(right.as_encoded_bytes()));
    ids.dedup();
    assert_eq!(ids.len(), 5, "each call has a name of its own");
}
