//! Anthropic: messages.
//!
//! API version [`VERSION`]: it takes no sampling settings, so a call that sets them is refused.

mod error;
mod native;
mod request;
mod response;
mod stream;
mod turns;
mod usage;

use http::HeaderMap;
use keyway_words::{ProviderId, Timestamp};

use crate::adapter::{Adapter, Credential, StreamDecoder};
use crate::chat::{ChatCall, ChatReply, Finish};
use crate::event_stream::EventStream;
use crate::failure::ProviderFailure;
use crate::native::NativeApi;
use crate::wire::{DecodeError, EncodeError, WireRequest};

/// Value of the `anthropic-version` header.
const VERSION: &str = "2026-10-21";

/// The adapter.
#[derive(Debug)]
pub(crate) struct Anthropic;

impl Adapter for Anthropic {
    fn provider(&self) -> ProviderId {
        ProviderId::Anthropic
    }

    fn base_url(&self) -> &'static str {
        "https://api.anthropic.com"
    }

    fn key_hosts(&self) -> &'static [&'static str] {
        &["api.anthropic.com"]
    }

    fn credential(&self) -> Credential {
        Credential::Header("x-api-key")
    }

    fn chat(&self, call: &ChatCall, stream: bool) -> Result<WireRequest, EncodeError> {
        request::chat(call, stream)
    }

    fn chat_reply(&self, body: &[u8]) -> Result<ChatReply, DecodeError> {
        response::chat(body)
    }

    fn chat_stream(&self) -> Result<Box<dyn StreamDecoder>, DecodeError> {
        Ok(Box::new(EventStream::<stream::MessageReader>::default()))
    }

    fn native(&self) -> Option<&'static dyn NativeApi> {
        Some(&native::AnthropicApi)
    }

    fn probe(&self) -> Result<WireRequest, EncodeError> {
        Ok(request::versioned(WireRequest::get("/v1/models?limit=100")))
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

/// Why it stopped, from the provider's word.
fn finish(word: &str) -> Finish {
    match word {
        "end_turn" | "stop_sequence" => Finish::Stop,
        "max_tokens" | "model_context_window_exceeded" => Finish::Length,
        "tool_use" => Finish::ToolCalls,
        "refusal" => Finish::Refusal,
        "pause_turn" => Finish::Pause,
        _other => Finish::Other,
    }
}
