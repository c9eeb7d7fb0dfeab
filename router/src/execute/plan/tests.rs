use keyway_router_providers::ProviderFailure;
use keyway_words::Source;

use super::*;
use crate::upstream::{SendError, Stage};

const LONGEST: Duration = Duration::from_secs(10);

fn planned(owner: &str, name: &str, source: Source) -> Planned {
    let key = LeasedKey {
        path: Some(format!("{owner}/keys/openai/{name}").parse().unwrap()),
        version: 1,
        state: keyway_proto::vault::v1::KeyState::Active,
        allowed_models: Vec::new(),
        until: None,
        expires_at: None,
        health_number: 0,
        secret: None,
    };
    Planned {
        source,
        key: Arc::new(key),
    }
}

fn plan(own: &[&str], fallback_on: &[PolicyClass]) -> Plan {
    let own = own
        .iter()
        .map(|name| planned("workspaces/acme", name, Source::Own));
    let answer = keyway_proto::vault::v1::ResolveKeysResponse::default();
    let key = crate::keys::LeaseKey {
        workspace: "acme".parse().unwrap(),
        provider: keyway_words::ProviderId::OpenAi,
    };
    let lease = Arc::new(Lease::from_wire(
        &key,
        answer,
        LONGEST,
        tokio::time::Instant::now(),
    ));
    let route = Route {
        candidates: own.collect(),
        fallback: vec![planned("platform", "default", Source::Hosted)],
        fallback_on: fallback_on.to_vec(),
        skipped: Vec::new(),
    };
    Plan::new(lease, route)
}

fn answered(class: FailureClass, retry_after: Option<u64>) -> Failure {
    Failure::Provider(ProviderFailure {
        class,
        status: 0,
        code: None,
        message: None,
        retry_after: retry_after.map(Duration::from_secs),
        should_retry: None,
    })
}

/// What follows when the first key meets a failure: `stop`, or the next key and the pause.
fn follows(own: &[&str], fallback_on: &[PolicyClass], failure: &Failure) -> String {
    let mut plan = plan(own, fallback_on);
    let first = plan.next().unwrap();
    match plan.after(&first, failure, LONGEST) {
        Next::Stop => "stop".into(),
        Next::Try(pause) => {
            let next = plan.next().unwrap().key.name();
            let name = next.rsplit('/').next().unwrap_or_default();
            let owner = if next.starts_with("platform") {
                "platform "
            } else {
                ""
            };
            format!("{owner}{name} after {}ms", pause.as_millis())
        }
    }
}

#[test]
fn a_key_that_can_not_serve_is_never_tried_again_and_the_pool_goes_on() {
    for class in [
        FailureClass::KeyRejected,
        FailureClass::Forbidden,
        FailureClass::KeyExhausted,
        FailureClass::ModelNotAvailable,
    ] {
        let failure = answered(class, None);
        assert_eq!(
            follows(&["a", "b"], &[], &failure),
            "b after 0ms",
            "{class:?}"
        );
        assert_eq!(follows(&["a"], &[], &failure), "stop", "{class:?}");
    }
}

#[test]
fn a_rate_limit_moves_along_the_pool_and_waits_only_as_told() {
    let told = |seconds| answered(FailureClass::RateLimited, seconds);
    assert_eq!(follows(&["a", "b"], &[], &told(Some(2))), "b after 0ms");
    assert_eq!(follows(&["a"], &[], &told(Some(2))), "a after 2000ms");
    assert_eq!(follows(&["a"], &[], &told(Some(0))), "a after 200ms");
    assert_eq!(follows(&["a"], &[], &told(Some(11))), "stop");
    assert_eq!(follows(&["a"], &[], &told(None)), "stop");
}

#[test]
fn a_failing_provider_is_tried_again_after_a_pause() {
    let failure = answered(FailureClass::Unavailable, None);
    assert_eq!(follows(&["a"], &[], &failure), "a after 200ms");
    let refused = Failure::Send(SendError::NotConnected);
    assert_eq!(follows(&["a"], &[], &refused), "a after 200ms");
    let patience = Failure::Send(SendError::TimedOut(Stage::FirstByte));
    assert_eq!(
        follows(&["a", "b"], &[], &patience),
        "stop",
        "our own patience ended"
    );
}

#[test]
fn what_the_request_itself_caused_is_told_at_once() {
    for class in [
        FailureClass::BadRequest,
        FailureClass::TooLarge,
        FailureClass::Protocol,
    ] {
        assert_eq!(
            follows(
                &["a", "b"],
                &[PolicyClass::RateLimited],
                &answered(class, None)
            ),
            "stop"
        );
    }
}

#[test]
fn the_platform_is_tried_for_exactly_the_classes_that_the_policy_names() {
    let classes = [
        (FailureClass::RateLimited, PolicyClass::RateLimited),
        (FailureClass::KeyExhausted, PolicyClass::KeyExhausted),
        (FailureClass::KeyRejected, PolicyClass::KeyRejected),
        (FailureClass::Unavailable, PolicyClass::ProviderUnavailable),
        (FailureClass::Timeout, PolicyClass::ProviderTimeout),
        (
            FailureClass::ModelNotAvailable,
            PolicyClass::ModelNotAvailable,
        ),
    ];
    for (met, class) in classes {
        for (_, named) in classes {
            let next = follows(&["a"], &[named], &answered(met, None));
            assert_eq!(
                next.starts_with("platform"),
                class == named,
                "{met:?} {named:?}"
            );
        }
    }
    let never = answered(FailureClass::Forbidden, None);
    let every: Vec<_> = classes.iter().map(|(_, class)| *class).collect();
    assert_eq!(follows(&["a"], &every, &never), "stop");
}

#[test]
fn the_whole_pool_comes_before_the_platform() {
    let failure = answered(FailureClass::RateLimited, Some(1));
    assert_eq!(
        follows(&["a", "b"], &[PolicyClass::RateLimited], &failure),
        "b after 0ms"
    );
}

#[test]
fn a_new_plan_leaves_out_what_failed_unless_it_waits_for_another_try() {
    let mut plan = plan(&["a", "b"], &[]);
    let failed = plan.next().unwrap();
    let mut again = self::plan(&["a", "b"], &[]);
    again.goes_on(Some(&plan), &[Arc::clone(&failed.key)]);
    assert!(again.next().unwrap().key.name().ends_with("/b"));

    let mut plan = self::plan(&["a"], &[]);
    let failed = plan.next().unwrap();
    let told = answered(FailureClass::RateLimited, Some(1));
    assert_eq!(
        plan.after(&failed, &told, LONGEST),
        Next::Try(Duration::from_secs(1))
    );
    let mut again = self::plan(&["a"], &[]);
    again.goes_on(Some(&plan), &[failed.key]);
    assert!(again.next().unwrap().key.name().ends_with("/a"));
}
