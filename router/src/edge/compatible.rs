//! The models of every provider in the shape that an application speaks already: `OpenAI`'s chat
//! completions, embeddings and responses, Anthropic's messages, all below `/v1`.
//!
//! A request becomes one of the neutral schema and runs like one of gRPC; what the schema can't say is
//! refused by the field's name, never dropped. A [`shape`] of a chat is a folder that reads requests
//! and writes answers: [`completions`], [`messages`], [`responses`]. What they share stands once:
//! [`fields`] reads JSON so that nothing is overlooked, [`common`] and [`parts`] what is in every
//! request, [`sealed`] lets signatures travel with the caller, [`blocks`] makes an answer a row of
//! blocks, [`receipt`] says what it cost, [`serve`] runs the call.

mod blocks;
mod common;
mod completions;
mod embeddings;
mod fields;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod messages;
mod models;
mod names;
mod parts;
mod receipt;
mod responses;
mod sealed;
mod serve;
mod shape;
#[cfg(test)]
mod tests;

use http::Method;
use keyway_proto::{Fault, Reason};
use keyway_router_providers::native::Kind;
use keyway_words::ProviderId;

use crate::call::unlisted;

pub use sealed::SealKey;
pub(super) use shape::Shape;

/// What may be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// A chat turn in this shape.
    Chat(Shape),
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
            "/chat/completions" => (Self::Chat(Shape::Completions), Method::POST),
            "/messages" => (Self::Chat(Shape::Messages), Method::POST),
            "/responses" => (Self::Chat(Shape::Responses), Method::POST),
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
            Self::Chat(_) => Kind::Chat,
            Self::Embeddings => Kind::Embed,
            Self::Models | Self::Model(_) => Kind::Models,
        }
    }

    /// In whose words it is answered.
    pub(super) const fn words(&self) -> ProviderId {
        match self {
            Self::Chat(shape) => shape.words(),
            Self::Embeddings | Self::Models | Self::Model(_) => ProviderId::OpenAi,
        }
    }
}

/// In whose words a path is refused: it is the path of one of their SDKs.
pub(super) fn words_of(path: &str) -> ProviderId {
    if path.starts_with("/messages") {
        ProviderId::Anthropic
    } else {
        ProviderId::OpenAi
    }
}

fn unknown(method: &Method, path: &str) -> Fault {
    let mut fault = unlisted(method, path);
    let path: String = path.chars().take(128).collect();
    fault.message = if path == "/messages/count_tokens" {
        format!(
            "{method} /v1{path}: not every provider counts tokens before a call; those that do have \
             it below their own base URL: /anthropic/v1/messages/count_tokens, and countTokens \
             below /google/v1beta"
        )
    } else if path.starts_with("/responses/") {
        format!("{method} /v1{path}: nothing is stored, so there is no response to ask for")
    } else {
        format!(
            "{method} /v1{path} is not one of the paths for every provider: /v1/chat/completions, \
             /v1/responses, /v1/messages, /v1/embeddings and /v1/models; a provider's own paths are \
             below its own base URL, such as /openai/v1"
        )
    };
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
