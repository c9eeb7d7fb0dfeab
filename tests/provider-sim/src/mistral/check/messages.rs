//! The turns: roles, parts, and every call with its result.

use serde_json::Value;

use crate::mistral::{Fault, known_fields};

const FIELDS: [&str; 6] = [
    "role",
    "content",
    "tool_calls",
    "tool_call_id",
    "name",
    "prefix",
];
const PARTS: [&str; 7] = [
    "text",
    "image_url",
    "document_url",
    "file",
    "input_audio",
    "reference",
    "thinking",
];

pub(super) fn check(messages: &Value) -> Result<(), Fault> {
    let messages = messages.as_array().map(Vec::as_slice).unwrap_or_default();
    if messages.is_empty() {
        return Err(Fault::missing("messages"));
    }
    for (at, message) in messages.iter().enumerate() {
        turn(message, &format!("messages.{at}"))?;
    }
    order(messages)
}

fn turn(message: &Value, here: &str) -> Result<(), Fault> {
    known_fields(message, &FIELDS, here)?;
    let role = message["role"].as_str().unwrap_or_default();
    if !["system", "user", "assistant", "tool"].contains(&role) {
        let words = "Input tag should be 'system', 'user', 'assistant' or 'tool'";
        return Err(Fault::field(
            "union_tag_invalid",
            format!("{here}.role"),
            words,
        ));
    }
    let content = format!("{here}.content");
    match &message["content"] {
        Value::String(_) => {}
        Value::Null if role == "assistant" => {}
        Value::Array(parts) => {
            let known = |part: &Value| {
                part["type"]
                    .as_str()
                    .is_some_and(|kind| PARTS.contains(&kind))
            };
            if let Some(at) = parts.iter().position(|part| !known(part) || !image(part)) {
                let words = "Input should be a content chunk of a known type";
                return Err(Fault::field(
                    "union_tag_invalid",
                    format!("{content}.{at}"),
                    words,
                ));
            }
        }
        _ => {
            return Err(Fault::field(
                "string_type",
                content,
                "Input should be a valid string",
            ));
        }
    }
    if role == "tool" && !message["tool_call_id"].is_string() {
        return Err(Fault::missing(format!("{here}.tool_call_id")));
    }
    Ok(())
}

/// An image is a URL, alone or in an object.
fn image(part: &Value) -> bool {
    let url = &part["image_url"];
    part["type"] != "image_url" || url.is_string() || url["url"].is_string()
}

fn order(messages: &[Value]) -> Result<(), Fault> {
    let mut open: Vec<&str> = Vec::new();
    let mut before = "";
    for message in messages {
        let role = message["role"].as_str().unwrap_or_default();
        if role == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            if before != "assistant" && before != "tool" {
                return Err(Fault::order(format!(
                    "Unexpected role 'tool' after role '{before}'"
                )));
            }
            let Some(at) = open.iter().position(|known| *known == id) else {
                return Err(Fault::order(format!(
                    "Unexpected tool call id {id} in tool results"
                )));
            };
            open.remove(at);
        } else if !open.is_empty() {
            return Err(Fault::order(
                "Not the same number of function calls and responses",
            ));
        }
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        for call in calls {
            open.push(call_id(call)?);
        }
        before = role;
    }
    let continued = messages.last().is_some_and(|last| last["prefix"] == true);
    if !open.is_empty() {
        return Err(Fault::order(
            "Not the same number of function calls and responses",
        ));
    }
    if before == "user" || before == "tool" || (before == "assistant" && continued) {
        return Ok(());
    }
    Err(Fault::order(format!(
        "Expected last role User or Tool (or Assistant with prefix True) for serving but got {before}"
    )))
}

fn call_id(call: &Value) -> Result<&str, Fault> {
    let id = call["id"].as_str().unwrap_or_default();
    if id.len() != 9 || !id.chars().all(|c| c.is_ascii_alphanumeric()) {
        let message =
            format!("Tool call id was {id} but must be a-z, A-Z, 0-9, with a length of 9.");
        return Err(Fault::refused("invalid_function_call", "3280", message));
    }
    let arguments = &call["function"]["arguments"];
    let named = call["function"]["name"]
        .as_str()
        .is_some_and(|name| !name.is_empty());
    if !named || !(arguments.is_string() || arguments.is_object()) {
        return Err(Fault::missing("messages.tool_calls.function"));
    }
    Ok(id)
}
