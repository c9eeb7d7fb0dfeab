//! Google's listed paths as its own SDK calls them, in both versions of the API.

mod embedded;

use http::Method;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::error::{ErrorObject, within_answer};
use super::{own_error, usage};
use crate::metered::Metered;
use crate::native::{
    Endpoint, Kind, ModelPlace, NativeApi, NativeBody, NativeMeter, OwnError, Seen, Shape,
};
use crate::sse::SseEvent;
use crate::wire::DecodeError;

use Shape::{Any, List, Object};

/// The listed paths.
#[derive(Debug)]
pub(super) struct GoogleApi;

static ENDPOINTS: [Endpoint; 14] = [
    content("/v1/models/{model}:generateContent", false),
    content("/v1beta/models/{model}:generateContent", false),
    content("/v1/models/{model}:streamGenerateContent", true),
    content("/v1beta/models/{model}:streamGenerateContent", true),
    post(Kind::Embed, "/v1/models/{model}:embedContent", EMBED),
    post(Kind::Embed, "/v1beta/models/{model}:embedContent", EMBED),
    post(Kind::Embed, "/v1/models/{model}:batchEmbedContents", BATCH),
    post(
        Kind::Embed,
        "/v1beta/models/{model}:batchEmbedContents",
        BATCH,
    ),
    post(Kind::Count, "/v1/models/{model}:countTokens", COUNT),
    post(Kind::Count, "/v1beta/models/{model}:countTokens", COUNT),
    models("/v1/models", ModelPlace::Fixed("")),
    models("/v1beta/models", ModelPlace::Fixed("")),
    models("/v1/models/{model}", ModelPlace::Path),
    models("/v1beta/models/{model}", ModelPlace::Path),
];

const fn content(path: &'static str, streams: bool) -> Endpoint {
    Endpoint {
        kind: Kind::Chat,
        method: Method::POST,
        path,
        model: ModelPlace::Path,
        hosted: Object(GENERATE),
        streams,
        query: if streams { &["alt", "$alt"] } else { &[] },
    }
}

const fn post(kind: Kind, path: &'static str, hosted: Shape) -> Endpoint {
    Endpoint {
        kind,
        method: Method::POST,
        path,
        model: ModelPlace::Path,
        hosted,
        streams: false,
        query: &[],
    }
}

const fn models(path: &'static str, model: ModelPlace) -> Endpoint {
    Endpoint {
        kind: Kind::Models,
        method: Method::GET,
        path,
        model,
        hosted: Object(&[]),
        streams: false,
        query: &[
            "pageSize",
            "pageToken",
            "page_size",
            "page_token",
            "queryBase",
            "query_base",
        ],
    }
}

/// Both spellings of every name: the provider takes both. A cached content, a file or a continuation
/// would be one of the platform's.
const GENERATE: &[(&str, Shape)] = &[
    ("model", Any),
    ("contents", CONTENTS),
    ("systemInstruction", CONTENT),
    ("system_instruction", CONTENT),
    ("tools", List(&TOOL)),
    ("toolConfig", Any),
    ("tool_config", Any),
    ("safetySettings", Any),
    ("safety_settings", Any),
    ("generationConfig", Any),
    ("generation_config", Any),
];

/// Functions run at the caller's; the other tools run at the provider.
const TOOL: Shape = Object(&[
    ("functionDeclarations", Any),
    ("function_declarations", Any),
]);

const CONTENTS: Shape = List(&CONTENT);
const CONTENT: Shape = Object(&[("role", Any), ("parts", List(&PART))]);
const PART: Shape = Object(&[
    ("text", Any),
    ("thought", Any),
    ("thoughtSignature", Any),
    ("thought_signature", Any),
    ("inlineData", Any),
    ("inline_data", Any),
    ("functionCall", Any),
    ("function_call", Any),
    ("functionResponse", RESPONSE),
    ("function_response", RESPONSE),
    ("mediaResolution", Any),
    ("media_resolution", Any),
    ("videoMetadata", Any),
    ("video_metadata", Any),
    ("partMetadata", Any),
    ("part_metadata", Any),
]);
const RESPONSE: Shape = Object(&[("id", Any), ("name", Any), ("response", Any)]);

