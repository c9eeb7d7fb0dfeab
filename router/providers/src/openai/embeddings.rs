//! Embeddings. Base64 is asked for: it is exact and a third of the size.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::error::{ErrorObject, within_answer};
use super::{rules, usage};
use crate::embed::{EmbedBatch, EmbedCall, EmbedReply};
use crate::embedding_list::{Embedding, in_order};
use crate::json::ProviderOptions;
use crate::metered::Metered;
use crate::options;
use crate::wire::{DecodeError, EncodeError, WireRequest};

/// Most texts in one request.
const MAX_INPUTS: usize = 2_048;

/// What one request may hold. Base64 takes 16 bytes for three numbers.
pub(super) const BATCH: EmbedBatch = EmbedBatch {
    inputs: MAX_INPUTS,
    text_bytes: 300_000,
    number_bytes: 6,
};

#[derive(Serialize)]
struct Body<'c> {
    model: &'c str,
    input: Input<'c>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
    encoding_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'c str>,
    #[serde(flatten)]
    options: &'c ProviderOptions,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Input<'c> {
    One(&'c str),
    Several(&'c [String]),
}

/// Writes the request.
pub(super) fn request(call: &EmbedCall) -> Result<WireRequest, EncodeError> {
    check(call)?;
    options::check(
        &call.provider_options,
        &rules::EMBEDDING_OPTIONS,
        call.hosted,
    )?;
    let input = match call.inputs.as_slice() {
        [one] => Input::One(one),
        several => Input::Several(several),
    };
    let body = Body {
        model: &call.model,
        input,
        dimensions: call.dimensions,
        encoding_format: "base64",
        user: call.end_user.as_deref(),
        options: &call.provider_options,
    };
    WireRequest::post("/embeddings", &body)
}

fn check(call: &EmbedCall) -> Result<(), EncodeError> {
    if !(1..=MAX_INPUTS).contains(&call.inputs.len()) {
        return Err(EncodeError::Invalid {
            field: "inputs",
            accepted: "1 to 2048 texts",
        });
    }
    if call.inputs.iter().any(String::is_empty) {
        return Err(EncodeError::Invalid {
            field: "inputs",
            accepted: "texts that are not empty",
        });
    }
    if call.dimensions == Some(0) {
        return Err(EncodeError::Invalid {
            field: "dimensions",
            accepted: "at least 1",
        });
    }
    if call.dimensions.is_some() && call.model.starts_with("text-embedding-ada-") {
        let why = "the length of this model's vectors is fixed";
        return Err(EncodeError::Unsupported {
            field: "dimensions",
            why,
        });
    }
    rules::end_user(call.end_user.as_deref())
}

#[derive(Deserialize)]
struct Embeddings {
    #[serde(default)]
    error: Option<ErrorObject>,
    #[serde(default)]
    data: Vec<Embedding>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<Box<RawValue>>,
}

/// Reads the answer for so many inputs and restores their order.
pub(super) fn reply(body: &[u8], inputs: usize) -> Result<EmbedReply, DecodeError> {
    let answer: Embeddings =
        serde_json::from_slice(body).map_err(|_unparsable| DecodeError::Malformed {
            what: "not a list of embeddings",
        })?;
    if let Some(error) = answer.error {
        return Err(within_answer(error));
    }
    let mut metered = Metered {
        served_model: answer.model,
        ..Metered::default()
    };
    if let Some(report) = &answer.usage {
        usage::read(report, &mut metered);
    }
    Ok(EmbedReply {
        vectors: in_order(answer.data, inputs)?,
        metered,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors(data: &str, inputs: usize) -> Result<Vec<Vec<f32>>, DecodeError> {
        reply(format!(r#"{{"data":[{data}]}}"#).as_bytes(), inputs).map(|reply| reply.vectors)
    }

    #[test]
    fn the_order_of_the_inputs_is_restored() {
        let data = r#"{"index":1,"embedding":[2.0]},{"index":0,"embedding":"AACAPw=="}"#;
        assert_eq!(vectors(data, 2).unwrap(), [[1.0], [2.0]]);
    }

    #[test]
    fn an_answer_that_is_not_one_vector_per_input_is_malformed() {
        for (data, inputs) in [
            (r#"{"index":0,"embedding":[1]}"#, 2),
            (
                r#"{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}"#,
                2,
            ),
            (r#"{"index":1,"embedding":[1]}"#, 1),
            (r#"{"index":0,"embedding":[]}"#, 1),
            (r#"{"index":0,"embedding":"AACA"}"#, 1),
            (r#"{"index":0,"embedding":"AADAfw=="}"#, 1),
            (r#"{"index":0,"embedding":"?"}"#, 1),
        ] {
            assert!(
                matches!(vectors(data, inputs), Err(DecodeError::Malformed { .. })),
                "{data}"
            );
        }
    }

    #[test]
    fn documented_bounds_are_checked() {
        let call = |count| EmbedCall {
            model: "text-embedding-3-small".into(),
            inputs: vec!["x".into(); count],
            ..EmbedCall::default()
        };
        assert!(request(&call(2_048)).is_ok());
        for call in [
            call(0),
            call(2_049),
            EmbedCall {
                inputs: vec![String::new()],
                ..call(1)
            },
            EmbedCall {
                dimensions: Some(0),
                ..call(1)
            },
            EmbedCall {
                dimensions: Some(8),
                model: "text-embedding-ada-002".into(),
                ..call(1)
            },
        ] {
            assert!(request(&call).is_err());
        }
    }
}
