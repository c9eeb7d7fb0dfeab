//! What is read of a report, and what an owner is told.

use keyway_proto::Reason;

use super::*;

const NOW: Timestamp = Timestamp(1_795_478_400_000_000);

fn change(state: KeyState, until: Option<i64>) -> HealthChange {
    HealthChange {
        name: "workspaces/acme/keys/openai/default".to_owned(),
        version: 3,
        state: state.into(),
        until: until.map(|seconds| convert::timestamp(NOW.plus_seconds(seconds))),
        health_number: 0,
        reason: "HTTP 401".to_owned(),
    }
}

#[test]
fn a_report_is_read_whole_or_refused_by_its_field() {
    use KeyState::{Active, Disabled, Exhausted, Expired, Limited, Rejected, Unspecified};
    for (state, until) in [
        (Active, None),
        (Rejected, None),
        (Exhausted, None),
        (Exhausted, Some(3_600)),
        (Limited, Some(5)),
    ] {
        assert!(read(0, &change(state, until), NOW).is_ok(), "{state:?}");
    }
    for (state, until, field) in [
        (Disabled, None, "changes[2].state"),
        (Expired, None, "changes[2].state"),
        (Unspecified, None, "changes[2].state"),
        (Rejected, Some(5), "changes[2].until"),
        (Active, Some(5), "changes[2].until"),
        (Limited, None, "changes[2].until"),
        (Limited, Some(86_401), "changes[2].until"),
        (Exhausted, Some(401 * 86_400), "changes[2].until"),
    ] {
        let fault = read(2, &change(state, until), NOW).unwrap_err();
        assert_eq!(fault.reason, Reason::FieldInvalid);
        assert_eq!(fault.field.as_deref(), Some(field), "{state:?}");
    }
    for (name, reason, field) in [
        ("workspaces/acme", "", "changes[2].name"),
        (
            "platform/keys/openai/default",
            "two\nlines",
            "changes[2].reason",
        ),
        (
            "platform/keys/openai/default",
            &"x".repeat(101),
            "changes[2].reason",
        ),
    ] {
        let change = HealthChange {
            name: name.to_owned(),
            reason: reason.to_owned(),
            ..change(Rejected, None)
        };
        let fault = read(2, &change, NOW).unwrap_err();
        assert_eq!(fault.field.as_deref(), Some(field));
    }
}

#[test]
fn the_words_say_who_why_when_and_what_mends_it() {
    let words = |state, until: Option<i64>| {
        let health = Health {
            state,
            until: until.map(|seconds| NOW.plus_seconds(seconds)),
            cause: "HTTP 401".to_owned(),
        };
        words(&health, "openai", Some(NOW))
    };
    assert_eq!(
        words(KeyState::Rejected, None),
        "openai refused this key (HTTP 401) on 2026-11-24T00:00:00Z; KeyService.PutKey stores a \
         new secret; now and then a call tries this one again"
    );
    let exhausted = words(KeyState::Exhausted, Some(60));
    assert!(
        exhausted.contains("until 2026-11-24T00:01:00Z"),
        "{exhausted}"
    );
    let limited = words(KeyState::Limited, Some(60));
    assert!(limited.contains("until 2026-11-24T00:01:00Z"), "{limited}");
    assert_eq!(words(KeyState::Active, None), "");
}

#[test]
fn the_same_trouble_seen_twice_is_one() {
    let limited = |micros| Health {
        state: KeyState::Limited,
        until: Some(Timestamp(micros)),
        cause: String::new(),
    };
    assert!(limited(0).is_same(&limited(999_999)));
    assert!(!limited(0).is_same(&limited(1_000_000)));
    assert!(!limited(0).is_same(&Health::active()));
}
