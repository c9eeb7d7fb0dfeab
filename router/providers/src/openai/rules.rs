//! What the documentation says that the provider refuses, before anything is sent.

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

/// Options of responses. `background` would answer later. A response that is stored, or that goes
/// on from one, is an object at the provider: never on the platform's key.
pub(super) const RESPONSE_OPTIONS: Rules = Rules {
    taken: &[
        "instructions",
        "max_output_tokens",
        "temperature",
        "top_p",
        "tool_choice",
        "parallel_tool_calls",
        "reasoning",
        "text",
        "include",
        "safety_identifier",
        "user",
        "background",
    ],
    hosted: &["truncation", "max_tool_calls", "prompt_cache_options"],
};

/// Options of embeddings.
pub(super) const EMBEDDING_OPTIONS: Rules = Rules {
    taken: &["dimensions", "encoding_format", "user"],
    hosted: &[],
};

/// Refuses what both endpoints of chats are documented to refuse.
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
    let is_6 = is_generation(model, "gpt-6");
    let reasons = call.reasoning.effort != Some(Effort::None);
    if is_6 && reasons {
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

/// Whether a name is of this generation: the name, or the name and more after `-` or `.`.
pub(super) fn is_generation(model: &str, generation: &str) -> bool {
    model
        .strip_prefix(generation)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
}

/// Whether a name is of GPT-5.4 or a later GPT-5.
pub(super) fn is_from_5_4(model: &str) -> bool {
    let minor = model
        .strip_prefix("gpt-5.")
        .and_then(|rest| rest.split('-').next());
    minor
        .and_then(|minor| minor.parse::<u32>().ok())
        .is_some_and(|minor| minor >= 4)
}

#[cfg(test)]
mod tests;
