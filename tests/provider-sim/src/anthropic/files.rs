//! Files. What was uploaded can be named in a message, and not be read back.

use serde_json::{Value, json};

use crate::anthropic::Fault;
use crate::reply::Reply;
use crate::request::Request;
use crate::upload;

const KIND: &str = "file";
const LIKE: &str = "anthropic/models.response";

/// The text of a file that a message names.
pub(super) fn text(request: &Request, id: &str) -> Result<String, Fault> {
    let kept = request.account.get(KIND, id).ok_or_else(|| no(id))?;
    Ok(kept["text"].as_str().unwrap_or_default().to_owned())
}

fn no(id: &str) -> Fault {
    Fault::not_found(format!("File not found: {id}"))
}

pub(super) fn answer(request: &Request, method: &str, path: &str) -> Result<Reply, Fault> {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let (id, rest) = match parts.as_slice() {
        ["v1", "files"] => return all(request, method),
        ["v1", "files", id, rest @ ..] => (*id, rest),
        _ => return Err(Fault::not_found(format!("Not found: {path}"))),
    };
    let kept = request.account.get(KIND, id).ok_or_else(|| no(id))?;
    match (method, rest) {
        ("GET", []) => Ok(Reply::like(request, LIKE, &kept["file"])),
        ("GET", ["content"]) => Err(Fault::new(format!("File {id} is not downloadable."))),
        ("DELETE", []) => {
            request.account.remove(KIND, id);
            let body = json!({"id": id, "type": "file_deleted"});
            Ok(Reply::like(request, LIKE, &body))
        }
        _ => Err(Fault::not_found(format!("Not found: {path}"))),
    }
}

fn all(request: &Request, method: &str) -> Result<Reply, Fault> {
    match method {
        "GET" => {
            let kept = request.account.all(KIND);
            let files: Vec<Value> = kept.iter().map(|kept| kept["file"].clone()).collect();
            let ends = [files.first(), files.last()].map(|file| file.map(|file| &file["id"]));
            let body =
                json!({"data": files, "has_more": false, "first_id": ends[0], "last_id": ends[1]});
            Ok(Reply::like(request, LIKE, &body))
        }
        "POST" => {
            let upload = upload::read(request).ok_or_else(|| Fault::new("file: Field required"))?;
            let id = format!("file_011CSim{:08}", request.number);
            let file = json!({
                "id": id, "type": "file", "filename": upload.name, "mime_type": "text/plain",
                "size_bytes": upload.text.len(), "created_at": "2026-11-23T00:00:00Z",
                "downloadable": false,
            });
            let kept = json!({"file": file, "text": upload.text});
            request.account.put(KIND, &id, kept);
            Ok(Reply::like(request, LIKE, &file))
        }
        _ => Err(Fault::not_found("Not found: /v1/files")),
    }
}
