//! A response as a neutral answer.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::error::{ErrorObject, within_answer};
use super::super::usage;
use super::signature;
use crate::chat::{AssistantPart, ChatReply, Finish, ReasoningPart, ToolCall};
use crate::metered::Metered;
use crate::wire::DecodeError;

/// What separates the parts of one reasoning item in its text.
pub(super) const BETWEEN_PARTS: &str = "\n\n";

/// A response, whole or as an event carries it.
#[derive(Deserialize)]
pub(super) struct Response {
    status: String,
    #[serde(default)]
    error: Option<ErrorObject>,
    #[serde(default)]
    incomplete_details: Option<Incomplete>,
    #[serde(default)]
    output: Vec<Item>,
    #[serde(default)]
    usage: Option<Box<RawValue>>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    service_tier: Option<String>,
}

#[derive(Deserialize)]
struct Incomplete {
    #[serde(default)]
    reason: String,
}

/// One item of the output. What is not known here asks nothing of the caller and is left out.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item {
    Message {
        #[serde(default)]
        content: Vec<Part>,
    },
    FunctionCall {
        call_id: String,
        name: String,
        #[serde(default)]
        arguments: String,
    },
    Reasoning(ReasoningItem),
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
pub(super) struct ReasoningItem {
    #[serde(default)]
    id: String,
    #[serde(default)]
    summary: Vec<Readable>,
    #[serde(default)]
    content: Option<Vec<Readable>>,
    #[serde(default)]
    encrypted_content: Option<String>,
}

#[derive(Deserialize)]
struct Readable {
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part {
    OutputText {
        text: String,
    },
    Refusal {
        refusal: String,
    },
    #[serde(other)]
    Unknown,
}

/// Reads a response.
pub(in super::super) fn chat(body: &[u8]) -> Result<ChatReply, DecodeError> {
    let mut response: Response =
        serde_json::from_slice(body).map_err(|_unparsable| DecodeError::Malformed {
            what: "not a response",
        })?;
    let mut metered = Metered::default();
    response.measure(&mut metered);
    let output = std::mem::take(&mut response.output);
    let parts: Vec<_> = output.into_iter().flat_map(parts).collect();
    let has = |is: fn(&AssistantPart) -> bool| parts.iter().any(is);
    let refused = has(|part| matches!(part, AssistantPart::Refusal(_)));
    let called = has(|part| matches!(part, AssistantPart::ToolCall(_)));
    let (finish, provider_finish) = response.finish(refused, called)?;
    Ok(ChatReply {
        parts,
        finish,
        provider_finish,
        metered,
    })
}

impl Response {
    /// Takes what is known of model, tier and usage. Only a final response reports usage.
    pub(super) fn measure(&mut self, metered: &mut Metered) {
        metered.served_model = self.model.take().or(metered.served_model.take());
        metered.service_tier = self.service_tier.take().or(metered.service_tier.take());
        if let Some(report) = self.usage.take() {
            usage::read_response(&report, metered);
        }
    }

    /// Why it stopped, in our word and in the provider's; an error if it failed.
    pub(super) fn finish(
        self,
        refused: bool,
        called: bool,
    ) -> Result<(Finish, String), DecodeError> {
        match (self.status.as_str(), self.error) {
            ("failed", error) => Err(within_answer(error.unwrap_or_default())),
            (_any, Some(error)) => Err(within_answer(error)),
            ("completed", None) => {
                let finish = match (refused, called) {
                    (true, _any) => Finish::Refusal,
                    (false, true) => Finish::ToolCalls,
                    (false, false) => Finish::Stop,
                };
                Ok((finish, self.status))
            }
            ("incomplete", None) => {
                let reason = self
                    .incomplete_details
                    .map_or(String::new(), |it| it.reason);
                let finish = match reason.as_str() {
                    "max_output_tokens" => Finish::Length,
                    "content_filter" => Finish::ContentFilter,
                    _other => Finish::Other,
                };
                Ok((finish, format!("incomplete:{reason}")))
            }
            _not_at_its_end => Err(DecodeError::Malformed {
                what: "a response that is not at its end",
            }),
        }
    }
}

fn parts(item: Item) -> Vec<AssistantPart> {
    match item {
        Item::Message { content } => content.into_iter().filter_map(Part::into_neutral).collect(),
        Item::FunctionCall {
            call_id,
            name,
            arguments,
        } => vec![AssistantPart::ToolCall(ToolCall {
            id: call_id,
            name,
            arguments,
            signature: Vec::new(),
        })],
        Item::Reasoning(item) => {
            let part = ReasoningPart {
                text: item.text(),
                signature: item.signature(),
                redacted: false,
            };
            let says_something = !part.text.is_empty() || !part.signature.is_empty();
            let part = says_something.then_some(AssistantPart::Reasoning(part));
            part.into_iter().collect()
        }
        Item::Unknown => Vec::new(),
    }
}

impl Part {
    fn into_neutral(self) -> Option<AssistantPart> {
        match self {
            Self::OutputText { text } if !text.is_empty() => Some(AssistantPart::Text(text)),
            Self::Refusal { refusal } if !refusal.is_empty() => {
                Some(AssistantPart::Refusal(refusal))
            }
            _empty_or_unknown => None,
        }
    }
}

impl ReasoningItem {
    fn text(&self) -> String {
        let content = self.content.as_deref().unwrap_or_default();
        let parts = self.summary.iter().chain(content);
        let texts = parts
            .map(|part| part.text.as_str())
            .filter(|text| !text.is_empty());
        texts.collect::<Vec<_>>().join(BETWEEN_PARTS)
    }

    /// What gives the item back; empty if it can't be.
    pub(super) fn signature(&self) -> Vec<u8> {
        signature::write(&self.id, self.encrypted_content.as_deref())
    }
}
