//! Mistral: chat completions, embeddings, models, files.

mod chat;
mod check;
mod embeddings;
mod files;

use serde_json::{Value, json};

use crate::reply::Reply;
use crate::request::Request;
use crate::script::Action;
use crate::{fixtures, models};

pub(crate) const NAME: &str = "mistral";

/// An error in the request, in one of the provider's two shapes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 422: a field, named by the path to it, with the validator's word and sentence.
    Field {
        kind: &'static str,
        at: String,
        message: String,
    },
    /// What the validator lets through and the service refuses.
    Service {
        status: u16,
        kind: &'static str,
        code: &'static str,
        message: String,
    },
}

impl Fault {
    pub(crate) fn field(
        kind: &'static str,
        at: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self::Field {
            kind,
            at: at.into(),
            message: message.into(),
        }
    }

    pub(crate) fn missing(at: impl Into<String>) -> Self {
        Self::field("missing", at, "Field required")
    }

    pub(crate) fn extra(at: impl Into<String>) -> Self {
        Self::field("extra_forbidden", at, "Extra inputs are not permitted")
    }

    /// A conversation whose turns don't follow each other.
    pub(crate) fn order(message: impl Into<String>) -> Self {
        Self::refused("invalid_request_message_order", "3230", message)
    }

    pub(crate) fn refused(
        kind: &'static str,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self::Service {
            status: 400,
            kind,
            code,
            message: message.into(),
        }
    }

    /// A resource that the key does not have.
    pub(crate) fn not_found() -> Self {
        Self::Service {
            status: 404,
            kind: "invalid_request_error",
            code: "not_found",
            message: "The requested resource was not found.".to_owned(),
        }
    }

    fn reply(self, request: &Request) -> Reply {
        match self {
            Self::Field { kind, at, message } => {
                let place = at.split('.').map(|part| {
                    part.parse::<u64>()
                        .map_or_else(|_| json!(part), |index| json!(index))
                });
                let place: Vec<Value> = [json!("body")].into_iter().chain(place).collect();
                let body = json!({"detail": [{"type": kind, "loc": place, "msg": message}]});
                Reply::like(request, "mistral/422_validation.error", &body)
            }
            Self::Service {
                status,
                kind,
                code,
                message,
            } => {
                let body = json!({"object": "error", "message": message, "type": kind, "param": null, "code": code});
                Reply {
                    status,
                    ..Reply::like(request, "mistral/400_invalid_model.error", &body)
                }
            }
        }
    }
}

pub(crate) fn answer(request: &Request, action: &Action) -> Reply {
    let reply = match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/v1/chat/completions") => chat::answer(request, action),
        ("POST", "/v1/embeddings") => embeddings::answer(request, action),
        ("GET", "/v1/models") => Ok(Reply::like(request, "mistral/models.response", &list())),
        ("GET", path) if path.starts_with("/v1/models/") => one(request, path),
        (method, path) => files::answer(request, method, path),
    };
    reply.unwrap_or_else(|fault| fault.reply(request))
}

/// The body is an object without a field that is not known.
pub(crate) fn known_fields(object: &Value, known: &[&str], at: &str) -> Result<(), Fault> {
    let Some(fields) = object.as_object() else {
        return Err(Fault::field(
            "model_attributes_type",
            at,
            "Input should be a valid dictionary or object to extract fields from",
        ));
    };
    let unknown = fields.keys().find(|name| !known.contains(&name.as_str()));
    let place = |name: &String| {
        if at.is_empty() {
            name.clone()
        } else {
            format!("{at}.{name}")
        }
    };
    unknown.map_or(Ok(()), |name| Err(Fault::extra(place(name))))
}

/// The model exists and is of this kind.
pub(crate) fn known_model(request: &Request, kind: &str) -> Result<(), Fault> {
    let name = request.model();
    if name.is_empty() {
        return Err(Fault::missing("model"));
    }
    let other = models::find(NAME, name).is_some_and(|model| model.kind != kind);
    if other || name.ends_with("-nope") {
        let message = format!("Invalid model: {name}");
        return Err(Fault::refused("invalid_model", "1500", message));
    }
    Ok(())
}

fn one(request: &Request, path: &str) -> Result<Reply, Fault> {
    let name = path.trim_start_matches("/v1/models/");
    let row = models::one(&list(), name);
    let row = row.ok_or_else(Fault::not_found)?;
    Ok(Reply::like(request, "mistral/models.response", &row))
}

fn list() -> Value {
    let mut body = fixtures::json("mistral/models.response.json");
    let row = body["data"][0].clone();
    let rows = models::of(NAME).map(|model| {
        let mut row = row.clone();
        row["id"] = json!(model.name);
        row["name"] = json!(model.name);
        row["aliases"] = json!([]);
        row["max_context_length"] = json!(model.context_window);
        row["capabilities"]["completion_chat"] = json!(model.kind == "chat");
        row["capabilities"]["function_calling"] = json!(model.can("tools"));
        row["capabilities"]["vision"] = json!(model.can("image_input"));
        row
    });
    body["data"] = rows.collect();
    body
}
