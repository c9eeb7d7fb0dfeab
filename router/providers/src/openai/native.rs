//! `OpenAI`'s listed paths as its own SDK calls them.

use http::Method;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::error::{ErrorObject, within_answer};
use super::usage;
use crate::metered::Metered;
use crate::native::{
    Edit, Endpoint, Kind, ModelPlace, NativeApi, NativeBody, NativeMeter, Seen, Shape,
};
use crate::sse::SseEvent;
use crate::wire::DecodeError;

use Shape::{Any, List, Object, Typed, Word};

/// The listed paths.
#[derive(Debug)]
pub(super) struct OpenAiApi;

static ENDPOINTS: [Endpoint; 5] = [
    Endpoint {
        kind: Kind::Chat,
        method: Method::POST,
        path: CHAT,
        model: ModelPlace::Body,
        hosted: Object(&[
            ("model", Any),
            ("messages", List(&MESSAGE)),
            ("frequency_penalty", Any),
            ("function_call", Any),
            ("functions", Any),
            ("logit_bias", Any),
            ("logprobs", Any),
            ("max_completion_tokens", Any),
            ("max_tokens", Any),
            ("n", Any),
            ("parallel_tool_calls", Any),
            ("prediction", Any),
            ("presence_penalty", Any),
            ("prompt_cache_options", Any),
            ("reasoning_effort", Any),
            ("response_format", Any),
            ("safety_identifier", Any),
            ("seed", Any),
            ("stop", Any),
            ("store", Any), // set to false
            ("stream", Any),
            ("stream_options", Any),
            ("temperature", Any),
            ("tool_choice", Any),
            ("tools", List(&TOOL)),
            ("top_logprobs", Any),
            ("top_p", Any),
            ("user", Any),
            ("verbosity", Any),
        ]),
        streams: false,
        query: &[],
    },
    Endpoint {
        kind: Kind::Chat,
        method: Method::POST,
        path: RESPONSES,
        model: ModelPlace::Body,
        hosted: Object(&[
            ("model", Any),
            ("input", List(&ITEM)),
            ("include", Any),
            ("instructions", Any),
            ("max_output_tokens", Any),
            ("max_tool_calls", Any),
            ("parallel_tool_calls", Any),
            ("prompt_cache_options", Any),
            ("reasoning", Any),
            ("safety_identifier", Any),
            ("store", Any), // set to false
            ("stream", Any),
            ("stream_options", Any),
            ("temperature", Any),
            ("text", Any),
            ("tool_choice", Any),
            ("tools", List(&TOOL)),
            ("top_logprobs", Any),
            ("top_p", Any),
            ("truncation", Any),
            ("user", Any),
        ]),
        streams: false,
        query: &[],
    },
    Endpoint {
        kind: Kind::Embed,
        method: Method::POST,
        path: "/embeddings",
        model: ModelPlace::Body,
        hosted: Object(&[
            ("model", Any),
            ("input", Any),
            ("dimensions", Any),
            ("encoding_format", Any),
            ("user", Any),
        ]),
        streams: false,
        query: &[],
    },
    Endpoint {
        kind: Kind::Models,
        method: Method::GET,
        path: "/models",
        model: ModelPlace::Fixed(""),
        hosted: Object(&[]),
        streams: false,
        query: &[],
    },
    Endpoint {
        kind: Kind::Models,
        method: Method::GET,
        path: "/models/{model}",
        model: ModelPlace::Path,
        hosted: Object(&[]),
        streams: false,
        query: &[],
    },
];

const CHAT: &str = "/chat/completions";
const RESPONSES: &str = "/responses";

/// Functions run at the caller's; the other tools keep or fetch things at the provider.
const TOOL: Shape = Word("type", &["function", "custom"]);

/// A message of chat completions. The id of an `audio` would name a stored one.
const MESSAGE: Shape = Object(&[
    ("role", Any),
    ("content", List(&PART)),
    ("name", Any),
    ("refusal", Any),
    ("reasoning_content", Any),
    ("annotations", Any),
    ("function_call", Any),
    ("tool_calls", List(&Any)),
    ("tool_call_id", Any),
]);

const PART: Shape = Typed(&[
    ("text", &[("text", Any), ("prompt_cache_breakpoint", Any)]),
    (
        "image_url",
        &[("image_url", Any), ("prompt_cache_breakpoint", Any)],
    ),
    ("input_audio", &[("input_audio", Any)]),
    ("refusal", &[("refusal", Any)]),
    (
        "file",
        &[("file", Object(&[("file_data", Any), ("filename", Any)]))],
    ),
]);

