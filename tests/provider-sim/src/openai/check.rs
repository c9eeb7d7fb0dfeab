//! What `OpenAI` documents that chat completions refuse, each with a 400 unless noted:
//!
//! - a body that is no object, a field that is not known, no `model`, no `messages`;
//! - a model of another kind or endpoint, or none (404);
//! - unknown roles, content of the wrong type, a `tool` message that answers no call, a call without
//!   an answer before the next turn;
//! - numbers out of range (`temperature` 0–2, `top_p` 0–1, penalties ±2, `top_logprobs` 0–20 with
//!   `logprobs`, `logit_bias` ±100, `n` ≥ 1, token limits ≥ 1), more than 4 stop sequences, more than
//!   16 `metadata` pairs or longer than 64 and 512, `safety_identifier` above 64;
//! - words that are not in the list of `reasoning_effort`, `verbosity`, `service_tier`, or
//!   `response_format.type`; `json_object` without the word JSON in a message;
//! - `stream_options` without `stream`;
//! - tools without a legal name or type, strict schemas that are open or have optional properties,
//!   `tool_choice` without tools or for a tool that is not there;
//! - on reasoning models `max_tokens` and `stop`; on others `reasoning_effort`; efforts that the model
//!   does not have;
//! - from gpt-5.4 tools with a `reasoning_effort` other than `none`; on gpt-6 tools unless it is
//!   `none`, and on gpt-6-astra and gpt-6.1-sol tools at all;
//! - on gpt-6 `temperature`, `top_p`, `logprobs` and `top_logprobs` unless the effort is `none`; on
//!   gpt-6.2 other values than the default of sampling parameters;
//! - a prompt longer than the model's window.

mod functions;
mod messages;
mod ranges;

use serde_json::Value;

use crate::models::{self, Model};
use crate::openai::{Fault, NAME, known_fields, known_model};
use crate::request::Request;

const FIELDS: [&str; 37] = [
    "model",
    "messages",
    "max_completion_tokens",
    "max_tokens",
    "temperature",
    "top_p",
    "n",
    "stop",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "reasoning_effort",
    "verbosity",
    "stream",
    "stream_options",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "service_tier",
    "metadata",
    "safety_identifier",
    "store",
    "prediction",
    "modalities",
    "audio",
    "web_search_options",
    "moderation",
    "user",
    "functions",
    "function_call",
];

/// Refuses a chat request as the provider would.
pub(super) fn chat(request: &Request) -> Result<(), Fault> {
    known_fields(request, &FIELDS)?;
    known_model(request, "chat", "/v1/chat/completions")?;
    let body = &request.body;
    messages::check(&body["messages"])?;
    ranges::check(request)?;
    functions::check(body)?;
    response_format(body)?;
    model(request)
}

/// Refuses the twin of a response: what chat refuses, but for what only that endpoint does not take.
pub(super) fn twin(request: &Request) -> Result<(), Fault> {
    let known = models::find(NAME, request.model());
    messages::check(&request.body["messages"])?;
    ranges::check(request)?;
    functions::check(&request.body)?;
    response_format(&request.body)?;
    if request.has("reasoning_effort") && !reasons(known, request.model()) {
        return Err(Fault::unsupported("reasoning_effort"));
    }
    effort(request, known)?;
    sampling(request)
}

/// The prompt fits into the model's window.
pub(super) fn context(request: &Request, tokens: u64) -> Result<(), Fault> {
    let window = models::find(NAME, request.model()).and_then(|model| model.context_window);
    match window.filter(|window| tokens > *window) {
        Some(window) => Err(Fault::new(
            "messages",
            "context_length_exceeded",
            format!(
                "This model's maximum context length is {window} tokens. However, your messages resulted in {tokens} tokens."
            ),
        )),
        None => Ok(()),
    }
}

fn response_format(body: &Value) -> Result<(), Fault> {
    let format = &body["response_format"];
    match format["type"].as_str() {
        None if format.is_null() => Ok(()),
        Some("text") => Ok(()),
        Some("json_object") if body["messages"].to_string().to_lowercase().contains("json") => {
            Ok(())
        }
        Some("json_object") => {
            let message = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.";
            Err(Fault::value("messages", message))
        }
        Some("json_schema") => json_schema(&format["json_schema"]),
        _ => Err(Fault::value(
            "response_format",
            "Supported values are: 'text', 'json_object', 'json_schema'.",
        )),
    }
}

