//! What the documentation says that chat completions refuse, before anything is sent.

use crate::chat::{ChatCall, Effort};
use crate::options::Rules;
use crate::text::Decimal;
use crate::wire::EncodeError;

/// Options of chat completions. `n`, `modalities` and `audio` ask for what a neutral answer can't
/// carry. A cache key that the caller chooses would be shared between tenants of one hosted key.
pub(super) const CHAT_OPTIONS: Rules = Rules {
    taken: &[
        "max_completion_tokens",
        "temperature",
        "top_p",
        "stop",
        "seed",
        "tool_choice",
        "parallel_tool_calls",
        "functions",
        "function_call",
        "response_format",
        "reasoning_effort",
        "safety_identifier",
        "user",
        "n",
        "modalities",
        "audio",
    ],
    hosted: &[
        "frequency_penalty",
        "presence_penalty",
        "logit_bias",
        "verbosity",
        "prediction",
        "prompt_cache_options",
    ],
};

/// Options of embeddings.
pub(super) const EMBEDDING_OPTIONS: Rules = Rules {
    taken: &["dimensions", "encoding_format", "user"],
    hosted: &[],
};

/// Refuses what chat completions are documented to refuse.
pub(super) fn check(call: &ChatCall) -> Result<(), EncodeError> {
    if call.stop.len() > 4 {
        return Err(EncodeError::Invalid {
            field: "stop",
            accepted: "at most 4 texts",
        });
    }
    within(
        call.temperature.as_ref(),
        2,
        "temperature",
        "a number from 0 to 2",
    )?;
    within(call.top_p.as_ref(), 1, "top_p", "a number from 0 to 1")?;
    end_user(call.end_user.as_deref())?;
    if call.reasoning.budget_tokens.is_some() {
        let why = "this provider takes an effort, not a budget";
        return Err(EncodeError::Unsupported {
            field: "reasoning.budget_tokens",
            why,
        });
    }
    model(call)
}

/// Refuses a user that is longer than the provider takes.
pub(super) fn end_user(user: Option<&str>) -> Result<(), EncodeError> {
    match user {
        Some(user) if user.chars().count() > 64 => Err(EncodeError::Invalid {
            field: "end_user",
            accepted: "at most 64 characters with this provider",
        }),
        _short_or_none => Ok(()),
    }
}

fn within(
    value: Option<&Decimal>,
    bound: u64,
    field: &'static str,
    accepted: &'static str,
) -> Result<(), EncodeError> {
    match value {
        Some(value) if !value.at_most(bound) => Err(EncodeError::Invalid { field, accepted }),
        _within_or_none => Ok(()),
    }
}

/// What depends on the model. One that is not known here is left to the provider.
fn model(call: &ChatCall) -> Result<(), EncodeError> {
    let model = call.model.as_str();
    let unsupported = |field, why| Err(EncodeError::Unsupported { field, why });
    if has_part(model, "pro") || has_part(model, "codex") {
        return unsupported(
            "model",
            "only the responses endpoint serves it, which is not built",
        );
    }
    let effort = call.reasoning.effort;
    let reasons = |by_default: bool| effort.map_or(by_default, |effort| effort != Effort::None);
    let is_6 = is_generation(model, "gpt-6");
    if !call.tools.is_empty() {
        if model.starts_with("gpt-6-astra") || model.starts_with("gpt-6.1-sol") {
            let why = "this model takes tools only on the responses endpoint, which is not built";
            return unsupported("tools", why);
        }
        if reasons(is_6) && (is_6 || is_from_5_4(model)) {
            let why = "with tools this model needs the effort `none`";
            return unsupported("reasoning.effort", why);
        }
    }
    if is_6 && reasons(true) {
        let why = "this model takes no sampling settings unless the effort is `none`";
        if call.temperature.is_some() {
            return unsupported("temperature", why);
        }
        if call.top_p.is_some() {
            return unsupported("top_p", why);
        }
    }
    if !call.stop.is_empty() && (is_generation(model, "o3") || is_generation(model, "o4")) {
        return unsupported("stop", "this model takes none");
    }
    Ok(())
}

/// Whether a name has this part between hyphens.
fn has_part(model: &str, part: &str) -> bool {
    model.split('-').any(|given| given == part)
}

/// Whether a name is of this generation: the name, or the name and more after `-` or `.`.
fn is_generation(model: &str, generation: &str) -> bool {
    model
        .strip_prefix(generation)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
}

/// Whether a name is of GPT-5.4 or a later GPT-5.
fn is_from_5_4(model: &str) -> bool {
    let minor = model
        .strip_prefix("gpt-5.")
        .and_then(|rest| rest.split('-').next());
    minor
        .and_then(|minor| minor.parse::<u32>().ok())
        .is_some_and(|minor| minor >= 4)
}

#[cfg(test)]
mod tests {
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
        let stop = |count| vec!["x".to_owned(); count];
        let number = |text: &str| Some(text.parse().unwrap());
        let base = || call("gpt-4.1-mini");
        for (call, field) in [
            (
                ChatCall {
                    stop: stop(4),
                    ..base()
                },
                None,
            ),
            (
                ChatCall {
                    stop: stop(5),
                    ..base()
                },
                Some("stop"),
            ),
            (
                ChatCall {
                    stop: stop(1),
                    ..call("o3-2025-04-16")
                },
                Some("stop"),
            ),
            (
                ChatCall {
                    temperature: number("2.0"),
                    ..base()
                },
                None,
            ),
            (
                ChatCall {
                    temperature: number("2.1"),
                    ..base()
                },
                Some("temperature"),
            ),
            (
                ChatCall {
                    top_p: number("1.01"),
                    ..base()
                },
                Some("top_p"),
            ),
            (
                ChatCall {
                    temperature: number("1"),
                    ..call("gpt-6-sol")
                },
                Some("temperature"),
            ),
            (
                ChatCall {
                    end_user: Some("u".repeat(65)),
                    ..base()
                },
                Some("end_user"),
            ),
        ] {
            assert_eq!(refused_field(&call), field);
        }
    }
}
