use super::*;
use crate::upstream::Stage;

const KEY: &str = "sk-keyway-test-echo-0001";

fn failed(class: FailureClass) -> Failure {
    Failure::Provider(ProviderFailure {
        class,
        status: 401,
        code: Some("invalid_api_key".into()),
        message: Some(format!("Incorrect API key provided: {KEY}")),
        retry_after: None,
        should_retry: None,
    })
}

fn fault(failure: Failure, source: Source) -> Fault {
    let key = Secret::new(KEY.into());
    failure.fault(ProviderId::OpenAi, source, Some(&key))
}

#[test]
fn on_an_own_key_the_providers_words_are_passed_on_without_the_key() {
    let fault = fault(failed(FailureClass::KeyRejected), Source::Own);
    assert_eq!(fault.reason, Reason::KeyRejected);
    assert!(
        fault.message.contains("Incorrect API key provided: [key]"),
        "{}",
        fault.message
    );
    assert!(fault.message.contains("keyway.vault.v1.KeyService/PutKey"));
    assert!(
        fault
            .metadata
            .contains(&("provider_code", "invalid_api_key".into()))
    );
}

#[test]
fn on_the_platforms_key_only_class_and_code_are() {
    for (class, reason) in [
        (FailureClass::KeyRejected, Reason::ProviderUnavailable),
        (FailureClass::KeyExhausted, Reason::ProviderUnavailable),
        (FailureClass::Forbidden, Reason::ProviderUnavailable),
        (FailureClass::RateLimited, Reason::HostedRateLimited),
        (FailureClass::BadRequest, Reason::ProviderRejectedRequest),
        (FailureClass::ModelNotAvailable, Reason::ModelNotAvailable),
        (FailureClass::Unavailable, Reason::ProviderUnavailable),
    ] {
        assert_eq!(failed(class).reason(Source::Hosted), reason);
        let fault = fault(failed(class), Source::Hosted);
        assert_eq!(fault.reason, reason, "{class:?}");
        assert!(!fault.message.contains("Incorrect"), "{}", fault.message);
    }
}

#[test]
fn a_timeout_names_its_stage() {
    for stage in [Stage::Connect, Stage::FirstByte, Stage::Idle, Stage::Total] {
        let fault = fault(Failure::Send(SendError::TimedOut(stage)), Source::Own);
        assert_eq!(fault.reason, Reason::ProviderTimeout);
        assert!(fault.metadata.contains(&("stage", stage.as_str().into())));
    }
}

#[test]
fn only_definite_answers_about_the_key_change_its_state() {
    for (class, state) in [
        (FailureClass::KeyRejected, Some(KeyState::Rejected)),
        (FailureClass::KeyExhausted, Some(KeyState::Exhausted)),
        (FailureClass::RateLimited, Some(KeyState::Limited)),
        (FailureClass::Forbidden, None),
        (FailureClass::BadRequest, None),
        (FailureClass::Unavailable, None),
    ] {
        assert_eq!(
            failed(class).trouble().map(|trouble| trouble.state),
            state,
            "{class:?}"
        );
    }
    assert!(Failure::Send(SendError::Broken).trouble().is_none());
}

#[test]
fn usage_is_unknown_once_the_request_may_have_been_taken() {
    assert!(Failure::Send(SendError::NotConnected).used_nothing());
    assert!(failed(FailureClass::Unavailable).used_nothing());
    for taken in [SendError::Broken, SendError::TimedOut(Stage::FirstByte)] {
        assert!(!Failure::Send(taken).used_nothing(), "{taken:?}");
    }
    assert!(!Failure::Decode(DecodeError::Truncated).used_nothing());
}
