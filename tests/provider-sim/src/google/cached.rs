//! Cached contents: the start of a conversation that is kept, and named by later requests.

use serde_json::{Value, json};

use crate::google::usage::Modalities;
use crate::google::{Fault, names};
use crate::reply::Reply;
use crate::request::Request;

const KIND: &str = "cachedContent";
const LIKE: &str = "google/models.response";

/// What a request goes on from: its whole body, and the tokens that were kept.
pub(super) struct Continued {
    pub(super) body: Value,
    pub(super) cached: u64,
}

/// Puts what the request names before its own contents. Errors: the key has no such thing, it was made
/// for another model, or the request sets what the kept part sets.
pub(super) fn continued(request: &Request, body: Value) -> Result<Continued, Fault> {
    let Some(name) = body["cachedContent"].as_str() else {
        return Ok(Continued { body, cached: 0 });
    };
    let id = name.trim_start_matches("cachedContents/");
    let kept = request.account.get(KIND, id).ok_or_else(|| no(id))?;
    let start = &kept["start"];
    if start["model"] != format!("models/{}", request.model()) {
        return Err(Fault::new(format!(
            "Model used by GenerateContent request (models/{}) and CachedContent ({}) has to be the same.",
            request.model(),
            start["model"].as_str().unwrap_or_default()
        )));
    }
    let set = ["systemInstruction", "tools", "toolConfig"];
    if set.iter().any(|field| !body[*field].is_null()) {
        return Err(Fault::new(
            "CachedContent can not be used with GenerateContent request setting system_instruction, tools or tool_config.",
        ));
    }
    let mut whole = body.clone();
    for field in set {
        if !start[field].is_null() {
            whole[field] = start[field].clone();
        }
    }
    let contents = [&start["contents"], &body["contents"]];
    let contents = contents.map(|contents| contents.as_array().cloned().unwrap_or_default());
    whole["contents"] = json!(contents.concat());
    let cached = kept["tokens"].as_u64().unwrap_or_default();
    Ok(Continued {
        body: whole,
        cached,
    })
}

fn no(id: &str) -> Fault {
    Fault::no_access(format!(
        "CachedContent not found (or permission denied): {id}"
    ))
}

pub(super) fn answer(request: &Request, path: &[&str]) -> Result<Reply, Fault> {
    let method = request.method.as_str();
    let id = match path {
        [] if method == "POST" => return made(request),
        [] => {
            let kept = request.account.all(KIND);
            let rows: Vec<Value> = kept.iter().map(|kept| kept["told"].clone()).collect();
            return Ok(Reply::like(request, LIKE, &json!({"cachedContents": rows})));
        }
        [id, ..] => *id,
    };
    let kept = request.account.get(KIND, id).ok_or_else(|| no(id))?;
    match method {
        // Only the lifetime can be changed, and nothing expires here.
        "GET" | "PATCH" => Ok(Reply::like(request, LIKE, &kept["told"])),
        "DELETE" => {
            request.account.remove(KIND, id);
            Ok(Reply::like(request, LIKE, &json!({})))
        }
        _ => Err(Fault::not_found(format!("Method not found: {method}"))),
    }
}

fn made(request: &Request) -> Result<Reply, Fault> {
    let start = names::canonical(&request.body, names::CACHED)?;
    if !start["model"]
        .as_str()
        .is_some_and(|model| model.starts_with("models/"))
    {
        return Err(Fault::new(
            "* CreateCachedContentRequest.cached_content.model: model is required",
        ));
    }
    let mut modalities = Modalities::default();
    let contents = start["contents"].as_array().into_iter().flatten();
    for content in contents.chain(
        [&start["systemInstruction"]]
            .into_iter()
            .filter(|one| one.is_object()),
    ) {
        modalities.add(content);
    }
    let id = format!("sim{:08}", request.number);
    let tokens = modalities.sum();
    let told = json!({
        "name": format!("cachedContents/{id}"), "model": start["model"],
        "displayName": start["displayName"], "createTime": "2026-11-23T00:00:00Z",
        "updateTime": "2026-11-23T00:00:00Z", "expireTime": "2036-11-23T00:00:00Z",
        "usageMetadata": {"totalTokenCount": tokens * request.factor},
    });
    let kept = json!({"told": told, "start": start, "tokens": tokens});
    request.account.put(KIND, &id, kept);
    Ok(Reply::like(request, LIKE, &told))
}

#[cfg(test)]
mod tests;
