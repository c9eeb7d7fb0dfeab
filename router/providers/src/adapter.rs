//! What every provider's adapter can do. Pure: bytes in, bytes out.

use std::fmt;

use http::{HeaderMap, Method};
use keyway_words::{ProviderId, Timestamp};

use crate::chat::{ChatCall, ChatDelta, ChatReply, StreamEnd};
use crate::embed::{EmbedBatch, EmbedCall, EmbedReply};
use crate::failure::ProviderFailure;
use crate::metered::Metered;
use crate::native::NativeApi;
use crate::probed::Probed;
use crate::search::{SearchCall, SearchReply};
use crate::wire::{DecodeError, EncodeError, WireRequest};

/// Where a provider wants its credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// `Authorization: Bearer {key}`.
    Bearer,
    /// `{name}: {key}`; the name is lower case.
    Header(&'static str),
}

/// One provider's wire format. What a provider does not offer is refused by default.
pub trait Adapter: fmt::Debug + Send + Sync {
    /// Whose format it is.
    fn provider(&self) -> ProviderId;

    /// Base URL unless configured: what the provider's official SDK takes, without a final slash.
    fn base_url(&self) -> &'static str;

    /// Hosts that a key of this provider may be sent to unless configured.
    fn key_hosts(&self) -> &'static [&'static str];

    /// Where the credential goes.
    fn credential(&self) -> Credential;

    /// Writes a chat call, to be answered whole or as a stream.
    fn chat(&self, _call: &ChatCall, _stream: bool) -> Result<WireRequest, EncodeError> {
        Err(EncodeError::NotOffered { what: "chat" })
    }

    /// Reads the body of a chat answer with a 2xx status.
    fn chat_reply(&self, _body: &[u8]) -> Result<ChatReply, DecodeError> {
        Err(DecodeError::NotOffered { what: "chat" })
    }

    /// Starts reading one streamed chat answer with a 2xx status.
    fn chat_stream(&self) -> Result<Box<dyn StreamDecoder>, DecodeError> {
        Err(DecodeError::NotOffered { what: "chat" })
    }

    /// Writes an embedding call.
    fn embed(&self, _call: &EmbedCall) -> Result<WireRequest, EncodeError> {
        Err(EncodeError::NotOffered { what: "embeddings" })
    }

    /// What one embedding request may hold; `None` if it offers no embeddings.
    fn embed_batch(&self) -> Option<EmbedBatch> {
        None
    }

    /// Reads the body of an embedding answer with a 2xx status, for so many inputs.
    fn embed_reply(&self, _body: &[u8], _inputs: usize) -> Result<EmbedReply, DecodeError> {
        Err(DecodeError::NotOffered { what: "embeddings" })
    }

    /// Writes what asks the provider whether a key is good, as cheaply as it can be asked.
    fn probe(&self) -> Result<WireRequest, EncodeError> {
        Err(EncodeError::NotOffered { what: "key check" })
    }

    /// Reads the body of the answer to a probe with a 2xx status. An error: it is not what the
    /// provider documents, and says nothing about the key.
    fn probe_reply(&self, body: &[u8]) -> Result<Probed, DecodeError> {
        Probed::list(body)
    }

    /// Writes a search.
    fn search(&self, _call: &SearchCall) -> Result<WireRequest, EncodeError> {
        Err(EncodeError::NotOffered { what: "search" })
    }

    /// Reads the body of the answer to a search of this kind ([`SearchCall::model`]) with a 2xx
    /// status.
    fn search_reply(&self, _model: &str, _body: &[u8]) -> Result<SearchReply, DecodeError> {
        Err(DecodeError::NotOffered { what: "search" })
    }

    /// The paths that its own SDK may call; `None` if none are listed.
    fn native(&self) -> Option<&'static dyn NativeApi> {
        None
    }

    /// What a whole answer with a 2xx status to a POST at this path says of usage, whatever else of it
    /// can't be read: it was used all the same.
    fn measured(&self, path: &str, body: &[u8]) -> Metered {
        let Some(api) = self.native() else {
            return Metered::default();
        };
        let Some(found) = api.find(&Method::POST, path) else {
            return Metered::default();
        };
        let mut meter = api.meter(found.endpoint, &found.model, None);
        // Whether it is an error is known already.
        drop(meter.whole(body));
        meter.metered().clone()
    }

    /// Classifies an answer whose status is not 2xx. `now` resolves a `retry-after` that is a date
    /// where the provider sends no `date` of its own.
    fn failure(
        &self,
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> ProviderFailure;
}

/// Reads one streamed answer from pieces of any size.
pub trait StreamDecoder: fmt::Debug + Send {
    /// Reads the next bytes and appends what they complete to `deltas`, also when they end in an
    /// error. After an error nothing more can be read.
    fn push(&mut self, bytes: &[u8], deltas: &mut Vec<ChatDelta>) -> Result<(), DecodeError>;

    /// Whether the terminator was seen; nothing after it is read.
    fn is_finished(&self) -> bool;

    /// The body has ended. An error if the terminator was not seen.
    fn end(&mut self) -> Result<StreamEnd, DecodeError>;

    /// What was measured so far.
    fn meter(&self) -> &Metered;
}
