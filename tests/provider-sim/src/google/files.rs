//! Files: uploaded in a start and pieces, and named in a conversation by their address.

use serde_json::{Value, json};

use crate::google::{Fault, names};
use crate::reply::Reply;
use crate::request::{Request, text as in_query};

const KIND: &str = "file";
const UPLOAD: &str = "upload";
const LIKE: &str = "google/models.response";
const ADDRESS: &str = "https://generativelanguage.googleapis.com/v1beta/files/";

/// The body with the text of each file in place of the part that names it.
pub(super) fn inlined(request: &Request, mut body: Value) -> Result<Value, Fault> {
    let contents = body["contents"].as_array_mut().into_iter().flatten();
    for content in contents {
        let parts = content.get_mut("parts").and_then(Value::as_array_mut);
        for part in parts.into_iter().flatten() {
            let address = part["fileData"]["fileUri"].as_str();
            if let Some(id) = address.and_then(|address| address.rsplit('/').next()) {
                let kept = request.account.get(KIND, id).ok_or_else(|| no(id))?;
                *part = json!({"text": kept["text"]});
            }
        }
    }
    Ok(body)
}

fn no(id: &str) -> Fault {
    Fault::no_access(format!(
        "You do not have permission to access the File {id} or it may not exist."
    ))
}

pub(super) fn answer(request: &Request, path: &[&str]) -> Result<Reply, Fault> {
    let method = request.method.as_str();
    let id = match path {
        [] if method == "POST" && request.path.starts_with("/upload/") => return upload(request),
        [] => {
            let kept = request.account.all(KIND);
            let rows: Vec<Value> = kept.iter().map(|kept| kept["file"].clone()).collect();
            return Ok(Reply::like(request, LIKE, &json!({"files": rows})));
        }
        [id, ..] => *id,
    };
    let kept = request.account.get(KIND, id).ok_or_else(|| no(id))?;
    match method {
        "GET" => Ok(Reply::like(request, LIKE, &kept["file"])),
        "DELETE" => {
            request.account.remove(KIND, id);
            Ok(Reply::like(request, LIKE, &json!({})))
        }
        _ => Err(Fault::not_found(format!("Method not found: {method}"))),
    }
}

/// The start says what the file is and is told where the pieces go; the last piece makes the file.
fn upload(request: &Request) -> Result<Reply, Fault> {
    let command = request.header("x-goog-upload-command").unwrap_or_default();
    if command == "start" {
        return start(request);
    }
    let id = in_query(&request.query, "upload_id").unwrap_or_default();
    let mut begun = request.account.get(UPLOAD, id).ok_or_else(|| no(id))?;
    let so_far = begun["text"].as_str().unwrap_or_default();
    begun["text"] = json!(format!(
        "{so_far}{}",
        String::from_utf8_lossy(&request.bytes)
    ));
    if !command.contains("finalize") {
        request.account.put(UPLOAD, id, begun);
        let mut reply = Reply::like(request, LIKE, &json!({}));
        reply.set_header("x-goog-upload-status", "active");
        return Ok(reply);
    }
    request.account.remove(UPLOAD, id);
    let size = begun["text"].as_str().map_or(0, str::len);
    let file = json!({
        "name": format!("files/{id}"), "displayName": begun["file"]["displayName"],
        "mimeType": begun["file"]["mimeType"], "sizeBytes": size.to_string(),
        "uri": format!("{ADDRESS}{id}"), "state": "ACTIVE", "source": "UPLOADED",
        "createTime": "2026-11-23T00:00:00Z", "updateTime": "2026-11-23T00:00:00Z",
    });
    request
        .account
        .put(KIND, id, json!({"file": file, "text": begun["text"]}));
    let mut reply = Reply::like(request, LIKE, &json!({"file": file}));
    reply.set_header("x-goog-upload-status", "final");
    Ok(reply)
}

fn start(request: &Request) -> Result<Reply, Fault> {
    let begun = names::canonical(&request.body, names::FILE)?;
    let id = format!("sim{:08}", request.number);
    let host = request.header("host").unwrap_or_default();
    let key = request.credential().map_or("", |(_, key)| key);
    // The pieces come without a header for the key: the address speaks for the caller.
    let address = format!(
        "http://{host}/google{}?upload_id={id}&key={key}",
        request.path
    );
    request.account.put(UPLOAD, &id, begun);
    let mut reply = Reply::like(request, LIKE, &json!({}));
    reply.set_header("x-goog-upload-url", &address);
    reply.set_header("x-goog-upload-status", "active");
    Ok(reply)
}
