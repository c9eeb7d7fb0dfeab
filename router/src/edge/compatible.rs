//! `OpenAI`'s shape for the models of every provider: `/v1/chat/completions`, `/v1/embeddings` and
//! `/v1/models`.
//!
//! A request becomes one of the neutral schema and runs like one of gRPC; what the schema can't say is
//! refused by the field's name, never dropped. [`fields`] reads JSON so that nothing is overlooked,
//! [`request`] and [`messages`] make the neutral request of it, [`answer`] makes the shape of the
//! answer, [`sealed`] lets signatures travel in the ids of tool calls, [`serve`] runs the call.

mod answer;
mod embeddings;
mod fields;
mod messages;
mod models;
mod names;
mod receipt;
mod request;
mod sealed;
mod serve;
#[cfg(test)]
mod tests;

use http::Method;
use keyway_proto::{Fault, Reason};
use keyway_router_providers::native::Kind;

use crate::call::unlisted;

pub use sealed::SealKey;

/// What may be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// A chat turn.
    Chat,
    /// Embeddings.
    Embeddings,
    /// The models.
    Models,
    /// One model by its name.
    Model(String),
}

impl Endpoint {
    /// What a path below `/v1` asks for.
    pub(super) fn find(method: &Method, path: &str) -> Result<Self, Fault> {
        let (endpoint, known) = match path {
            "/chat/completions" => (Self::Chat, Method::POST),
            "/embeddings" => (Self::Embeddings, Method::POST),
            "/models" => (Self::Models, Method::GET),
            _ => match path.strip_prefix("/models/") {
                Some(name) => (Self::Model(decoded(name)), Method::GET),
                None => return Err(unknown(method, path)),
            },
        };
        if *method == known {
            return Ok(endpoint);
        }
        let message = format!("method: must be {known} at this path");
        Err(Fault::new(Reason::FieldUnsupported, message).at_field("method"))
    }

    /// The same as one of the kinds that paths of providers have.
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Chat => Kind::Chat,
            Self::Embeddings => Kind::Embed,
            Self::Models | Self::Model(_) => Kind::Models,
        }
    }
}

fn unknown(method: &Method, path: &str) -> Fault {
    let mut fault = unlisted(method, path);
    fault.message = format!(
        "{method} /v1{} is not one of the paths for every provider: /v1/chat/completions, \
         /v1/embeddings and /v1/models; a provider's own paths are below its own base URL, such as \
         /openai/v1",
        path.chars().take(128).collect::<String>()
    );
    fault
}

/// A name without percent-encoding; SDKs encode the slash in it.
fn decoded(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| *first == b'%');
        let byte = hex.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = after
            .get(if byte.is_some() { 2 } else { 0 }..)
            .unwrap_or_default();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
