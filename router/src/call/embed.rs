//! Embedding requests.

use keyway_proto::Fault;
use keyway_proto::convert::known;
use keyway_proto::router::v1 as wire;
use keyway_router_pricing::{Catalogue, Model};
use keyway_router_providers::embed::EmbedCall;
use keyway_router_providers::{Adapter, registry};
use keyway_words::ProviderId;

use super::{Call, Common, EmbedParts, Origin, Work, bounds, chat, model};

impl Call {
    /// Parses an embedding request that is answered whole.
    pub fn embed(
        origin: Origin,
        request: wire::EmbedRequest,
        catalogue: &Catalogue,
    ) -> Result<Self, Fault> {
        let parsed = Parsed::new(request, MOST_INPUTS, catalogue)?;
        parsed.fits(REPLY, "4 MiB", &format!("use {STREAM_EMBED}, or "))?;
        let work = Work::Embed(parsed.call);
        Self::new(origin, parsed.common, parsed.model, work)
    }

    /// Parses an embedding request that is answered in pieces, one provider request after another.
    pub fn stream_embed(
        origin: Origin,
        request: wire::EmbedRequest,
        catalogue: &Catalogue,
    ) -> Result<Self, Fault> {
        let parsed = Parsed::new(request, MOST_STREAMED, catalogue)?;
        Self::parts(origin, parsed)
    }

    /// Parses an embedding request that is answered by one list of JSON.
    pub fn embed_list(
        origin: Origin,
        request: wire::EmbedRequest,
        catalogue: &Catalogue,
    ) -> Result<Self, Fault> {
        let parsed = Parsed::new(request, MOST_INPUTS, catalogue)?;
        parsed.fits(LIST, "32 MiB", "")?;
        Self::parts(origin, parsed)
    }

    fn parts(origin: Origin, parsed: Parsed) -> Result<Self, Fault> {
        let batch = registry::adapter(parsed.model.0).and_then(Adapter::embed_batch);
        let work = match batch {
            Some(batch) => {
                Work::StreamEmbed(EmbedParts::cut(parsed.call, batch, parsed.dimensions))
            }
            // The adapter says that it offers none.
            None => Work::Embed(parsed.call),
        };
        Self::new(origin, parsed.common, parsed.model, work)
    }
}

/// An embedding request whose fields are good.
struct Parsed {
    call: EmbedCall,
    common: Common,
    model: (ProviderId, String),
    /// Length of the vectors, as far as it is known.
    dimensions: Option<u64>,
}

impl Parsed {
    fn new(request: wire::EmbedRequest, most: usize, catalogue: &Catalogue) -> Result<Self, Fault> {
        let (provider, model) = model(&request.model, catalogue)?;
        let mode = known("credential_mode", request.credential_mode)?;
        let call = EmbedCall {
            model: model.clone(),
            inputs: inputs(request.inputs, most)?,
            dimensions: chat::positive("dimensions", request.dimensions)?,
            end_user: bounds::given(request.end_user.clone()),
            provider_options: bounds::options(&request.provider_options_json)?,
            hosted: false,
        };
        let dimensions = call.dimensions.map(u64::from).or_else(|| {
            let found = catalogue.find(provider, &model);
            found.and_then(Model::dimensions)
        });
        let common = Common {
            labels: request.labels,
            end_user: request.end_user,
            request_id: request.request_id,
            mode,
        };
        Ok(Self {
            call,
            common,
            model: (provider, model),
            dimensions,
        })
    }

    /// Refuses at once what would be paid for and not fit into the reply.
    fn fits(&self, reply: u64, size: &str, remedy: &str) -> Result<(), Fault> {
        let Some(vector) = self.dimensions.map(|length| length.saturating_mul(NUMBER)) else {
            return Ok(());
        };
        let most = reply / vector.max(1);
        let count = u64::try_from(self.call.inputs.len()).unwrap_or(u64::MAX);
        if count <= most {
            return Ok(());
        }
        Err(Fault::field(
            "inputs",
            format!(
                "the vectors would be larger than one reply of {size}; {remedy}send at most {most} texts"
            ),
        ))
    }
}

fn inputs(inputs: Vec<String>, most: usize) -> Result<Vec<String>, Fault> {
    if inputs.is_empty() || inputs.len() > most {
        let more = if most < MOST_STREAMED {
            format!("; {STREAM_EMBED} takes up to {MOST_STREAMED}")
        } else {
            String::new()
        };
        return Err(Fault::field("inputs", format!("must be 1 to {most}{more}")));
    }
    if let Some(at) = inputs.iter().position(String::is_empty) {
        return Err(Fault::field(format!("inputs[{at}]"), "must not be empty"));
    }
    Ok(inputs)
}

/// The RPC for what does not fit into one reply.
pub(crate) const STREAM_EMBED: &str = "keyway.router.v1.ExecutionService/StreamEmbed";
const MOST_INPUTS: usize = 2_048;
const MOST_STREAMED: usize = 65_536;
/// Bytes of a number on the wire.
const NUMBER: u64 = 4;
/// Bytes of the numbers in one reply: 4 MiB, and room for what stands beside them.
const REPLY: u64 = (4 << 20) - (64 << 10);
/// Bytes of the numbers in one list, which is larger as text.
const LIST: u64 = 32 << 20;
