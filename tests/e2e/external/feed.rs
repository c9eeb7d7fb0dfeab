//! The change feed of two vaults on one PostgreSQL database.

use keyway::Part;
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, TransactionTrait as _};

use crate::feed::recorder::Recorder;
use crate::feed::writers::Writers;
use crate::feed::{check, last, truth};
use crate::harness::{Setup, VaultDatabase};

#[tokio::test]
async fn no_promise_of_the_feed_is_broken_by_two_vaults_kills_and_commits_in_reverse_order() {
    let database = VaultDatabase::migrated("feed").await;
    let mut product = Setup::new().on(&database).start().await;
    let mut replica = product.replica().await;
    let recorder = Recorder::start(&product, 4);
    recorder.vaults(vec![product.vault_data(), replica.data]);
    let writers = Writers::start_at(&product, 4, Some(replica.admin)).await;
    let stranger = Database::connect(&database.url).await.unwrap();
    for round in 0..10 {
        in_reverse_order(&stranger, round).await;
    }
    writers.until_more(40).await;

    product.kill(Part::Vault).await;
    writers.until_more(10).await; // through the second vault
    product.start_again(Part::Vault).await;
    replica.kill().await;
    recorder.vaults(vec![product.vault_data()]);
    writers.until_more(20).await;
    let again = product.replica().await;
    recorder.vaults(vec![again.data, product.vault_data()]);
    for round in 10..20 {
        in_reverse_order(&stranger, round).await;
    }
    writers.until_more(20).await;

    let acknowledged = writers.stop().await;
    let truth = truth(&database.url).await;
    let reversed = truth
        .values()
        .filter(|says| says.contains("reverse"))
        .count();
    assert_eq!(reversed, 40, "what was undone is not there");
    let watchers = recorder.finish(last(&truth)).await;
    check(&watchers, &truth, &acknowledged);
    stranger.close().await.unwrap();
    product.stop().await;
}

/// Two transactions that begin in one order and commit in the other, with one between them that took
/// the next revision, held it for a moment and was undone.
async fn in_reverse_order(database: &DatabaseConnection, round: usize) {
    let (early, undone, late) = (
        database.begin().await.unwrap(),
        database.begin().await.unwrap(),
        database.begin().await.unwrap(),
    );
    for transaction in [&early, &undone, &late] {
        // From here on the server has numbered it.
        let number = "SELECT pg_current_xact_id()";
        transaction.execute_unprepared(number).await.unwrap();
    }
    let change = |name: &str| {
        format!(
            "UPDATE feed SET revision = revision + 1; \
             INSERT INTO changes (revision, kind, owner, provider, accessor, subject, created_at) \
             SELECT revision, 'CHANGE_KIND_KEY', 'platform', 'exa', '', 'reverse-{name}-{round}', 0 FROM feed"
        )
    };
    late.execute_unprepared(&change("late")).await.unwrap();
    late.commit().await.unwrap();
    undone.execute_unprepared(&change("undone")).await.unwrap();
    undone.rollback().await.unwrap();
    early.execute_unprepared(&change("early")).await.unwrap();
    early.commit().await.unwrap();
}
