//! The change feed under real writers, while vaults are killed and started again: what watchers are
//! told is held against what the database holds in the end.

pub(crate) mod recorder;
pub(crate) mod validator;
pub(crate) mod writers;

use keyway::Part;
use sea_orm::{ConnectionTrait as _, Database, Statement};

use self::recorder::Recorder;
use self::validator::{Truth, Watcher, violations};
use self::writers::Writers;
use crate::harness::Product;

#[tokio::test]
async fn no_promise_of_the_feed_is_broken_while_the_vault_is_killed_and_started_again() {
    let mut product = Product::start().await;
    let recorder = Recorder::start(&product, 3);
    let writers = Writers::start(&product, 4).await;
    for _ in 0..3 {
        writers.until_more(20).await;
        product.kill(Part::Vault).await;
        product.start_again(Part::Vault).await;
    }
    writers.until_more(20).await;
    let acknowledged = writers.stop().await;
    let file = product.state().join("vault.db");
    let truth = truth(&format!("sqlite://{}?mode=ro", file.display())).await;
    let watchers = recorder.finish(last(&truth)).await;
    check(&watchers, &truth, &acknowledged);
    product.stop().await;
}

/// Every change that the database holds.
pub(crate) async fn truth(url: &str) -> Truth {
    let database = Database::connect(url).await.expect("a connection");
    let sql = "SELECT revision, kind, owner, provider, accessor, subject FROM changes";
    let statement = Statement::from_string(database.get_database_backend(), sql);
    let rows = database.query_all_raw(statement).await.expect("rows");
    database.close().await.expect("closed");
    let rows = rows.into_iter().map(|row| {
        let text = |at: usize| row.try_get_by_index::<String>(at).expect("a text");
        let revision: i64 = row.try_get_by_index(0).expect("a number");
        let says = recorder::says(&text(1), &text(2), &text(3), &text(4), &text(5));
        (revision.try_into().expect("a revision"), says)
    });
    rows.collect()
}

/// The last revision of a database.
pub(crate) fn last(truth: &Truth) -> u64 {
    truth.last_key_value().map_or(0, |(revision, _)| *revision)
}

/// Fails with every broken promise: of the feed, and of answers that writers were given.
pub(crate) fn check(watchers: &[Watcher], truth: &Truth, acknowledged: &[(String, usize)]) {
    assert_eq!(violations(watchers, truth), Vec::<String>::new());
    let without_gap = (1..=last(truth)).eq(truth.keys().copied());
    assert!(without_gap, "{:?}", truth.keys());
    for (owner, count) in acknowledged {
        let of_owner = truth.values().filter(|says| says.contains(owner.as_str()));
        assert!(of_owner.count() >= *count, "a change of {owner} is lost");
    }
    let resumed = watchers
        .iter()
        .flatten()
        .filter(|session| session.resumed.is_some());
    assert!(
        resumed.count() >= watchers.len(),
        "the watches were never cut"
    );
}
