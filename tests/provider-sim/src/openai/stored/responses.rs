//! Responses that were kept: read, deleted, cancelled, gone on with.

use serde_json::{Value, json};

use crate::openai::Fault;
use crate::openai::stored::{conversations, found, list, missing, no_url};
use crate::reply::Reply;
use crate::request::Request;

const KIND: &str = "response";

/// Keeps a reply, unless the request forbids it. A reply in the background is read later; what is sent
/// at once is returned then.
pub(crate) fn keep(request: &Request, body: &Value) -> Option<Value> {
    if request.body["store"] == false {
        return None;
    }
    let items = super::conversation(request).unwrap_or_default();
    let background = request.body["background"] == true;
    let mut whole = body.clone();
    whole["background"] = json!(background);
    let id = body["id"].as_str().unwrap_or_default();
    request
        .account
        .put(KIND, id, json!({"response": whole, "items": items}));
    conversations::extend(request, body);
    background.then(|| {
        whole["status"] = json!("queued");
        whole["output"] = json!([]);
        whole["usage"] = Value::Null;
        whole["completed_at"] = Value::Null;
        whole
    })
}

/// The items of the response that the request goes on with.
pub(super) fn before(request: &Request) -> Result<Vec<Value>, Fault> {
    let Some(id) = request.body["previous_response_id"].as_str() else {
        return Ok(Vec::new());
    };
    let kept = request.account.get(KIND, id).ok_or_else(|| {
        Fault::new(
            "previous_response_id",
            "previous_response_not_found",
            format!("Previous response with id '{id}' not found."),
        )
    })?;
    Ok([&kept["items"], &kept["response"]["output"]]
        .into_iter()
        .flat_map(|items| items.as_array().cloned().unwrap_or_default())
        .collect())
}

/// An item of any response that was kept.
pub(crate) fn item(request: &Request, id: &str) -> Option<Value> {
    let kept = request.account.all(KIND);
    let outputs = kept
        .iter()
        .flat_map(|kept| kept["response"]["output"].as_array().into_iter().flatten());
    outputs.into_iter().find(|item| item["id"] == id).cloned()
}

pub(crate) fn no_item(id: &str) -> Fault {
    missing(format!(
        "Item with id '{id}' not found. Items are not persisted when `store` is set to false."
    ))
}

pub(super) fn answer(request: &Request, method: &str, path: &[&str]) -> Result<Reply, Fault> {
    let id = *path.first().ok_or_else(|| no_url(request))?;
    let Some(kept) = request.account.get(KIND, id) else {
        return Err(missing(format!("Response with id '{id}' not found.")));
    };
    match (method, path) {
        ("GET", [_]) => Ok(found(request, &kept["response"])),
        ("DELETE", [_]) => {
            request.account.remove(KIND, id);
            let body = json!({"id": id, "object": "response", "deleted": true});
            Ok(found(request, &body))
        }
        ("POST", [_, "cancel"]) if kept["response"]["background"] == true => {
            let mut response = kept["response"].clone();
            response["status"] = json!("cancelled");
            let mut changed = kept.clone();
            changed["response"] = response.clone();
            request.account.put(KIND, id, changed);
            Ok(found(request, &response))
        }
        ("POST", [_, "cancel"]) => Err(Fault::value(
            "response_id",
            "Cannot cancel a synchronous response.",
        )),
        ("GET", [_, "input_items"]) => {
            let items = kept["items"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            Ok(found(request, &list(items)))
        }
        _ => Err(no_url(request)),
    }
}
