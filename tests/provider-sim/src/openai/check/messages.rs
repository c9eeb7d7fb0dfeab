//! The messages: roles, content, and every call with its answer.

use serde_json::Value;

use crate::openai::Fault;

const ROLES: [&str; 6] = [
    "developer",
    "system",
    "user",
    "assistant",
    "tool",
    "function",
];

pub(super) fn check(messages: &Value) -> Result<(), Fault> {
    let messages = messages
        .as_array()
        .ok_or_else(|| Fault::missing("messages"))?;
    if messages.is_empty() {
        return Err(Fault::value("messages", "[] is too short - 'messages'"));
    }
    let mut open: Vec<&Value> = Vec::new();
    for message in messages {
        shape(message)?;
        if message["role"] == "tool" {
            let answered = open.iter().position(|id| **id == message["tool_call_id"]);
            let at = answered.ok_or_else(|| {
                Fault::value("messages", "messages with role 'tool' must be a response to a preceding message with 'tool_calls'.")
            })?;
            open.remove(at);
            continue;
        }
        all_answered(&open)?;
        open = message["tool_calls"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|call| &call["id"])
            .collect();
    }
    all_answered(&open)
}

fn all_answered(open: &[&Value]) -> Result<(), Fault> {
    open.first().map_or(Ok(()), |id| {
        let message = format!(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: {id}"
        );
        Err(Fault::value("messages", message))
    })
}

fn shape(message: &Value) -> Result<(), Fault> {
    let role = message["role"].as_str().unwrap_or_default();
    if !ROLES.contains(&role) {
        let message = format!("Invalid value: '{role}'. Supported values are: {ROLES:?}.");
        return Err(Fault::value("messages", message));
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        let text = call["function"]["arguments"].is_string() || call["type"] == "custom";
        if role != "assistant" || !call["id"].is_string() || !text {
            return Err(Fault::value(
                "messages",
                "a tool call stands in an assistant message, with an id and its arguments as a string",
            ));
        }
    }
    content(role, &message["content"], message)
}

fn content(role: &str, content: &Value, message: &Value) -> Result<(), Fault> {
    match content {
        Value::String(_) => Ok(()),
        Value::Null
            if role == "assistant"
                && (message["tool_calls"].is_array() || message["refusal"].is_string()) =>
        {
            Ok(())
        }
        Value::Array(parts) if !parts.is_empty() => {
            parts.iter().try_for_each(|part| self::part(role, part))
        }
        _ => Err(Fault::value(
            "messages",
            format!(
                "Invalid value for 'content' of role '{role}': expected a string or an array of parts."
            ),
        )),
    }
}

fn part(role: &str, part: &Value) -> Result<(), Fault> {
    let good = match part["type"].as_str() {
        Some("text") => part["text"].is_string(),
        Some("refusal") => role == "assistant" && part["refusal"].is_string(),
        Some("image_url") => role == "user" && image(&part["image_url"]["url"]),
        Some("input_audio") => role == "user" && part["input_audio"].is_object(),
        Some("file") => role == "user" && part["file"].is_object(),
        _ => false,
    };
    if good {
        return Ok(());
    }
    let message = format!(
        "Invalid content part of type {} in a message of role '{role}'.",
        part["type"]
    );
    Err(Fault::value("messages", message))
}

fn image(url: &Value) -> bool {
    let url = url.as_str().unwrap_or_default();
    url.starts_with("https://")
        || url.starts_with("http://")
        || (url.starts_with("data:image/") && url.contains(";base64,"))
}
