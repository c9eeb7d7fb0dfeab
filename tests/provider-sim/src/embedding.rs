//! Vectors, alike for all providers.

use base64::Engine as _;
use serde_json::{Number, Value, json};
use sha2::{Digest as _, Sha256};

/// The vector of a text: it follows from the text alone, and has length one.
pub(crate) fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let blocks = (0_u32..).map(|block| {
        Sha256::new()
            .chain_update(text)
            .chain_update(block.to_le_bytes())
            .finalize()
    });
    let bytes = blocks.flatten().take(dimensions * 2).collect::<Vec<u8>>();
    let raw = bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| f32::from(i16::from_le_bytes(*pair)) + 0.5);
    let raw: Vec<f32> = raw.collect();
    let length = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
    raw.into_iter().map(|x| x / length).collect()
}

/// A vector as base64 of little-endian floats.
pub(crate) fn packed(vector: &[f32]) -> Value {
    let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    json!(base64::engine::general_purpose::STANDARD.encode(bytes))
}

/// A vector as a list of numbers.
pub(crate) fn numbers(vector: &[f32]) -> Value {
    vector
        .iter()
        .map(|x| Number::from_f64(f64::from(*x)).map_or(Value::Null, Value::Number))
        .collect()
}
