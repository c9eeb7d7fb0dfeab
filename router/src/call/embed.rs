//! Embedding requests.

use keyway_proto::Fault;
use keyway_proto::router::v1 as wire;
use keyway_router_pricing::Catalogue;
use keyway_router_providers::embed::EmbedCall;

use super::{Call, Common, Origin, Work, bounds, chat, model};

impl Call {
    /// Parses an embedding request.
    pub fn embed(
        origin: Origin,
        request: wire::EmbedRequest,
        catalogue: &Catalogue,
    ) -> Result<Self, Fault> {
        let (provider, model) = model(&request.model, catalogue)?;
        let mode = request.credential_mode();
        let call = EmbedCall {
            model: model.clone(),
            inputs: inputs(request.inputs)?,
            dimensions: chat::positive("dimensions", request.dimensions)?,
            end_user: bounds::given(request.end_user.clone()),
            provider_options: bounds::options(&request.provider_options_json)?,
            hosted: false,
        };
        let common = Common {
            labels: request.labels,
            end_user: request.end_user,
            request_id: request.request_id,
            mode,
        };
        Self::new(origin, common, (provider, model), Work::Embed(call))
    }
}

fn inputs(inputs: Vec<String>) -> Result<Vec<String>, Fault> {
    if inputs.is_empty() || inputs.len() > MOST_INPUTS {
        return Err(Fault::field("inputs", "must be 1 to 2048"));
    }
    if let Some(at) = inputs.iter().position(String::is_empty) {
        return Err(Fault::field(format!("inputs[{at}]"), "must not be empty"));
    }
    Ok(inputs)
}

const MOST_INPUTS: usize = 2_048;
