//! A parsed call: valid by construction, and ready for any attempt.
//!
//! Parsing ends every slip of the caller as one field error, before a key is looked at. What a
//! given provider can't honour is its adapter's to refuse.

mod at_most;
mod bounds;
mod chat;
mod embed;
mod embed_parts;
mod native;
mod search;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use keyway_chassis::access::Caller;
use keyway_chassis::deadline::Deadline;
use keyway_proto::vault::v1::CredentialMode;
use keyway_proto::{Fault, Reason};
use keyway_router_pricing::Catalogue;
use keyway_router_providers::chat::ChatCall;
use keyway_router_providers::embed::EmbedCall;
use keyway_router_providers::search::SearchCall;
use keyway_router_providers::{Adapter, EncodeError, WireRequest};
use keyway_words::{CallId, ProviderId, Source, WorkspaceId};

pub use at_most::Asked;
pub(crate) use embed::STREAM_EMBED;
pub use embed_parts::EmbedParts;
pub use native::{NativeCall, NativeRequest, unlisted};

/// One request by a caller.
#[derive(Debug)]
pub struct Call {
    /// Its id.
    pub id: CallId,
    /// Whose call.
    pub workspace: WorkspaceId,
    /// Accessor of the caller's token.
    pub accessor: String,
    /// When the caller stops waiting.
    pub deadline: Deadline,
    /// The provider.
    pub provider: ProviderId,
    /// Model as the caller named it, without the provider.
    pub model: String,
    /// Labels for billing.
    pub labels: BTreeMap<String, String>,
    /// The caller's own user, opaque; empty if not given.
    pub end_user: String,
    /// The caller's request id.
    pub request_id: Option<String>,
    /// The mode that the request narrows the policy to.
    pub mode: CredentialMode,
    /// What is to be done.
    pub work: Work,
}

/// What is to be done, in neutral terms.
#[derive(Debug, Clone)]
pub enum Work {
    /// A chat turn, answered whole.
    Chat(ChatCall),
    /// A chat turn, answered in pieces.
    StreamChat(ChatCall),
    /// Embeddings.
    Embed(EmbedCall),
    /// Embeddings, one provider request after the other, answered in pieces.
    StreamEmbed(EmbedParts),
    /// A web search.
    Search(SearchCall),
    /// Whatever its sender wrote in the provider's own words.
    Native(NativeCall),
}

impl Work {
    /// As it stands in usage events.
    pub fn endpoint(&self) -> &'static str {
        match self {
            Self::Chat(_) => "chat",
            Self::StreamChat(_) => "stream_chat",
            Self::Embed(_) => "embed",
            Self::StreamEmbed(_) => "stream_embed",
            Self::Search(_) => "search",
            Self::Native(call) => call.endpoint(),
        }
    }

    /// Whether the provider charges for it.
    pub fn is_priced(&self) -> bool {
        match self {
            Self::Native(call) => call.is_priced(),
            _ => true,
        }
    }

    /// Writes the request of one attempt. What a hosted key may not do is refused here.
    pub fn encode(
        &mut self,
        adapter: &dyn Adapter,
        source: Source,
    ) -> Result<WireRequest, EncodeError> {
        let on_hosted = matches!(source, Source::Hosted);
        match self {
            Self::Chat(call) => {
                call.hosted = on_hosted;
                adapter.chat(call, false)
            }
            Self::StreamChat(call) => {
                call.hosted = on_hosted;
                adapter.chat(call, true)
            }
            Self::Embed(call) => {
                call.hosted = on_hosted;
                adapter.embed(call)
            }
            Self::StreamEmbed(parts) => {
                let call = parts.current_mut();
                call.hosted = on_hosted;
                adapter.embed(call)
            }
            Self::Search(call) => {
                call.hosted = on_hosted;
                adapter.search(call)
            }
            Self::Native(call) => call.encode(source),
        }
    }
}

/// The parts of a request that every kind of call has.
#[derive(Debug, Default)]
pub(crate) struct Common {
    pub(crate) labels: HashMap<String, String>,
    pub(crate) end_user: String,
    pub(crate) request_id: String,
    pub(crate) mode: CredentialMode,
}

/// Who calls, until when, and under which id.
#[derive(Debug)]
pub struct Origin {
    /// The call's id.
    pub id: CallId,
    /// Who calls.
    pub caller: Caller,
    /// Until when.
    pub deadline: Deadline,
}

impl Call {
    pub(crate) fn new(
        origin: Origin,
        common: Common,
        (provider, model): (ProviderId, String),
        work: Work,
    ) -> Result<Self, Fault> {
        bounds::end_user(&common.end_user)?;
        Ok(Self {
            id: origin.id,
            workspace: origin
                .caller
                .workspace
                .ok_or_else(keyway_chassis::access::denied)?,
            accessor: origin.caller.accessor,
            deadline: origin.deadline,
            provider,
            model,
            labels: bounds::labels(common.labels)?,
            end_user: common.end_user,
            request_id: bounds::request_id(common.request_id)?,
            mode: common.mode,
            work,
        })
    }
}

/// A name of the operator's, `provider/model`, or a bare name that the catalogue knows.
pub fn model(text: &str, catalogue: &Catalogue) -> Result<(ProviderId, String), Fault> {
    if text.is_empty() {
        return Err(Fault::field("model", "must be provider/model"));
    }
    fits("model", text)?;
    if let Some((provider, model)) = catalogue.aliases().find(text) {
        return Ok((provider, model.to_owned()));
    }
    if let Some((provider, model)) = text.split_once('/')
        && let Ok(provider) = provider.parse::<ProviderId>()
    {
        if model.is_empty() {
            return Err(Fault::field(
                "model",
                "must name a model after the provider",
            ));
        }
        return Ok((provider, model.to_owned()));
    }
    let provider = catalogue.bare(text).ok_or_else(|| {
        let message = "the catalogue does not know this model, or several providers have it; put \
                       anthropic/, exa/, google/, mistral/ or openai/ before it, as in openai/gpt-4.1";
        Fault::new(Reason::ModelUnknown, message).at_field("model")
    })?;
    Ok((provider, text.to_owned()))
}

/// Whether a name of a model is one, if there is one.
fn fits(field: &str, text: &str) -> Result<(), Fault> {
    if text.len() > MODEL || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Fault::field(
            field,
            "must be at most 160 visible ASCII characters",
        ));
    }
    Ok(())
}

/// The fault of a call that can't be written for its provider.
pub fn encode_fault(error: &EncodeError) -> Fault {
    let message = error.to_string();
    match error {
        EncodeError::Unsupported { field, .. } => {
            Fault::new(Reason::FieldUnsupported, message).at_field(*field)
        }
        EncodeError::Invalid { field, .. } => {
            Fault::new(Reason::FieldInvalid, message).at_field(*field)
        }
        EncodeError::OptionNotAllowed { .. } => {
            Fault::new(Reason::FieldInvalid, message).at_field("provider_options_json")
        }
        EncodeError::OptionNeedsOwnKey { .. } => {
            Fault::new(Reason::HostedStateForbidden, message).at_field("provider_options_json")
        }
        EncodeError::NeedsOwnKey { .. } => {
            Fault::new(Reason::HostedStateForbidden, message).at_field("body")
        }
        EncodeError::NotOffered { .. } => {
            Fault::new(Reason::FieldUnsupported, message).at_field("model")
        }
        _ => Fault::new(
            Reason::Internal,
            "the request could not be written for the provider",
        ),
    }
}

const MODEL: usize = 160;
