//! A generated content as a neutral answer.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::{ErrorObject, within_answer};
use super::{BLOCKED, MADE_UP, finish, usage};
use crate::chat::{AssistantPart, ChatReply, ReasoningPart, ToolCall};
use crate::metered::Metered;
use crate::wire::DecodeError;

/// A whole answer, or one chunk of a streamed one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(super) struct Generated {
    error: Option<ErrorObject>,
    candidates: Vec<Candidate>,
    prompt_feedback: Option<Feedback>,
    usage_metadata: Option<Box<RawValue>>,
    model_version: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Candidate {
    index: u64,
    content: Content,
    finish_reason: Option<String>,
}

/// A candidate may come without content, and content without parts.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Content {
    parts: Vec<Part>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Part {
    text: Option<String>,
    thought: bool,
    thought_signature: Option<String>,
    function_call: Option<FunctionCall>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct FunctionCall {
    id: Option<String>,
    name: String,
    args: Option<Box<RawValue>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Feedback {
    block_reason: Option<String>,
}

/// What one answer or chunk says.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) parts: Vec<AssistantPart>,
    /// The provider's own word for the end, once there is one.
    pub(super) finish: Option<String>,
    /// Whether there was a candidate at all.
    pub(super) has_candidate: bool,
}

/// Reads a whole answer.
pub(super) fn chat(body: &[u8]) -> Result<ChatReply, DecodeError> {
    let mut metered = Metered::default();
    let said = read(body, 0, &mut metered)?;
    if said.finish.is_none() && !said.has_candidate {
        return Err(DecodeError::Malformed {
            what: "a generated content without a candidate",
        });
    }
    let provider_finish = said.finish.unwrap_or_default();
    let called = said.parts.iter().any(is_call);
    Ok(ChatReply {
        finish: finish(&provider_finish, called),
        parts: said.parts,
        provider_finish,
        metered,
    })
}

pub(super) const fn is_call(part: &AssistantPart) -> bool {
    matches!(part, AssistantPart::ToolCall(_))
}

/// Reads an answer or a chunk; calls without an id are numbered on from `calls`.
pub(super) fn read(json: &[u8], calls: usize, metered: &mut Metered) -> Result<Said, DecodeError> {
    let malformed = |_unparsable| DecodeError::Malformed {
        what: "not a generated content",
    };
    if !json.trim_ascii_start().starts_with(b"{") {
        // An error may come as the only element of a list.
        return Err(ErrorObject::read(json).map_or_else(|| malformed(()), within_answer));
    }
    let generated: Generated = serde_json::from_slice(json).map_err(|_error| malformed(()))?;
    if generated.model_version.is_some() {
        metered.served_model = generated.model_version;
    }
    if let Some(report) = &generated.usage_metadata {
        usage::read(report, metered);
    }
    if let Some(error) = generated.error {
        return Err(within_answer(error));
    }
    let blocked = generated
        .prompt_feedback
        .and_then(|feedback| feedback.block_reason)
        .map(|reason| format!("{BLOCKED}{reason}"));
    let first = generated
        .candidates
        .into_iter()
        .find(|candidate| candidate.index == 0);
    let has_candidate = first.is_some();
    let candidate = first.unwrap_or_default();
    let mut parts = Vec::new();
    for part in candidate.content.parts {
        add(part, calls, &mut parts);
    }
    Ok(Said {
        parts,
        finish: candidate.finish_reason.or(blocked),
        has_candidate,
    })
}

/// Appends what a part says. The signature of a text follows it in a reasoning part without text.
fn add(part: Part, calls: usize, parts: &mut Vec<AssistantPart>) {
    let signature = part.thought_signature.unwrap_or_default().into_bytes();
    if let Some(call) = part.function_call {
        let number = calls.saturating_add(parts.iter().filter(|part| is_call(part)).count());
        let id = call.id.filter(|id| !id.is_empty());
        parts.push(AssistantPart::ToolCall(ToolCall {
            id: id.unwrap_or_else(|| format!("{MADE_UP}{number}")),
            name: call.name,
            arguments: call
                .args
                .map_or_else(|| "{}".to_owned(), |args| args.get().to_owned()),
            signature,
        }));
        return;
    }
    let text = part.text.unwrap_or_default();
    let reasoning = |text, signature| {
        AssistantPart::Reasoning(ReasoningPart {
            text,
            signature,
            redacted: false,
        })
    };
    if part.thought {
        if !text.is_empty() || !signature.is_empty() {
            parts.push(reasoning(text, signature));
        }
        return;
    }
    if !text.is_empty() {
        parts.push(AssistantPart::Text(text));
    }
    if !signature.is_empty() {
        parts.push(reasoning(String::new(), signature));
    }
}
