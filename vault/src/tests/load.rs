//! Many at once.

use super::harness::{World, put_request};

#[tokio::test]
async fn many_writers_at_once_wait_for_each_other_and_none_is_turned_away() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let writers = (0..32).map(|number| {
        let mut keys = world.keys(&acme);
        let secret = format!("sk-keyway-test-writer-{number}");
        async move {
            keys.put_key(put_request("workspaces/acme", "openai", &secret))
                .await
        }
    });
    let readers = (0..32).map(|_| world.resolve("acme", "openai"));
    let (written, _read) = tokio::join!(
        futures::future::join_all(writers),
        futures::future::join_all(readers)
    );
    let mut versions: Vec<u64> = written
        .into_iter()
        .map(|answer| answer.unwrap().into_inner().key.unwrap().version)
        .collect();
    versions.sort_unstable();
    assert_eq!(versions, (1..=32).collect::<Vec<u64>>());
    assert_eq!(world.number("SELECT live_count FROM key_pools").await, 1);
}
