//! Google: the Gemini Developer API, `generateContent` and its stream, and embeddings in batches.
//!
//! Its JSON is proto JSON: absent counts are zero, and a stream has no terminator. A signature of
//! the model's thinking must go back on the part it came with: that of a call stands with the
//! call, that of a text in a reasoning part without text behind it.

mod embeddings;
mod error;
mod native;
mod own_error;
mod request;
mod response;
mod stream;
mod turns;
mod usage;

use http::HeaderMap;
use keyway_words::{ProviderId, Timestamp};

use crate::adapter::{Adapter, Credential, StreamDecoder};
use crate::chat::{ChatCall, ChatReply, Finish};
use crate::embed::{EmbedBatch, EmbedCall, EmbedReply};
use crate::event_stream::EventStream;
use crate::failure::ProviderFailure;
use crate::native::NativeApi;
use crate::wire::{DecodeError, EncodeError, WireRequest};

/// Start of the ids that are made up for calls that came without one; they never go to Google.
const MADE_UP: &str = "keyway-";

/// The adapter.
#[derive(Debug)]
pub(crate) struct Google;

impl Adapter for Google {
    fn provider(&self) -> ProviderId {
        ProviderId::Google
    }

    fn base_url(&self) -> &'static str {
        "https://generativelanguage.googleapis.com"
    }

    fn key_hosts(&self) -> &'static [&'static str] {
        &["generativelanguage.googleapis.com"]
    }

    fn credential(&self) -> Credential {
        Credential::Header("x-goog-api-key")
    }

    fn chat(&self, call: &ChatCall, stream: bool) -> Result<WireRequest, EncodeError> {
        request::chat(call, stream)
    }

    fn chat_reply(&self, body: &[u8]) -> Result<ChatReply, DecodeError> {
        response::chat(body)
    }

    fn chat_stream(&self) -> Result<Box<dyn StreamDecoder>, DecodeError> {
        Ok(Box::new(EventStream::<stream::ContentReader>::default()))
    }

    fn probe(&self) -> Result<WireRequest, EncodeError> {
        Ok(WireRequest::get("/v1beta/models?pageSize=100"))
    }

    fn embed(&self, call: &EmbedCall) -> Result<WireRequest, EncodeError> {
        embeddings::request(call)
    }

    fn embed_batch(&self) -> Option<EmbedBatch> {
        Some(embeddings::BATCH)
    }

    fn embed_reply(&self, body: &[u8], inputs: usize) -> Result<EmbedReply, DecodeError> {
        embeddings::reply(body, inputs)
    }

    fn native(&self) -> Option<&'static dyn NativeApi> {
        Some(&native::GoogleApi)
    }

    fn failure(
        &self,
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> ProviderFailure {
        error::failure(status, headers, body, now)
    }
}

/// Path of a method of a model.
fn path(model: &str, method: &str) -> Result<String, EncodeError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if model.is_empty() || !model.bytes().all(allowed) || model.starts_with('.') {
        return Err(EncodeError::Invalid {
            field: "model",
            accepted: "a model's name of letters, digits and `._-` with this provider",
        });
    }
    Ok(format!("/v1beta/models/{model}:{method}"))
}

/// Why it stopped, from the provider's word. Calls of tools finish as `STOP`; a blocked prompt has
/// no word of its own and is `blocked:{why}` here.
fn finish(word: &str, called: bool) -> Finish {
    match word {
        "STOP" if called => Finish::ToolCalls,
        "STOP" => Finish::Stop,
        "MAX_TOKENS" => Finish::Length,
        "CONTINUATION" => Finish::Pause,
        "SAFETY" | "RECITATION" | "LANGUAGE" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII"
        | "ESCALATION" => Finish::ContentFilter,
        word if word.starts_with("IMAGE_") || word.starts_with(BLOCKED) => Finish::ContentFilter,
        _other => Finish::Other,
    }
}

/// Start of the word for a prompt that was blocked.
const BLOCKED: &str = "blocked:";
