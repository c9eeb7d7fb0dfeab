//! Without the vault a cached key serves until the stale bound, and nothing else does; never is the
//! platform's key taken in its place.

use keyway::Part;
use keyway_proto::Reason;
use keyway_proto::billing::v1::Source;

use crate::harness::{DEMO, Logs, Product, Setup, ask, reason, wait_for};

const CACHED: &str = "openai/gpt-5-mini";
const UNCACHED: &str = "anthropic/claude-haiku-4-5";
/// Texts that have the form of a call token.
const NOBODYS: &str = "kwc_0000000000000000000000000000000000000000000000000";
const OTHERS: &str = "kwc_1111111111111111111111111111111111111111111111111";

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
    only_own(&product, "0001").await;
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
    only_own(&product, "0001").await;
}

#[tokio::test]
async fn a_vault_that_hangs_is_a_vault_that_is_away() {
    let mut product = Product::start().await;
    let admin = product.admin();
    let secret = "sk-keyway-test-hangs-0001";
    admin.put_key(DEMO, "openai", secret).await.unwrap();
    product.until_served_by(CACHED, Source::Own).await;
    product.freeze(Part::Vault).await;
    let logs = Logs(&product);
    let (attempt, _) = product.caller().chat_once(CACHED).await;
    assert_eq!(attempt.source(), Source::Own);
    // No own key is known for it, and nobody can say that there is none.
    let refused = product.caller().chat(ask(UNCACHED)).await.unwrap_err();
    assert_eq!(reason(&refused), Some(Reason::VaultUnavailable));
    only_own(&product, "0001").await;
    drop(logs);
    product.signal(Part::Vault, "CONT");
    let caller = product.caller();
    let served = async || match caller.chat(ask(UNCACHED)).await {
        Ok(answer) => Some(answer.receipt.expect("a receipt").attempts[0].source()),
        Err(status) => {
            assert_eq!(reason(&status), Some(Reason::VaultUnavailable));
            None
        }
    };
    let (source, _) = wait_for("the vault to answer again", served).await;
    assert_eq!(
        source,
        Source::Hosted,
        "now the vault says that there is no own key"
    );
}

#[tokio::test]
async fn a_token_that_cannot_be_asked_about_is_not_called_unknown() {
    let mut product = Product::start().await;
    let tenant = product.tenant("asked").await;
    let stranger = product.speaker(NOBODYS);
    let refused = stranger.chat(ask(CACHED)).await.unwrap_err();
    assert_eq!(
        reason(&refused),
        Some(Reason::CallerUnknown),
        "while the vault is there"
    );
    product.kill(Part::Vault).await;
    let _logs = Logs(&product);
    let (new, unknown) = (&tenant.caller, &product.speaker(OTHERS));
    for speaker in [new, unknown] {
        let refused = speaker.chat(ask(CACHED)).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::Unavailable, "{refused:?}");
        assert_eq!(reason(&refused), Some(Reason::VaultUnavailable));
    }
    assert!(product.simulator().journal().await.is_empty());
}

#[tokio::test]
async fn a_router_that_starts_without_the_vault_serves_nobody_until_it_is_there() {
    let mut product = Product::start().await;
    product.caller().chat_once(CACHED).await;
    let sent = product.simulator().journal().await.len();
    product.kill(Part::Vault).await;
    product.kill(Part::Router).await;
    product.start_unready(Part::Router);
    let caller = product.caller();
    let refused = async || match caller.chat(ask(CACHED)).await {
        Err(status) if reason(&status).is_none() => None, // it does not listen yet
        answer => Some(answer.map(|answer| answer.receipt)),
    };
    let (refused, _) = wait_for("the router to listen", refused).await;
    let refused = refused.unwrap_err();
    assert_eq!(
        reason(&refused),
        Some(Reason::VaultUnavailable),
        "{refused:?}"
    );
    assert_eq!(product.simulator().journal().await.len(), sent);
    product.start_again(Part::Vault).await;
    let served = async || caller.chat(ask(CACHED)).await.ok();
    wait_for("a call", served).await;
}

/// Everything that was sent carried the key that ends so.
async fn only_own(product: &Product, last4: &str) {
    for sent in product.simulator().journal().await {
        assert_eq!(sent["credential"]["last4"], last4, "{sent}");
    }
}
