use super::*;
use crate::chat::{ReasoningPart, ReasoningSettings, Tool};

fn call(model: &str, effort: Option<Effort>) -> ChatCall {
    ChatCall {
        model: model.into(),
        reasoning: ReasoningSettings {
            effort,
            budget_tokens: None,
        },
        ..ChatCall::default()
    }
}

fn with_tool(model: &str, effort: Option<Effort>) -> ChatCall {
    ChatCall {
        tools: vec![Tool {
            name: "now".parse().unwrap(),
            description: String::new(),
            parameters: None,
            strict: None,
        }],
        ..call(model, effort)
    }
}

#[test]
fn a_call_goes_to_responses_only_where_chat_completions_do_not_take_it() {
    for (call, needs_responses) in [
        (call("gpt-5.4-pro-2026-03-05", None), true),
        (call("gpt-5.3-codex", None), true),
        (call("gpt-9-prototype", None), false),
        (call("ft:gpt-4.1-mini:acme:a-pro-b:1", None), false),
        (with_tool("gpt-6-astra", Some(Effort::None)), true),
        (with_tool("gpt-6.1-sol-2026-11-01", None), true),
        (with_tool("gpt-6-luna", None), true),
        (with_tool("gpt-6-luna", Some(Effort::None)), false),
        (call("gpt-6-luna", Some(Effort::High)), false),
        (call("gpt-6-luna", Some(Effort::Max)), true),
        (with_tool("gpt-5.6-sol", Some(Effort::High)), true),
        (with_tool("gpt-5.6-sol", None), false),
        (with_tool("gpt-5.3", Some(Effort::High)), false),
        (with_tool("gpt-4.1-mini", None), false),
    ] {
        let is_responses = of(&call) == Endpoint::Responses;
        assert_eq!(is_responses, needs_responses, "{call:?}");
    }
}

#[test]
fn reasoning_is_given_back_to_the_endpoint_that_takes_it() {
    let turn = |signature: &[u8]| ChatCall {
        messages: vec![Message::Assistant(vec![AssistantPart::Reasoning(
            ReasoningPart {
                signature: signature.to_vec(),
                ..ReasoningPart::default()
            },
        )])],
        ..call("gpt-5.4-mini", None)
    };
    assert_eq!(of(&turn(b"rs_1:x")), Endpoint::Responses);
    assert_eq!(of(&turn(b"")), Endpoint::ChatCompletions);
}
