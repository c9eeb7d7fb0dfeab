//! The chat completion that asks the same as a response: its checks, its counts, its answer.

use serde_json::{Value, json};

use crate::openai::{Fault, stored};
use crate::request::Request;

/// Fields that are called the same.
const SAME: [&str; 9] = [
    "model",
    "temperature",
    "top_p",
    "top_logprobs",
    "parallel_tool_calls",
    "service_tier",
    "metadata",
    "safety_identifier",
    "stream",
];

/// The twin of a request about these items. Errors: an item of an unknown kind, or one that names what
/// the account does not have.
pub(super) fn of(request: &Request, items: &[Value]) -> Result<Value, Fault> {
    let body = &request.body;
    let mut twin = json!({"messages": messages(request, items)?});
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            twin[name] = value;
        }
    };
    for field in SAME {
        put(field, body[field].clone());
    }
    put("max_completion_tokens", body["max_output_tokens"].clone());
    put("reasoning_effort", body["reasoning"]["effort"].clone());
    put("verbosity", body["text"]["verbosity"].clone());
    put("response_format", format(&body["text"]["format"]));
    put("tools", tools(&body["tools"]));
    put("tool_choice", choice(&body["tool_choice"]));
    if request.has("top_logprobs") {
        put("logprobs", json!(true));
    }
    Ok(twin)
}

/// The schema stands in an object of its own there.
fn format(format: &Value) -> Value {
    if format["type"] != "json_schema" {
        return format.clone();
    }
    let mut inner = json!({});
    for field in ["name", "schema", "strict", "description"] {
        if !format[field].is_null() {
            inner[field] = format[field].clone();
        }
    }
    json!({"type": "json_schema", "json_schema": inner})
}

/// Functions only: the provider's own tools have no twin.
fn tools(tools: &Value) -> Value {
    let Some(tools) = tools.as_array() else {
        return Value::Null;
    };
    let functions = tools.iter().filter(|tool| tool["type"] == "function");
    let wrapped: Vec<Value> = functions
        .map(|tool| {
            let mut inner = json!({});
            for field in ["name", "description", "parameters", "strict"] {
                if !tool[field].is_null() {
                    inner[field] = tool[field].clone();
                }
            }
            json!({"type": "function", "function": inner})
        })
        .collect();
    if wrapped.is_empty() && !tools.is_empty() {
        return Value::Null;
    }
    json!(wrapped)
}

fn choice(choice: &Value) -> Value {
    if choice["type"] == "function" {
        json!({"type": "function", "function": {"name": choice["name"]}})
    } else {
        choice.clone()
    }
}

fn messages(request: &Request, items: &[Value]) -> Result<Vec<Value>, Fault> {
    let mut messages: Vec<Value> = Vec::new();
    if let Some(instructions) = request.body["instructions"].as_str() {
        messages.push(json!({"role": "developer", "content": instructions}));
    }
    for item in items {
        match item["type"].as_str() {
            None | Some("message") => messages.push(message(request, item)?),
            Some("function_call") => {
                let call = json!({
                    "id": item["call_id"], "type": "function",
                    "function": {"name": item["name"], "arguments": item["arguments"]},
                });
                // Calls that follow each other are one turn.
                let turn = messages
                    .last_mut()
                    .and_then(|last| last.get_mut("tool_calls")?.as_array_mut());
                match turn {
                    Some(calls) => calls.push(call),
                    None => messages
                        .push(json!({"role": "assistant", "content": null, "tool_calls": [call]})),
                }
            }
            Some("function_call_output") => {
                let content = content(request, &item["output"])?;
                messages.push(
                    json!({"role": "tool", "tool_call_id": item["call_id"], "content": content}),
                );
            }
            Some("reasoning") => {}
            Some(kind) => {
                let message =
                    format!("Invalid value: '{kind}'. This type of item is not supported.");
                return Err(Fault::value("input", message));
            }
        }
    }
    Ok(messages)
}

fn message(request: &Request, item: &Value) -> Result<Value, Fault> {
    let content = content(request, &item["content"])?;
    Ok(json!({"role": item["role"], "content": content}))
}

fn content(request: &Request, content: &Value) -> Result<Value, Fault> {
    let Some(parts) = content.as_array() else {
        return Ok(content.clone());
    };
    parts.iter().map(|part| self::part(request, part)).collect()
}

fn part(request: &Request, part: &Value) -> Result<Value, Fault> {
    Ok(match part["type"].as_str() {
        Some("input_text" | "output_text") => json!({"type": "text", "text": part["text"]}),
        Some("input_image") if part["file_id"].is_null() => {
            json!({"type": "image_url", "image_url": {"url": part["image_url"]}})
        }
        Some("input_image" | "input_file") if part["file_id"].is_string() => {
            json!({"type": "text", "text": stored::file_text(request, &part["file_id"])?})
        }
        Some("input_file") => json!({"type": "file", "file": part}),
        _ => part.clone(),
    })
}
