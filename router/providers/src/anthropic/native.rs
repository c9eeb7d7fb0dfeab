//! Anthropic's listed paths as its own SDK calls them.

use http::Method;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::error::{ErrorObject, within_answer};
use super::usage::Reports;
use crate::metered::Metered;
use crate::native::{
    Endpoint, Kind, ModelPlace, NativeApi, NativeBody, NativeMeter, OwnError, Seen, Shape,
};
use crate::sse::SseEvent;
use crate::wire::DecodeError;

use Shape::{Any, List, Object, Typed, Word};

/// The listed paths.
#[derive(Debug)]
pub(super) struct AnthropicApi;

static ENDPOINTS: [Endpoint; 4] = [
    Endpoint {
        kind: Kind::Chat,
        method: Method::POST,
        path: "/v1/messages",
        model: ModelPlace::Body,
        hosted: Object(MESSAGES),
        streams: false,
        query: &["beta"],
    },
    Endpoint {
        kind: Kind::Count,
        method: Method::POST,
        path: "/v1/messages/count_tokens",
        model: ModelPlace::Body,
        hosted: Object(MESSAGES),
        streams: false,
        query: &["beta"],
    },
    Endpoint {
        kind: Kind::Models,
        method: Method::GET,
        path: "/v1/models",
        model: ModelPlace::Fixed(""),
        hosted: Object(&[]),
        streams: false,
        query: &["limit", "after_id", "before_id", "beta"],
    },
    Endpoint {
        kind: Kind::Models,
        method: Method::GET,
        path: "/v1/models/{model}",
        model: ModelPlace::Path,
        hosted: Object(&[]),
        streams: false,
        query: &["beta"],
    },
];

/// What a message may hold. A container, a file or an MCP server would be one of the platform's.
const MESSAGES: &[(&str, Shape)] = &[
    ("model", Any),
    ("messages", List(&MESSAGE)),
    ("cache_control", Any),
    ("max_tokens", Any),
    ("metadata", Any),
    ("output_config", Any),
    ("output_format", Any),
    ("stop_sequences", Any),
    ("stream", Any),
    ("system", List(&BLOCK)),
    ("temperature", Any),
    ("thinking", Any),
    ("tool_choice", Any),
    ("tools", List(&TOOL)),
    ("top_k", Any),
    ("top_p", Any),
];

const MESSAGE: Shape = Object(&[("role", Any), ("content", List(&BLOCK))]);

/// Tools that run at the caller's; the others run at the provider, which keeps things for them or
/// has another price.
const TOOL: Shape = Word(
    "type",
    &["custom", "bash_", "text_editor_", "computer_", "memory_"],
);

/// What one kind of block may hold.
type Fields = &'static [(&'static str, Shape)];

const TEXT: Fields = &[("text", Any), ("cache_control", Any), ("citations", Any)];
const IMAGE: Fields = &[("source", SOURCE), ("cache_control", Any)];
const DOCUMENT: Fields = &[
    ("source", SOURCE),
    ("cache_control", Any),
    ("citations", Any),
    ("context", Any),
    ("title", Any),
];
const SEARCH_RESULT: Fields = &[
    ("content", Any),
    ("source", Any),
    ("title", Any),
    ("cache_control", Any),
    ("citations", Any),
];

const BLOCK: Shape = Typed(&[
    ("text", TEXT),
    ("image", IMAGE),
    ("document", DOCUMENT),
    ("search_result", SEARCH_RESULT),
    (
        "tool_use",
        &[
            ("id", Any),
            ("name", Any),
            ("input", Any),
            ("caller", Any),
            ("cache_control", Any),
        ],
    ),
    (
        "tool_result",
        &[
            ("tool_use_id", Any),
            ("content", List(&RESULT)),
            ("is_error", Any),
            ("cache_control", Any),
        ],
    ),
    ("thinking", &[("thinking", Any), ("signature", Any)]),
    ("redacted_thinking", &[("data", Any)]),
]);

