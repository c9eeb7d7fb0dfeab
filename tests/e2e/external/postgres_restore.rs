//! A backup takes the place of the vault's database on PostgreSQL.

use keyway::Part;
use keyway_proto::billing::v1::Source;

use crate::harness::{DEMO, Logs, Product, Setup, VaultDatabase};

const OLD: &str = "openai/gpt-5-mini";
const NEW: &str = "anthropic/claude-haiku-4-5";

#[tokio::test]
async fn after_a_restore_on_postgresql_a_router_that_never_stopped_follows_the_backup() {
    let database = VaultDatabase::migrated("restored").await;
    let mut product = Setup::new().on(&database).start().await;
    let admin = product.admin();
    let secret = "sk-keyway-test-restored-0001";
    admin.put_key(DEMO, "openai", secret).await.unwrap();
    product.terminate(Part::Vault);
    assert_eq!(product.exit_code(Part::Vault).await, Some(0));
    database.keep().await;
    product.start_again(Part::Vault).await;
    // After the backup one key is deleted and another one stored and used.
    let deleted = "workspaces/demo/keys/openai/default";
    admin.delete_key(deleted).await.unwrap();
    let secret = "sk-keyway-test-restored-0002";
    admin.put_key(DEMO, "anthropic", secret).await.unwrap();
    product.until_served_by(NEW, Source::Own).await;
    product.until_served_by(OLD, Source::Hosted).await;

    let refused = restore(&product).await.unwrap_err().to_string();
    assert!(refused.contains("stop every vault first"), "{refused}");
    product.kill(Part::Vault).await;
    database.put_back().await;
    restore(&product).await.unwrap();
    product.start_again(Part::Vault).await;

    let _logs = Logs(&product);
    product.until_served_by(NEW, Source::Hosted).await;
    product.until_served_by(OLD, Source::Own).await;
    for _ in 0..20 {
        let (attempt, _) = product.caller().chat_once(NEW).await;
        assert_eq!(attempt.source(), Source::Hosted);
    }
}

async fn restore(product: &Product) -> anyhow::Result<()> {
    let site = &product.running.site;
    let config = site.state.config(Part::Vault);
    let arguments = ["restore".into(), "--config".into(), config.into()];
    site.run_to_end(Part::Vault, &arguments).await
}
