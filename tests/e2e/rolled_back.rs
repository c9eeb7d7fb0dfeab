//! An older copy of the vault's database takes its place and nobody runs `restore`: a key that was
//! deleted meanwhile serves no call, and vault and log say what happened and what to do.

use std::fs;

use keyway::Part;
use keyway::ready::get;
use keyway_proto::Reason;
use keyway_proto::billing::v1::Source;

use crate::audit::restore::put_in_place;
use crate::harness::{DEMO, Logs, Product, ask, only_attempt, reason, wait_for};

/// Called before and after.
const WARM: &str = "openai/gpt-5-mini";
/// Called only after, so that the router has nothing of it.
const COLD: &str = "anthropic/claude-haiku-4-5";

#[tokio::test]
async fn an_older_copy_of_the_database_brings_no_deleted_key_back_and_the_vault_says_what_to_do() {
    let mut product = Product::start().await;
    let backup = backup_with_two_keys(&mut product).await;
    let admin = product.admin();
    for provider in ["openai", "anthropic"] {
        let key = format!("{DEMO}/keys/{provider}/default");
        admin.delete_key(&key).await.expect("deleted");
    }
    product.until_served_by(WARM, Source::Hosted).await;

    stop_vault(&mut product).await;
    put_in_place(&backup, &product.running.site.state.vault_database());
    product.start_unready(Part::Vault);
    let _logs = Logs(&product);
    let operations = product.running.site.addresses.vault_operations;
    let raised = async || {
        no_deleted_key_serves(&product).await;
        let (status, body) = get(operations, "/readyz").await.ok()?;
        (status == 503 && body.contains("\"database_history\"")).then_some(())
    };
    wait_for("readiness to say so", raised).await;
    for _ in 0..20 {
        no_deleted_key_serves(&product).await;
    }
    let refused = product.caller().chat(ask(COLD)).await.unwrap_err();
    assert_eq!(reason(&refused), Some(Reason::VaultUnavailable));
    let put = admin
        .put_key(DEMO, "openai", "sk-keyway-test-rolled-0003")
        .await;
    let refused = put.unwrap_err();
    assert_eq!(reason(&refused), Some(Reason::DatabaseRolledBack));
    for (part, words) in [
        (Part::Vault, "a backup took its place"),
        (Part::Vault, "run `keyway-vault restore`"),
        (Part::Router, "run `keyway-vault restore`"),
    ] {
        assert!(product.log(part).contains(words), "{part:?}: {words}");
    }
}

#[tokio::test]
async fn what_the_vault_says_to_do_brings_it_back() {
    let mut product = Product::start().await;
    let backup = backup_with_two_keys(&mut product).await;
    let admin = product.admin();
    let key = format!("{DEMO}/keys/openai/default");
    admin.delete_key(&key).await.expect("deleted");
    product.until_served_by(WARM, Source::Hosted).await;
    stop_vault(&mut product).await;
    put_in_place(&backup, &product.running.site.state.vault_database());
    product.start_unready(Part::Vault);
    let raised = async || {
        product
            .log(Part::Vault)
            .contains("a backup took its place")
            .then_some(())
    };
    wait_for("the log to say so", raised).await;

    stop_vault(&mut product).await;
    let site = &product.running.site;
    let config = site.state.config(Part::Vault);
    let arguments = ["restore".into(), "--config".into(), config.into()];
    let restored = site.run_to_end(Part::Vault, &arguments).await;
    restored.expect("restored");
    product.start_again(Part::Vault).await;
    let _logs = Logs(&product);
    // The key is back, as the operator was told, and goes as any other does.
    product.until_served_by(WARM, Source::Own).await;
    admin.delete_key(&key).await.expect("deleted again");
    product.until_served_by(WARM, Source::Hosted).await;
}

/// Keys of two providers, one of them in the router's cache, and a copy of the database with both.
async fn backup_with_two_keys(product: &mut Product) -> std::path::PathBuf {
    let admin = product.admin();
    for (provider, key) in [
        ("openai", "sk-keyway-test-rolled-0001"),
        ("anthropic", "sk-ant-keyway-test-rolled-0002"),
    ] {
        admin.put_key(DEMO, provider, key).await.expect("stored");
    }
    product.until_served_by(WARM, Source::Own).await;
    stop_vault(product).await;
    let database = product.running.site.state.vault_database();
    let backup = product.state().join("copy.db");
    fs::copy(database, &backup).expect("a copy of a database at rest");
    product.start_again(Part::Vault).await;
    backup
}

async fn stop_vault(product: &mut Product) {
    product.terminate(Part::Vault);
    let code = product.exit_code(Part::Vault).await;
    assert_eq!(code, Some(0));
}

/// A call may fail; on a deleted key it may not be made.
async fn no_deleted_key_serves(product: &Product) {
    for model in [WARM, COLD] {
        match product.caller().chat(ask(model)).await {
            Ok(answer) => {
                let (attempt, _call) = only_attempt(answer.receipt);
                assert_eq!(attempt.source(), Source::Hosted, "{model}");
            }
            Err(refused) => {
                assert_eq!(reason(&refused), Some(Reason::VaultUnavailable), "{model}");
            }
        }
    }
}
