//! Anthropic: messages, counting, models, files.

mod check;
mod files;
mod messages;

use serde_json::{Value, json};

use crate::control::number;
use crate::models::Model;
use crate::reply::{Reply, request_id};
use crate::request::{Request, text};
use crate::script::Action;
use crate::{fixtures, models};

pub(crate) const NAME: &str = "anthropic";

/// An error in the request: status and message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    status: u16,
    message: String,
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            message: message.into(),
        }
    }

    /// A field that may not be there.
    pub(crate) fn extra(field: &str) -> Self {
        Self::new(format!("{field}: Extra inputs are not permitted"))
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self {
            status: 404,
            ..Self::new(message)
        }
    }

    fn reply(&self, request: &Request) -> Reply {
        let (id, kind) = match self.status {
            404 => ("anthropic/404_model.error", "not_found_error"),
            413 => ("anthropic/413_too_large.error", "request_too_large"),
            _ => ("anthropic/400_invalid.error", "invalid_request_error"),
        };
        let error = json!({"type": kind, "message": self.message});
        let body = json!({"type": "error", "error": error, "request_id": request_id(request)});
        Reply::like(request, id, &body)
    }
}

pub(crate) fn answer(request: &Request, action: &Action) -> Reply {
    let reply = check::version(request).and_then(|()| {
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/v1/messages") => messages::answer(request, action),
            ("POST", "/v1/messages/count_tokens") => messages::count(request),
            ("GET", "/v1/models") => Ok(Reply::like(
                request,
                "anthropic/models.response",
                &list(request),
            )),
            ("GET", path) if path.starts_with("/v1/models/") => one(request, path),
            (method, path) => files::answer(request, method, path),
        }
    });
    reply.unwrap_or_else(|fault| fault.reply(request))
}

fn one(request: &Request, path: &str) -> Result<Reply, Fault> {
    let name = path.trim_start_matches("/v1/models/");
    let model = models::find(NAME, name);
    let model = model.ok_or_else(|| Fault::not_found(format!("model: {name}")))?;
    Ok(Reply::like(
        request,
        "anthropic/models.response",
        &row(model),
    ))
}

fn row(model: &Model) -> Value {
    let mut row = fixtures::json("anthropic/models.response.json")["data"][0].take();
    row["id"] = json!(model.name);
    row["display_name"] = json!(model.name);
    row["max_input_tokens"] = json!(model.context_window);
    row["max_tokens"] = json!(model.max_output);
    row
}

/// A page: the models behind `after_id`, or the last ones before `before_id`.
fn list(request: &Request) -> Value {
    let mut body = fixtures::json("anthropic/models.response.json");
    let limit = number(&request.query, "limit")
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(20);
    let all: Vec<&Model> = models::of(NAME).collect();
    let at = |parameter| {
        let name = text(&request.query, parameter)?;
        all.iter().position(|model| model.name == name)
    };
    let (from, to, more) = if let Some(before) = at("before_id") {
        let from = before.saturating_sub(limit);
        (from, before, from > 0)
    } else {
        let from = at("after_id").map_or(0, |after| after + 1);
        let to = all.len().min(from.saturating_add(limit));
        (from, to, to < all.len())
    };
    let rows: Vec<Value> = all[from..to].iter().map(|model| row(model)).collect();
    body["has_more"] = json!(more);
    body["first_id"] = rows.first().map_or(Value::Null, |row| row["id"].clone());
    body["last_id"] = rows.last().map_or(Value::Null, |row| row["id"].clone());
    body["data"] = json!(rows);
    body
}
