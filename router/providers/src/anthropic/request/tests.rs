use super::*;
use crate::chat::{AssistantPart, Message, ReasoningPart, ReasoningSettings, ToolCall, UserPart};

fn call() -> ChatCall {
    ChatCall {
        model: "claude-sonnet-5-5".into(),
        messages: vec![Message::User(vec![UserPart::Text("hi".into())])],
        ..ChatCall::default()
    }
}

fn body(call: &ChatCall) -> serde_json::Value {
    serde_json::from_slice(&chat(call, false).unwrap().body).unwrap()
}

fn reasoning(effort: Option<Effort>, budget_tokens: Option<u32>) -> ChatCall {
    let reasoning = ReasoningSettings {
        effort,
        budget_tokens,
    };
    ChatCall {
        reasoning,
        model_max_output_tokens: Some(2_000),
        ..call()
    }
}

#[test]
fn the_bound_that_the_provider_demands_is_the_callers_else_the_catalogues_else_a_default() {
    let bound = |caller, catalogue| {
        let call = ChatCall {
            max_output_tokens: caller,
            model_max_output_tokens: catalogue,
            ..call()
        };
        body(&call)["max_tokens"].as_u64()
    };
    assert_eq!(bound(Some(7), Some(9)), Some(7));
    assert_eq!(bound(None, Some(9)), Some(9));
    assert_eq!(bound(None, None), Some(4_096));
}

#[test]
fn what_this_api_has_not_is_refused_and_never_dropped() {
    let number = Some("0.2".parse().unwrap());
    for (call, field) in [
        (
            ChatCall {
                temperature: number.clone(),
                ..call()
            },
            "temperature",
        ),
        (
            ChatCall {
                top_p: number,
                ..call()
            },
            "top_p",
        ),
        (
            ChatCall {
                seed: Some(0),
                ..call()
            },
            "seed",
        ),
        (reasoning(Some(Effort::Minimal), None), "reasoning.effort"),
    ] {
        let refused = chat(&call, false).unwrap_err();
        assert!(matches!(refused, EncodeError::Unsupported { field: f, .. } if f == field));
    }
}

#[test]
fn a_budget_turns_thinking_on_within_its_bounds_and_no_effort_turns_it_off() {
    let on = body(&reasoning(Some(Effort::Low), Some(1_024)));
    assert_eq!(
        on["thinking"],
        serde_json::json!({"type":"enabled","budget_tokens":1024})
    );
    assert_eq!(on["output_config"]["effort"], "low");
    let off = body(&reasoning(Some(Effort::None), None));
    assert_eq!(off["thinking"], serde_json::json!({"type":"disabled"}));
    assert!(off.get("output_config").is_none());
    for (effort, budget) in [(None, 1_023), (None, 2_000), (Some(Effort::None), 1_500)] {
        assert!(chat(&reasoning(effort, Some(budget)), false).is_err());
    }
    let provider_options = ProviderOptions::parse(r#"{"thinking":{}}"#).unwrap();
    let both = ChatCall {
        provider_options,
        ..reasoning(None, Some(1_024))
    };
    let refused = EncodeError::OptionNotAllowed {
        name: "thinking".into(),
    };
    assert_eq!(chat(&both, false).unwrap_err(), refused);
}

#[test]
fn thinking_goes_back_byte_for_byte_and_not_without_its_signature() {
    let part = |signature: &str, redacted| {
        let text = "why".to_owned();
        let part = ReasoningPart {
            text,
            signature: signature.into(),
            redacted,
        };
        let turn = Message::Assistant(vec![AssistantPart::Reasoning(part)]);
        ChatCall {
            messages: vec![turn],
            ..call()
        }
    };
    let sent = body(&part("EqoB+/==", false));
    assert_eq!(
        sent["messages"][0]["content"],
        serde_json::json!([{"type":"thinking","thinking":"why","signature":"EqoB+/=="}]),
    );
    let sent = body(&part("EroB==", true));
    assert_eq!(
        sent["messages"][0]["content"],
        serde_json::json!([{"type":"redacted_thinking","data":"EroB=="}]),
    );
    assert!(chat(&part("", false), false).is_err());
}

#[test]
fn instructions_within_the_conversation_and_broken_arguments_are_refused() {
    let mut late = call();
    late.messages.push(Message::System(vec!["be terse".into()]));
    assert!(matches!(
        chat(&late, false),
        Err(EncodeError::Unsupported { .. })
    ));
    let broken = ToolCall {
        arguments: "{\"a\":".into(),
        ..ToolCall::default()
    };
    let messages = vec![Message::Assistant(vec![AssistantPart::ToolCall(broken)])];
    let refused = chat(&ChatCall { messages, ..call() }, false);
    assert!(matches!(refused, Err(EncodeError::Invalid { .. })));
}
