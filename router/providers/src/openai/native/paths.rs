//! `OpenAI`'s listed paths, and what a body may hold on a hosted key.

use http::Method;

use crate::native::{Endpoint, Kind, ModelPlace, Shape};

use Shape::{Any, List, Object, Typed, Word};

/// What the SDK may call.
pub(super) static ENDPOINTS: [Endpoint; 5] = [
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

pub(super) const CHAT: &str = "/chat/completions";
pub(super) const RESPONSES: &str = "/responses";

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

/// An item of the input of responses. A reference would name a stored one; it needs no type, so what has none
/// may have no id.
const ITEM: Shape = Typed(&[
    (
        "",
        &[
            ("role", Any),
            ("content", List(&INPUT_PART)),
            ("phase", Any),
        ],
    ),
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
