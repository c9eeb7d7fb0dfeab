//! Verdicts: cached, ended by changes, alive while the vault is away.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::BoxFuture;
use keyway_chassis::access::Authority as _;
use keyway_chassis::clock::ManualClock;
use keyway_proto::Reason;
use keyway_words::{Act, Aim, CallId, Owner, ProviderId, Timestamp};

use super::*;

type Verified = Result<wire::VerifyCallerResponse, VaultError>;

#[derive(Debug, Default)]
struct Fake {
    answers: Mutex<VecDeque<Verified>>,
    asked: AtomicUsize,
}

impl VaultSource for Fake {
    fn resolve(
        &self,
        _workspace: &WorkspaceId,
        _provider: ProviderId,
        _call: CallId,
    ) -> BoxFuture<'static, Result<wire::ResolveKeysResponse, VaultError>> {
        Box::pin(async { Err(VaultError::Away) })
    }

    fn verify(&self, _token: Secret, _source: String) -> BoxFuture<'static, Verified> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self
            .answers
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or(Err(VaultError::Away));
        Box::pin(async { answer })
    }
}

const USAGE: &str = "keyway.billing.v1.BillingService/ListUsage";
const CHAT: &str = "keyway.router.v1.ExecutionService/Chat";

fn known(revision: u64) -> wire::VerifyCallerResponse {
    let grant = wire::Grant {
        rpc: CHAT.into(),
        scope: wire::GrantScope::Own.into(),
    };
    wire::VerifyCallerResponse {
        known: true,
        accessor: "a-1".into(),
        subject: "service:ci".into(),
        role: wire::Role::Caller.into(),
        workspace: "workspaces/acme".into(),
        grants: vec![grant],
        revision,
        epoch: "e".into(),
        ..wire::VerifyCallerResponse::default()
    }
}

fn unknown() -> wire::VerifyCallerResponse {
    wire::VerifyCallerResponse::default()
}

struct Setup {
    cache: VerdictCache,
    vault: Arc<Fake>,
    freshness: Arc<Freshness>,
    clock: Arc<ManualClock>,
}

fn setup(answers: Vec<wire::VerifyCallerResponse>) -> Setup {
    let vault = Arc::new(Fake {
        answers: Mutex::new(answers.into_iter().map(Ok).collect()),
        ..Fake::default()
    });
    let freshness = Arc::new(Freshness::new(
        Duration::from_mins(1),
        Duration::from_secs(15),
    ));
    let clock = Arc::new(ManualClock::at(Timestamp(0)));
    let bounds = VerdictBounds {
        verdict: Duration::from_mins(1),
        unknown: Duration::from_secs(10),
        entries: 100,
        lookups: LookupRate {
            per_second: 20,
            burst: 100,
        },
    };
    let source: Arc<dyn VaultSource> = Arc::<Fake>::clone(&vault);
    let wall: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
    let fresh = Arc::clone(&freshness);
    let cache = VerdictCache::new(source, fresh, wall, bounds, Tasks::new()).unwrap();
    Setup {
        cache,
        vault,
        freshness,
        clock,
    }
}

impl Setup {
    async fn reason(&self) -> Option<Reason> {
        let token = Secret::new("kwc_keyway-test-token-0001".into());
        self.cache
            .caller(token, None)
            .await
            .err()
            .map(|fault| fault.reason)
    }

    fn asked(&self) -> usize {
        self.vault.asked.load(Ordering::SeqCst)
    }

    fn change(&self, kind: wire::ChangeKind, revision: u64, named: (&str, &str, &str)) {
        let (owner, accessor, subject) = named;
        self.cache.invalidate(&wire::Change {
            revision,
            kind: kind.into(),
            owner: owner.into(),
            accessor: accessor.into(),
            subject: subject.into(),
            ..wire::Change::default()
        });
    }
}