const EMBED_FIELDS: &[(&str, Shape)] = &[
    ("model", Any),
    ("content", CONTENT),
    ("taskType", Any),
    ("task_type", Any),
    ("title", Any),
    ("outputDimensionality", Any),
    ("output_dimensionality", Any),
    ("embedContentConfig", Any),
    ("embed_content_config", Any),
];
const EMBED: Shape = Object(EMBED_FIELDS);
const BATCH: Shape = Object(&[("requests", List(&EMBED))]);
const COUNT: Shape = Object(&[
    ("contents", CONTENTS),
    ("generateContentRequest", Object(GENERATE)),
    ("generate_content_request", Object(GENERATE)),
]);

impl NativeApi for GoogleApi {
    fn endpoints(&self) -> &'static [Endpoint] {
        &ENDPOINTS
    }

    fn account_headers(&self) -> &'static [&'static str] {
        &["x-goog-user-project"]
    }

    fn sdk_reads_bare_errors(&self) -> bool {
        true
    }

    fn key_parameter(&self) -> Option<&'static str> {
        Some("key")
    }

    fn says_spent_by_429(&self) -> bool {
        true
    }

    fn error(&self, error: &OwnError<'_>) -> Value {
        own_error::told(error)
    }

    fn error_event(&self, error: &Value) -> String {
        format!("data: {error}\r\n\r\n")
    }

    fn meter(
        &self,
        endpoint: &Endpoint,
        _model: &str,
        body: Option<&NativeBody>,
    ) -> Box<dyn NativeMeter> {
        let embeds = endpoint.kind == Kind::Embed;
        let texts = body.filter(|_| embeds);
        Box::new(ContentMeter {
            embeds,
            text_bytes: texts.map(embedded::text_bytes),
            ..ContentMeter::default()
        })
    }
}

/// Generated contents and embeddings, whole or in chunks.
#[derive(Debug, Default)]
struct ContentMeter {
    metered: Metered,
    /// Whether it is asked for vectors, whose usage has one side.
    embeds: bool,
    /// Of the texts that are to be embedded.
    text_bytes: Option<u64>,
    finished: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Answer {
    error: Option<ErrorObject>,
    candidates: Vec<Candidate>,
    prompt_feedback: Option<Feedback>,
    usage_metadata: Option<Box<RawValue>>,
    model_version: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Candidate {
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Feedback {
    block_reason: Option<String>,
}

impl ContentMeter {
    fn take(&mut self, answer: Answer) {
        if answer.model_version.is_some() {
            self.metered.served_model = answer.model_version;
        }
        if let Some(report) = &answer.usage_metadata {
            usage::read(report, &mut self.metered);
        }
        let mut candidates = answer.candidates.iter();
        let blocked = answer.prompt_feedback.and_then(|told| told.block_reason);
        self.finished |=
            blocked.is_some() || candidates.any(|candidate| candidate.finish_reason.is_some());
        // Counts before the last chunk may still grow.
        self.metered.complete &= self.finished;
    }
}

impl NativeMeter for ContentMeter {
    fn event(&mut self, event: &SseEvent) -> Result<Seen, DecodeError> {
        let json = event.data.as_bytes();
        let Ok(mut answer) = serde_json::from_slice::<Answer>(json) else {
            // An error may come as the only element of a list.
            let error = ErrorObject::read(json);
            return error.map_or(Ok(Seen::Part), |error| Err(within_answer(error)));
        };
        let error = answer.error.take();
        self.take(answer);
        error.map_or(Ok(Seen::Part), |error| Err(within_answer(error)))
    }

    /// One object; without events, a streamed answer is a list of them.
    fn whole(&mut self, body: &[u8]) -> Result<(), DecodeError> {
        let mut error = None;
        if body.trim_ascii_start().starts_with(b"[") {
            let answers = serde_json::from_slice::<Vec<Answer>>(body);
            for mut answer in answers.unwrap_or_default() {
                error = error.or(answer.error.take());
                self.take(answer);
            }
        } else if let Ok(mut answer) = serde_json::from_slice::<Answer>(body) {
            error = answer.error.take();
            // Nothing comes after it, whether it says how it ended or not.
            self.finished = true;
            self.take(answer);
            if let Some(bytes) = self.text_bytes {
                self.metered.answered_texts(bytes);
            }
            self.metered.complete |= self.embeds && self.metered.usage.is_some();
        }
        error.map_or(Ok(()), |error| Err(within_answer(error)))
    }

    /// It has no terminator: it ends with its body.
    fn is_finished(&self) -> bool {
        false
    }

    fn may_end(&self) -> bool {
        self.finished
    }

    fn metered(&self) -> &Metered {
        &self.metered
    }
}
