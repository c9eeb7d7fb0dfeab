//! Races of fills and changes, and the vault going away.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use keyway_words::{Secret, WorkspaceId};
use tokio::sync::Semaphore;

use super::*;

/// What the vault says next.
struct Answer(Result<wire::ResolveKeysResponse, VaultError>);

/// A vault that gives prepared answers, each when it is let through.
#[derive(Debug)]
struct Fake {
    answers: Mutex<VecDeque<Result<wire::ResolveKeysResponse, VaultError>>>,
    asked: AtomicUsize,
    gate: Arc<Semaphore>,
}

impl VaultSource for Fake {
    fn resolve(
        &self,
        _workspace: &WorkspaceId,
        _provider: ProviderId,
        _call: CallId,
    ) -> BoxFuture<'static, Result<wire::ResolveKeysResponse, VaultError>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self
            .answers
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or(Err(VaultError::Away));
        let gate = Arc::clone(&self.gate);
        Box::pin(async move {
            gate.acquire().await.unwrap().forget();
            answer
        })
    }

    fn verify(
        &self,
        _token: Secret,
        _source_address: String,
    ) -> BoxFuture<'static, Result<wire::VerifyCallerResponse, VaultError>> {
        Box::pin(async { Err(VaultError::Away) })
    }
}

fn answer(revision: u64) -> Answer {
    let answer = wire::ResolveKeysResponse {
        revision,
        epoch: "e".into(),
        workspace_state: wire::WorkspaceState::Active.into(),
        lease: Some(prost_types::Duration {
            seconds: 900,
            nanos: 0,
        }),
        ..wire::ResolveKeysResponse::default()
    };
    Answer(Ok(answer))
}

struct Setup {
    cache: LeaseCache,
    vault: Arc<Fake>,
    freshness: Arc<Freshness>,
    key: LeaseKey,
}

/// A cache in front of these answers; `open` of them are let through at once.
fn setup(answers: Vec<Answer>, open: usize) -> Setup {
    let gate = Arc::new(Semaphore::new(open));
    let vault = Arc::new(Fake {
        answers: Mutex::new(answers.into_iter().map(|answer| answer.0).collect()),
        asked: AtomicUsize::new(0),
        gate,
    });
    let freshness = Arc::new(Freshness::new(
        Duration::from_mins(1),
        Duration::from_secs(15),
    ));
    let bounds = CacheBounds {
        entries: 2,
        lease: Duration::from_mins(15),
    };
    let source: Arc<dyn VaultSource> = Arc::<Fake>::clone(&vault);
    let cache = LeaseCache::new(source, Arc::clone(&freshness), bounds, Tasks::new());
    Setup {
        cache,
        vault,
        freshness,
        key: key("acme"),
    }
}

fn key(workspace: &str) -> LeaseKey {
    LeaseKey {
        workspace: workspace.parse().unwrap(),
        provider: ProviderId::OpenAi,
    }
}

fn change(owner: &str, provider: &str, revision: u64) -> wire::Change {
    let (owner, provider) = (owner.to_owned(), provider.to_owned());
    let kind = wire::ChangeKind::Key.into();
    wire::Change {
        revision,
        kind,
        owner,
        provider,
        ..wire::Change::default()
    }
}

impl Setup {
    async fn lease(&self) -> Result<u64, VaultError> {
        self.cache
            .lease(&self.key, CallId::new())
            .await
            .map(|lease| lease.revision)
    }

    fn asked(&self) -> usize {
        self.vault.asked.load(Ordering::SeqCst)
    }