fn json_schema(format: &Value) -> Result<(), Fault> {
    if !functions::legal_name(&format["name"]) {
        return Err(Fault::missing("response_format.json_schema.name"));
    }
    let fault = crate::schema::strict_fault(&format["schema"]).filter(|_| format["strict"] == true);
    fault.map_or(Ok(()), |fault| {
        Err(Fault::value(
            "response_format",
            format!("Invalid schema for response_format: {fault}."),
        ))
    })
}

fn model(request: &Request) -> Result<(), Fault> {
    let name = request.model();
    let known = models::find(NAME, name);
    if reasons(known, name) {
        if request.has("max_tokens") {
            return Err(Fault::new(
                "max_tokens",
                "unsupported_parameter",
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            ));
        }
        if request.has("stop") {
            return Err(Fault::unsupported("stop"));
        }
    } else if request.has("reasoning_effort") {
        return Err(Fault::unsupported("reasoning_effort"));
    }
    effort(request, known)?;
    tools_with_effort(request)?;
    sampling(request)
}

fn reasons(known: Option<&Model>, name: &str) -> bool {
    let by_name = ["gpt-5", "gpt-6", "o3", "o4"]
        .iter()
        .any(|start| name.starts_with(start));
    known.map_or(by_name, |model| model.can("reasoning"))
}

fn effort(request: &Request, known: Option<&Model>) -> Result<(), Fault> {
    let effort = request.body["reasoning_effort"]
        .as_str()
        .unwrap_or_default();
    let refused = known.is_some_and(|model| match effort {
        "none" => model.refuses("no_reasoning_effort_none"),
        "minimal" => model.refuses("no_reasoning_effort_minimal"),
        "xhigh" | "max" => !model.can(&format!("reasoning_effort_{effort}")),
        _ => false,
    });
    if !refused {
        return Ok(());
    }
    let message = format!(
        "Unsupported value: 'reasoning_effort' does not support '{effort}' with this model."
    );
    Err(Fault::new("reasoning_effort", "unsupported_value", message))
}

fn tools_with_effort(request: &Request) -> Result<(), Fault> {
    let name = request.model();
    let effort = request.body["reasoning_effort"].as_str();
    let never = name.starts_with("gpt-6-astra") || name.starts_with("gpt-6.1-sol");
    let silent = name.starts_with("gpt-6");
    let refused = match effort {
        Some("none") => never,
        None => silent,
        Some(_) => {
            silent
                || ["gpt-5.4", "gpt-5.5", "gpt-5.6"]
                    .iter()
                    .any(|start| name.starts_with(start))
        }
    };
    if !refused || !request.has("tools") {
        return Ok(());
    }
    let message = format!(
        "Function tools with reasoning_effort are not supported for {name} in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'."
    );
    Err(Fault {
        status: 400,
        message,
        param: Some("reasoning_effort"),
        code: None,
    })
}

fn sampling(request: &Request) -> Result<(), Fault> {
    let name = request.model();
    if name.starts_with("gpt-6.2") {
        let defaults = [
            ("temperature", 1.0),
            ("top_p", 1.0),
            ("frequency_penalty", 0.0),
            ("presence_penalty", 0.0),
        ];
        let other = defaults.iter().find(|(field, default)| {
            request.body[*field]
                .as_f64()
                .is_some_and(|value| (value - default).abs() > f64::EPSILON)
        });
        return other.map_or(Ok(()), |(field, _)| Err(Fault::unsupported(field)));
    }
    if !name.starts_with("gpt-6") || request.body["reasoning_effort"] == "none" {
        return Ok(());
    }
    let fields = ["temperature", "top_p", "logprobs", "top_logprobs"];
    let given = fields.into_iter().find(|field| request.has(field));
    given.map_or(Ok(()), |field| Err(Fault::unsupported(field)))
}

#[cfg(test)]
mod tests;
