//! A backup takes the place of the database: routers drop what they hold and follow it, and the
//! record says what is missing.

use std::fs;
use std::path::Path;

use keyway::Part;
use keyway_proto::billing::v1::Source;
use keyway_proto::vault::v1::AuditServiceListRequest;

use super::verifier::{Kept, Verifier, checkpoint};
use crate::harness::{DEMO, Logs, Product};

const OLD: &str = "openai/gpt-5-mini";
const NEW: &str = "anthropic/claude-haiku-4-5";

#[tokio::test]
async fn after_a_restore_a_router_follows_the_backup_and_the_record_says_what_is_missing() {
    let mut product = Product::start().await;
    let admin = product.admin();
    admin
        .put_key(DEMO, "openai", "sk-keyway-test-restore-0001")
        .await
        .unwrap();
    let verifier = Verifier::new(&product);
    let backup = product.state().join("backup.db");
    verifier
        .change(&format!("VACUUM INTO '{}'", backup.display()))
        .await;
    // After the backup one key is deleted and another one stored and used.
    admin
        .delete_key("workspaces/demo/keys/openai/default")
        .await
        .unwrap();
    admin
        .put_key(DEMO, "anthropic", "sk-keyway-test-restore-0002")
        .await
        .unwrap();
    product.until_served_by(NEW, Source::Own).await;
    product.until_served_by(OLD, Source::Hosted).await;
    let kept = checkpoint(&admin, DEMO).await;
    let file = verifier.write("kept", &kept.to_json());

    let refused = restore(&product, &file).await.unwrap_err().to_string();
    assert!(refused.contains("in use by another process"), "{refused}");
    product.kill(Part::Vault).await;
    put_in_place(&backup, &product.running.site.state.vault_database());
    let forged = verifier.write(
        "forged",
        &kept
            .to_json()
            .replace("\"sequence\": \"", "\"sequence\": \"1"),
    );
    let refused = restore(&product, &forged).await.unwrap_err().to_string();
    assert!(refused.contains("was not signed by the vault"), "{refused}");
    restore(&product, &file).await.unwrap();
    product.start_again(Part::Vault).await;

    let _logs = Logs(&product);
    // The router was never stopped: what it held of the other history is gone.
    product.until_served_by(NEW, Source::Hosted).await;
    product.until_served_by(OLD, Source::Own).await;
    for _ in 0..20 {
        let (attempt, _) = product.caller().chat_once(NEW).await;
        assert_eq!(attempt.source(), Source::Hosted);
    }

    record_says(&product, &verifier, &kept, &file).await;
}

/// The row of the restore, and what the verifier makes of a checkpoint of before.
async fn record_says(product: &Product, verifier: &Verifier, kept: &Kept, file: &str) {
    let request = AuditServiceListRequest {
        workspace: DEMO.to_owned(),
        rpc: "CHAIN_RESTORED".to_owned(),
        ..Default::default()
    };
    let rows = product
        .admin()
        .vault
        .audit()
        .list(request)
        .await
        .unwrap()
        .into_inner()
        .rows;
    let row = rows.first().expect("a row of the restore");
    let facts: serde_json::Value = serde_json::from_str(&row.facts_json).unwrap();
    assert_eq!(
        facts["missing"],
        kept.sequence - row.sequence + 1,
        "{facts}"
    );
    assert_ne!(facts["epoch"], facts["epoch_before"]);
    verifier
        .database(&["--chain", DEMO])
        .says(0, "whole", "rows were not hashed again");
    let checked = verifier.database(&["--chain", DEMO, "--checkpoint", file]);
    let told = format!("row {} says that a backup was restored", row.sequence);
    checked.says(2, &told, "the checkpoint of before");
}

async fn restore(product: &Product, checkpoint: &str) -> anyhow::Result<()> {
    let site = &product.running.site;
    let config = site.state.config(Part::Vault);
    let arguments = [
        "restore".into(),
        "--config".into(),
        config.into(),
        "--checkpoint".into(),
    ];
    let arguments: Vec<_> = arguments.into_iter().chain([checkpoint.into()]).collect();
    site.run_to_end(Part::Vault, &arguments).await
}

pub(crate) fn put_in_place(backup: &Path, database: &Path) {
    for more in ["-wal", "-shm"] {
        let mut name = database.as_os_str().to_owned();
        name.push(more);
        if Path::new(&name).exists() {
            fs::remove_file(name).expect("removed");
        }
    }
    fs::copy(backup, database).expect("in its place");
}
