//! What `OpenAI` documents that responses refuse, each with a 400 unless noted:
//!
//! - a field that is not known (also chat's `stop`, `seed`, `n` and penalties), no `model`, no `input`;
//!   a model of another kind or endpoint, or none (404);
//! - what the same chat completion would be refused for (`openai::check`), under this endpoint's names;
//!   tools may go with any effort here;
//! - `include` of what is not known, `stream_options` without `stream`, `background` without `store`,
//!   `conversation` together with `previous_response_id`;
//! - reasoning whose `encrypted_content` was not given, without it unless it is stored, or without an
//!   item after it; a call that reasoning led to without that item before it;
//! - a response, conversation, item or file that the account does not have (400 or 404).

use serde_json::Value;

use crate::openai::responses::items::{REASONED_CALL, REASONING, SEALED};
use crate::openai::{Fault, check, known_fields, known_model};
use crate::request::Request;

const FIELDS: [&str; 29] = [
    "model",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "temperature",
    "top_p",
    "top_logprobs",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "reasoning",
    "text",
    "truncation",
    "store",
    "previous_response_id",
    "conversation",
    "include",
    "metadata",
    "service_tier",
    "stream",
    "stream_options",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "background",
    "safety_identifier",
    "user",
];
const INCLUDE: [&str; 7] = [
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
    "message.input_image.image_url",
    "file_search_call.results",
    "web_search_call.action.sources",
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
];
/// Chat's names of what is called otherwise here.
const RENAMED: [(&str, &str); 5] = [
    ("messages", "input"),
    ("max_completion_tokens", "max_output_tokens"),
    ("reasoning_effort", "reasoning.effort"),
    ("verbosity", "text.verbosity"),
    ("response_format", "text.format"),
];

/// The fields and how they go together.
pub(super) fn fields(request: &Request) -> Result<(), Fault> {
    known_fields(request, &FIELDS)?;
    known_model(request, "chat", "/v1/responses")?;
    let body = &request.body;
    if !body["input"].is_string() && !body["input"].is_array() {
        return Err(Fault::missing("input"));
    }
    let include = body["include"].as_array().into_iter().flatten();
    let known = |what: &Value| what.as_str().is_some_and(|what| INCLUDE.contains(&what));
    if let Some(what) = include.into_iter().find(|what| !known(what)) {
        let message = format!("Invalid value: {what}. Supported values are: {INCLUDE:?}.");
        return Err(Fault::value("include", message));
    }
    if request.has("stream_options") && !request.streams() {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(Fault::value("stream_options", message));
    }
    if body["background"] == true && body["store"] == false {
        let message = "Background mode needs 'store' to be true.";
        return Err(Fault::value("background", message));
    }
    if request.has("conversation") && request.has("previous_response_id") {
        let message = "Only one of 'conversation' and 'previous_response_id' can be given.";
        return Err(Fault::value("conversation", message));
    }
    Ok(())
}

/// What the twin is refused for, and what only items can be wrong in.
pub(super) fn twin(request: &Request, twin: &Request, items: &[Value]) -> Result<(), Fault> {
    check::twin(twin).map_err(renamed)?;
    let own = request.body["input"].as_array().into_iter().flatten();
    own.into_iter()
        .filter(|item| item["type"] == "reasoning")
        .try_for_each(|item| sealed(request, item))?;
    for (at, item) in items.iter().enumerate() {
        let id = item["id"].as_str().unwrap_or_default();
        let before = items.get(..at).unwrap_or_default();
        if item["type"] == "reasoning" && at + 1 == items.len() {
            let message = format!(
                "Item '{id}' of type 'reasoning' was provided without its required following item."
            );
            return Err(Fault::value("input", message));
        }
        let number = id
            .strip_prefix(REASONED_CALL)
            .and_then(|id| id.split('_').next());
        let needed = number.map(|number| format!("{REASONING}{number}"));
        if let Some(needed) =
            needed.filter(|needed| !before.iter().any(|item| item["id"] == **needed))
        {
            let message = format!(
                "Item '{id}' of type 'function_call' was provided without its required 'reasoning' item: '{needed}'."
            );
            return Err(Fault::value("input", message));
        }
    }
    Ok(())
}

/// Reasoning comes back sealed, or is stored.
fn sealed(request: &Request, item: &Value) -> Result<(), Fault> {
    let id = item["id"].as_str().unwrap_or_default();
    match item["encrypted_content"].as_str() {
        Some(sealed) if sealed.starts_with(SEALED) => Ok(()),
        Some(_) => Err(Fault::new(
            "input",
            "invalid_encrypted_content",
            format!("The encrypted content for item {id} could not be verified."),
        )),
        None if crate::openai::stored::item(request, id).is_some() => Ok(()),
        None => Err(crate::openai::stored::no_item(id)),
    }
}

fn renamed(fault: Fault) -> Fault {
    let name = RENAMED.iter().find(|(chat, _)| fault.param == Some(chat));
    match name {
        Some((chat, here)) => Fault {
            param: Some(here),
            message: fault.message.replace(chat, here),
            ..fault
        },
        None => fault,
    }
}
