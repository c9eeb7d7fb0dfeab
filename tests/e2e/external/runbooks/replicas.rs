//! The pages on keys and backups, run against two vaults on one database and two routers on one ledger, while
//! clients call through both routers; and of a backup also on files.

use std::path::Path;

use futures::future::join_all;
use keyway::Part;
use keyway_proto::Reason;
use keyway_proto::billing::v1::Source;
use keyway_proto::vault::v1::{Role, TokenServiceCreateRequest};

use super::{Load, MODEL, path, run_with};
use crate::harness::{
    DEMO, Product, Replica, SecondRouter, Setup, Speaker, VaultDatabase, ask, only_attempt, reason,
    wait_for,
};
use crate::rotation::world::World;

/// What stands beside the product's own vault and router.
struct Beside {
    vault: Replica,
    router: SecondRouter,
}

impl Beside {
    /// A vault on the same database, and a router of that vault on the same ledger.
    async fn start(product: &Product, ledger: &VaultDatabase) -> Self {
        let vault = product.replica().await;
        let endpoint = format!("http://{}", vault.data);
        let own = [
            ("KEYWAY_ROUTER__LEDGER__PATH", ""),
            ("KEYWAY_ROUTER__LEDGER__URL", &ledger.url),
            ("KEYWAY_ROUTER__VAULT__ENDPOINT", &endpoint),
        ];
        let router = product.second_router(&own).await;
        Self { vault, router }
    }

    /// A token's speakers at both routers.
    fn speakers(&self, product: &Product, token: &str) -> [Speaker; 2] {
        [product.speaker(token), self.router.speaker(token)]
    }

    fn callers(&self, product: &Product) -> [Speaker; 2] {
        self.speakers(product, product.running.access.call_token.expose())
    }

    /// Calls at both routers.
    fn load(&self, product: &Product) -> [Load; 2] {
        self.callers(product).map(Load::by)
    }
}

/// What served, and why calls failed, at both routers.
async fn stop(load: [Load; 2]) -> (Vec<Source>, Vec<Reason>) {
    let ended = join_all(load.map(Load::stop)).await;
    assert!(
        ended.iter().all(|(served, _)| !served.is_empty()),
        "{ended:?}"
    );
    let (served, failed): (Vec<_>, Vec<_>) = ended.into_iter().unzip();
    (served.concat(), failed.concat())
}

/// Both databases on PostgreSQL.
async fn databases(vault: &'static str, ledger: &'static str) -> (VaultDatabase, VaultDatabase) {
    let server = keyway_test_servers::Postgres::shared().expect("PostgreSQL");
    let vault = VaultDatabase::migrated_on(server, vault).await;
    (vault, VaultDatabase::ledger_on(server, ledger).await)
}

#[tokio::test]
async fn the_runbook_that_rotates_the_master_key_does_so_for_two_vaults_and_no_call_fails() {
    let (vault, ledger) = databases("runbook_rotates", "runbook_rotates_ledger").await;
    let mut world = World::start_with(|setup| setup.on(&vault).ledger_on(&ledger)).await;
    let mut beside = Beside::start(&world.product, &ledger).await;
    let retired = tempfile::tempdir().expect("a folder");
    let keys = world.keys();
    let variables = [("KEYS", keys.as_path()), ("RETIRED", retired.path())];
    let load = beside.load(&world.product);
    let variables = variables.map(path);
    run_with(
        "rotate-the-master-key",
        &mut world.product,
        Some(&mut beside.vault),
        &variables,
    )
    .await;
    let (_served, failed) = stop(load).await;
    assert!(failed.is_empty(), "{failed:?}");
    assert!(!keys.join("1").exists() && keys.join("2").exists());
    world.assert_every_key_opens().await;
    world.product.kill(Part::Vault).await;
    world.assert_every_key_opens_at(beside.vault.data).await;
}

