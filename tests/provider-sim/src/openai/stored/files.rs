//! Files.

use serde_json::{Value, json};

use crate::openai::Fault;
use crate::openai::stored::{found, list, missing, no_url};
use crate::reply::{Chunk, Reply};
use crate::request::Request;
use crate::upload;

const KIND: &str = "file";

/// The text of a file that a request names.
pub(crate) fn text(request: &Request, id: &Value) -> Result<String, Fault> {
    let id = id.as_str().unwrap_or_default();
    let kept = request.account.get(KIND, id).ok_or_else(|| no(id))?;
    Ok(kept["text"].as_str().unwrap_or_default().to_owned())
}

fn no(id: &str) -> Fault {
    missing(format!("No such File object: {id}"))
}

pub(super) fn answer(request: &Request, method: &str, path: &[&str]) -> Result<Reply, Fault> {
    match (method, path) {
        ("POST", []) => return made(request),
        ("GET", []) => {
            let kept = request.account.all(KIND);
            let files: Vec<Value> = kept.iter().map(|kept| kept["file"].clone()).collect();
            return Ok(found(request, &list(&files)));
        }
        _ => {}
    }
    let id = *path.first().ok_or_else(|| no_url(request))?;
    let Some(kept) = request.account.get(KIND, id) else {
        return Err(no(id));
    };
    match (method, path) {
        ("GET", [_]) => Ok(found(request, &kept["file"])),
        ("GET", [_, "content"]) => {
            let mut reply = Reply::like(request, "openai/models.response", &Value::Null);
            let text = kept["text"].as_str().unwrap_or_default().to_owned();
            reply.chunks = vec![Chunk::plain(text)];
            reply.set_header("content-type", "application/octet-stream");
            Ok(reply)
        }
        ("DELETE", [_]) => {
            request.account.remove(KIND, id);
            let body = json!({"id": id, "object": "file", "deleted": true});
            Ok(found(request, &body))
        }
        _ => Err(no_url(request)),
    }
}

fn made(request: &Request) -> Result<Reply, Fault> {
    let upload = upload::read(request).ok_or_else(|| Fault::missing("file"))?;
    if upload.purpose.is_empty() {
        return Err(Fault::missing("purpose"));
    }
    let id = format!("file-Sim{:08}", request.number);
    let file = json!({
        "id": id, "object": "file", "bytes": upload.text.len(), "created_at": 1_794_787_200,
        "filename": upload.name, "purpose": upload.purpose, "status": "processed",
    });
    request
        .account
        .put(KIND, &id, json!({"file": file, "text": upload.text}));
    Ok(Reply::like(request, "openai/models.response", &file))
}