/// An item of the input of responses. A reference would name a stored one.
const ITEM: Shape = Typed(&[
    ("message", MESSAGE_ITEM),
    (
        "function_call",
        &[
            ("id", Any),
            ("call_id", Any),
            ("name", Any),
            ("namespace", Any),
            ("arguments", Any),
            ("status", Any),
            ("parsed_arguments", Any),
        ],
    ),
    ("function_call_output", OUTPUT_ITEM),
    (
        "custom_tool_call",
        &[
            ("id", Any),
            ("call_id", Any),
            ("name", Any),
            ("namespace", Any),
            ("input", Any),
            ("status", Any),
        ],
    ),
    ("custom_tool_call_output", OUTPUT_ITEM),
    (
        "reasoning",
        &[
            ("id", Any),
            ("summary", Any),
            ("content", Any),
            ("encrypted_content", Any),
            ("status", Any),
        ],
    ),
]);

const MESSAGE_ITEM: &[(&str, Shape)] = &[
    ("id", Any),
    ("role", Any),
    ("content", List(&INPUT_PART)),
    ("status", Any),
    ("phase", Any),
];

const OUTPUT_ITEM: &[(&str, Shape)] = &[
    ("id", Any),
    ("call_id", Any),
    ("output", List(&INPUT_PART)),
    ("status", Any),
];

const INPUT_PART: Shape = Typed(&[
    (
        "input_text",
        &[("text", Any), ("prompt_cache_breakpoint", Any)],
    ),
    (
        "input_image",
        &[
            ("image_url", Any),
            ("detail", Any),
            ("prompt_cache_breakpoint", Any),
        ],
    ),
    (
        "input_file",
        &[("file_data", Any), ("file_url", Any), ("filename", Any)],
    ),
    (
        "output_text",
        &[
            ("text", Any),
            ("annotations", Any),
            ("logprobs", Any),
            ("parsed", Any),
        ],
    ),
    ("refusal", &[("refusal", Any)]),
]);

impl NativeApi for OpenAiApi {
    fn prefix(&self) -> &'static str {
        "/v1"
    }

    fn endpoints(&self) -> &'static [Endpoint] {
        &ENDPOINTS
    }

    fn request_headers(&self) -> &'static [&'static str] {
        &["x-client-request-id"]
    }

    fn account_headers(&self) -> &'static [&'static str] {
        &["openai-organization", "openai-project", "openai-beta"]
    }

    fn edits(&self, endpoint: &Endpoint, body: &NativeBody, hosted: bool) -> Vec<Edit> {
        let mut edits = Vec::new();
        if endpoint.path == CHAT && body.is_true("stream") && !asks_for_usage(body) {
            edits.push(asking_for_usage(body));
        }
        let stores = matches!(endpoint.path, CHAT | RESPONSES);
        if hosted && stores && body.json("store") != Some("false") {
            edits.push(Edit {
                name: "store",
                json: "false".to_owned(),
            });
        }
        edits
    }

    fn says_spent_by_429(&self) -> bool {
        true
    }

    fn meter(
        &self,
        endpoint: &Endpoint,
        _model: &str,
        body: Option<&NativeBody>,
    ) -> Box<dyn NativeMeter> {
        if endpoint.path == RESPONSES {
            return Box::<ResponseMeter>::default();
        }
        Box::new(ChatMeter {
            adds_usage: body.is_some_and(|body| body.is_true("stream") && !asks_for_usage(body)),
            ..ChatMeter::default()
        })
    }
}

fn asks_for_usage(body: &NativeBody) -> bool {
    let options = body.object("stream_options");
    options.is_some_and(|options| options.is_true("include_usage"))
}

fn asking_for_usage(body: &NativeBody) -> Edit {
    let ask = Edit {
        name: "include_usage",
        json: "true".to_owned(),
    };
    let options = body.object("stream_options");
    let json = options.map(|options| options.edited(&[ask]));
    let json = json.and_then(|json| String::from_utf8(json.to_vec()).ok());
    Edit {
        name: "stream_options",
        json: json.unwrap_or_else(|| r#"{"include_usage":true}"#.to_owned()),
    }
}

/// Chat completions and embeddings, whole or in chunks.
#[derive(Debug, Default)]
struct ChatMeter {
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
        if let Some(error) = chunk.error.take() {
            return Err(within_answer(error));
        }
        self.take(&chunk);
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

    fn whole(&mut self, body: &[u8]) {
        if let Ok(answer) = serde_json::from_slice::<Answer>(body) {
            self.take(&answer);
        }
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
struct ResponseMeter {
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
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    service_tier: Option<String>,
    #[serde(default)]
    usage: Option<Box<RawValue>>,
}

impl ResponseMeter {
    fn take(&mut self, response: Response) {
        if response.model.is_some() {
            self.metered.served_model = response.model;
        }
        if response.service_tier.is_some() {
            self.metered.service_tier = response.service_tier;
        }
        if let Some(report) = &response.usage {
            usage::read_response(report, &mut self.metered);
        }
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
            self.take(response);
        }
        Ok(Seen::Part)
    }

    fn whole(&mut self, body: &[u8]) {
        if let Ok(response) = serde_json::from_slice(body) {
            self.take(response);
        }
    }

    fn is_finished(&self) -> bool {
        self.finished
    }

    fn metered(&self) -> &Metered {
        &self.metered
    }
}
