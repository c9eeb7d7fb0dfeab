//! `OpenAI`: chats and embeddings.
//!
//! A chat goes to chat completions or to responses, whichever takes it, see [`endpoint`].

mod answer;
mod embeddings;
mod endpoint;
mod error;
mod messages;
mod native;
mod request;
mod response;
mod responses;
mod rules;
mod stream;
mod usage;

use http::HeaderMap;
use keyway_words::{ProviderId, Timestamp};

use self::endpoint::Endpoint;
use crate::adapter::{Adapter, Credential, StreamDecoder};
use crate::chat::{ChatCall, ChatReply};
use crate::embed::{EmbedBatch, EmbedCall, EmbedReply};
use crate::event_stream::EventStream;
use crate::failure::ProviderFailure;
use crate::native::NativeApi;
use crate::wire::{DecodeError, EncodeError, WireRequest};

/// The adapter.
#[derive(Debug)]
pub(crate) struct OpenAi;

impl Adapter for OpenAi {
    fn provider(&self) -> ProviderId {
        ProviderId::OpenAi
    }

    fn base_url(&self) -> &'static str {
        "https://api.openai.com/v1"
    }

    fn key_hosts(&self) -> &'static [&'static str] {
        &["api.openai.com"]
    }

    fn credential(&self) -> Credential {
        Credential::Bearer
    }

    fn chat(&self, call: &ChatCall, stream: bool) -> Result<WireRequest, EncodeError> {
        match endpoint::of(call) {
            Endpoint::ChatCompletions => request::chat(call, stream),
            Endpoint::Responses => responses::request::chat(call, stream),
        }
    }

    fn chat_reply(&self, body: &[u8]) -> Result<ChatReply, DecodeError> {
        answer::chat(body)
    }

    fn chat_stream(&self) -> Result<Box<dyn StreamDecoder>, DecodeError> {
        Ok(Box::new(EventStream::<answer::AnswerReader>::default()))
    }

    fn probe(&self) -> Result<WireRequest, EncodeError> {
        Ok(WireRequest::get("/models"))
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
        Some(&native::OpenAiApi)
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
