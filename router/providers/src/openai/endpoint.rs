//! Which endpoint serves a call: chat completions, unless one of these rules says responses.

use super::rules::{is_from_5_4, is_generation};
use crate::chat::{AssistantPart, ChatCall, Effort, Message};

/// An endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    ChatCompletions,
    Responses,
}

/// Names of models.
enum Models {
    /// With this part between hyphens; not a name that a customer chose.
    WithPart(&'static str),
    /// Starting so.
    Starting(&'static str),
    /// Of this generation.
    Generation(&'static str),
    /// GPT-5.4 or a later GPT-5.
    From5_4,
    /// Any.
    Any,
}

/// Calls of such a model.
enum When {
    /// All of them.
    Always,
    /// Those with tools.
    Tools,
    /// Those with tools that reason; whether the model reasons if nothing is said.
    ToolsAndReasoning { by_default: bool },
    /// Those of the highest effort.
    MaxEffort,
    /// Those that give reasoning back, which chat completions do not take.
    SignedReasoning,
}

/// The rules; the provider's documentation is their source.
const NEEDS_RESPONSES: [(Models, When); 8] = [
    (Models::WithPart("pro"), When::Always),
    (Models::WithPart("codex"), When::Always),
    (Models::Starting("gpt-6-astra"), When::Tools),
    (Models::Starting("gpt-6.1-sol"), When::Tools),
    (
        Models::Generation("gpt-6"),
        When::ToolsAndReasoning { by_default: true },
    ),
    (
        Models::From5_4,
        When::ToolsAndReasoning { by_default: false },
    ),
    (Models::Generation("gpt-6"), When::MaxEffort),
    (Models::Any, When::SignedReasoning),
];

/// The endpoint that serves the call.
pub(super) fn of(call: &ChatCall) -> Endpoint {
    let needs = |(models, when): &(Models, When)| models.hold(&call.model) && when.holds(call);
    if NEEDS_RESPONSES.iter().any(needs) {
        Endpoint::Responses
    } else {
        Endpoint::ChatCompletions
    }
}

impl Models {
    fn hold(&self, model: &str) -> bool {
        match *self {
            Self::WithPart(part) => {
                !model.starts_with("ft:") && model.split('-').any(|given| given == part)
            }
            Self::Starting(start) => model.starts_with(start),
            Self::Generation(generation) => is_generation(model, generation),
            Self::From5_4 => is_from_5_4(model),
            Self::Any => true,
        }
    }
}

impl When {
    fn holds(&self, call: &ChatCall) -> bool {
        let effort = call.reasoning.effort;
        match *self {
            Self::Always => true,
            Self::Tools => !call.tools.is_empty(),
            Self::ToolsAndReasoning { by_default } => {
                let reasons = effort.map_or(by_default, |effort| effort != Effort::None);
                !call.tools.is_empty() && reasons
            }
            Self::MaxEffort => effort == Some(Effort::Max),
            Self::SignedReasoning => call.messages.iter().any(gives_reasoning_back),
        }
    }
}

fn gives_reasoning_back(message: &Message) -> bool {
    match message {
        Message::Assistant(parts) => parts.iter().any(|part| match part {
            AssistantPart::Reasoning(part) => !part.signature.is_empty(),
            _other => false,
        }),
        _other => false,
    }
}

#[cfg(test)]
mod tests;
