//! Files.

use serde_json::{Value, json};

use crate::mistral::Fault;
use crate::reply::{Chunk, Reply};
use crate::request::Request;
use crate::upload;

const KIND: &str = "file";
const LIKE: &str = "mistral/models.response";

/// The text of a file that a conversation names.
pub(super) fn text(request: &Request, id: &str) -> Result<String, Fault> {
    let kept = request.account.get(KIND, id).ok_or_else(Fault::not_found)?;
    Ok(kept["text"].as_str().unwrap_or_default().to_owned())
}

pub(super) fn answer(request: &Request, method: &str, path: &str) -> Result<Reply, Fault> {
    let path: Vec<&str> = path.split('/').skip(1).collect();
    let (id, rest) = match path.as_slice() {
        ["v1", "files"] => return all(request, method),
        ["v1", "files", id, rest @ ..] => (*id, rest),
        _ => return Err(Fault::not_found()),
    };
    let kept = request.account.get(KIND, id).ok_or_else(Fault::not_found)?;
    match (method, rest) {
        ("GET", []) => Ok(Reply::like(request, LIKE, &kept["file"])),
        ("GET", ["content"]) => {
            let mut reply = Reply::like(request, LIKE, &Value::Null);
            let text = kept["text"].as_str().unwrap_or_default().to_owned();
            reply.chunks = vec![Chunk::plain(text)];
            reply.set_header("content-type", "application/octet-stream");
            Ok(reply)
        }
        ("DELETE", []) => {
            request.account.remove(KIND, id);
            let body = json!({"id": id, "object": "file", "deleted": true});
            Ok(Reply::like(request, LIKE, &body))
        }
        _ => Err(Fault::not_found()),
    }
}

fn all(request: &Request, method: &str) -> Result<Reply, Fault> {
    match method {
        "GET" => {
            let kept = request.account.all(KIND);
            let files: Vec<Value> = kept.iter().map(|kept| kept["file"].clone()).collect();
            let body = json!({"object": "list", "data": files, "total": files.len()});
            Ok(Reply::like(request, LIKE, &body))
        }
        "POST" => {
            let upload = upload::read(request).ok_or_else(|| Fault::missing("file"))?;
            let id = format!("0192f0aa-0000-7000-8001-{:012x}", request.number);
            let file = json!({
                "id": id, "object": "file", "bytes": upload.text.len(), "created_at": 1_794_787_200,
                "filename": upload.name, "purpose": upload.purpose, "sample_type": "pretrain",
                "source": "upload",
            });
            let kept = json!({"file": file, "text": upload.text});
            request.account.put(KIND, &id, kept);
            Ok(Reply::like(request, LIKE, &file))
        }
        _ => Err(Fault::not_found()),
    }
}