#[tokio::test]
async fn the_runbook_that_revokes_a_leaked_key_does_so_at_two_routers_and_no_call_fails() {
    let (vault, ledger) = databases("runbook_revokes", "runbook_revokes_ledger").await;
    let mut product = Setup::new().on(&vault).ledger_on(&ledger).start().await;
    let mut beside = Beside::start(&product, &ledger).await;
    let admin = product.admin();
    let leaked = "sk-keyway-test-runbook-leaked-0001";
    admin.put_key(DEMO, "openai", leaked).await.expect("stored");
    let token = TokenServiceCreateRequest {
        workspace: DEMO.to_owned(),
        role: Role::Caller.into(),
        ..Default::default()
    };
    let token = admin.token(token).await;
    let thieves = beside.speakers(&product, &token);
    for thief in &thieves {
        thief.chat(ask(MODEL)).await.expect("an answer");
    }
    let new = "sk-keyway-test-runbook-new-0002";
    let variables = [
        ("PROVIDER", "openai"),
        ("KEY_NAME", "default"),
        ("NEW_KEY", new),
        ("LEAKED_TOKEN", &token),
    ];
    let variables = variables.map(|(name, value)| (name, value.to_owned()));
    let load = beside.load(&product);
    let said = run_with(
        "revoke-a-leaked-key",
        &mut product,
        Some(&mut beside.vault),
        &variables,
    )
    .await;
    let (_served, failed) = stop(load).await;
    assert!(failed.is_empty(), "{failed:?}");
    for secret in [leaked, new, &token] {
        assert!(!said.contains(secret), "{said}");
    }
    for thief in &thieves {
        let refused = thief.chat(ask(MODEL)).await.unwrap_err();
        assert_eq!(reason(&refused), Some(Reason::CallerUnknown));
    }
    for caller in beside.callers(&product) {
        until_on_the_new_key(&caller).await;
    }
}

/// Waits until calls go to the key that took the leaked one's place; never to that one.
async fn until_on_the_new_key(caller: &Speaker) {
    let own = async || {
        let answer = caller.chat(ask(MODEL)).await.expect("an answer");
        let (attempt, _call) = only_attempt(answer.receipt);
        let own = attempt.source() == Source::Own;
        assert!(!own || attempt.key_version == 2, "{attempt:?}");
        own.then_some(())
    };
    wait_for("the new key", own).await;
}

#[tokio::test]
async fn the_runbook_that_restores_a_backup_does_so_for_two_vaults_and_calls_go_on() {
    let (vault, ledger) = databases("runbook_restores", "runbook_restores_ledger").await;
    let mut product = Setup::new().on(&vault).ledger_on(&ledger).start().await;
    let mut beside = Beside::start(&product, &ledger).await;
    let folder = tempfile::tempdir().expect("a folder");
    let url_file = folder.path().join("url");
    std::fs::write(&url_file, &vault.url).expect("written");
    let mut variables = vault.environment();
    variables.push(path(("URL_FILE", &url_file)));
    let said = restored(&mut product, Some(&mut beside), &variables).await;
    assert!(said.contains("the epoch is"), "{said}");
}

#[tokio::test]
async fn the_runbook_that_restores_a_backup_does_so_on_a_file_and_calls_go_on() {
    let mut product = Product::start().await;
    let database = product.running.site.state.vault_database();
    let variables = [path(("DATABASE", &database))];
    let said = restored(&mut product, None, &variables).await;
    assert!(said.contains("the epoch is"), "{said}");
}

/// Runs the page while calls go on, which fail only while no vault is there; what it said.
async fn restored(
    product: &mut Product,
    beside: Option<&mut Beside>,
    database: &[(&str, String)],
) -> String {
    let admin = product.admin();
    let key = "sk-keyway-test-runbook-kept-0003";
    admin.put_key(DEMO, "openai", key).await.expect("stored");
    let callers: Vec<Speaker> = match &beside {
        Some(beside) => beside.callers(product).into(),
        None => vec![product.caller()],
    };
    for caller in &callers {
        until_own(caller).await;
    }
    let elsewhere = tempfile::tempdir().expect("a folder");
    let config = product.running.site.state.config(Part::Vault);
    let (backup, checkpoints) = (
        elsewhere.path().join("vault.backup"),
        elsewhere.path().join("checkpoints.json"),
    );
    let files: [(&str, &Path); 3] = [
        ("CONFIG", &config),
        ("BACKUP", &backup),
        ("CHECKPOINTS", &checkpoints),
    ];
    let variables = [database, &files.map(path)].concat();
    let load: Vec<Load> = callers.iter().cloned().map(Load::by).collect();
    let second = beside.map(|beside| &mut beside.vault);
    let said = run_with("restore-a-backup", product, second, &variables).await;
    for load in load {
        let (served, failed) = load.stop().await;
        let others = |reason: &&Reason| **reason != Reason::VaultUnavailable;
        assert_eq!(failed.iter().find(others), None, "while no vault was there");
        assert!(served.iter().all(|source| *source == Source::Own));
    }
    for caller in &callers {
        until_own(caller).await;
    }
    said
}

/// Waits until calls go to the workspace's own key.
async fn until_own(caller: &Speaker) {
    let own = async || {
        let answer = caller.chat(ask(MODEL)).await.ok()?;
        let (attempt, _call) = only_attempt(answer.receipt);
        (attempt.source() == Source::Own).then_some(())
    };
    wait_for("calls on the own key", own).await;
}
