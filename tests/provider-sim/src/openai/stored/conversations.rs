//! Conversations: items that responses read and add to.

use serde_json::{Value, json};

use crate::openai::Fault;
use crate::openai::stored::{found, list, missing, no_url};
use crate::reply::Reply;
use crate::request::Request;

const KIND: &str = "conversation";

/// The conversation that a response belongs to.
pub(crate) fn id(request: &Request) -> Option<&str> {
    let named = &request.body["conversation"];
    named.as_str().or(named["id"].as_str())
}

/// The items of the conversation that the request belongs to.
pub(super) fn before(request: &Request) -> Result<Vec<Value>, Fault> {
    let Some(id) = id(request) else {
        return Ok(Vec::new());
    };
    let kept = request.account.get(KIND, id).ok_or_else(|| no(id))?;
    Ok(items(&kept))
}

/// Adds what was asked and answered.
pub(super) fn extend(request: &Request, body: &Value) {
    let Some((id, mut kept)) =
        id(request).and_then(|id| Some((id, request.account.get(KIND, id)?)))
    else {
        return;
    };
    let asked = match &request.body["input"] {
        Value::String(text) => vec![json!({"role": "user", "content": text})],
        given => given.as_array().cloned().unwrap_or_default(),
    };
    let said = body["output"].as_array().cloned().unwrap_or_default();
    let all: Vec<Value> = items(&kept).into_iter().chain(asked).chain(said).collect();
    kept["items"] = json!(all);
    request.account.put(KIND, id, kept);
}

fn items(kept: &Value) -> Vec<Value> {
    kept["items"].as_array().cloned().unwrap_or_default()
}

fn no(id: &str) -> Fault {
    missing(format!("Conversation with id '{id}' not found."))
}

pub(super) fn answer(request: &Request, method: &str, path: &[&str]) -> Result<Reply, Fault> {
    if (method, path) == ("POST", &[]) {
        return Ok(made(request));
    }
    let id = *path.first().ok_or_else(|| no_url(request))?;
    let Some(mut kept) = request.account.get(KIND, id) else {
        return Err(no(id));
    };
    match (method, path) {
        ("GET", [_]) => Ok(found(request, &kept["conversation"])),
        ("POST", [_]) => {
            kept["conversation"]["metadata"] = request.body["metadata"].clone();
            request.account.put(KIND, id, kept.clone());
            Ok(found(request, &kept["conversation"]))
        }
        ("DELETE", [_]) => {
            request.account.remove(KIND, id);
            let body = json!({"id": id, "object": "conversation.deleted", "deleted": true});
            Ok(found(request, &body))
        }
        ("GET", [_, "items"]) => Ok(found(request, &list(&items(&kept)))),
        ("POST", [_, "items"]) => {
            let new = request.body["items"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let body = list(&new);
            kept["items"] = json!(items(&kept).into_iter().chain(new).collect::<Vec<_>>());
            request.account.put(KIND, id, kept);
            Ok(found(request, &body))
        }
        _ => Err(no_url(request)),
    }
}

fn made(request: &Request) -> Reply {
    let id = format!("conv_Sim{:08}", request.number);
    let metadata = match &request.body["metadata"] {
        Value::Null => json!({}),
        given => given.clone(),
    };
    let conversation = json!({
        "id": id, "object": "conversation", "created_at": 1_794_787_200, "metadata": metadata,
    });
    let items = request.body["items"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let kept = json!({"conversation": conversation, "items": items});
    request.account.put(KIND, &id, kept);
    found(request, &conversation)
}
