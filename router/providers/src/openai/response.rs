//! A chat completion as a neutral answer.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::{ErrorObject, within_answer};
use super::usage;
use crate::chat::{AssistantPart, ChatReply, Finish, ToolCall};
use crate::metered::Metered;
use crate::wire::DecodeError;

#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    error: Option<ErrorObject>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Box<RawValue>>,
    #[serde(default)]
    service_tier: Option<String>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    id: String,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: String,
}

/// Reads a completion.
pub(super) fn chat(body: &[u8]) -> Result<ChatReply, DecodeError> {
    let completion: Completion =
        serde_json::from_slice(body).map_err(|_unparsable| DecodeError::Malformed {
            what: "not a chat completion",
        })?;
    if let Some(error) = completion.error {
        return Err(within_answer(error));
    }
    let choice = completion
        .choices
        .into_iter()
        .next()
        .ok_or(DecodeError::Malformed {
            what: "a chat completion without a choice",
        })?;
    let mut metered = Metered {
        served_model: completion.model,
        service_tier: completion.service_tier,
        ..Metered::default()
    };
    if let Some(report) = &completion.usage {
        usage::read(report, &mut metered);
    }
    let parts = parts(choice.message);
    let provider_finish = choice.finish_reason.unwrap_or_default();
    let refused = parts
        .iter()
        .any(|part| matches!(part, AssistantPart::Refusal(_)));
    let called = parts
        .iter()
        .any(|part| matches!(part, AssistantPart::ToolCall(_)));
    let finish = finish(&provider_finish, refused, called);
    Ok(ChatReply {
        parts,
        finish,
        provider_finish,
        metered,
    })
}

/// Why it stopped. A refusal, and with some models a forced call, finishes as `stop`.
pub(super) fn finish(word: &str, refused: bool, called: bool) -> Finish {
    match word {
        "stop" if refused => Finish::Refusal,
        "stop" if called => Finish::ToolCalls,
        "stop" => Finish::Stop,
        "length" => Finish::Length,
        "tool_calls" | "function_call" => Finish::ToolCalls,
        "content_filter" => Finish::ContentFilter,
        _other => Finish::Other,
    }
}

fn parts(message: Message) -> Vec<AssistantPart> {
    let filled = |text: &String| !text.is_empty();
    let text = message.content.filter(filled).map(AssistantPart::Text);
    let refusal = message.refusal.filter(filled).map(AssistantPart::Refusal);
    let calls = message
        .tool_calls
        .unwrap_or_default()
        .into_iter()
        .map(|call| {
            AssistantPart::ToolCall(ToolCall {
                id: call.id,
                name: call.function.name,
                arguments: call.function.arguments,
                signature: Vec::new(),
            })
        });
    text.into_iter().chain(refusal).chain(calls).collect()
}
