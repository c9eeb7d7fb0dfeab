//! Exa: web search, page contents and answers.
//!
//! What a call costs is the provider's own figure, read exactly from its decimal text.

mod error;
mod native;
mod request;
mod response;

use http::HeaderMap;
use keyway_words::{ProviderId, Timestamp};

use crate::adapter::{Adapter, Credential};
use crate::failure::ProviderFailure;
use crate::native::NativeApi;
use crate::probed::Probed;
use crate::search::{SearchCall, SearchReply};
use crate::wire::{DecodeError, EncodeError, WireRequest};

/// The adapter.
#[derive(Debug)]
pub(crate) struct Exa;

impl Adapter for Exa {
    fn provider(&self) -> ProviderId {
        ProviderId::Exa
    }

    fn base_url(&self) -> &'static str {
        "https://api.exa.ai"
    }

    fn key_hosts(&self) -> &'static [&'static str] {
        &["api.exa.ai"]
    }

    fn credential(&self) -> Credential {
        Credential::Header("x-api-key")
    }

    fn search(&self, call: &SearchCall) -> Result<WireRequest, EncodeError> {
        request::search(call)
    }

    fn search_reply(&self, model: &str, body: &[u8]) -> Result<SearchReply, DecodeError> {
        response::search(Endpoint::of(model), body)
    }

    /// There is no free call: the cheapest search.
    fn probe(&self) -> Result<WireRequest, EncodeError> {
        request::search(&SearchCall {
            model: PROBE.to_owned(),
            query: "ping".to_owned(),
            max_results: Some(1),
            ..SearchCall::default()
        })
    }

    fn probe_reply(&self, body: &[u8]) -> Result<Probed, DecodeError> {
        let reply = response::search(Endpoint::Search, body)?;
        Ok(Probed {
            models: Vec::new(),
            used: Some((PROBE, reply.metered)),
        })
    }

    fn native(&self) -> Option<&'static dyn NativeApi> {
        Some(&native::ExaApi)
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

/// The kind of search that costs least.
const PROBE: &str = "lite";

/// The endpoint that a kind of search is asked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    /// Any kind that is not one of the others.
    Search,
    /// `contents`.
    Contents,
    /// `answer`.
    Answer,
}

impl Endpoint {
    fn of(model: &str) -> Self {
        match model {
            "contents" => Self::Contents,
            "answer" => Self::Answer,
            _kind_of_search => Self::Search,
        }
    }
}
