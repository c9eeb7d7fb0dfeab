//! A feed that is half open: every socket stays open and nothing comes through. Both sides notice,
//! nothing cached is used past the stale bound, and a key that was deleted meanwhile never serves
//! again.

use std::time::Duration;

use keyway::Part;
use keyway::ready::get;
use keyway_proto::Reason;
use keyway_proto::billing::v1::Source;
use keyway_proto::vault::v1::DeleteKeyRequest;
use tokio::time::Instant;

use crate::harness::{DEMO, Logs, Product, Setup, Way, ask, reason, wait_for};

const MODEL: &str = "openai/gpt-5-mini";
const KEY: &str = "workspaces/demo/keys/openai/default";
/// What the settings below promise is 4 s; a router that noticed nothing would serve for 15 min.
const BOUND: Duration = Duration::from_secs(20);

async fn start() -> (Product, Way) {
    let setup = Setup::new();
    let way = Way::to(setup.address("KEYWAY_VAULT__DATA__LISTEN")).await;
    let setup = setup
        .with(
            "KEYWAY_ROUTER__VAULT__ENDPOINT",
            &format!("http://{}", way.address()),
        )
        .with("KEYWAY_ROUTER__FEED__DEAD_AFTER", "2s")
        .with("KEYWAY_ROUTER__LEASE__STALE_BOUND", "4s")
        .with("KEYWAY_VAULT__FEED__BOOKMARK", "300ms")
        .with("KEYWAY_VAULT__FEED__STALE_BOUND", "4s")
        .with("KEYWAY_VAULT__SERVER__KEEPALIVE_INTERVAL", "1s")
        .with("KEYWAY_VAULT__SERVER__KEEPALIVE_TIMEOUT", "1s");
    (setup.start().await, way)
}

#[tokio::test]
async fn a_half_open_feed_is_noticed_by_both_and_a_key_deleted_meanwhile_serves_no_longer_than_the_bound()
 {
    let (product, way) = start().await;
    let _logs = Logs(&product);
    let (admin, caller) = (product.admin(), product.caller());
    admin
        .put_key(DEMO, "openai", "sk-keyway-test-half-open-0001")
        .await
        .unwrap();
    product.until_served_by(MODEL, Source::Own).await;
    way.swallow();
    let cut = Instant::now();
    let mut request = tonic::Request::new(DeleteKeyRequest {
        name: KEY.to_owned(),
        wait_for_routers: true,
        ..Default::default()
    });
    request.set_timeout(Duration::from_secs(1));
    let deleted = admin
        .vault
        .keys()
        .delete_key(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(deleted.routers_behind.len(), 1, "{deleted:?}");

    let mut last_own = cut;
    let refused = async || {
        let asked = Instant::now();
        match caller.chat(ask(MODEL)).await {
            Ok(answer) => {
                let attempts = answer.receipt.expect("a receipt").attempts;
                assert!(
                    attempts
                        .iter()
                        .all(|attempt| attempt.source() == Source::Own)
                );
                last_own = asked;
                None
            }
            Err(status) => Some(reason(&status)),
        }
    };
    let (why, _) = wait_for("the stale bound", refused).await;
    assert_eq!(why, Some(Reason::VaultUnavailable));
    let served_for = last_own - cut;
    assert!(served_for < BOUND, "{served_for:?}");

    until_feed_is(&product, false).await;
    let vault_noticed = async || {
        let counts = product.counts(Part::Vault).await;
        (counts.sum("keyway_vault_watches", "") == 0).then_some(())
    };
    wait_for("the vault to notice", vault_noticed).await;

    way.mend();
    until_feed_is(&product, true).await;
    let served = async || match caller.chat(ask(MODEL)).await {
        Ok(answer) => Some(answer.receipt.expect("a receipt").attempts[0].source()),
        Err(_) => None,
    };
    let (source, _) = wait_for("a call", served).await;
    assert_eq!(source, Source::Hosted, "the own key is gone");
}

/// Waits until the router says so of its feed.
async fn until_feed_is(product: &Product, alive: bool) {
    let operations = product.running.site.addresses.router_operations;
    let is_so = async || {
        let (status, _) = get(operations, "/readyz").await.ok()?;
        ((status == 200) == alive).then_some(())
    };
    wait_for("the router's readiness", is_so).await;
}
