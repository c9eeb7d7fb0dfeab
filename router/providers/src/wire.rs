//! Requests on their way to a provider, and what can go wrong on either way.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use serde::Serialize;

use crate::failure::ProviderFailure;

/// An HTTP request without its credential.
#[derive(Debug, Clone)]
pub struct WireRequest {
    /// Method.
    pub method: Method,
    /// Path to append to the provider's base URL; begins with `/`.
    pub path: String,
    /// Headers, `content-type` included; never a credential.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl WireRequest {
    /// A GET.
    pub(crate) fn get(path: &str) -> Self {
        Self {
            method: Method::GET,
            path: path.to_owned(),
            headers: HeaderMap::new(),
            body: Vec::new().into(),
        }
    }

    /// A POST of this JSON body.
    pub(crate) fn post(path: &str, body: &impl Serialize) -> Result<Self, EncodeError> {
        let body = serde_json::to_vec(body).map_err(|_unwritable| EncodeError::NotWritten)?;
        let json = HeaderValue::from_static("application/json");
        Ok(Self {
            method: Method::POST,
            path: path.to_owned(),
            headers: HeaderMap::from_iter([(header::CONTENT_TYPE, json)]),
            body: body.into(),
        })
    }
}

/// Why a neutral call can't be written for a provider. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The provider, or this model of it, can't honour the field: `FIELD_UNSUPPORTED`.
    #[error("{field} is not supported: {why}")]
    Unsupported {
        /// Path of the field in the neutral schema.
        field: &'static str,
        /// Why, and what to do instead.
        why: &'static str,
    },
    /// The field's value is outside what the provider documents: `FIELD_INVALID`.
    #[error("{field} must be {accepted}")]
    Invalid {
        /// Path of the field in the neutral schema.
        field: &'static str,
        /// What it may be.
        accepted: &'static str,
    },
    /// An option that the neutral schema has, or that may not be set: `FIELD_INVALID`.
    #[error("provider_options_json must not set `{name}`")]
    OptionNotAllowed {
        /// Name of the option, at most 64 characters of it.
        name: String,
    },
    /// An option that only a workspace's own key may use: `HOSTED_STATE_FORBIDDEN`.
    #[error("provider_options_json may set `{name}` only on the workspace's own key")]
    OptionNeedsOwnKey {
        /// Name of the option, at most 64 characters of it.
        name: String,
    },
    /// A part of a request in the provider's own words that only a workspace's own key may use:
    /// `HOSTED_STATE_FORBIDDEN`.
    #[error(
        "{what} may be used only on the workspace's own key: on the platform's only what is known passes, since nothing may be stored or named at the provider"
    )]
    NeedsOwnKey {
        /// A path, a header, or where in the body it stands.
        what: String,
    },
    /// The provider has nothing of this kind: `FIELD_UNSUPPORTED` on `model`.
    #[error("model names a provider that offers no {what}")]
    NotOffered {
        /// `chat`, `embeddings` or `search`.
        what: &'static str,
    },
    /// The JSON writer failed: a fault of ours.
    #[error("the request could not be written as JSON")]
    NotWritten,
}

/// Why a provider's answer can't be read to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The provider reported a failure inside a 200.
    #[error("the provider failed after it had begun to answer ({})", .0.class.as_str())]
    Provider(Box<ProviderFailure>),
    /// The answer broke off before its end.
    #[error("the provider's answer broke off before its end")]
    Truncated,
    /// The answer is not what the provider documents.
    #[error("the provider's answer is malformed: {what}")]
    Malformed {
        /// What of it.
        what: &'static str,
    },
    /// One event of a stream is too long.
    #[error("one event of the provider's stream is longer than {limit} bytes")]
    EventTooLong {
        /// The bound.
        limit: usize,
    },
    /// The provider has nothing of this kind.
    #[error("the provider offers no {what}")]
    NotOffered {
        /// `chat`, `embeddings` or `search`.
        what: &'static str,
    },
}
