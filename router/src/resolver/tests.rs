//! The table of the design, cell by cell.

use std::sync::Arc;

use keyway_proto::Reason;
use keyway_proto::vault::v1::{CredentialMode, FailureClass, KeyState};
use keyway_words::{Secret, Source, Timestamp};

use super::{Facts, KeyView, PoolView, Refusal, Route, narrowed, resolve};
use crate::keys::LeasedKey;

use CredentialMode::{HostedOnly, OwnOnly, OwnThenHosted};
use KeyState::{Active, Disabled, Exhausted, Expired, Limited, Rejected, Unreadable};

fn key(owner: &str, name: &str, state: KeyState) -> KeyView {
    let path = format!("{owner}/keys/openai/{name}");
    let leased = LeasedKey {
        path: Some(path.parse().unwrap()),
        version: 1,
        state,
        allowed_models: Vec::new(),
        until: None,
        expires_at: None,
        health_number: 0,
        secret: Some(Secret::new("sk-keyway-test-0001".into())),
    };
    KeyView {
        key: Arc::new(leased),
        state,
        until: None,
        on_trial: false,
        rests_until: None,
        model_allowed: true,
        in_flight: 0,
    }
}

/// A pool whose keys are named `a`, `b`, … in this order.
fn pool(owner: &str, states: &[KeyState]) -> PoolView {
    let keys: Vec<_> = states
        .iter()
        .zip('a'..)
        .map(|(state, name)| key(owner, &name.to_string(), *state))
        .collect();
    PoolView {
        counted: u32::try_from(keys.len()).unwrap(),
        spread: false,
        keys,
    }
}

fn own(states: &[KeyState]) -> PoolView {
    pool("workspaces/acme", states)
}

fn facts(mode: CredentialMode, own: PoolView) -> Facts {
    Facts {
        mode,
        fallback_on: Vec::new(),
        hosted_allowed: true,
        hosted_off: false,
        unpriced: None,
        own,
        platform: Some(pool("platform", &[Active])),
    }
}

/// The decision in one word: the source of the first candidate, or the reason.
fn decision(facts: &Facts) -> &'static str {
    match resolve(facts) {
        Ok(route) => source(&route),
        Err(refusal) => refusal.reason().as_str(),
    }
}

fn source(route: &Route) -> &'static str {
    match route.candidates.first().unwrap().source {
        Source::Own => "OWN",
        Source::Hosted => "HOSTED",
    }
}

fn names(route: &Route) -> Vec<String> {
    let name = |planned: &super::Planned| planned.key.path.as_ref().unwrap().name.to_string();
    route.candidates.iter().map(name).collect()
}