/// What a tool gave back.
const RESULT: Shape = Typed(&[
    ("text", TEXT),
    ("image", IMAGE),
    ("document", DOCUMENT),
    ("search_result", SEARCH_RESULT),
]);

/// Never a file of the account.
const SOURCE: Shape = Typed(&[
    ("base64", &[("media_type", Any), ("data", Any)]),
    ("url", &[("url", Any)]),
    ("text", &[("media_type", Any), ("data", Any)]),
    ("content", &[("content", List(&RESULT_TEXT))]),
]);

const RESULT_TEXT: Shape = Typed(&[(
    "text",
    &[("text", Any), ("cache_control", Any), ("citations", Any)],
)]);

impl NativeApi for AnthropicApi {
    fn endpoints(&self) -> &'static [Endpoint] {
        &ENDPOINTS
    }

    fn request_headers(&self) -> &'static [&'static str] {
        &["anthropic-version"]
    }

    fn features(&self) -> Option<(&'static str, &'static [&'static str])> {
        Some((
            "anthropic-beta",
            &[
                "extended-cache-ttl-",
                "fine-grained-tool-streaming-",
                "interleaved-thinking-",
                "output-128k-",
                "prompt-caching-",
                "structured-outputs-",
                "token-efficient-tools-",
            ],
        ))
    }

    fn error(&self, error: &OwnError<'_>) -> Value {
        json!({
            "type": "error",
            "error": {
                "type": error.kind(),
                "message": error.message,
                "details": {"error_code": error.reason},
            },
            "request_id": error.call_id,
        })
    }

    fn error_event(&self, error: &Value) -> String {
        format!("event: error\ndata: {error}\n\n")
    }

    fn meter(
        &self,
        _endpoint: &Endpoint,
        _model: &str,
        _body: Option<&NativeBody>,
    ) -> Box<dyn NativeMeter> {
        Box::<MessageMeter>::default()
    }
}

/// Messages, whole or in events.
#[derive(Debug, Default)]
struct MessageMeter {
    metered: Metered,
    reports: Reports,
    has_final_counts: bool,
    finished: bool,
}

#[derive(Deserialize)]
struct Event {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    message: Option<Message>,
    #[serde(default)]
    usage: Option<Box<RawValue>>,
    #[serde(default)]
    error: Option<ErrorObject>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<Box<RawValue>>,
    /// In its place, where there is no message.
    #[serde(default)]
    error: Option<ErrorObject>,
}

impl NativeMeter for MessageMeter {
    fn event(&mut self, event: &SseEvent) -> Result<Seen, DecodeError> {
        let Ok(read) = serde_json::from_str::<Event>(&event.data) else {
            return Ok(Seen::Part);
        };
        match read.kind.as_str() {
            "message_start" => {
                let message = read.message;
                let (model, usage) = message.map_or((None, None), |all| (all.model, all.usage));
                self.metered.served_model = model;
                if let Some(report) = &usage {
                    self.reports
                        .merge("message_start", report, &mut self.metered);
                }
            }
            "message_delta" => {
                if let Some(report) = &read.usage {
                    self.reports
                        .merge("message_delta", report, &mut self.metered);
                    self.has_final_counts = true;
                }
            }
            "message_stop" => {
                self.finished = true;
                self.metered.complete = self.has_final_counts && self.metered.has_both_sides();
            }
            "error" => return Err(within_answer(read.error.unwrap_or_default())),
            _ => {}
        }
        Ok(Seen::Part)
    }

    fn whole(&mut self, body: &[u8]) -> Result<(), DecodeError> {
        let Ok(message) = serde_json::from_slice::<Message>(body) else {
            return Ok(());
        };
        self.metered.served_model = message.model;
        if let Some(report) = &message.usage {
            Reports::whole(report, &mut self.metered);
        }
        message
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
