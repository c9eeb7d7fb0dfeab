use super::*;
use crate::chat::{ReasoningSettings, Tool};

fn call(model: &str) -> ChatCall {
    ChatCall {
        model: model.into(),
        ..ChatCall::default()
    }
}

fn with_tool(model: &str, effort: Option<Effort>) -> ChatCall {
    let tool = Tool {
        name: "now".parse().unwrap(),
        description: String::new(),
        parameters: None,
        strict: None,
    };
    let reasoning = ReasoningSettings {
        effort,
        budget_tokens: None,
    };
    ChatCall {
        tools: vec![tool],
        reasoning,
        ..call(model)
    }
}

fn refused_field(call: &ChatCall) -> Option<&'static str> {
    match check(call) {
        Ok(()) => None,
        Err(EncodeError::Unsupported { field, .. } | EncodeError::Invalid { field, .. }) => {
            Some(field)
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn what_needs_the_responses_endpoint_is_refused() {
    for (call, field) in [
        (call("gpt-5.4-pro-2026-03-05"), Some("model")),
        (call("gpt-5.3-codex"), Some("model")),
        (call("gpt-9-prototype"), None),
        (call("ft:gpt-4.1-mini:acme:a-pro-b:1"), None),
        (with_tool("gpt-6-astra", Some(Effort::Low)), Some("tools")),
        (with_tool("gpt-6.1-sol-2026-11-01", None), Some("tools")),
        (with_tool("gpt-6-luna", None), Some("reasoning.effort")),
        (with_tool("gpt-6-luna", Some(Effort::None)), None),
        (
            with_tool("gpt-5.6-sol", Some(Effort::High)),
            Some("reasoning.effort"),
        ),
        (with_tool("gpt-5.6-sol", None), None),
        (with_tool("gpt-5.3", Some(Effort::High)), None),
        (with_tool("gpt-4.1-mini", None), None),
    ] {
        assert_eq!(refused_field(&call), field, "{}", call.model);
    }
}

#[test]
fn documented_bounds_are_checked() {
    type Change = fn(&mut ChatCall);
    let cases: [(&str, Change, Option<&str>); 8] = [
        ("gpt-4.1", |call| call.stop = vec!["x".into(); 4], None),
        (
            "gpt-4.1",
            |call| call.stop = vec!["x".into(); 5],
            Some("stop"),
        ),
        (
            "o3-2025-04-16",
            |call| call.stop = vec!["x".into()],
            Some("stop"),
        ),
        (
            "gpt-4.1",
            |call| call.temperature = "2.0".parse().ok(),
            None,
        ),
        (
            "gpt-4.1",
            |call| call.temperature = "2.1".parse().ok(),
            Some("temperature"),
        ),
        (
            "gpt-4.1",
            |call| call.top_p = "1.01".parse().ok(),
            Some("top_p"),
        ),
        (
            "gpt-6-sol",
            |call| call.temperature = "1".parse().ok(),
            Some("temperature"),
        ),
        (
            "gpt-4.1",
            |call| call.end_user = Some("u".repeat(65)),
            Some("end_user"),
        ),
    ];
    for (model, change, field) in cases {
        let mut call = call(model);
        change(&mut call);
        assert_eq!(refused_field(&call), field, "{model}");
    }
}