#[test]
fn each_row_of_the_own_pool_has_its_cell_in_each_mode() {
    // The pool; then OWN_THEN_HOSTED, OWN_ONLY, HOSTED_ONLY.
    let rows: &[(&[KeyState], [&str; 3])] = &[
        (&[], ["HOSTED", "NO_KEY", "HOSTED"]),
        (&[Active], ["OWN", "OWN", "HOSTED"]),
        (&[Rejected, Disabled, Active], ["OWN", "OWN", "HOSTED"]),
        (&[Disabled], ["KEY_DISABLED", "KEY_DISABLED", "HOSTED"]),
        (&[Expired], ["KEY_DISABLED", "KEY_DISABLED", "HOSTED"]),
        (
            &[Disabled, Expired],
            ["KEY_DISABLED", "KEY_DISABLED", "HOSTED"],
        ),
        (&[Rejected], ["KEY_REJECTED", "KEY_REJECTED", "HOSTED"]),
        (&[Exhausted], ["KEY_EXHAUSTED", "KEY_EXHAUSTED", "HOSTED"]),
        (&[Limited], ["RATE_LIMITED", "RATE_LIMITED", "HOSTED"]),
        (&[Unreadable, Active], ["OWN", "OWN", "HOSTED"]),
        (
            &[Unreadable],
            ["KEY_UNREADABLE", "KEY_UNREADABLE", "HOSTED"],
        ),
        // Mixed, none usable, first match.
        (
            &[Unreadable, Limited],
            ["KEY_UNREADABLE", "KEY_UNREADABLE", "HOSTED"],
        ),
        (
            &[Unreadable, Disabled],
            ["KEY_UNREADABLE", "KEY_UNREADABLE", "HOSTED"],
        ),
        (
            &[Disabled, Rejected],
            ["KEY_REJECTED", "KEY_REJECTED", "HOSTED"],
        ),
        (
            &[Expired, Limited],
            ["RATE_LIMITED", "RATE_LIMITED", "HOSTED"],
        ),
        // The class of the one usable first.
        (
            &[Rejected, Exhausted, Limited],
            ["RATE_LIMITED", "RATE_LIMITED", "HOSTED"],
        ),
        (
            &[Rejected, Exhausted],
            ["KEY_EXHAUSTED", "KEY_EXHAUSTED", "HOSTED"],
        ),
    ];
    for (states, cells) in rows {
        for (mode, cell) in [OwnThenHosted, OwnOnly, HostedOnly].into_iter().zip(cells) {
            assert_eq!(
                decision(&facts(mode, own(states))),
                *cell,
                "{states:?} {mode:?}"
            );
        }
    }
}

#[test]
fn a_failure_leads_to_the_platform_only_if_the_policy_names_its_class() {
    let classes = [
        (Rejected, FailureClass::KeyRejected, "KEY_REJECTED"),
        (Exhausted, FailureClass::KeyExhausted, "KEY_EXHAUSTED"),
        (Limited, FailureClass::RateLimited, "RATE_LIMITED"),
    ];
    for (state, _, reason) in classes {
        for (_, named, of) in classes {
            let mut facts = facts(OwnThenHosted, own(&[state]));
            facts.fallback_on = vec![named];
            let expected = if of == reason { "HOSTED" } else { reason };
            assert_eq!(decision(&facts), expected, "{state:?} with {named:?}");
            facts.mode = OwnOnly;
            assert_eq!(decision(&facts), reason, "never in OWN_ONLY");
        }
    }
}

#[test]
fn nothing_that_exists_is_taken_for_no_key() {
    let every = [
        FailureClass::RateLimited,
        FailureClass::KeyExhausted,
        FailureClass::KeyRejected,
        FailureClass::ProviderUnavailable,
        FailureClass::ProviderTimeout,
        FailureClass::ModelNotAvailable,
    ];
    for (states, reason) in [
        (vec![Unreadable], "KEY_UNREADABLE"),
        (vec![Disabled], "KEY_DISABLED"),
        (vec![Expired], "KEY_DISABLED"),
    ] {
        let mut facts = facts(OwnThenHosted, own(&states));
        facts.fallback_on = every.to_vec();
        assert_eq!(decision(&facts), reason, "whatever fallback_on names");
    }
    let mut counted = facts(OwnThenHosted, own(&[]));
    counted.own.counted = 1;
    assert_eq!(
        decision(&counted),
        "KEY_UNREADABLE",
        "counted and not found"
    );
    let mut uncounted = facts(OwnThenHosted, own(&[Disabled]));
    uncounted.own.counted = 0;
    assert_eq!(
        decision(&uncounted),
        "KEY_DISABLED",
        "found and not counted"
    );
    let mut lost = facts(OwnThenHosted, own(&[Rejected]));
    lost.own.counted = 2;
    assert_eq!(decision(&lost), "KEY_UNREADABLE", "one found, another lost");
}

#[test]
fn an_active_key_without_its_secret_is_unreadable() {
    let mut view = key("workspaces/acme", "a", Active);
    Arc::get_mut(&mut view.key).unwrap().secret = None;
    let own = PoolView {
        counted: 1,
        spread: false,
        keys: vec![view],
    };
    assert_eq!(decision(&facts(OwnThenHosted, own)), "KEY_UNREADABLE");
}

