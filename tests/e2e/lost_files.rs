//! A start on a state folder from which something was taken: found again, made anew, or refused with
//! what to do; never replaced by something empty in silence.

use std::fs;

use crate::harness::{Product, Setup};

#[tokio::test]
async fn a_lost_database_is_not_replaced_by_an_empty_one() {
    for name in ["vault.db", "ledger.db"] {
        let folder = Product::start().await.stop().await;
        let database = folder.path().join(".keyway").join(name);
        fs::remove_file(&database).expect("the database was there");
        let started = Setup::new().start_in(folder).await;
        let error = started.err().expect("a refusal").to_string();
        assert!(
            error.contains(name) && error.contains("bring it back"),
            "{error}"
        );
        assert!(!database.exists());
    }
}

#[tokio::test]
async fn tokens_that_are_lost_or_damaged_are_found_again_or_made_anew() {
    let product = Product::start().await;
    let operator = product.running.access.operator_token.expose().to_owned();
    let folder = product.stop().await;
    let state = folder.path().join(".keyway");
    fs::remove_file(state.join("operator.token")).expect("the file was there");
    fs::write(state.join("router.token"), "hi").expect("written");
    let product = Setup::new().start_in(folder).await.expect("a start");
    assert_eq!(product.running.access.operator_token.expose(), operator);

    let folder = product.stop().await;
    fs::write(folder.path().join(".keyway/keyway.env"), [0xff; 64]).expect("written");
    let product = Setup::new().start_in(folder).await.expect("a start");
    assert_eq!(product.running.access.operator_token.expose(), operator);
}
