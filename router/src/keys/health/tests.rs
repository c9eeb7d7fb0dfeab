//! Trials, versions, and who knows better.

use std::collections::VecDeque;

use futures::future::BoxFuture;
use keyway_chassis::lifecycle::Shutdown;
use keyway_words::Secret;

use super::*;
use crate::keys::VaultError;

const NOW: Timestamp = Timestamp(1_000_000_000);

fn bounds() -> HealthBounds {
    HealthBounds {
        limited: Duration::from_secs(5),
        trials: [60, 300, 900].map(Duration::from_secs),
    }
}

fn board() -> (Arc<HealthBoard>, Arc<Reports>) {
    let reports = Arc::new(Reports::default());
    let board = HealthBoard::new(bounds(), Arc::clone(&reports), None);
    (Arc::new(board), reports)
}

fn path() -> KeyPath {
    "workspaces/acme/keys/openai/default".parse().unwrap()
}

fn key(version: u64, state: KeyState, health_number: u64) -> LeasedKey {
    LeasedKey {
        path: Some(path()),
        version,
        state,
        allowed_models: Vec::new(),
        until: None,
        expires_at: None,
        health_number,
        secret: Some(Secret::new("sk-keyway-test-0001".into())),
    }
}

fn trouble(state: KeyState, lasts: Option<u64>) -> Trouble {
    Trouble {
        state,
        lasts: lasts.map(Duration::from_secs),
        cause: "HTTP 401".to_owned(),
    }
}

fn told(version: u64, state: KeyState, health_number: u64) -> HealthChange {
    HealthChange {
        name: path().to_string(),
        version,
        state: state.into(),
        health_number,
        ..HealthChange::default()
    }
}

fn at(seconds: i64) -> Timestamp {
    NOW.plus_seconds(seconds)
}

/// The states of the reports that wait, by version.
fn waiting(reports: &Reports) -> Vec<(u64, KeyState)> {
    let taken = reports.take(100);
    reports.done();
    taken
        .iter()
        .map(|change| (change.version, change.state()))
        .collect()
}

#[test]
fn a_rejected_key_is_tried_by_one_call_after_one_five_and_then_every_fifteen_minutes() {
    let (board, _reports) = board();
    let key = key(1, KeyState::Active, 0);
    let first = board.enter(&key, NOW).unwrap();
    first.met(&trouble(KeyState::Rejected, None), NOW);
    drop(first);
    let mut before = 0;
    for due in [60, 360, 1_260, 2_160] {
        for seconds in [before + 1, due - 1] {
            assert!(board.enter(&key, at(seconds)).is_none(), "{seconds}");
            assert!(!board.look(&key, at(seconds)).on_trial);
        }
        assert!(board.look(&key, at(due)).on_trial);
        let trial = board.enter(&key, at(due)).unwrap();
        assert!(board.enter(&key, at(due)).is_none(), "one at a time");
        trial.met(&trouble(KeyState::Rejected, None), at(due));
        before = due;
    }
}

#[test]
fn a_trial_that_works_clears_and_one_that_says_nothing_waits_again() {
    let (board, reports) = board();
    let key = key(1, KeyState::Active, 0);
    board
        .enter(&key, NOW)
        .unwrap()
        .met(&trouble(KeyState::Rejected, None), NOW);
    assert_eq!(waiting(&reports), [(1, KeyState::Rejected)]);
    board.enter(&key, at(60)).unwrap().learnt_nothing(at(61));
    assert!(board.enter(&key, at(120)).is_none());
    let abandoned = board.enter(&key, at(121)).unwrap();
    drop(abandoned);
    let trial = board.enter(&key, at(122)).unwrap();
    trial.worked(at(123));
    drop(trial);
    assert_eq!(board.look(&key, at(123)).state, KeyState::Active);
    assert!(board.enter(&key, at(123)).is_some());
    assert_eq!(waiting(&reports), [(1, KeyState::Active)]);
}

#[test]
fn a_state_belongs_to_one_version_and_a_limit_ends_by_itself() {
    let (board, reports) = board();
    let (one, two) = (key(1, KeyState::Active, 0), key(2, KeyState::Active, 0));
    board
        .enter(&one, NOW)
        .unwrap()
        .met(&trouble(KeyState::Limited, Some(10)), NOW);
    assert_eq!(
        board.look(&one, at(9)),
        Look {
            state: KeyState::Limited,
            until: Some(at(10)),
            on_trial: false
        }
    );
    assert_eq!(board.look(&two, at(9)).state, KeyState::Active);
    assert!(board.enter(&one, at(9)).is_none());
    board.enter(&one, at(10)).unwrap().worked(at(10));
    assert_eq!(
        waiting(&reports),
        [(1, KeyState::Limited)],
        "an end by itself is no news"
    );
}

