//! The states a vault may find at its start.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use keyway_chassis::clock::ManualClock;
use keyway_proto::{Fault, Reason};
use sea_orm::{ConnectionTrait as _, TransactionTrait as _};

use super::harness::{NOW, TestDatabase, bounds, on_postgres, source};
use crate::bootstrap::{BootstrapError, bootstrap};
use crate::keyring::Keyring;
use crate::master_key::{create_file, id_of_file};
use crate::start::{StartError, open};
use crate::store::Store;

async fn start(database: &TestDatabase, key: &Path) -> Result<(Store, Keyring), StartError> {
    let clock = Arc::new(ManualClock::at(NOW));
    open(&database.settings(), source(key), bounds(), clock).await
}

async fn refused(database: &TestDatabase, key: &Path) -> String {
    start(database, key)
        .await
        .err()
        .expect("it started")
        .to_string()
}

#[tokio::test]
async fn the_key_of_the_first_start_opens_every_later_one() {
    let database = TestDatabase::migrated().await;
    let key = database.key();
    for _ in 0..2 {
        let (store, _keyring) = start(&database, &key).await.unwrap();
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn another_key_is_refused_by_both_ids() {
    let database = TestDatabase::migrated().await;
    let key = database.key();
    start(&database, &key)
        .await
        .unwrap()
        .0
        .close()
        .await
        .unwrap();
    let wrong = database.folder.path().join("wrong.key");
    create_file(&wrong).unwrap();
    let message = refused(&database, &wrong).await;
    for id in [id_of_file(&key), id_of_file(&wrong)] {
        assert!(message.contains(&id.unwrap()), "{message}");
    }
}

#[tokio::test]
async fn a_key_that_does_not_fit_its_check_value_is_refused() {
    let database = TestDatabase::migrated().await;
    let key = database.key();
    start(&database, &key)
        .await
        .unwrap()
        .0
        .close()
        .await
        .unwrap();
    database
        .sql("UPDATE master_keys SET check_value = '0000000000000000'")
        .await;
    assert!(refused(&database, &key).await.contains("check value"));
}

#[tokio::test]
async fn a_database_that_is_not_there_or_not_migrated_is_refused_with_the_command() {
    let database = TestDatabase::empty().await;
    let key = database.key();
    create_file(&key).unwrap();
    let message = refused(&database, &key).await;
    assert!(message.contains("keyway-migrate vault"), "{message}");
    if !on_postgres() {
        std::fs::remove_file(database.folder.path().join("vault.db")).unwrap();
        let message = refused(&database, &key).await;
        assert!(message.contains("keyway-migrate vault"), "{message}");
    }
}

#[tokio::test]
async fn the_first_operator_is_made_once_in_a_file_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let database = TestDatabase::migrated().await;
    let key = database.key();
    let (store, keyring) = start(&database, &key).await.unwrap();
    let out = database.folder.path().join("operator");
    bootstrap(&store, &keyring, &out).await.unwrap();
    let token = std::fs::read_to_string(&out).unwrap();
    assert!(token.starts_with("kwo_") && token.ends_with('\n'));
    assert_eq!(
        std::fs::metadata(&out).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let again = bootstrap(&store, &keyring, &database.folder.path().join("second")).await;
    assert!(matches!(again, Err(BootstrapError::OperatorExists)));
    assert!(!database.folder.path().join("second").exists());
}

#[tokio::test]
async fn of_two_vaults_that_start_at_once_on_an_empty_database_one_makes_the_first_rows() {
    for _ in 0..5 {
        let database = TestDatabase::migrated().await;
        let key = database.key();
        let (one, other) = if on_postgres() {
            tokio::join!(start(&database, &key), start(&database, &key))
        } else {
            // A SQLite file has one vault: its lock keeps a second one from opening it meanwhile.
            (start(&database, &key).await, start(&database, &key).await)
        };
        for started in [one, other] {
            started.unwrap().0.close().await.unwrap();
        }
        for table in ["feed", "master_keys", "data_keys"] {
            let count = format!("SELECT count(*) FROM {table}");
            assert_eq!(database.number(&count).await, 1, "{table}");
        }
    }
}

#[tokio::test]
async fn a_writer_whose_turn_does_not_come_is_told_that_the_vault_is_overloaded() {
    let database = TestDatabase::migrated().await;
    let key = database.key();
    start(&database, &key)
        .await
        .unwrap()
        .0
        .close()
        .await
        .unwrap();
    let mut settings = database.settings();
    settings.bounds.turn = Duration::from_millis(300);
    let clock = Arc::new(ManualClock::at(NOW));
    let opened = open(&settings, source(&key), bounds(), clock).await;
    let (store, _keyring) = opened.unwrap();

    // Behind a writer of the same process.
    let writing = store.write().await.unwrap();
    assert_eq!(refused_to_write(&store).await, Some(Reason::Overloaded));
    drop(writing);
    assert_eq!(refused_to_write(&store).await, None);

    let stranger = database.stranger().await;
    let held = stranger.begin().await.unwrap();
    let hold = "UPDATE feed SET revision = revision";
    held.execute_unprepared(hold).await.unwrap();
    // Another vault on PostgreSQL; nobody but a stranger holds a SQLite file.
    let told = if on_postgres() {
        Reason::Overloaded
    } else {
        Reason::AuditUnavailable
    };
    assert_eq!(refused_to_write(&store).await, Some(told));
    held.rollback().await.unwrap();
    assert_eq!(refused_to_write(&store).await, None);
    store.close().await.unwrap();
    stranger.close().await.unwrap();
}

async fn refused_to_write(store: &Store) -> Option<Reason> {
    let refused = store.write().await.err()?;
    Some(Fault::from(refused).reason)
}
