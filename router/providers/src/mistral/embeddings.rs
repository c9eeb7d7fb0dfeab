//! Embeddings. The length of the vectors is `output_dimension` here.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::{ErrorObject, within_answer};
use super::usage;
use crate::embed::{EmbedBatch, EmbedCall, EmbedReply};
use crate::embedding_list::{Embedding, in_order};
use crate::json::ProviderOptions;
use crate::metered::Metered;
use crate::options::{self, Rules};
use crate::wire::{DecodeError, EncodeError, WireRequest};

/// Options of embeddings. Base64 would come in the format of the data type that is asked for.
const OPTIONS: Rules = Rules {
    taken: &["output_dimension", "encoding_format"],
    hosted: &["output_dtype"],
};

/// What one request may hold: 16 000 tokens. Numbers come as text.
pub(super) const BATCH: EmbedBatch = EmbedBatch {
    inputs: 2_048,
    text_bytes: 16_000,
    number_bytes: 24,
};

#[derive(Serialize)]
struct Body<'c> {
    model: &'c str,
    input: &'c [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimension: Option<u32>,
    #[serde(flatten)]
    options: &'c ProviderOptions,
}

/// Writes the request.
pub(super) fn request(call: &EmbedCall) -> Result<WireRequest, EncodeError> {
    if call.inputs.is_empty() || call.inputs.iter().any(String::is_empty) {
        return Err(EncodeError::Invalid {
            field: "inputs",
            accepted: "at least one text, and none that is empty",
        });
    }
    if call.dimensions == Some(0) {
        return Err(EncodeError::Invalid {
            field: "dimensions",
            accepted: "at least 1",
        });
    }
    if call.dimensions.is_some() && call.model.starts_with("mistral-embed") {
        return Err(EncodeError::Unsupported {
            field: "dimensions",
            why: "the length of this model's vectors is fixed",
        });
    }
    options::check(&call.provider_options, &OPTIONS, call.hosted)?;
    let body = Body {
        model: &call.model,
        input: &call.inputs,
        output_dimension: call.dimensions,
        options: &call.provider_options,
    };
    WireRequest::post("/v1/embeddings", &body)
}

#[derive(Deserialize)]
struct Embeddings {
    #[serde(default)]
    data: Option<Vec<Embedding>>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<Box<RawValue>>,
}

/// Reads the answer for so many inputs and restores their order.
pub(super) fn reply(body: &[u8], inputs: usize) -> Result<EmbedReply, DecodeError> {
    let malformed = DecodeError::Malformed {
        what: "not a list of embeddings",
    };
    let answer: Embeddings =
        serde_json::from_slice(body).map_err(|_unparsable| malformed.clone())?;
    let Some(data) = answer.data else {
        return Err(ErrorObject::read(body).map_or(malformed, within_answer));
    };
    let mut metered = Metered {
        served_model: answer.model,
        ..Metered::default()
    };
    if let Some(report) = &answer.usage {
        usage::read(report, &mut metered);
    }
    Ok(EmbedReply {
        vectors: in_order(data, inputs)?,
        metered,
    })
}
