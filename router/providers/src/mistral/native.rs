//! Mistral's listed paths as its own SDK calls them.

use http::Method;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::error::{ErrorObject, within_answer};
use super::usage;
use crate::metered::Metered;
use crate::native::{
    Endpoint, Kind, ModelPlace, NativeApi, NativeBody, NativeMeter, OwnError, Seen, Shape,
};
use crate::sse::SseEvent;
use crate::wire::DecodeError;

use Shape::{Any, List, Object, Typed, Word};

/// The listed paths.
#[derive(Debug)]
pub(super) struct MistralApi;

static ENDPOINTS: [Endpoint; 4] = [
    Endpoint {
        kind: Kind::Chat,
        method: Method::POST,
        path: "/v1/chat/completions",
        model: ModelPlace::Body,
        hosted: Object(&[
            ("model", Any),
            ("messages", List(&MESSAGE)),
            ("frequency_penalty", Any),
            ("max_tokens", Any),
            ("min_tokens", Any),
            ("n", Any),
            ("parallel_tool_calls", Any),
            ("prediction", Any),
            ("presence_penalty", Any),
            ("prompt_mode", Any),
            ("random_seed", Any),
            ("reasoning_effort", Any),
            ("repetition_penalty", Any),
            ("response_format", Any),
            ("safe_prompt", Any),
            ("stop", Any),
            ("stream", Any),
            ("temperature", Any),
            ("tool_choice", Any),
            ("tools", List(&TOOL)),
            ("top_k", Any),
            ("top_p", Any),
        ]),
        streams: false,
        query: &[],
    },
    Endpoint {
        kind: Kind::Embed,
        method: Method::POST,
        path: "/v1/embeddings",
        model: ModelPlace::Body,
        hosted: Object(&[
            ("model", Any),
            ("input", Any),
            ("encoding_format", Any),
            ("output_dimension", Any),
            ("output_dtype", Any),
        ]),
        streams: false,
        query: &[],
    },
    Endpoint {
        kind: Kind::Models,
        method: Method::GET,
        path: "/v1/models",
        model: ModelPlace::Fixed(""),
        hosted: Object(&[]),
        streams: false,
        query: &[],
    },
    Endpoint {
        kind: Kind::Models,
        method: Method::GET,
        path: "/v1/models/{model}",
        model: ModelPlace::Path,
        hosted: Object(&[]),
        streams: false,
        query: &[],
    },
];

/// The other tools run at the provider, with libraries and connectors of the account.
const TOOL: Shape = Word("type", &["function"]);

const MESSAGE: Shape = Object(&[
    ("role", Any),
    ("content", List(&PART)),
    ("name", Any),
    ("prefix", Any),
    ("tool_calls", List(&Any)),
    ("tool_call_id", Any),
]);

/// Never a file of the account.
const PART: Shape = Typed(&[
    ("text", &[("text", Any)]),
    ("image_url", &[("image_url", Any)]),
    (
        "document_url",
        &[("document_url", Any), ("document_name", Any)],
    ),
    ("input_audio", &[("input_audio", Any)]),
    ("reference", &[("reference_ids", Any)]),
    (
        "thinking",
        &[("thinking", Any), ("closed", Any), ("signature", Any)],
    ),
]);

impl NativeApi for MistralApi {
    fn endpoints(&self) -> &'static [Endpoint] {
        &ENDPOINTS
    }

    fn says_spent_by_429(&self) -> bool {
        true
    }

    fn error(&self, error: &OwnError<'_>) -> Value {
        json!({
            "object": "error",
            "message": error.message,
            "type": error.kind(),
            "param": error.field,
            "code": error.reason,
        })
    }

    fn meter(
        &self,
        _endpoint: &Endpoint,
        _model: &str,
        _body: Option<&NativeBody>,
    ) -> Box<dyn NativeMeter> {
        Box::<ChatMeter>::default()
    }
}

/// Chat completions and embeddings, whole or in chunks.
#[derive(Debug, Default)]
struct ChatMeter {
    metered: Metered,
    has_reason: bool,
    finished: bool,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    model: Option<String>,
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
    fn take(&mut self, answer: &Answer) {
        if answer.model.is_some() {
            self.metered.served_model.clone_from(&answer.model);
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
        let Ok(chunk) = serde_json::from_str::<Answer>(&event.data) else {
            return Ok(Seen::Part);
        };
        let Some(choices) = &chunk.choices else {
            // What has no choices is an error, if it says anything that one says.
            let error = ErrorObject::read(event.data.as_bytes());
            return error.map_or(Ok(Seen::Part), |error| Err(within_answer(error)));
        };
        self.has_reason |= choices.iter().any(|choice| choice.finish_reason.is_some());
        self.take(&chunk);
        // Counts before the last chunk may still grow.
        self.metered.complete &= self.has_reason;
        Ok(Seen::Part)
    }

    fn whole(&mut self, body: &[u8]) -> Result<(), DecodeError> {
        if let Ok(answer) = serde_json::from_slice::<Answer>(body) {
            self.take(&answer);
        }
        ErrorObject::read(body).map_or(Ok(()), |error| Err(within_answer(error)))
    }

    fn is_finished(&self) -> bool {
        self.finished
    }

    fn metered(&self) -> &Metered {
        &self.metered
    }
}
