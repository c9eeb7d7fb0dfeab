//! Chat completions that were asked to be kept.

use serde_json::{Value, json};

use crate::openai::Fault;
use crate::openai::stored::{found, list, missing, no_url};
use crate::reply::Reply;
use crate::request::Request;

const KIND: &str = "chat.completion";

/// Keeps a completion if the request asks for it.
pub(crate) fn keep(request: &Request, body: &Value) {
    if request.body["store"] == true {
        let id = body["id"].as_str().unwrap_or_default();
        let kept = json!({"completion": body, "messages": request.body["messages"]});
        request.account.put(KIND, id, kept);
    }
}

pub(super) fn answer(request: &Request, method: &str, path: &[&str]) -> Result<Reply, Fault> {
    if (method, path) == ("GET", &[]) {
        let kept = request.account.all(KIND);
        let rows: Vec<Value> = kept.iter().map(|kept| kept["completion"].clone()).collect();
        return Ok(found(request, &list(&rows)));
    }
    let id = *path.first().ok_or_else(|| no_url(request))?;
    let Some(kept) = request.account.get(KIND, id) else {
        return Err(missing(format!("Chat completion {id} not found.")));
    };
    match (method, path) {
        ("GET", [_]) => Ok(found(request, &kept["completion"])),
        ("GET", [_, "messages"]) => {
            let messages = kept["messages"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default();
            Ok(found(request, &list(messages)))
        }
        ("DELETE", [_]) => {
            request.account.remove(KIND, id);
            let body = json!({"id": id, "object": "chat.completion.deleted", "deleted": true});
            Ok(found(request, &body))
        }
        _ => Err(no_url(request)),
    }
}
