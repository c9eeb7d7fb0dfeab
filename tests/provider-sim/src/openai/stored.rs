//! What the provider keeps for a key: responses, conversations, chat completions, files.

mod chats;
mod conversations;
mod files;
mod responses;

use serde_json::{Value, json};

use crate::openai::Fault;
use crate::reply::Reply;
use crate::request::Request;

pub(crate) use chats::keep as keep_chat;
pub(crate) use conversations::id as conversation_id;
pub(crate) use files::text as file_text;
pub(crate) use responses::{item, keep, no_item};

/// The reply to a request about what is kept; `None` if it is about something else.
pub(super) fn answer(request: &Request) -> Option<Result<Reply, Fault>> {
    let path: Vec<&str> = request.path.strip_prefix("/v1/")?.split('/').collect();
    let method = request.method.as_str();
    Some(match path.as_slice() {
        ["responses", rest @ ..] if !rest.is_empty() => responses::answer(request, method, rest),
        ["conversations", rest @ ..] => conversations::answer(request, method, rest),
        ["files", rest @ ..] => files::answer(request, method, rest),
        ["chat", "completions", rest @ ..] => chats::answer(request, method, rest),
        _ => return None,
    })
}

/// All items that a response is about: what was kept, then the request's own.
pub(crate) fn conversation(request: &Request) -> Result<Vec<Value>, Fault> {
    let mut items = responses::before(request)?;
    items.extend(conversations::before(request)?);
    match &request.body["input"] {
        Value::String(text) => items.push(json!({"role": "user", "content": text})),
        input => {
            for given in input.as_array().into_iter().flatten() {
                if given["type"] == "item_reference" {
                    let id = given["id"].as_str().unwrap_or_default();
                    items.push(item(request, id).ok_or_else(|| no_item(id))?);
                } else {
                    items.push(given.clone());
                }
            }
        }
    }
    Ok(items)
}

fn found(request: &Request, body: &Value) -> Reply {
    Reply::like(request, "openai/models.response", body)
}

/// There is no such endpoint.
pub(super) fn no_url(request: &Request) -> Fault {
    missing(format!("Invalid URL ({} {})", request.method, request.path))
}

fn list(rows: &[Value]) -> Value {
    json!({
        "object": "list", "data": rows, "has_more": false,
        "first_id": rows.first().map(|row| &row["id"]), "last_id": rows.last().map(|row| &row["id"]),
    })
}

fn missing(message: String) -> Fault {
    Fault {
        status: 404,
        message,
        param: None,
        code: None,
    }
}

#[cfg(test)]
mod tests;