#[test]
fn keys_that_may_not_use_the_model_are_set_aside_first() {
    let mut pool = own(&[Active, Rejected]);
    pool.keys[0].model_allowed = false;
    assert_eq!(
        decision(&facts(OwnThenHosted, pool.clone())),
        "KEY_REJECTED"
    );
    pool.keys[1].model_allowed = false;
    let mut facts = facts(OwnThenHosted, pool);
    assert_eq!(decision(&facts), "MODEL_NOT_AVAILABLE");
    facts.fallback_on = vec![FailureClass::ModelNotAvailable];
    assert_eq!(decision(&facts), "HOSTED");
}

#[test]
fn what_blocks_the_platforms_key_has_its_own_reason() {
    let hosted = |change: fn(&mut Facts)| {
        let mut facts = facts(OwnThenHosted, own(&[]));
        change(&mut facts);
        decision(&facts)
    };
    assert_eq!(hosted(|facts| facts.platform = None), "NO_KEY");
    assert_eq!(
        hosted(|facts| facts.platform = Some(pool("platform", &[]))),
        "NO_KEY"
    );
    assert_eq!(
        hosted(|facts| facts.hosted_allowed = false),
        "HOSTED_NOT_ALLOWED"
    );
    assert_eq!(
        hosted(|facts| facts.unpriced = Some("no price")),
        "UNPRICED"
    );
    let with = |state| {
        let mut facts = facts(HostedOnly, own(&[Active]));
        facts.platform = Some(pool("platform", &[state]));
        decision(&facts)
    };
    assert_eq!(with(Limited), "HOSTED_RATE_LIMITED");
    assert_eq!(with(Unreadable), "KEY_UNREADABLE");
    for state in [Rejected, Exhausted, Disabled, Expired] {
        assert_eq!(with(state), "PROVIDER_UNAVAILABLE", "{state:?}");
    }
}

#[test]
fn hosted_limits_and_prices_never_touch_an_own_key() {
    let mut facts = facts(OwnThenHosted, own(&[Active]));
    (facts.hosted_allowed, facts.unpriced, facts.platform) = (false, Some("no price"), None);
    assert_eq!(decision(&facts), "OWN");
}

#[test]
fn an_own_failure_stays_the_reason_where_the_fallback_is_closed() {
    let mut facts = facts(OwnThenHosted, own(&[Rejected]));
    facts.fallback_on = vec![FailureClass::KeyRejected];
    facts.hosted_allowed = false;
    assert_eq!(decision(&facts), "KEY_REJECTED");
}

#[test]
fn an_ordered_pool_keeps_its_order_and_a_spread_one_prefers_the_idle() {
    let mut pool = own(&[Active, Disabled, Active, Active]);
    let route = resolve(&facts(OwnOnly, pool.clone())).unwrap();
    assert_eq!(names(&route), ["a", "c", "d"]);
    assert_eq!(route.skipped.len(), 1);
    assert_eq!(route.skipped[0].why, "DISABLED");
    pool.spread = true;
    (pool.keys[0].in_flight, pool.keys[2].in_flight) = (5, 1);
    let route = resolve(&facts(OwnOnly, pool)).unwrap();
    assert_eq!(names(&route), ["d", "c", "a"]);
}

#[test]
fn an_own_route_carries_the_fallback_that_the_policy_allows() {
    let mut facts = facts(OwnThenHosted, own(&[Active]));
    assert!(resolve(&facts).unwrap().fallback.is_empty());
    facts.fallback_on = vec![FailureClass::ProviderUnavailable];
    let route = resolve(&facts).unwrap();
    assert_eq!(route.fallback[0].source, Source::Hosted);
    facts.mode = OwnOnly;
    assert!(resolve(&facts).unwrap().fallback.is_empty());
}

