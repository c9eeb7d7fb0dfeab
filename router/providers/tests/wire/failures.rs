//! Error bodies, classified by status, headers and words.

use http::HeaderMap;
use keyway_router_providers::{FailureClass, registry};
use keyway_words::{ProviderId, Timestamp};

use crate::manifest::{Row, rows};
use FailureClass::{
    BadRequest, Forbidden, KeyExhausted, KeyRejected, ModelNotAvailable, RateLimited, Timeout,
    TooLarge, Unavailable,
};

/// The class of every error fixture.
const CLASSES: [(&str, FailureClass); 56] = [
    ("openai/401_bad_key.error", KeyRejected),
    ("openai/401_no_key.error", KeyRejected),
    ("openai/403_country.error", Forbidden),
    ("openai/404_model.error", ModelNotAvailable),
    ("openai/400_invalid.error", BadRequest),
    ("openai/400_context.error", BadRequest),
    ("openai/400_tools_need_responses.error", BadRequest),
    ("openai/429_rate.error", RateLimited),
    ("openai/429_quota.error", KeyExhausted),
    ("openai/500.error", Unavailable),
    ("openai/503_overloaded.error", Unavailable),
    ("anthropic/400_invalid.error", BadRequest),
    ("anthropic/400_sampling_removed.error", BadRequest),
    ("anthropic/400_spend_limit.error", KeyExhausted),
    ("anthropic/401_bad_key.error", KeyRejected),
    ("anthropic/402_billing.error", KeyExhausted),
    ("anthropic/403_permission.error", Forbidden),
    ("anthropic/404_model.error", ModelNotAvailable),
    ("anthropic/413_too_large.error", TooLarge),
    ("anthropic/429_rate.error", RateLimited),
    ("anthropic/429_tier_spend_cap.error", KeyExhausted),
    ("anthropic/500.error", Unavailable),
    ("anthropic/504_timeout.error", Timeout),
    ("anthropic/529_overloaded.error", Unavailable),
    ("exa/400_invalid.error", BadRequest),
    ("exa/401_bad_key.error", KeyRejected),
    ("exa/402_no_credits.error", KeyExhausted),
    ("exa/402_key_budget.error", KeyExhausted),
    ("exa/403_forbidden.error", Forbidden),
    ("exa/429_rate.error", RateLimited),
    ("exa/500.error", Unavailable),
    ("exa/503.error", Unavailable),
    ("google/400_bad_key.error", KeyRejected),
    ("google/400_invalid.error", BadRequest),
    ("google/400_missing_thought_signature.error", BadRequest),
    ("google/400_precondition.error", Forbidden),
    ("google/403_no_key.error", Forbidden),
    ("google/403_permission.error", Forbidden),
    ("google/404_model.error", ModelNotAvailable),
    ("google/429_daily_quota.error", KeyExhausted),
    ("google/429_rate.error", RateLimited),
    ("google/500.error", Unavailable),
    ("google/503_overloaded.error", Unavailable),
    ("google/504_deadline.error", Timeout),
    ("mistral/400_context.error", BadRequest),
    ("mistral/400_invalid_model.error", ModelNotAvailable),
    ("mistral/401_bad_key.error", KeyRejected),
    ("mistral/401_message_form.error", KeyRejected),
    ("mistral/403_guardrail.error", Forbidden),
    ("mistral/404_not_found.error", ModelNotAvailable),
    ("mistral/422_object_form.error", BadRequest),
    ("mistral/422_validation.error", BadRequest),
    ("mistral/429_capacity.error", RateLimited),
    ("mistral/429_rate.error", RateLimited),
    ("mistral/500.error", Unavailable),
    ("mistral/503.error", Unavailable),
];

/// What is said where the message is not a plain text.
const MESSAGES: [(&str, &str); 2] = [
    (
        "mistral/422_object_form.error",
        "body.messages: Field required",
    ),
    (
        "mistral/422_validation.error",
        "body.temperature: Input should be greater than or equal to 0",
    ),
];

const NOW: Timestamp = Timestamp(1_795_478_400_000_000);

pub(crate) fn tested_ids() -> Vec<String> {
    CLASSES
        .iter()
        .map(|(id, _class)| (*id).to_owned())
        .collect()
}

fn row(id: &str) -> Row {
    rows("error")
        .into_iter()
        .find(|row| row.id == id)
        .unwrap_or_else(|| panic!("no row {id}"))
}

#[test]
fn every_error_has_its_class_code_message_and_retry() {
    for (id, class) in CLASSES {
        let row = row(id);
        let failure = row
            .adapter()
            .failure(row.status, &row.headers, &row.bytes(), NOW);
        assert_eq!(failure.class, class, "{id}");
        assert_eq!(failure.status, row.status, "{id}");
        assert_eq!(failure.is_retryable(), row.expect["retry"], "{id}");
        let wait = failure
            .retry_after
            .map(|wait| u64::try_from(wait.as_millis()).unwrap());
        assert_eq!(wait, row.expect["retry_after_ms"].as_u64(), "{id}");

        let body = row.json();
        let plain = [
            &body["error"]["message"],
            &body["error"],
            &body["message"],
            &body["detail"],
        ];
        let message = plain.iter().find_map(|text| text.as_str());
        let made = MESSAGES.iter().find(|(of, _made)| *of == id);
        let message = message.or(made.map(|(_of, made)| *made));
        assert_eq!(failure.message.as_deref(), message, "{id}");
        let code = ["code", "type", "tag", "status"]
            .iter()
            .find_map(|name| row.expect[name].as_str());
        // OpenAI's type stands in for a code that is null.
        let code = code.or(body["error"]["type"].as_str().or(body["type"].as_str()));
        assert_eq!(failure.code.as_deref(), code, "{id}");
    }
}

#[test]
fn a_body_that_is_no_error_of_the_provider_leaves_the_status_alone_to_speak() {
    for adapter in ProviderId::ALL.into_iter().filter_map(registry::adapter) {
        for body in [
            &b"<html>Bad gateway sk-keyway-test-1</html>"[..],
            b"",
            b"[]",
            b"\xff",
            b"7",
        ] {
            let failure = adapter.failure(502, &HeaderMap::new(), body, NOW);
            assert_eq!(failure.class, Unavailable);
            assert_eq!((failure.code, failure.message), (None, None));
            let redirect = adapter.failure(302, &HeaderMap::new(), body, NOW);
            assert_eq!(redirect.class, FailureClass::Protocol);
        }
    }
}

#[test]
fn a_429_of_anthropic_without_a_time_is_a_rate_limit_only_if_a_retry_is_asked_for() {
    let row = row("anthropic/429_tier_spend_cap.error");
    let mut headers = row.headers.clone();
    headers.insert("x-should-retry", "true".parse().unwrap());
    let failure = row.adapter().failure(429, &headers, &row.bytes(), NOW);
    assert_eq!(failure.class, RateLimited);
}

#[test]
fn a_provider_that_forbids_a_retry_is_obeyed() {
    let row = row("openai/500.error");
    let mut headers = row.headers.clone();
    headers.insert("x-should-retry", "false".parse().unwrap());
    assert!(
        !row.adapter()
            .failure(500, &headers, &row.bytes(), NOW)
            .is_retryable()
    );
}
