//! What Mistral documents that it refuses, each with a 422 unless noted:
//!
//! - a body that is no object, a field that is not known at the top level or in a message, no `model`,
//!   no `messages`; a model of another kind, or none (400);
//! - roles, parts and response formats of an unknown type, words that are not in a field's list;
//! - numbers out of range: `temperature` 0–1.5, `top_p` 0–1, penalties ±2, `random_seed` and token
//!   limits ≥ 0, `n` ≥ 1;
//! - tools without a name or `parameters`; `tool_choice` without tools or for a tool that is not there
//!   (400);
//! - call ids that are not nine letters and digits (400); calls and results that don't belong
//!   together, a last turn of the assistant without `prefix` (400);
//! - `reasoning_effort` other than `none` on models that don't reason (400);
//! - a prompt longer than the model's window (400).

mod messages;

use serde_json::Value;

use crate::mistral::{Fault, NAME, known_fields, known_model};
use crate::models;
use crate::request::Request;

const FIELDS: [&str; 28] = [
    "model",
    "messages",
    "max_tokens",
    "min_tokens",
    "temperature",
    "top_p",
    "top_k",
    "stop",
    "random_seed",
    "n",
    "stream",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "reasoning_effort",
    "prompt_mode",
    "prompt_cache_key",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "logprobs",
    "top_logprobs",
    "prediction",
    "guardrails",
    "safe_prompt",
    "service_tier",
    "metadata",
];
const EFFORTS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/// Refuses a chat request as the provider would.
pub(super) fn chat(request: &Request) -> Result<(), Fault> {
    let body = &request.body;
    known_fields(body, &FIELDS, "")?;
    known_model(request, "chat")?;
    numbers(body)?;
    tools(body)?;
    format(&body["response_format"])?;
    messages::check(&body["messages"])?;
    effort(request)
}

/// The prompt fits into the model's window.
pub(super) fn context(request: &Request, tokens: u64) -> Result<(), Fault> {
    let window = models::find(NAME, request.model()).and_then(|model| model.context_window);
    match window.filter(|window| tokens > *window) {
        Some(window) => Err(Fault::refused(
            "invalid_request_error",
            "3051",
            format!(
                "Prompt contains {tokens} tokens and 0 draft tokens, too large for model with {window} maximum context length"
            ),
        )),
        None => Ok(()),
    }
}

fn numbers(body: &Value) -> Result<(), Fault> {
    for (field, least, most) in [
        ("temperature", 0.0, 1.5),
        ("top_p", 0.0, 1.0),
        ("presence_penalty", -2.0, 2.0),
        ("frequency_penalty", -2.0, 2.0),
    ] {
        match (&body[field], body[field].as_f64()) {
            (Value::Null, _) => {}
            (_, Some(value)) if value < least => {
                let message = format!("Input should be greater than or equal to {least}");
                return Err(Fault::field("greater_than_equal", field, message));
            }
            (_, Some(value)) if value > most => {
                let message = format!("Input should be less than or equal to {most}");
                return Err(Fault::field("less_than_equal", field, message));
            }
            (_, Some(_)) => {}
            (_, None) => {
                return Err(Fault::field(
                    "float_type",
                    field,
                    "Input should be a valid number",
                ));
            }
        }
    }
    for (field, least) in [
        ("max_tokens", 0),
        ("random_seed", 0),
        ("n", 1),
        ("min_tokens", 0),
    ] {
        let value = &body[field];
        if !value.is_null() && value.as_u64().is_none_or(|value| value < least) {
            let message = format!("Input should be a valid integer of at least {least}");
            return Err(Fault::field("greater_than_equal", field, message));
        }
    }
    Ok(())
}

fn tools(body: &Value) -> Result<(), Fault> {
    let tools = body["tools"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    for (at, tool) in tools.iter().enumerate() {
        let here = format!("tools.{at}.function");
        let name = tool["function"]["name"].as_str().unwrap_or_default();
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.is_empty() || name.len() > 64 || !name.chars().all(legal) {
            let message = "Function name must be a-z, A-Z, 0-9, or contain underscores and dashes, with a maximum length of 64.";
            return Err(Fault::field("value_error", format!("{here}.name"), message));
        }
        if !tool["function"]["parameters"].is_object() {
            return Err(Fault::missing(format!("{here}.parameters")));
        }
    }
    let choice = &body["tool_choice"];
    let named = choice["function"]["name"].as_str();
    let word = choice.as_str();
    let known = word.is_none_or(|word| ["auto", "none", "any", "required"].contains(&word));
    if !choice.is_null() && (!known || (word.is_none() && named.is_none())) {
        let message = "Input should be 'auto', 'none', 'any', 'required' or a function";
        return Err(Fault::field("enum", "tool_choice", message));
    }
    let there = |name: &str| tools.iter().any(|tool| tool["function"]["name"] == name);
    let forced = word.is_some_and(|word| word == "any" || word == "required");
    if (forced && tools.is_empty()) || named.is_some_and(|name| !there(name)) {
        let message = "Tool choice needs a tool that the request defines.";
        return Err(Fault::refused("invalid_request_error", "3300", message));
    }
    Ok(())
}

fn format(format: &Value) -> Result<(), Fault> {
    let schema = &format["json_schema"];
    match format["type"].as_str() {
        None if format.is_null() => Ok(()),
        Some("text" | "json_object") => Ok(()),
        Some("json_schema") if schema["name"].is_string() && schema["schema"].is_object() => Ok(()),
        Some("json_schema") => Err(Fault::missing("response_format.json_schema.schema")),
        _ => Err(Fault::field(
            "enum",
            "response_format.type",
            "Input should be 'text', 'json_object' or 'json_schema'",
        )),
    }
}

fn effort(request: &Request) -> Result<(), Fault> {
    let Some(effort) = request.body["reasoning_effort"].as_str() else {
        return Ok(());
    };
    if !EFFORTS.contains(&effort) {
        let message = format!("Input should be one of {EFFORTS:?}");
        return Err(Fault::field("enum", "reasoning_effort", message));
    }
    let model = models::find(NAME, request.model());
    if effort != "none" && model.is_some_and(|model| !model.can("reasoning")) {
        let message = format!("reasoning_effort is not supported by {}", request.model());
        return Err(Fault::refused("invalid_request_error", "3051", message));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