#[test]
fn the_first_to_recover_names_the_class_and_the_time() {
    let mut pool = own(&[Limited, Exhausted, Rejected]);
    pool.keys[0].until = Some(Timestamp(200));
    pool.keys[1].until = Some(Timestamp(100));
    pool.keys[2].until = Some(Timestamp(1));
    let refusal = resolve(&facts(OwnOnly, pool)).unwrap_err();
    assert_eq!(
        refusal,
        Refusal::KeyExhausted {
            until: Some(Timestamp(100))
        }
    );
}

#[test]
fn a_request_narrows_the_policy_and_never_leaves_it() {
    use CredentialMode::Unspecified;
    for (policy, request, mode) in [
        (Unspecified, Unspecified, OwnThenHosted),
        (OwnThenHosted, OwnOnly, OwnOnly),
        (OwnThenHosted, HostedOnly, HostedOnly),
        (OwnOnly, OwnThenHosted, OwnOnly),
        (HostedOnly, Unspecified, HostedOnly),
    ] {
        assert_eq!(
            narrowed(policy, request),
            Ok(mode),
            "{policy:?} {request:?}"
        );
    }
    assert_eq!(narrowed(OwnOnly, HostedOnly), Err(Refusal::ModeExcluded));
    assert_eq!(narrowed(HostedOnly, OwnOnly), Err(Refusal::ModeExcluded));
}

#[test]
fn every_refusal_that_an_rpc_mends_names_it() {
    let workspace = "acme".parse().unwrap();
    let fault = |refusal: Refusal| {
        refusal.fault(&workspace, keyway_words::ProviderId::OpenAi, Timestamp(0))
    };
    for refusal in [
        Refusal::NoKey { own_only: true },
        Refusal::NoKey { own_only: false },
        Refusal::KeyRejected,
        Refusal::KeyUnreadable,
        Refusal::HostedNotAllowed,
        Refusal::Unpriced { cause: "x" },
    ] {
        assert!(
            fault(refusal)
                .message
                .contains("keyway.vault.v1.KeyService/PutKey"),
            "{refusal:?}"
        );
    }
    let limited = fault(Refusal::RateLimited {
        until: Some(Timestamp(3_000_000)),
    });
    assert_eq!(limited.retry_after, Some(std::time::Duration::from_secs(3)));
    assert_eq!(fault(Refusal::ModeExcluded).reason, Reason::FieldInvalid);
}

#[test]
fn a_key_that_rests_is_passed_over_and_a_pool_of_such_keys_is_the_provider_that_is_away() {
    let rests = |mut pool: PoolView, index: usize| {
        pool.keys[index].rests_until = Some(Timestamp(7));
        pool
    };
    let route = resolve(&facts(OwnThenHosted, rests(own(&[Active, Active]), 0))).unwrap();
    assert_eq!(names(&route), ["b"]);
    assert_eq!(route.skipped[0].why, "UNAVAILABLE");

    let mut alone = facts(OwnThenHosted, rests(own(&[Active, Disabled]), 0));
    assert_eq!(decision(&alone), "PROVIDER_UNAVAILABLE");
    alone.fallback_on = vec![FailureClass::ProviderTimeout];
    assert_eq!(decision(&alone), "PROVIDER_UNAVAILABLE");
    alone.fallback_on = vec![FailureClass::ProviderUnavailable];
    assert_eq!(decision(&alone), "HOSTED");
    alone.platform = Some(rests(pool("platform", &[Active]), 0));
    assert_eq!(decision(&alone), "PROVIDER_UNAVAILABLE");

    // What is wrong with the key itself comes before.
    for (state, reason) in [
        (Unreadable, "KEY_UNREADABLE"),
        (Rejected, "KEY_REJECTED"),
        (Disabled, "KEY_DISABLED"),
    ] {
        assert_eq!(decision(&facts(OwnOnly, rests(own(&[state]), 0))), reason);
    }
}
