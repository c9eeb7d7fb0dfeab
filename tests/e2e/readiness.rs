//! What keeps a service from working is named at once wherever somebody asks: `/readyz`, gRPC health,
//! `/metrics`. It stays alive, and is ready again by itself when the cause is gone.

use std::fs::{self, File};
use std::path::Path;

use keyway::Part;
use keyway::ready::get;
use keyway_proto::Reason;
use keyway_proto::vault::v1::TokenServiceWhoAmIRequest;
use rustix::process::Resource;

use crate::exhausted::limit;
use crate::harness::{DEMO, Logs, Product, Setup, ask, reason, wait_for};

const MODEL: &str = "openai/gpt-5-mini";
/// Room for a log of warnings, and not for one transaction of the vault, or of the ledger.
const DISK: [u64; 2] = [12 << 10, 4 << 10];

async fn alive(product: &Product, part: Part) {
    let (status, body) = get(product.operations(part), "/livez")
        .await
        .expect("an answer");
    assert_eq!(status, 200, "{body}");
}

#[tokio::test]
async fn a_vault_whose_runtime_is_blocked_says_so_fails_its_liveness_and_comes_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("block");
    let setup = Setup::new()
        .with("VAULT_FAILPOINT", &format!("block:{}", file.display()))
        .with("KEYWAY_VAULT__SERVER__BLOCKED_AFTER", "2s");
    let product = setup.start().await;
    product.until_well(Part::Vault).await;
    File::create(&file).expect("a file");
    product.until_missing(Part::Vault, "runtime").await;
    let dead = async || {
        let (status, body) = get(product.operations(Part::Vault), "/livez").await.ok()?;
        (status == 503 && body.contains("the runtime is blocked")).then_some(())
    };
    wait_for("a liveness that fails", dead).await;
    fs::remove_file(&file).expect("removed");
    product.until_well(Part::Vault).await;
    let me = TokenServiceWhoAmIRequest {};
    let served = product.operator().vault.tokens().who_am_i(me).await;
    served.expect("it serves again");
    assert!(product.log(Part::Vault).contains("no task of it ran for"));
}

#[tokio::test]
async fn a_frozen_process_answers_no_probe_and_is_well_again_when_it_goes_on() {
    let mut product = Product::start().await;
    for part in [Part::Vault, Part::Router] {
        product.freeze(part).await;
        assert_eq!(product.readyz(part).await, None, "a probe times out");
        product.signal(part, "CONT");
    }
    for part in [Part::Vault, Part::Router] {
        product.until_well(part).await;
    }
}

/// The files that SQLite keeps of a database.
fn files(database: &Path) -> Vec<std::path::PathBuf> {
    let name = database.display();
    ["", "-wal", "-shm"]
        .map(|end| format!("{name}{end}").into())
        .into()
}

#[tokio::test]
async fn a_service_waits_for_its_migration_and_starts_by_itself_when_that_has_run() {
    let mut product = Product::start().await;
    for (part, which) in [(Part::Router, "router"), (Part::Vault, "vault")] {
        let state = &product.running.site.state;
        let database = match part {
            Part::Vault => state.vault_database(),
            _ => state.ledger_database(),
        };
        product.kill(part).await;
        for file in files(&database) {
            drop(fs::remove_file(file));
        }
        File::create(&database).expect("an empty database");
        product.start_unready(part);
        product.until_missing(part, "migrations").await;
        alive(&product, part).await;
        let refused = match part {
            Part::Vault => {
                let me = TokenServiceWhoAmIRequest {};
                product
                    .operator()
                    .vault
                    .tokens()
                    .who_am_i(me)
                    .await
                    .map(drop)
            }
            _ => product.caller().chat(ask(MODEL)).await.map(drop),
        };
        let refused = refused.unwrap_err();
        assert_eq!(
            reason(&refused),
            Some(Reason::MigrationPending),
            "{refused:?}"
        );
        assert!(refused.message().contains("keyway-migrate"), "{refused:?}");
        let migrated = std::process::Command::new(env!("CARGO_BIN_EXE_keyway-tests"))
            .args(["--as", "migrate", which, "--database"])
            .arg(&database)
            .output()
            .expect("it runs");
        assert!(migrated.status.success(), "{migrated:?}");
        product.until_well(part).await;
        assert!(product.log(part).contains("the start goes on"));
    }
}

#[tokio::test]
async fn a_service_that_waits_for_its_migration_stops_in_order_when_told() {
    let mut product = Product::start().await;
    product.kill(Part::Router).await;
    let database = product.running.site.state.ledger_database();
    for file in files(&database) {
        drop(fs::remove_file(file));
    }
    File::create(&database).expect("an empty database");
    product.start_unready(Part::Router);
    product.until_missing(Part::Router, "migrations").await;
    product.terminate(Part::Router);
    assert_eq!(product.exit_code(Part::Router).await, Some(0));
}

#[tokio::test]
async fn a_master_key_that_is_gone_an_audit_trail_and_a_ledger_without_room_are_named() {
    let setup = Setup::new()
        .with("KEYWAY_VAULT__AUDIT__CHECK_INTERVAL", "200ms")
        .with("KEYWAY_VAULT__LOG__LEVEL", "warn")
        .with("KEYWAY_ROUTER__LOG__LEVEL", "warn");
    let mut product = setup.start().await;
    for part in [Part::Vault, Part::Router] {
        product.until_well(part).await;
    }
    let key = product.running.site.state.master_key();
    let aside = key.with_extension("aside");
    fs::rename(&key, &aside).expect("moved");
    product.until_missing(Part::Vault, "master_key").await;
    alive(&product, Part::Vault).await;
    fs::rename(&aside, &key).expect("moved back");
    product.until_well(Part::Vault).await;

    let parts = [(Part::Vault, "audit"), (Part::Router, "ledger")];
    for ((part, condition), most) in parts.into_iter().zip(DISK) {
        limit(&mut product, part, Resource::Fsize, Some(most));
        if part == Part::Vault {
            // A row that is only tried needs no room.
            let stored = product.admin();
            let stored = stored.put_key(DEMO, "exa", "sk-keyway-test-no-room-0001");
            let refused = stored.await.unwrap_err();
            assert_eq!(reason(&refused), Some(Reason::AuditUnavailable));
        }
        product.until_missing(part, condition).await;
        alive(&product, part).await;
        limit(&mut product, part, Resource::Fsize, None);
        product.until_well(part).await;
    }
    let _logs = Logs(&product);
    product.caller().chat(ask(MODEL)).await.expect("an answer");
}

#[tokio::test]
async fn a_router_without_its_vault_says_so_and_is_well_when_the_vault_is_back() {
    let setup = Setup::new()
        .with("KEYWAY_VAULT__FEED__BOOKMARK", "500ms")
        .with("KEYWAY_ROUTER__FEED__DEAD_AFTER", "5s");
    let mut product = setup.start().await;
    product.until_well(Part::Router).await;
    product.kill(Part::Vault).await;
    product.until_missing(Part::Router, "vault_feed").await;
    alive(&product, Part::Router).await;
    product.start_again(Part::Vault).await;
    product.until_well(Part::Router).await;
}