#[test]
fn attempts_that_were_under_way_are_no_trials_and_no_recovery() {
    let (board, reports) = board();
    let key = key(1, KeyState::Active, 0);
    let all: Vec<InFlight> = (0..4).map(|_| board.enter(&key, NOW).unwrap()).collect();
    assert_eq!(board.in_flight(&path(), 1), 4);
    all[0].met(&trouble(KeyState::Rejected, None), at(1));
    all[1].met(&trouble(KeyState::Rejected, None), at(2));
    all[2].met(&trouble(KeyState::Rejected, None), at(3));
    all[3].worked(at(4));
    assert_eq!(board.look(&key, at(4)).state, KeyState::Rejected);
    assert!(
        board.look(&key, at(61)).on_trial,
        "a minute after the first"
    );
    assert_eq!(waiting(&reports), [(1, KeyState::Rejected)], "one change");
    drop(all);
    assert_eq!(board.in_flight(&path(), 1), 0);
}

#[test]
fn of_lease_and_board_the_one_with_the_higher_number_holds() {
    let (board, reports) = board();
    let old = key(1, KeyState::Rejected, 3);
    assert_eq!(board.look(&old, NOW).state, KeyState::Rejected);
    assert!(
        board.look(&old, at(60)).on_trial,
        "since this router heard of it"
    );
    board.enter(&old, at(60)).unwrap().worked(at(60));
    waiting(&reports);
    assert_eq!(
        board.look(&old, at(61)).state,
        KeyState::Active,
        "its own eyes are newer"
    );
    board.learn(&told(1, KeyState::Active, 4), at(61));
    assert_eq!(board.look(&old, at(61)).state, KeyState::Active);
    let newer = key(1, KeyState::Exhausted, 5);
    assert_eq!(board.look(&newer, at(62)).state, KeyState::Exhausted);
    board.learn(&told(1, KeyState::Active, 4), at(63));
    assert_eq!(
        board.look(&newer, at(63)).state,
        KeyState::Exhausted,
        "that was before"
    );
    board.learn(&told(1, KeyState::Active, 6), at(64));
    assert_eq!(board.look(&newer, at(64)).state, KeyState::Active);
    board.restart();
    assert_eq!(board.look(&newer, at(65)).state, KeyState::Exhausted);
}

#[test]
fn what_another_router_said_before_does_not_undo_what_is_on_its_way() {
    let (board, reports) = board();
    let key = key(1, KeyState::Active, 0);
    board
        .enter(&key, NOW)
        .unwrap()
        .met(&trouble(KeyState::Rejected, None), NOW);
    board.learn(&told(1, KeyState::Active, 7), at(1));
    assert_eq!(board.look(&key, at(1)).state, KeyState::Rejected);
    waiting(&reports);
    board.learn(&told(1, KeyState::Rejected, 8), at(2));
    assert!(
        board.look(&key, at(60)).on_trial,
        "the echo keeps the trials"
    );
}

/// A vault that answers as prepared and remembers what it took.
#[derive(Clone, Default)]
struct Sink {
    answers: Arc<Mutex<VecDeque<Result<(), VaultError>>>>,
    taken: Arc<Mutex<Vec<Vec<HealthChange>>>>,
}

impl HealthSink for Sink {
    fn report(&self, changes: Vec<HealthChange>) -> BoxFuture<'static, Result<(), VaultError>> {
        self.taken.lock().unwrap().push(changes);
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Ok(()));
        Box::pin(async move { answer })
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_is_made_again_while_the_vault_is_away_and_only_the_latest_of_a_key_goes() {
    let (board, reports) = board();
    let sink = Sink::default();
    sink.answers
        .lock()
        .unwrap()
        .extend([Err(VaultError::Away), Err(VaultError::Away)]);
    let stop = Shutdown::new();
    let reporter = Reporter {
        sink: sink.clone(),
        reports: Arc::clone(&reports),
    };
    let running = tokio::spawn(reporter.run(stop.clone()));
    let key = key(1, KeyState::Active, 0);
    board
        .enter(&key, NOW)
        .unwrap()
        .met(&trouble(KeyState::Rejected, None), NOW);
    tokio::time::sleep(Duration::from_millis(150)).await;
    board.enter(&key, at(60)).unwrap().worked(at(60));
    tokio::time::sleep(Duration::from_secs(5)).await;
    let taken = sink.taken.lock().unwrap().clone();
    let states: Vec<Vec<KeyState>> = taken
        .iter()
        .map(|changes| changes.iter().map(HealthChange::state).collect())
        .collect();
    assert_eq!(
        states,
        [[KeyState::Rejected], [KeyState::Active], [KeyState::Active]]
    );
    assert!(!reports.has(&(path(), 1)));
    board
        .enter(&key, at(61))
        .unwrap()
        .met(&trouble(KeyState::Rejected, None), at(61));
    stop.begin();
    running.await.unwrap();
    let last = sink.taken.lock().unwrap().last().unwrap()[0].state();
    assert_eq!(last, KeyState::Rejected, "told at the stop");
}
