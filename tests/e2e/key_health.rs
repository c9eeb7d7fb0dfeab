//! What one router meets of a key reaches its owner in words and the other router by the feed; the
//! way back is a call that works, or a new secret.

use keyway::Part;
use keyway_proto::Reason;
use keyway_proto::billing::v1::Source;
use keyway_proto::vault::v1::lease_service_client::LeaseServiceClient;
use keyway_proto::vault::v1::{
    GetKeyRequest, HealthChange, Key, KeyState, ListKeysRequest, ReportHealthRequest,
};
use serde_json::json;
use tonic::Request;

use crate::harness::{DEMO, Logs, Product, SecondRouter, Setup, Speaker, ask, reason, wait_for};

const MODEL: &str = "openai/gpt-5-mini";
const KEY: &str = "workspaces/demo/keys/openai/default";

/// The product whose router tries a bad key again after a moment, and a router that would not
/// within the test.
async fn start() -> (Product, SecondRouter) {
    let setup = Setup::new()
        .with("KEYWAY_ROUTER__HEALTH__FIRST_TRIAL", "1s")
        .with("KEYWAY_ROUTER__HEALTH__SECOND_TRIAL", "1s")
        .with("KEYWAY_ROUTER__HEALTH__LATER_TRIALS", "1s");
    let product = setup.start().await;
    let late = ["FIRST_TRIAL", "SECOND_TRIAL", "LATER_TRIALS"]
        .map(|name| format!("KEYWAY_ROUTER__HEALTH__{name}"));
    let late: Vec<(&str, &str)> = late.iter().map(|name| (name.as_str(), "1h")).collect();
    let second = product.second_router(&late).await;
    (product, second)
}

#[tokio::test]
async fn a_key_that_one_router_saw_refused_is_shown_with_words_and_left_alone_by_the_other() {
    let (mut product, second) = start().await;
    let admin = product.admin();
    let first = product.caller();
    let other = second.speaker(product.running.access.call_token.expose());
    admin
        .put_key(DEMO, "openai", "sk-keyway-test-health-0001")
        .await
        .unwrap();
    for caller in [&first, &other] {
        until_own(caller).await;
    }
    refuse_from_now_on(&product, "0001").await;
    let refused = first.chat(ask(MODEL)).await.unwrap_err();
    assert_eq!(reason(&refused), Some(Reason::KeyRejected));

    let key = until_shown(&admin, KeyState::Rejected).await;
    let words = "openai refused this key (HTTP 401) on 20";
    assert!(key.state_reason.starts_with(words), "{}", key.state_reason);
    assert!(
        key.state_reason.contains("KeyService.PutKey"),
        "{}",
        key.state_reason
    );
    let request = ListKeysRequest {
        owner: DEMO.to_owned(),
        state: KeyState::Rejected.into(),
        ..Default::default()
    };
    let listed = admin
        .vault
        .keys()
        .list_keys(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(listed.keys.len(), 1);

    let left_alone = async || {
        let before = sent_with(&product, "0001").await;
        let refused = other.chat(ask(MODEL)).await.unwrap_err();
        assert_eq!(reason(&refused), Some(Reason::KeyRejected));
        // The first router's trials are its own, and may fall between.
        (sent_with(&product, "0001").await == before).then_some(())
    };
    wait_for("the other router to leave the key alone", left_alone).await;

    product.kill(Part::Vault).await;
    product.start_again(Part::Vault).await;
    until_shown(&product.admin(), KeyState::Rejected).await;

    // The provider takes the key again: a trial of the first router finds out, the other hears.
    product.simulator().reset().await;
    let _logs = Logs(&product);
    until_own(&first).await;
    until_shown(&product.admin(), KeyState::Active).await;
    until_own(&other).await;
}

#[tokio::test]
async fn a_new_version_starts_well_and_a_late_report_of_the_old_one_changes_nothing() {
    let (product, second) = start().await;
    let _logs = Logs(&product);
    let admin = product.admin();
    let first = product.caller();
    let other = second.speaker(product.running.access.call_token.expose());
    admin
        .put_key(DEMO, "openai", "sk-keyway-test-health-0001")
        .await
        .unwrap();
    refuse_from_now_on(&product, "0001").await;
    let rejected = async || {
        let refused = other.chat(ask(MODEL)).await.err();
        (refused.as_ref().and_then(reason) == Some(Reason::KeyRejected)).then_some(())
    };
    wait_for("a refusal", rejected).await;
    until_shown(&admin, KeyState::Rejected).await;

    let second_version = admin
        .put_key(DEMO, "openai", "sk-keyway-test-health-0002")
        .await
        .unwrap();
    assert_eq!(
        (second_version.version, second_version.state()),
        (2, KeyState::Active)
    );
    for caller in [&first, &other] {
        until_own(caller).await;
    }
    report(&product, 1).await;
    assert_eq!(shown(&admin).await.state(), KeyState::Active);
    report(&product, 2).await;
    assert_eq!(
        shown(&admin).await.state(),
        KeyState::Rejected,
        "the control"
    );
}

/// From now on the provider refuses keys that end so.
async fn refuse_from_now_on(product: &Product, suffix: &str) {
    let rule = json!({
        "match": {"key_suffix": suffix}, "action": {"fixture": "openai/401_bad_key.error"}
    });
    product.simulator().script(&rule).await;
}

async fn sent_with(product: &Product, last4: &str) -> usize {
    let journal = product.simulator().journal().await;
    let with_key = journal
        .iter()
        .filter(|sent| sent["credential"]["last4"] == last4);
    with_key.count()
}

async fn shown(admin: &Speaker) -> Key {
    let request = GetKeyRequest {
        name: KEY.to_owned(),
    };
    let answer = admin.vault.keys().get_key(request).await.unwrap();
    answer.into_inner().key.expect("a key")
}

async fn until_shown(admin: &Speaker, state: KeyState) -> Key {
    let is_so = async || Some(shown(admin).await).filter(|key| key.state() == state);
    wait_for("the key's state", is_so).await.0
}

/// Calls until an own key serves.
async fn until_own(caller: &Speaker) {
    let served = async || {
        let answer = caller.chat(ask(MODEL)).await.ok()?;
        let last = answer.receipt?.attempts.pop()?;
        (last.source() == Source::Own).then_some(())
    };
    wait_for("the own key", served).await;
}

/// Reports a rejection of a version, as a router that comes late.
async fn report(product: &Product, version: u64) {
    let site = &product.running.site;
    let channel =
        tonic::transport::Endpoint::from_shared(format!("http://{}", site.addresses.vault_data));
    let channel = channel.expect("an address").connect_lazy();
    let token = std::fs::read_to_string(site.state.router_token()).expect("a token");
    let change = HealthChange {
        name: KEY.to_owned(),
        version,
        state: KeyState::Rejected.into(),
        ..Default::default()
    };
    let mut request = Request::new(ReportHealthRequest {
        changes: vec![change],
    });
    let bearer = format!("Bearer {}", token.trim());
    request
        .metadata_mut()
        .insert("authorization", bearer.parse().expect("a header"));
    let mut lease = LeaseServiceClient::new(channel);
    lease.report_health(request).await.unwrap();
}