#[tokio::test]
async fn a_verdict_is_asked_for_once() {
    let setup = setup(vec![known(1)]);
    for _ in 0..100 {
        assert_eq!(setup.reason().await, None);
    }
    assert_eq!(setup.asked(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_calls_of_a_token_share_one_question_though_they_are_more_than_the_limit() {
    let setup = setup(vec![known(1), unknown()]);
    for (text, expected) in [
        ("kwc_keyway-test-token-0001", None),
        ("kwc_keyway-test-token-0002", Some(Reason::CallerUnknown)),
    ] {
        let asked = setup.asked();
        let calls = (0..300).map(|_| {
            let cache = setup.cache.clone();
            tokio::spawn(async move { cache.caller(Secret::new(text.into()), None).await })
        });
        for call in futures::future::join_all(calls).await {
            assert_eq!(call.unwrap().err().map(|fault| fault.reason), expected);
        }
        assert_eq!(setup.asked(), asked + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_for_one_question_all_learn_that_the_vault_is_away() {
    let setup = setup(vec![]);
    let calls = (0..300).map(|_| setup.reason());
    for reason in futures::future::join_all(calls).await {
        assert_eq!(reason, Some(Reason::VaultUnavailable));
    }
    assert_eq!(setup.asked(), 1);
}

#[tokio::test]
async fn a_change_ends_the_verdicts_that_it_concerns_and_no_other() {
    use wire::ChangeKind::{Key, Member, Token, Workspace};
    for (kind, named, ends) in [
        (Token, ("workspaces/acme", "a-1", ""), true),
        (Member, ("workspaces/acme", "", "service:ci"), true),
        (Workspace, ("workspaces/acme", "", ""), true),
        (Workspace, ("", "", ""), true),
        (Token, ("workspaces/acme", "a-2", ""), false),
        (Member, ("workspaces/acme", "", "service:other"), false),
        (Workspace, ("workspaces/other", "", ""), false),
        (Key, ("workspaces/acme", "", ""), false),
    ] {
        let setup = setup(vec![known(1), unknown()]);
        assert_eq!(setup.reason().await, None);
        setup.change(kind, 2, named);
        let expected = ends.then_some(Reason::CallerUnknown);
        assert_eq!(setup.reason().await, expected, "{kind:?} {named:?}");
    }
}

#[tokio::test]
async fn an_answer_older_than_a_change_is_asked_for_again() {
    let setup = setup(vec![known(1), known(5)]);
    setup.change(wire::ChangeKind::Token, 5, ("workspaces/acme", "a-1", ""));
    assert_eq!(setup.reason().await, None);
    assert_eq!(setup.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_token_stays_unknown_for_ten_seconds_or_until_a_token_is_made() {
    let setup = setup(vec![unknown(), unknown(), known(3)]);
    assert_eq!(setup.reason().await, Some(Reason::CallerUnknown));
    tokio::time::advance(Duration::from_secs(9)).await;
    assert_eq!(setup.reason().await, Some(Reason::CallerUnknown));
    assert_eq!(setup.asked(), 1);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(setup.reason().await, Some(Reason::CallerUnknown));
    assert_eq!(setup.asked(), 2);
    setup.change(wire::ChangeKind::Token, 3, ("workspaces/acme", "a-1", ""));
    assert_eq!(setup.reason().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_vault_that_is_away_is_never_an_unknown_caller() {
    let setup = setup(vec![known(1)]);
    setup.freshness.bookmark("e", 1, Instant::now());
    assert_eq!(setup.reason().await, None);
    tokio::time::advance(Duration::from_secs(59)).await;
    assert_eq!(setup.reason().await, None);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(setup.reason().await, Some(Reason::VaultUnavailable));
}

#[tokio::test(start_paused = true)]
async fn an_old_verdict_outlives_a_vault_that_went_away_just_now() {
    let setup = setup(vec![known(1)]);
    assert_eq!(setup.reason().await, None);
    tokio::time::advance(Duration::from_mins(5)).await;
    setup.freshness.bookmark("e", 1, Instant::now());
    assert_eq!(
        setup.reason().await,
        None,
        "verified by the feed a moment ago"
    );
}

#[tokio::test]
async fn a_token_ends_by_the_clock_without_the_vault() {
    let mut answer = known(1);
    answer.expire_time = Some(prost_types::Timestamp {
        seconds: 10,
        nanos: 0,
    });
    let setup = setup(vec![answer]);
    assert_eq!(setup.reason().await, None);
    setup.clock.advance(Duration::from_secs(10));
    assert_eq!(setup.reason().await, Some(Reason::CallerUnknown));
}

#[tokio::test]
async fn what_is_no_token_is_never_sent_to_the_vault() {
    let setup = setup(vec![known(1)]);
    for text in [
        "short",
        &"x".repeat(300),
        "kwc_with space in the middle",
        "kwc_tokén-0000000000",
    ] {
        let fault = setup
            .cache
            .caller(Secret::new(text.into()), None)
            .await
            .unwrap_err();
        assert_eq!(fault.reason, Reason::CallerUnknown);
    }
    assert_eq!(setup.asked(), 0);
}

fn from(address: &str) -> SocketAddr {
    SocketAddr::new(address.parse().unwrap(), 40_000)
}

#[tokio::test]
async fn a_verdict_on_a_token_that_is_bound_to_networks_holds_for_its_address_only() {
    let bound = wire::VerifyCallerResponse {
        source_bound: true,
        ..known(1)
    };
    let setup = setup(vec![bound.clone(), unknown(), bound, known(2)]);
    let caller = async |address: &str| {
        let token = Secret::new("kwc_keyway-test-token-0001".into());
        let caller = setup.cache.caller(token, Some(from(address))).await;
        caller.err().map(|fault| fault.reason)
    };
    assert_eq!(caller("192.0.2.1").await, None);
    assert_eq!(caller("198.51.100.1").await, Some(Reason::CallerUnknown));
    assert_eq!(caller("192.0.2.1").await, None, "unknown elsewhere only");
    assert_eq!(caller("192.0.2.2").await, None);
    assert_eq!(setup.asked(), 3);
    // Once it is no longer bound, every address shares one verdict.
    setup.change(wire::ChangeKind::Token, 2, ("workspaces/acme", "a-1", ""));
    assert_eq!(caller("192.0.2.1").await, None);
    assert_eq!(caller("198.51.100.1").await, None);
    assert_eq!(setup.asked(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_guesses_reaches_the_vault_within_the_limit_and_no_good_token_suffers() {
    let setup = setup(
        std::iter::once(known(1))
            .chain((0..1000).map(|_| unknown()))
            .collect(),
    );
    assert_eq!(setup.reason().await, None);
    let mut refused = HashMap::new();
    for guess in 0..1000 {
        let token = Secret::new(format!("kwc_keyway-guess-{guess:06}"));
        let fault = setup.cache.caller(token, None).await.unwrap_err();
        *refused.entry(fault.reason).or_insert(0) += 1;
    }
    assert_eq!(setup.asked(), 101);
    assert_eq!(refused[&Reason::CallerUnknown], 100);
    assert_eq!(refused[&Reason::Overloaded], 900);
    assert_eq!(setup.reason().await, None, "from the same address");
}

#[tokio::test]
async fn a_person_is_in_each_workspace_what_the_verdict_says_of_it() {
    let mut answer = known(1);
    answer.subject = "oidc:https://idp.example#alice".into();
    answer.others = vec![wire::CallerStanding {
        role: wire::Role::Admin.into(),
        workspace: "workspaces/globex".into(),
        grants: vec![wire::Grant {
            rpc: USAGE.into(),
            scope: wire::GrantScope::Own.into(),
        }],
        ..Default::default()
    }];
    let setup = setup(vec![answer, unknown()]);
    let token = || {
        Secret::new(format!(
            "{}.{}.{}",
            "a".repeat(200),
            "b".repeat(400),
            "c".repeat(86)
        ))
    };
    let caller = setup.cache.caller(token(), None).await.unwrap();
    let allowed = |rpc: &str, workspace: &str| {
        let aim = Aim::Owner(workspace.parse::<Owner>().unwrap());
        caller
            .each()
            .any(|caller| Grants.decide(&caller, rpc, &aim, &Act::Plain).is_ok())
    };
    assert!(allowed(CHAT, "workspaces/acme") && allowed(USAGE, "workspaces/globex"));
    assert!(!allowed(CHAT, "workspaces/globex") && !allowed(USAGE, "workspaces/acme"));
    let member = ("workspaces/globex", "", "oidc:https://idp.example#alice");
    setup.change(wire::ChangeKind::Member, 2, member);
    let fault = setup.cache.caller(token(), None).await.unwrap_err();
    assert_eq!(fault.reason, Reason::CallerUnknown);
}

#[tokio::test]
async fn only_what_the_verdict_grants_is_allowed() {
    let setup = setup(vec![known(1)]);
    let token = Secret::new("kwc_keyway-test-token-0001".into());
    let caller = setup.cache.caller(token, None).await.unwrap();
    let decide = |rpc: &str, aim: Aim| Grants.decide(&caller, rpc, &aim, &Act::Plain).is_ok();
    let owner = |text: &str| Aim::Owner(text.parse::<Owner>().unwrap());
    assert!(decide(CHAT, Aim::Caller));
    assert!(decide(CHAT, owner("workspaces/acme")));
    for aim in [
        owner("workspaces/other"),
        owner("platform"),
        Aim::System,
        Aim::Unreadable,
    ] {
        assert!(!decide(CHAT, aim));
    }
    let embed = "keyway.router.v1.ExecutionService/Embed";
    assert!(!decide(embed, Aim::Caller));
    assert!(Grants.may_call(&caller, CHAT) && !Grants.may_call(&caller, embed));
    assert!(Grants.has_row(CHAT) && !Grants.has_row("keyway.vault.v1.KeyService/PutKey"));
}
