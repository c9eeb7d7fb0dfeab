//! Google: generating whole and streamed, embeddings, counting, models, files, cached contents.
//! `v1` and `v1beta` are alike.

mod cached;
mod check;
mod embeddings;
mod files;
mod generate;
mod names;
mod signature;
mod stream;
mod usage;

use serde_json::{Value, json};

use crate::models::{self, Model};
use crate::reply::{Chunk, Reply};
use crate::request::{Request, text};
use crate::script::Action;
use crate::{control, fixtures};

pub(crate) const NAME: &str = "google";
/// The method whose answer comes in pieces.
pub(crate) const STREAM: &str = "streamGenerateContent";

/// An error in the request: status, the name of its class, message, and the field it is about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    status: u16,
    message: String,
    field: Option<String>,
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            message: message.into(),
            field: None,
        }
    }

    /// A name that the message at this place does not have.
    pub(crate) fn unknown(name: &str, place: &str) -> Self {
        let at = if place.is_empty() {
            String::new()
        } else {
            format!(" at '{place}'")
        };
        Self {
            field: Some(place.to_owned()),
            ..Self::new(format!(
                "Invalid JSON payload received. Unknown name \"{name}\"{at}: Cannot find field."
            ))
        }
    }

    /// A value that its field can't take.
    pub(crate) fn value(place: &str, wanted: &str, found: &Value) -> Self {
        Self {
            field: Some(place.to_owned()),
            ..Self::new(format!("Invalid value at '{place}' ({wanted}), {found}"))
        }
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self {
            status: 404,
            ..Self::new(message)
        }
    }

    /// What the key does not have, or nobody has: the provider does not tell which.
    pub(crate) fn no_access(message: impl Into<String>) -> Self {
        Self {
            status: 403,
            ..Self::new(message)
        }
    }

    fn body(&self) -> Value {
        let name = match self.status {
            404 => "NOT_FOUND",
            403 => "PERMISSION_DENIED",
            _ => "INVALID_ARGUMENT",
        };
        let mut error = json!({"code": self.status, "message": self.message, "status": name});
        if let Some(field) = &self.field {
            let violation = json!({"field": field, "description": self.message});
            error["details"] = json!([{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}]);
        }
        json!({"error": error})
    }

    fn reply(&self, request: &Request) -> Reply {
        let id = match self.status {
            404 => "google/404_model.error",
            403 => "google/403_permission.error",
            _ => "google/400_invalid.error",
        };
        let body = self.body();
        // A stream that is a list has its error in a list too.
        let listed = request.streams() && text(&request.query, "alt") != Some("sse");
        Reply::like(request, id, &if listed { json!([body]) } else { body })
    }
}

/// The model and the method of a path, as `/v1beta/models/gemini-3.8-flash:countTokens`; empty where
/// it has none.
pub(crate) fn target(path: &str) -> (&str, &str) {
    let rest = below_version(path).and_then(|rest| rest.strip_prefix("models/"));
    rest.map_or(("", ""), |rest| rest.split_once(':').unwrap_or((rest, "")))
}

fn below_version(path: &str) -> Option<&str> {
    path.strip_prefix("/v1beta/")
        .or_else(|| path.strip_prefix("/v1/"))
}

pub(crate) fn answer(request: &Request, action: &Action) -> Reply {
    let (model, method) = target(&request.path);
    let reply = match (request.method.as_str(), method) {
        ("POST", "generateContent" | STREAM) => generate::answer(request, action),
        ("POST", "countTokens") => generate::count(request),
        ("POST", "embedContent" | "batchEmbedContents") => embeddings::answer(request, action),
        ("GET", "") if below_version(&request.path) == Some("models") => list(request),
        ("GET", "") if !model.is_empty() => one(request, model),
        ("GET" | "POST" | "PATCH" | "DELETE", "") => kept(request),
        (_, path) => Err(Fault::not_found(format!("Method not found: {path}"))),
    };
    reply.unwrap_or_else(|fault| fault.reply(request))
}

/// What is kept for the key.
fn kept(request: &Request) -> Result<Reply, Fault> {
    let path = request
        .path
        .strip_prefix("/upload")
        .unwrap_or(&request.path);
    let parts: Vec<&str> = below_version(path).unwrap_or_default().split('/').collect();
    match parts.as_slice() {
        ["files", rest @ ..] => files::answer(request, rest),
        ["cachedContents", rest @ ..] => cached::answer(request, rest),
        _ => Err(Fault::not_found(format!("Not found: {path}"))),
    }
}

/// The model exists and has the method.
pub(crate) fn known_model(request: &Request, kind: &str) -> Result<(), Fault> {
    let (name, method) = target(&request.path);
    let other = models::find(NAME, name).is_some_and(|model| model.kind != kind);
    if other || name.ends_with("-nope") {
        return Err(Fault::not_found(format!(
            "models/{name} is not found for API version v1beta, or is not supported for {method}."
        )));
    }
    Ok(())
}

/// A page of models; the token of the next one is the number of its first row.
fn list(request: &Request) -> Result<Reply, Fault> {
    let size = control::number(&request.query, "pageSize")
        .unwrap_or(50)
        .clamp(1, 1000);
    let token = text(&request.query, "pageToken").unwrap_or("0");
    let first: usize = token
        .parse()
        .map_err(|_no_number| Fault::new("Page token is invalid."))?;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let rows: Vec<Value> = models::of(NAME).skip(first).take(size).map(row).collect();
    let next = first + rows.len();
    let mut body = json!({"models": rows});
    if next < models::of(NAME).count() {
        body["nextPageToken"] = json!(next.to_string());
    }
    Ok(Reply::like(request, "google/models.response", &body))
}

fn one(request: &Request, name: &str) -> Result<Reply, Fault> {
    let model = models::find(NAME, name);
    let model = model.ok_or_else(|| Fault::not_found(format!("models/{name} is not found.")))?;
    Ok(Reply::like(request, "google/models.response", &row(model)))
}

fn row(model: &Model) -> Value {
    let mut row = fixtures::json("google/models.response.json")["models"][0].take();
    row["name"] = json!(format!("models/{}", model.name));
    row["displayName"] = json!(model.name);
    row["inputTokenLimit"] = json!(model.context_window);
    row["outputTokenLimit"] = json!(model.max_output.unwrap_or(1));
    row["thinking"] = json!(model.can("reasoning"));
    row["supportedGenerationMethods"] = if model.kind == "chat" {
        json!(["generateContent", "countTokens"])
    } else {
        json!(["embedContent", "batchEmbedContents", "countTokens"])
    };
    row
}

/// An event as this provider ends it.
fn event(payload: &Value) -> Chunk {
    Chunk::plain(format!("data: {payload}\r\n\r\n"))
}

#[cfg(test)]
mod tests;
