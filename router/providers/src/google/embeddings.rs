//! Embeddings, always by the batch method, as the provider's own SDK does.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::{ErrorObject, within_answer};
use super::{path, usage};
use crate::embed::{EmbedBatch, EmbedCall, EmbedReply};
use crate::json::ProviderOptions;
use crate::metered::Metered;
use crate::options::{self, Rules};
use crate::wire::{DecodeError, EncodeError, WireRequest};

/// Most texts in one request.
const MAX_INPUTS: usize = 100;

/// What one request may hold: 2048 tokens of each text. Numbers come as text.
pub(super) const BATCH: EmbedBatch = EmbedBatch {
    inputs: MAX_INPUTS,
    text_bytes: MAX_INPUTS * 2_048,
    number_bytes: 24,
};

/// Options of each row.
const OPTIONS: Rules = Rules {
    taken: &[
        "content",
        "requests",
        "outputDimensionality",
        "output_dimensionality",
        "embedContentConfig",
        "embed_content_config",
    ],
    hosted: &["taskType", "title"],
};

#[derive(Serialize)]
struct Body<'c> {
    requests: Vec<Row<'c>>,
}

/// The provider wants the model again in every row.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'c> {
    model: &'c str,
    content: Content<'c>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimensionality: Option<u32>,
    #[serde(flatten)]
    options: &'c ProviderOptions,
}

#[derive(Serialize)]
struct Content<'c> {
    parts: [Part<'c>; 1],
}

#[derive(Serialize)]
struct Part<'c> {
    text: &'c str,
}

/// Writes the request.
pub(super) fn request(call: &EmbedCall) -> Result<WireRequest, EncodeError> {
    let invalid = |field, accepted| Err(EncodeError::Invalid { field, accepted });
    if !(1..=MAX_INPUTS).contains(&call.inputs.len()) {
        return invalid("inputs", "1 to 100 texts with this provider");
    }
    if call.inputs.iter().any(String::is_empty) {
        return invalid("inputs", "texts that are not empty");
    }
    if call.dimensions == Some(0) {
        return invalid("dimensions", "at least 1");
    }
    options::check(&call.provider_options, &OPTIONS, call.hosted)?;
    let path = path(&call.model, "batchEmbedContents")?;
    let model = format!("models/{}", call.model);
    let row = |text| Row {
        model: &model,
        content: Content {
            parts: [Part { text }],
        },
        output_dimensionality: call.dimensions,
        options: &call.provider_options,
    };
    let requests = call.inputs.iter().map(|text| row(text.as_str())).collect();
    WireRequest::post(&path, &Body { requests })
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Answer {
    error: Option<ErrorObject>,
    embeddings: Option<Vec<Embedding>>,
    embedding: Option<Embedding>,
    usage_metadata: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Embedding {
    values: Vec<f32>,
}

/// Reads the answer for so many inputs. The order is that of the inputs; most models report no
/// usage, which is then not known.
pub(super) fn reply(body: &[u8], inputs: usize) -> Result<EmbedReply, DecodeError> {
    let malformed = |what| DecodeError::Malformed { what };
    let is_object = body.trim_ascii_start().starts_with(b"{");
    let answer: Answer = serde_json::from_slice(body)
        .ok()
        .filter(|_answer| is_object)
        .ok_or_else(|| malformed("not a list of embeddings"))?;
    if let Some(error) = answer.error {
        return Err(within_answer(error));
    }
    let one = answer.embedding.map(|one| vec![one]);
    let rows = answer
        .embeddings
        .or(one)
        .ok_or_else(|| malformed("not a list of embeddings"))?;
    let mut metered = Metered::default();
    if let Some(report) = &answer.usage_metadata {
        usage::read(report, &mut metered);
        metered.complete = metered.usage.is_some();
    }
    let vectors: Vec<Vec<f32>> = rows.into_iter().map(|row| row.values).collect();
    let is_vector =
        |vector: &Vec<f32>| !vector.is_empty() && vector.iter().all(|value| value.is_finite());
    if vectors.len() != inputs || !vectors.iter().all(is_vector) {
        return Err(malformed("not one embedding per input"));
    }
    Ok(EmbedReply { vectors, metered })
}
