//! What `OpenAI`'s own bytes say about usage.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::super::error::{ErrorObject, within_answer};
use super::super::usage;
use crate::metered::Metered;
use crate::native::{NativeMeter, Seen};
use crate::sse::SseEvent;
use crate::wire::DecodeError;

/// Chat completions and embeddings, whole or in chunks.
#[derive(Debug, Default)]
pub(super) struct ChatMeter {
    metered: Metered,
    /// Usage was asked for on the caller's behalf.
    adds_usage: bool,
    /// A choice has come to its end.
    has_reason: bool,
    finished: bool,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    error: Option<ErrorObject>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    service_tier: Option<String>,
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    finish_reason: Option<IgnoredAny>,
}

impl ChatMeter {
    /// With `adds_usage` the chunk that holds nothing but usage is not the caller's.
    pub(super) fn new(adds_usage: bool) -> Self {
        Self {
            adds_usage,
            ..Self::default()
        }
    }

    fn take(&mut self, answer: &Answer) {
        if answer.model.is_some() {
            self.metered.served_model.clone_from(&answer.model);
        }
        if answer.service_tier.is_some() {
            self.metered.service_tier.clone_from(&answer.service_tier);
        }
        if let Some(report) = &answer.usage {
            usage::read(report, &mut self.metered);
        }
    }
}

impl NativeMeter for ChatMeter {
    fn event(&mut self, event: &SseEvent) -> Result<Seen, DecodeError> {
        if event.data.trim() == "[DONE]" {
            self.finished = true;
            return Ok(Seen::Part);
        }
        let Ok(mut chunk) = serde_json::from_str::<Answer>(&event.data) else {
            return Ok(Seen::Part);
        };
        self.take(&chunk);
        if let Some(error) = chunk.error.take() {
            return Err(within_answer(error));
        }
        let choices = chunk.choices.unwrap_or_default();
        self.has_reason |= choices.iter().any(|choice| choice.finish_reason.is_some());
        let only_usage = chunk.usage.is_some() && choices.is_empty();
        // Compatible servers report running counts with every chunk; only the last is final.
        self.metered.complete &= only_usage || self.has_reason;
        Ok(if only_usage && self.adds_usage {
            Seen::OnlyUsage
        } else {
            Seen::Part
        })
    }

    fn whole(&mut self, body: &[u8]) -> Result<(), DecodeError> {
        let Ok(answer) = serde_json::from_slice::<Answer>(body) else {
            return Ok(());
        };
        self.take(&answer);
        answer
            .error
            .map_or(Ok(()), |error| Err(within_answer(error)))
    }

    fn is_finished(&self) -> bool {
        self.finished
    }

    fn metered(&self) -> &Metered {
        &self.metered
    }
}

/// Responses, whole or in events.
#[derive(Debug, Default)]
pub(super) struct ResponseMeter {
    metered: Metered,
    finished: bool,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    response: Option<Response>,
}

#[derive(Deserialize)]
struct Response {
    /// Of one that failed.
    #[serde(default)]
    error: Option<ErrorObject>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    service_tier: Option<String>,
    #[serde(default)]
    usage: Option<Box<RawValue>>,
}

impl ResponseMeter {
    fn take(&mut self, response: Response) -> Result<(), DecodeError> {
        if response.model.is_some() {
            self.metered.served_model = response.model;
        }
        if response.service_tier.is_some() {
            self.metered.service_tier = response.service_tier;
        }
        if let Some(report) = &response.usage {
            usage::read_response(report, &mut self.metered);
        }
        response
            .error
            .map_or(Ok(()), |error| Err(within_answer(error)))
    }
}

impl NativeMeter for ResponseMeter {
    fn event(&mut self, event: &SseEvent) -> Result<Seen, DecodeError> {
        let Ok(read) = serde_json::from_str::<Event>(&event.data) else {
            return Ok(Seen::Part);
        };
        if read.kind == "error" {
            let error = serde_json::from_str::<ErrorObject>(&event.data);
            return Err(within_answer(error.unwrap_or_default()));
        }
        let ends = matches!(
            read.kind.as_str(),
            "response.completed" | "response.incomplete" | "response.failed"
        );
        self.finished |= ends;
        if let Some(response) = read.response {
            self.take(response)?;
        }
        Ok(Seen::Part)
    }

    fn whole(&mut self, body: &[u8]) -> Result<(), DecodeError> {
        serde_json::from_slice(body).map_or(Ok(()), |response| self.take(response))
    }

    fn is_finished(&self) -> bool {
        self.finished
    }

    fn metered(&self) -> &Metered {
        &self.metered
    }
}
