//! `OpenAI`: chat completions, responses, embeddings, models, and what it keeps for a key.

mod chat;
mod check;
mod embeddings;
mod responses;
mod stored;

use serde_json::{Value, json};

use crate::reply::Reply;
use crate::request::Request;
use crate::script::Action;
use crate::{fixtures, models};

pub(crate) const NAME: &str = "openai";

/// An error in the request: message, parameter and code, as the body has them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    status: u16,
    message: String,
    param: Option<&'static str>,
    code: Option<&'static str>,
}

impl Fault {
    pub(crate) fn new(param: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            message: message.into(),
            param: Some(param),
            code: Some(code),
        }
    }

    pub(crate) fn value(param: &'static str, message: impl Into<String>) -> Self {
        Self::new(param, "invalid_value", message)
    }

    pub(crate) fn missing(param: &'static str) -> Self {
        Self::new(
            param,
            "missing_required_parameter",
            format!("Missing required parameter: '{param}'."),
        )
    }

    fn no_model(name: &str) -> Self {
        Self {
            status: 404,
            message: format!("The model `{name}` does not exist or you do not have access to it."),
            param: None,
            code: Some("model_not_found"),
        }
    }

    pub(crate) fn unsupported(param: &'static str) -> Self {
        let message = format!("Unsupported parameter: '{param}' is not supported with this model.");
        Self::new(param, "unsupported_parameter", message)
    }

    fn reply(self, request: &Request) -> Reply {
        let body = json!({"error": {
            "message": self.message,
            "type": "invalid_request_error",
            "param": self.param,
            "code": self.code,
        }});
        let id = if self.status == 404 {
            "openai/404_model.error"
        } else {
            "openai/400_invalid.error"
        };
        Reply::like(request, id, &body)
    }
}

pub(crate) fn answer(request: &Request, action: &Action) -> Reply {
    let made = create(request, action).or_else(|| stored::answer(request));
    let reply = made.unwrap_or_else(|| Err(stored::no_url(request)));
    reply.unwrap_or_else(|fault| fault.reply(request))
}

fn create(request: &Request, action: &Action) -> Option<Result<Reply, Fault>> {
    Some(match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/v1/chat/completions") => chat::answer(request, action),
        ("POST", "/v1/responses") => responses::answer(request, action),
        ("POST", "/v1/embeddings") => embeddings::answer(request, action),
        ("GET", "/v1/models") => Ok(Reply::like(request, "openai/models.response", &list())),
        ("GET", path) => one(request, path.strip_prefix("/v1/models/")?),
        _ => return None,
    })
}

fn one(request: &Request, name: &str) -> Result<Reply, Fault> {
    let row = models::one(&list(), name).ok_or_else(|| Fault::no_model(name))?;
    Ok(Reply::like(request, "openai/models.response", &row))
}

/// The field names that are allowed at the top level.
pub(crate) fn known_fields(request: &Request, known: &[&str]) -> Result<(), Fault> {
    if !request.body.is_object() {
        let message = "We could not parse the JSON body of your request.";
        return Err(Fault {
            status: 400,
            message: message.to_owned(),
            param: None,
            code: None,
        });
    }
    let unknown = request
        .fields()
        .find(|(name, _)| !known.contains(&name.as_str()));
    unknown.map_or(Ok(()), |(name, _)| {
        let message = format!("Unknown parameter: '{name}'.");
        Err(Fault {
            status: 400,
            message,
            param: None,
            code: Some("unknown_parameter"),
        })
    })
}

/// The model exists and is of this kind, at this endpoint.
pub(crate) fn known_model(request: &Request, kind: &str, endpoint: &str) -> Result<(), Fault> {
    let name = request.model();
    if name.is_empty() {
        return Err(Fault::missing("model"));
    }
    let model = models::find(NAME, name);
    let elsewhere = model.is_some_and(|model| {
        model.kind != kind
            || (!model.endpoints.is_empty()
                && !model.endpoints.iter().any(|known| known == endpoint))
    });
    if elsewhere {
        let message = format!("This model is not supported in the {endpoint} endpoint: {name}.");
        return Err(Fault {
            status: 404,
            message,
            param: Some("model"),
            code: None,
        });
    }
    if name.ends_with("-nope") {
        return Err(Fault::no_model(name));
    }
    Ok(())
}

fn list() -> Value {
    let mut body = fixtures::json("openai/models.response.json");
    let row = body["data"][0].clone();
    let rows = models::of(NAME).map(|model| {
        let mut row = row.clone();
        row["id"] = json!(model.name);
        row
    });
    body["data"] = rows.collect();
    body
}
