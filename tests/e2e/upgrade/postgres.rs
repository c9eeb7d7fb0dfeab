//! The same on PostgreSQL, by the command that operators use.

use std::process::Command;

use keyway_test_servers::Postgres;

use super::{Dump, FIRST, LATEST, LATEST_ON_POSTGRESQL, all_there};
use crate::audit::verifier::Verifier;
use crate::harness::{Logs, Setup, administer};

/// Loads a dump in a new database and migrates that; its URL.
async fn migrated(dump: &Dump, which: &str) -> String {
    let name = format!("upgrade_{}_{which}", dump.written());
    let server = Postgres::shared().expect("PostgreSQL");
    let (url, maintenance) = (server.url(&name), server.url("postgres"));
    administer(&maintenance, &[&format!("CREATE DATABASE {name}")]).await;
    dump.load(&url, &format!("{which}.postgres.sql")).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("url");
    std::fs::write(&file, &url).expect("written");
    let migrated = Command::new(env!("CARGO_BIN_EXE_keyway-tests"))
        .args(["--as", "migrate", which, "--url-file"])
        .arg(&file)
        .output()
        .expect("it runs");
    assert!(migrated.status.success(), "{migrated:?}");
    url
}

#[tokio::test]
async fn what_the_first_build_wrote_is_all_there_after_the_upgrade_on_postgresql() {
    upgraded(FIRST, FIRST).await;
}

#[tokio::test]
async fn what_the_build_of_step_15_wrote_is_all_there_after_the_upgrade_on_postgresql() {
    upgraded(LATEST_ON_POSTGRESQL, LATEST).await;
}

async fn upgraded(dump: Dump, files: Dump) {
    let vault = migrated(&dump, "vault").await;
    let router = migrated(&dump, "router").await;
    let folder = dump.unpack();
    // The launcher asks that the files of an earlier start are there; nobody reads them.
    files.load_sqlite(&folder).await;
    let setup = Setup::new()
        .with("KEYWAY_VAULT__DATABASE__PATH", "")
        .with("KEYWAY_VAULT__DATABASE__URL", &vault)
        .with("KEYWAY_ROUTER__LEDGER__PATH", "")
        .with("KEYWAY_ROUTER__LEDGER__URL", &router);
    let product = setup.start_in(folder).await;
    let product = product.unwrap_or_else(|error| panic!("no start: {error:#}"));
    let _logs = Logs(&product);
    all_there(&product, &dump, &Verifier::new(&product).at(&vault)).await;
}
