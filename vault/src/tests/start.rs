//! The states a vault may find at its start.

use std::path::Path;
use std::sync::Arc;

use keyway_chassis::clock::ManualClock;
use tempfile::TempDir;

use super::harness::{NOW, bounds, prepare, raw, source};
use crate::bootstrap::{BootstrapError, bootstrap};
use crate::keyring::Keyring;
use crate::master_key::{create_file, id_of_file};
use crate::start::{StartError, open};
use crate::store::Store;

async fn start(folder: &TempDir, key: &Path) -> Result<(Store, Keyring), StartError> {
    open(
        &folder.path().join("vault.db"),
        source(key),
        bounds(),
        Arc::new(ManualClock::at(NOW)),
    )
    .await
}

async fn refused(folder: &TempDir, key: &Path) -> String {
    start(folder, key)
        .await
        .err()
        .expect("it started")
        .to_string()
}

#[tokio::test]
async fn the_key_of_the_first_start_opens_every_later_one() {
    let folder = tempfile::tempdir().unwrap();
    let (_database, key) = prepare(&folder).await;
    for _ in 0..2 {
        let (store, _keyring) = start(&folder, &key).await.unwrap();
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn another_key_is_refused_by_both_ids() {
    let folder = tempfile::tempdir().unwrap();
    let (_database, key) = prepare(&folder).await;
    start(&folder, &key).await.unwrap().0.close().await.unwrap();
    let wrong = folder.path().join("wrong.key");
    create_file(&wrong).unwrap();
    let message = refused(&folder, &wrong).await;
    for id in [id_of_file(&key), id_of_file(&wrong)] {
        assert!(message.contains(&id.unwrap()), "{message}");
    }
}

#[tokio::test]
async fn a_key_that_does_not_fit_its_check_value_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (database, key) = prepare(&folder).await;
    start(&folder, &key).await.unwrap().0.close().await.unwrap();
    let stranger = raw(&database, "rw").await;
    let sql = "UPDATE master_keys SET check_value = '0000000000000000'";
    sea_orm::ConnectionTrait::execute_unprepared(&stranger, sql)
        .await
        .unwrap();
    assert!(refused(&folder, &key).await.contains("check value"));
}

#[tokio::test]
async fn a_database_that_is_not_there_or_not_migrated_is_refused_with_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("master.key");
    create_file(&key).unwrap();
    let message = refused(&folder, &key).await;
    assert!(message.contains("keyway-migrate vault"), "{message}");
    raw(&folder.path().join("vault.db"), "rwc")
        .await
        .close()
        .await
        .unwrap();
    let message = refused(&folder, &key).await;
    assert!(message.contains("keyway-migrate vault"), "{message}");
}

#[tokio::test]
async fn the_first_operator_is_made_once_in_a_file_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let (_database, key) = prepare(&folder).await;
    let (store, keyring) = start(&folder, &key).await.unwrap();
    let out = folder.path().join("operator");
    bootstrap(&store, &keyring, &out).await.unwrap();
    let token = std::fs::read_to_string(&out).unwrap();
    assert!(token.starts_with("kwo_") && token.ends_with('\n'));
    assert_eq!(
        std::fs::metadata(&out).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let again = bootstrap(&store, &keyring, &folder.path().join("second")).await;
    assert!(matches!(again, Err(BootstrapError::OperatorExists)));
    assert!(!folder.path().join("second").exists());
}
