//! Embeddings as a list of `{index, embedding}`, as `OpenAI` and Mistral answer.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::wire::DecodeError;

/// One row of the list.
#[derive(Deserialize)]
pub(crate) struct Embedding {
    index: usize,
    embedding: Vector,
}

/// Compatible servers answer with numbers whatever was asked for.
#[derive(Deserialize)]
#[serde(untagged)]
enum Vector {
    Base64(String),
    Numbers(Vec<f32>),
}

/// The vectors in the order of so many inputs: one for each, and no other.
pub(crate) fn in_order(data: Vec<Embedding>, inputs: usize) -> Result<Vec<Vec<f32>>, DecodeError> {
    let wrong = DecodeError::Malformed {
        what: "not one embedding per input",
    };
    let mut places = vec![None; inputs];
    for Embedding { index, embedding } in data {
        let place = places.get_mut(index).filter(|place| place.is_none());
        *place.ok_or_else(|| wrong.clone())? = Some(vector(embedding)?);
    }
    places.into_iter().collect::<Option<Vec<_>>>().ok_or(wrong)
}

fn vector(embedding: Vector) -> Result<Vec<f32>, DecodeError> {
    let malformed = DecodeError::Malformed {
        what: "an embedding is not a list of numbers",
    };
    let values = match embedding {
        Vector::Numbers(values) => values,
        Vector::Base64(text) => {
            let bytes = STANDARD
                .decode(text)
                .map_err(|_no_base64| malformed.clone())?;
            let (values, rest) = bytes.as_chunks::<4>();
            if !rest.is_empty() {
                return Err(malformed);
            }
            values.iter().copied().map(f32::from_le_bytes).collect()
        }
    };
    if values.is_empty() || !values.iter().all(|value| value.is_finite()) {
        return Err(malformed);
    }
    Ok(values)
}
