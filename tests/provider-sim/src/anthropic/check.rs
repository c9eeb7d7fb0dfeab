//! What Anthropic documents that it refuses, each with a 400 unless noted:
//!
//! - no `anthropic-version`, or one that is neither `2023-06-01` nor `2026-10-21`;
//! - a body above 32 MiB (413); a field that is not known; no `model`, `messages` or `max_tokens`;
//!   a model that does not exist (404); `max_tokens` above the model's;
//! - with `2026-10-21` any sampling parameter; with `2023-06-01` other values than the default on
//!   models that take none;
//! - roles but `user` and `assistant` (`system` in the middle on models that take it), a first turn
//!   that is not the user's, empty text, a last turn of the assistant on models without prefill;
//! - `tool_use` without its `tool_result` first in the next turn, results without a call, a call's
//!   input that is no object;
//! - with `2026-10-21` a `document` in an assistant turn, and citations on a user's text;
//! - images that are not jpeg, png, gif or webp; more than 4 cache breakpoints, other lifetimes;
//! - `thinking` of an unknown type, with a budget below 1024 or not below `max_tokens`; unknown
//!   efforts; an `output_config.format` that is no `json_schema` with a schema;
//! - tools without a legal name or an object schema, `tool_choice` without tools, for a tool that is
//!   not there, or forced on models that refuse that; words that are not in a field's list.

mod fields;
mod turns;

use crate::anthropic::{Fault, NAME};
use crate::models;
use crate::request::Request;

const FIELDS: [&str; 20] = [
    "model",
    "messages",
    "max_tokens",
    "system",
    "stop_sequences",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "thinking",
    "output_config",
    "tools",
    "tool_choice",
    "cache_control",
    "service_tier",
    "speed",
    "inference_geo",
    "metadata",
    "container",
    "context_management",
];
/// Fields of a message that counting does not take.
const NOT_COUNTED: [&str; 9] = [
    "max_tokens",
    "stop_sequences",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "service_tier",
    "metadata",
    "container",
];
const LARGEST: usize = 32 * 1024 * 1024;
const NEW: &str = "2026-10-21";

/// The version header is there and known.
pub(super) fn version(request: &Request) -> Result<(), Fault> {
    match request.header("anthropic-version") {
        Some("2023-06-01" | NEW) => Ok(()),
        Some(other) => Err(Fault::new(format!(
            "anthropic-version: \"{other}\" is not a valid version"
        ))),
        None => Err(Fault::new("anthropic-version: header is required")),
    }
}

/// Refuses a message as the provider would.
pub(super) fn message(request: &Request) -> Result<(), Fault> {
    common(request, &FIELDS)?;
    fields::limit(request)?;
    fields::sampling(request)?;
    fields::words(request)?;
    turns::prefill(request)
}

/// Refuses a request to count as the provider would.
pub(super) fn counting(request: &Request) -> Result<(), Fault> {
    let known: Vec<&str> = FIELDS
        .into_iter()
        .filter(|field| !NOT_COUNTED.contains(field))
        .collect();
    common(request, &known)
}

fn common(request: &Request, known: &[&str]) -> Result<(), Fault> {
    if request.bytes.len() > LARGEST {
        return Err(Fault {
            status: 413,
            message: "Request exceeds the maximum size".to_owned(),
        });
    }
    if !request.body.is_object() {
        return Err(Fault::new("The request body is not valid JSON"));
    }
    if let Some((unknown, _)) = request
        .fields()
        .find(|(name, _)| !known.contains(&name.as_str()))
    {
        return Err(Fault::extra(unknown));
    }
    for field in ["model", "messages"] {
        if !request.has(field) {
            return Err(Fault::new(format!("{field}: Field required")));
        }
    }
    let name = request.model();
    if name.ends_with("-nope") {
        return Err(Fault {
            status: 404,
            message: format!("model: {name}"),
        });
    }
    turns::check(request)?;
    fields::tools(&request.body, models::find(NAME, name))?;
    fields::thinking(&request.body)?;
    fields::output_config(&request.body["output_config"])
}

/// The caller speaks the version of 2026-10-21.
fn new(request: &Request) -> bool {
    request.header("anthropic-version") == Some(NEW)
}

#[cfg(test)]
mod tests;
