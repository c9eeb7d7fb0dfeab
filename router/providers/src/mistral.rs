//! Mistral: chat completions and embeddings. Near to `OpenAI`'s, but unknown fields are refused
//! there, so nothing is written that Mistral does not document.

mod embeddings;
mod error;
mod ids;
mod messages;
mod native;
mod request;
mod response;
mod stream;
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

/// The adapter.
#[derive(Debug)]
pub(crate) struct Mistral;

impl Adapter for Mistral {
    fn provider(&self) -> ProviderId {
        ProviderId::Mistral
    }

    fn base_url(&self) -> &'static str {
        "https://api.mistral.ai"
    }

    fn key_hosts(&self) -> &'static [&'static str] {
        &["api.mistral.ai"]
    }

    fn credential(&self) -> Credential {
        Credential::Bearer
    }

    fn chat(&self, call: &ChatCall, stream: bool) -> Result<WireRequest, EncodeError> {
        request::chat(call, stream)
    }

    fn chat_reply(&self, body: &[u8]) -> Result<ChatReply, DecodeError> {
        response::chat(body)
    }

    fn chat_stream(&self) -> Result<Box<dyn StreamDecoder>, DecodeError> {
        Ok(Box::new(EventStream::<stream::ChatReader>::default()))
    }

    fn probe(&self) -> Result<WireRequest, EncodeError> {
        Ok(WireRequest::get("/v1/models"))
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
        Some(&native::MistralApi)
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

/// Why it stopped, from the provider's word. `error` says that generation failed part-way.
fn finish(word: &str, called: bool) -> Finish {
    match word {
        "stop" if called => Finish::ToolCalls,
        "stop" => Finish::Stop,
        "length" | "model_length" => Finish::Length,
        "tool_calls" => Finish::ToolCalls,
        _other => Finish::Other,
    }
}