    async fn until_asked(&self, times: usize) {
        while self.asked() < times {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_warm_call_asks_nobody_and_many_cold_ones_ask_once() {
    let setup = setup(vec![answer(1)], 0);
    let waiting = futures::future::join_all((0..50).map(|_| setup.lease()));
    let (leases, ()) = tokio::join!(waiting, async {
        setup.until_asked(1).await;
        setup.vault.gate.add_permits(1);
    });
    assert!(leases.iter().all(|lease| *lease == Ok(1)));
    for _ in 0..1_000 {
        assert_eq!(setup.lease().await, Ok(1));
    }
    assert_eq!(setup.asked(), 1);
}

#[tokio::test]
async fn a_late_fill_does_not_revive_what_a_change_ended() {
    let setup = setup(vec![answer(4), answer(5)], 0);
    let (lease, ()) = tokio::join!(setup.lease(), async {
        setup.until_asked(1).await;
        setup
            .cache
            .invalidate(&change("workspaces/acme", "openai", 5));
        setup.vault.gate.add_permits(2);
    });
    assert_eq!(lease, Ok(5), "the answer of revision 4 was thrown away");
    assert_eq!(setup.asked(), 2);
}

#[tokio::test]
async fn a_change_ends_the_leases_that_it_concerns_and_no_other() {
    for (owner, provider, ends) in [
        ("workspaces/acme", "openai", true),
        ("workspaces/acme", "", true),
        ("platform", "openai", true),
        ("", "", true),
        ("workspaces/acme", "exa", false),
        ("workspaces/other", "openai", false),
        ("platform", "exa", false),
    ] {
        let setup = setup(vec![answer(1), answer(9)], 2);
        let lease = setup.cache.lease(&setup.key, CallId::new()).await.unwrap();
        setup.cache.invalidate(&change(owner, provider, 9));
        assert_eq!(setup.cache.is_good(&lease), !ends, "{owner} {provider}");
        assert_eq!(setup.lease().await, Ok(if ends { 9 } else { 1 }));
    }
}

#[tokio::test]
async fn a_change_that_the_answer_already_had_ends_nothing() {
    let setup = setup(vec![answer(7)], 1);
    assert_eq!(setup.lease().await, Ok(7));
    setup
        .cache
        .invalidate(&change("workspaces/acme", "openai", 7));
    assert_eq!(setup.lease().await, Ok(7));
    assert_eq!(setup.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_vault_that_is_away_leaves_leases_to_the_stale_bound() {
    let setup = setup(vec![answer(1)], 10);
    setup.freshness.bookmark("e", 1, Instant::now());
    assert_eq!(setup.lease().await, Ok(1));
    tokio::time::advance(Duration::from_secs(59)).await;
    assert_eq!(setup.lease().await, Ok(1));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(setup.lease().await, Err(VaultError::Away));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_ends_is_renewed_and_outlives_a_short_absence_of_the_vault() {
    let setup = setup(
        vec![answer(1), Answer(Err(VaultError::Away)), answer(2)],
        10,
    );
    assert_eq!(setup.lease().await, Ok(1));
    tokio::time::advance(Duration::from_mins(15)).await;
    setup.freshness.bookmark("e", 1, Instant::now());
    assert_eq!(setup.lease().await, Ok(1), "the vault is away for a moment");
    assert_eq!(setup.lease().await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_vault_drops_the_entry_at_once() {
    let denied = VaultError::Refused(keyway_proto::Reason::Denied);
    let setup = setup(vec![answer(1), Answer(Err(denied.clone()))], 10);
    assert_eq!(setup.lease().await, Ok(1));
    tokio::time::advance(Duration::from_mins(15)).await;
    setup.freshness.bookmark("e", 1, Instant::now());
    assert_eq!(setup.lease().await, Err(denied));
    assert_eq!(
        setup.lease().await,
        Err(VaultError::Away),
        "nothing is left to serve"
    );
}

#[tokio::test]
async fn another_database_empties_the_cache_and_its_answers_count() {
    let setup = setup(vec![answer(100), answer(3)], 2);
    assert_eq!(setup.lease().await, Ok(100));
    setup.cache.restart(3);
    assert_eq!(setup.lease().await, Ok(3));
}

#[tokio::test]
async fn an_answer_of_another_database_than_the_feeds_is_not_kept() {
    let setup = setup(vec![answer(1)], 10);
    setup.freshness.bookmark("other", 1, Instant::now());
    assert_eq!(setup.lease().await, Err(VaultError::Away));
}

#[tokio::test]
async fn the_one_unused_for_longest_goes_first() {
    let setup = setup(vec![answer(1), answer(1), answer(1)], 3);
    for workspace in ["one", "two"] {
        setup
            .cache
            .lease(&key(workspace), CallId::new())
            .await
            .unwrap();
    }
    setup.cache.lease(&key("one"), CallId::new()).await.unwrap();
    setup
        .cache
        .lease(&key("three"), CallId::new())
        .await
        .unwrap();
    setup.cache.lease(&key("one"), CallId::new()).await.unwrap();
    assert_eq!(setup.asked(), 3, "`one` is still there, `two` went");
}
