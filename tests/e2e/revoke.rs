//! What is deleted is not used for the next call, and what is stored is, both without a restart.

use keyway_proto::Reason;
use keyway_proto::billing::v1::Source;
use keyway_proto::vault::v1::CredentialMode;

use crate::harness::{DEMO, Logs, Product, ask, reason, wait_for};

const MODEL: &str = "openai/gpt-5-mini";
const KEY: &str = "workspaces/demo/keys/openai/default";
/// The bound of the promise, with the feed healthy.
const PROMISED: std::time::Duration = std::time::Duration::from_secs(1);

#[tokio::test]
async fn a_deleted_key_is_not_used_and_a_stored_one_is_without_a_restart() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let admin = product.admin();
    let (first, _) = product.caller().chat_once(MODEL).await;
    assert_eq!(first.source(), Source::Hosted);
    for round in 1..=3 {
        let secret = format!("sk-keyway-test-own-round-{round}");
        admin.put_key(DEMO, "openai", &secret).await.unwrap();
        let (_, stored) = product.until_served_by(MODEL, Source::Own).await;
        admin.delete_key(KEY).await.unwrap();
        let (_, deleted) = product.until_served_by(MODEL, Source::Hosted).await;
        assert!(
            stored < PROMISED && deleted < PROMISED,
            "{stored:?} {deleted:?}"
        );
    }
}

#[tokio::test]
async fn a_new_version_takes_the_place_of_the_old_one() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    product
        .admin()
        .put_key(DEMO, "openai", "sk-keyway-test-version-0001")
        .await
        .unwrap();
    product.until_served_by(MODEL, Source::Own).await;
    let second = product
        .admin()
        .put_key(DEMO, "openai", "sk-keyway-test-version-0002")
        .await
        .unwrap();
    assert_eq!(second.version, 2);
    let caller = product.caller();
    let served = async || {
        let (attempt, _) = caller.chat_once(MODEL).await;
        assert_eq!(attempt.source(), Source::Own);
        (attempt.key_version == 2).then_some(())
    };
    wait_for("the new version", served).await;
    let journal = product.simulator().journal().await;
    let last = journal.last().expect("a request");
    assert_eq!(last["credential"]["last4"], "0002");
}

#[tokio::test]
async fn a_call_that_wants_an_own_key_only_is_refused_with_the_rpc_that_mends_it() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let mut request = ask(MODEL);
    request.credential_mode = CredentialMode::OwnOnly.into();
    let refused = product.caller().chat(request).await.unwrap_err();
    assert_eq!(reason(&refused), Some(Reason::NoKey));
    assert!(
        refused.message().contains("PutKey"),
        "{}",
        refused.message()
    );
    assert!(product.simulator().journal().await.is_empty());
}

#[tokio::test]
async fn a_revoked_call_token_makes_no_more_calls() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let caller = product.caller();
    caller.chat_once(MODEL).await;
    let request = keyway_proto::vault::v1::TokenServiceRevokeRequest::default();
    caller.vault.tokens().revoke(request).await.unwrap();
    let refused = async || match caller.chat(ask(MODEL)).await {
        Ok(_) => None,
        Err(status) => Some(reason(&status)),
    };
    let (reason, delay) = wait_for("a refusal", refused).await;
    assert_eq!(reason, Some(Reason::CallerUnknown));
    assert!(delay < PROMISED, "{delay:?}");
}
