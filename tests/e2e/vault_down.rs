//! Without the vault a cached key serves until the stale bound, and nothing else does; never is the
//! platform's key taken in its place.

use keyway::Part;
use keyway_proto::Reason;
use keyway_proto::billing::v1::Source;

use crate::harness::{DEMO, Logs, Product, Setup, ask, reason, wait_for};

const CACHED: &str = "openai/gpt-5-mini";
const UNCACHED: &str = "anthropic/claude-haiku-4-5";

#[tokio::test]
async fn a_cached_key_serves_and_an_uncached_one_fails_while_the_vault_is_away() {
    let mut product = Product::start().await;
    let admin = product.admin();
    admin
        .put_key(DEMO, "openai", "sk-keyway-test-cached-0001")
        .await
        .unwrap();
    admin
        .put_key(DEMO, "anthropic", "sk-keyway-test-uncached-0001")
        .await
        .unwrap();
    product.until_served_by(CACHED, Source::Own).await;
    product.kill(Part::Vault).await;

    let logs = Logs(&product);
    let (attempt, _) = product.caller().chat_once(CACHED).await;
    assert_eq!(attempt.source(), Source::Own);
    let refused = product.caller().chat(ask(UNCACHED)).await.unwrap_err();
    assert_eq!(reason(&refused), Some(Reason::VaultUnavailable));
    let journal = product.simulator().journal().await;
    assert!(
        journal.iter().all(|entry| entry["provider"] == "openai"),
        "{journal:?}"
    );
    drop(logs);

    product.start_again(Part::Vault).await;
    let caller = product.caller();
    let served = async || match caller.chat(ask(UNCACHED)).await {
        Ok(answer) => Some(answer.receipt.expect("a receipt").attempts[0].source()),
        Err(status) => {
            assert_eq!(reason(&status), Some(Reason::VaultUnavailable));
            None
        }
    };
    let (source, _) = wait_for("the vault to be used again", served).await;
    assert_eq!(source, Source::Own);
}

#[tokio::test]
async fn past_the_stale_bound_nothing_serves_without_the_vault() {
    let setup = Setup::new()
        .with("KEYWAY_ROUTER__LEASE__STALE_BOUND", "3s")
        .with("KEYWAY_ROUTER__FEED__DEAD_AFTER", "2s")
        .with("KEYWAY_VAULT__FEED__BOOKMARK", "500ms");
    let mut product = setup.start().await;
    product
        .admin()
        .put_key(DEMO, "openai", "sk-keyway-test-stale-0001")
        .await
        .unwrap();
    product.until_served_by(CACHED, Source::Own).await;
    product.kill(Part::Vault).await;
    let _logs = Logs(&product);
    let caller = product.caller();
    let refused = async || match caller.chat(ask(CACHED)).await {
        Ok(answer) => {
            let attempts = answer.receipt.expect("a receipt").attempts;
            assert!(
                attempts
                    .iter()
                    .all(|attempt| attempt.source() == Source::Own)
            );
            None
        }
        Err(status) => Some(reason(&status)),
    };
    let (reason, _) = wait_for("the stale bound", refused).await;
    assert_eq!(reason, Some(Reason::VaultUnavailable));
}
