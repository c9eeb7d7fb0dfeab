//! When a key rests, for whom, and who finds out that it need not.

use keyway_proto::vault::v1::KeyState;
use keyway_words::Secret;

use super::*;

const NOW: Timestamp = Timestamp(1_000_000_000);

fn breakers() -> Arc<Breakers> {
    Arc::new(Breakers::new(BreakerBounds {
        failures: 3,
        rest: Duration::from_secs(5),
        longest_rest: Duration::from_secs(15),
    }))
}

fn key(path: &str, version: u64) -> LeasedKey {
    LeasedKey {
        path: Some(path.parse().unwrap()),
        version,
        state: KeyState::Active,
        allowed_models: Vec::new(),
        until: None,
        expires_at: None,
        health_number: 0,
        secret: Some(Secret::new("sk-keyway-test-0001".into())),
    }
}

fn own() -> LeasedKey {
    key("workspaces/acme/keys/openai/default", 1)
}

fn acme() -> WorkspaceId {
    "acme".parse().unwrap()
}

fn at(seconds: u64) -> Timestamp {
    after(NOW, Duration::from_secs(seconds))
}

/// So many calls that fail, each at its own time.
fn fail(breakers: &Arc<Breakers>, key: &LeasedKey, times: std::ops::Range<u64>) {
    for second in times {
        let passage = breakers.enter(&acme(), key, at(second)).unwrap();
        passage.failed(false, at(second));
    }
}

#[test]
fn a_key_rests_after_calls_that_failed_one_after_the_other() {
    let breakers = breakers();
    fail(&breakers, &own(), 0..2);
    assert_eq!(breakers.rests_until(&acme(), &own(), at(2)), None);
    fail(&breakers, &own(), 2..3);
    assert_eq!(breakers.rests_until(&acme(), &own(), at(2)), Some(at(7)));
    assert!(breakers.enter(&acme(), &own(), at(6)).is_none());
}

#[test]
fn an_answer_between_failures_and_a_long_time_start_the_count_anew() {
    let breakers = breakers();
    fail(&breakers, &own(), 0..2);
    breakers.enter(&acme(), &own(), at(2)).unwrap().answered();
    fail(&breakers, &own(), 3..5);
    assert_eq!(breakers.rests_until(&acme(), &own(), at(5)), None);
    fail(&breakers, &own(), 100..102);
    assert_eq!(breakers.rests_until(&acme(), &own(), at(102)), None);
}

#[test]
fn attempts_of_one_call_count_once() {
    let breakers = breakers();
    for _call in 0..2 {
        for again in [false, true, true, true] {
            let passage = breakers.enter(&acme(), &own(), NOW).unwrap();
            passage.failed(again, NOW);
        }
    }
    assert_eq!(breakers.rests_until(&acme(), &own(), NOW), None);
}

#[test]
fn after_the_rest_one_attempt_goes_and_decides() {
    let breakers = breakers();
    fail(&breakers, &own(), 0..3);
    let trial = breakers.enter(&acme(), &own(), at(7)).unwrap();
    assert!(breakers.enter(&acme(), &own(), at(7)).is_none(), "one");
    assert!(breakers.rests_until(&acme(), &own(), at(7)).is_some());
    drop(trial);
    let trial = breakers.enter(&acme(), &own(), at(7)).unwrap();
    trial.failed(false, at(8));
    drop(trial);
    // Twice as long, and then the longest.
    assert_eq!(breakers.rests_until(&acme(), &own(), at(8)), Some(at(18)));
    let trial = breakers.enter(&acme(), &own(), at(18)).unwrap();
    trial.failed(true, at(18));
    drop(trial);
    assert_eq!(breakers.rests_until(&acme(), &own(), at(18)), Some(at(33)));
    breakers.enter(&acme(), &own(), at(33)).unwrap().answered();
    fail(&breakers, &own(), 34..36);
    assert_eq!(breakers.rests_until(&acme(), &own(), at(36)), None);
}

#[test]
fn attempts_that_were_under_way_when_it_opened_do_not_prolong_the_rest() {
    let breakers = breakers();
    let late = breakers.enter(&acme(), &own(), NOW).unwrap();
    fail(&breakers, &own(), 0..3);
    late.failed(false, at(4));
    assert_eq!(breakers.rests_until(&acme(), &own(), at(4)), Some(at(7)));
}

#[test]
fn another_version_another_key_and_another_workspace_are_not_touched() {
    let breakers = breakers();
    let platform = key("platform/keys/openai/default", 1);
    fail(&breakers, &own(), 0..3);
    fail(&breakers, &platform, 0..3);
    let newer = key("workspaces/acme/keys/openai/default", 2);
    let second = key("workspaces/acme/keys/openai/second", 1);
    for other in [newer, second] {
        assert_eq!(breakers.rests_until(&acme(), &other, at(3)), None);
    }
    let globex = "globex".parse().unwrap();
    assert_eq!(breakers.rests_until(&globex, &platform, at(3)), None);
    assert!(breakers.rests_until(&acme(), &platform, at(3)).is_some());
}

#[test]
fn a_test_that_passed_ends_the_rest() {
    let breakers = breakers();
    fail(&breakers, &own(), 0..3);
    breakers.close(own().path.as_ref().unwrap(), 1);
    assert_eq!(breakers.rests_until(&acme(), &own(), at(3)), None);
}
