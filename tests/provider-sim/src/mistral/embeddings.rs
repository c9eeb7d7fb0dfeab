//! Embeddings, as floats and, on models made for code, in fewer dimensions and smaller numbers.

use base64::Engine as _;
use serde_json::{Value, json};

use crate::count::{self, Counts};
use crate::embedding::{numbers, packed, vector};
use crate::mistral::{Fault, NAME, known_fields, known_model};
use crate::reply::Reply;
use crate::request::Request;
use crate::script::Action;
use crate::{fixtures, models};

const FIELDS: [&str; 6] = [
    "model",
    "input",
    "output_dimension",
    "output_dtype",
    "encoding_format",
    "metadata",
];
const TYPES: [&str; 5] = ["float", "int8", "uint8", "binary", "ubinary"];
const MOST_TOKENS: u64 = 8192;
const MOST_TOKENS_IN_ALL: u64 = 16_384;
const MOST_DIMENSIONS: usize = 3072;

pub(super) fn answer(request: &Request, action: &Action) -> Result<Reply, Fault> {
    known_fields(&request.body, &FIELDS, "")?;
    known_model(request, "embedding")?;
    let inputs = inputs(&request.body["input"])?;
    let dimensions = dimensions(request)?;
    let kind = word(request, "output_dtype", &TYPES)?;
    let format = word(request, "encoding_format", &["float", "base64"])?;
    let counted: u64 = inputs.iter().map(|input| count::text(input)).sum();
    let counts = action.usage.unwrap_or(Counts {
        input: counted * request.factor,
        ..Counts::default()
    });
    let mut body = fixtures::json("mistral/embeddings_float.response.json");
    body["id"] = json!(format!("{:032x}", request.number));
    let model = action.served_model.as_deref().unwrap_or(request.model());
    body["model"] = json!(model);
    let rows = inputs.iter().enumerate().map(|(index, input)| {
        // The rule is the same as for OpenAI, with other vectors.
        let vector = vector(&format!("{NAME} {input}"), dimensions);
        json!({"object": "embedding", "embedding": written(&vector, kind, format), "index": index})
    });
    body["data"] = rows.collect();
    body["usage"] = json!({"prompt_tokens": counts.prompt(), "total_tokens": counts.prompt(), "completion_tokens": 0});
    let reported = json!({"counts": counts, "served_model": model, "usage": body["usage"]});
    if action.no_usage {
        body["usage"].take();
        return Ok(Reply::like(
            request,
            "mistral/embeddings_float.response",
            &body,
        ));
    }
    Ok(Reply::like(request, "mistral/embeddings_float.response", &body).reporting(reported))
}

/// One text, or several.
fn inputs(input: &Value) -> Result<Vec<String>, Fault> {
    let texts: Option<Vec<String>> = match input {
        Value::Null => return Err(Fault::missing("input")),
        Value::String(one) => Some(vec![one.clone()]),
        other => other.as_array().and_then(|all| {
            all.iter()
                .map(|text| text.as_str().map(str::to_owned))
                .collect()
        }),
    };
    let texts = texts.filter(|texts| !texts.is_empty() && !texts.iter().any(String::is_empty));
    let Some(texts) = texts else {
        let message = "Input should be a valid string or a list of strings, none of them empty";
        return Err(Fault::field("string_type", "input", message));
    };
    let too_many = |message: &str| Err(Fault::refused("invalid_request_error", "3210", message));
    if texts.iter().any(|text| count::text(text) > MOST_TOKENS) {
        return too_many("Input has too many tokens, exceeding max 8192 tokens.");
    }
    if texts.iter().map(|text| count::text(text)).sum::<u64>() > MOST_TOKENS_IN_ALL {
        return too_many("Too many tokens overall, split into more batches.");
    }
    Ok(texts)
}

fn dimensions(request: &Request) -> Result<usize, Fault> {
    let own = models::find(NAME, request.model())
        .and_then(|model| model.dimensions)
        .unwrap_or(1024);
    let wanted = &request.body["output_dimension"];
    if wanted.is_null() {
        return Ok(own);
    }
    let fixed = !request.model().starts_with("codestral-embed");
    let fits = wanted
        .as_u64()
        .and_then(|wanted| usize::try_from(wanted).ok())
        .filter(|wanted| !fixed && (1..=MOST_DIMENSIONS).contains(wanted));
    let message = "This model does not support the output_dimension parameter with this value.";
    fits.ok_or_else(|| Fault::refused("invalid_request_error", "3051", message))
}

/// A field with one of these words; without it the first.
fn word<'r>(request: &'r Request, field: &str, words: &[&'r str]) -> Result<&'r str, Fault> {
    let first = words.first().copied().unwrap_or_default();
    match &request.body[field] {
        Value::Null => Ok(first),
        Value::String(word) if words.contains(&word.as_str()) => Ok(word),
        _ => Err(Fault::field(
            "enum",
            field,
            format!("Input should be one of {words:?}"),
        )),
    }
}

fn written(vector: &[f32], kind: &str, format: &str) -> Value {
    if kind == "float" {
        return if format == "base64" {
            packed(vector)
        } else {
            numbers(vector)
        };
    }
    let bytes = small(vector, kind);
    if format == "base64" {
        return json!(base64::engine::general_purpose::STANDARD.encode(bytes));
    }
    let signed = kind == "int8" || kind == "binary";
    let number = |byte: u8| {
        if signed {
            json!(byte.cast_signed())
        } else {
            json!(byte)
        }
    };
    bytes.into_iter().map(number).collect()
}

/// One byte for each number, or for eight signs.
fn small(vector: &[f32], kind: &str) -> Vec<u8> {
    let offset: u8 = if kind == "uint8" || kind == "binary" {
        128
    } else {
        0
    };
    let bytes: Vec<u8> = if kind.ends_with("binary") {
        let bit = |byte: u8, x: &f32| (byte << 1) | u8::from(*x > 0.0);
        vector
            .chunks(8)
            .map(|eight| eight.iter().fold(0, bit))
            .collect()
    } else {
        // 127 stands for one; a length of one keeps every number within.
        let scaled = vector.iter().map(|x| format!("{:.0}", x * 127.0));
        scaled
            .map(|text| text.parse::<i8>().unwrap_or(0).cast_unsigned())
            .collect()
    };
    bytes
        .into_iter()
        .map(|byte| byte.wrapping_add(offset))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Provider;
    use crate::request::tests::of;

    fn reply(body: &Value) -> Result<Value, Fault> {
        let request = of(Provider::Mistral, "/v1/embeddings", &body.to_string());
        let reply = answer(&request, &Action::default())?;
        Ok(serde_json::from_slice(&reply.body()).unwrap())
    }

    #[test]
    fn vectors_have_the_dimensions_and_the_type_asked_for() {
        for name in ["float", "int8"] {
            let body = fixtures::json(&format!("mistral/embeddings_{name}.request.json"));
            assert!(reply(&body).is_ok(), "{name}");
        }
        let body = reply(&json!({"model": "mistral-embed", "input": ["hello", "other"]})).unwrap();
        assert_eq!(body["data"][1]["embedding"].as_array().unwrap().len(), 1024);
        assert_eq!(body["usage"]["prompt_tokens"], 4);
        for (kind, length) in [("int8", 16), ("uint8", 16), ("binary", 2), ("ubinary", 2)] {
            let body = json!({"model": "codestral-embed", "input": "x", "output_dimension": 16, "output_dtype": kind});
            let body = reply(&body).unwrap();
            assert_eq!(
                body["data"][0]["embedding"].as_array().unwrap().len(),
                length,
                "{kind}"
            );
        }
    }

    #[test]
    fn what_is_documented_as_refused_is_refused() {
        for body in [
            json!({"model": "mistral-embed"}),
            json!({"model": "mistral-embed", "input": ""}),
            json!({"model": "mistral-embed", "input": []}),
            json!({"model": "mistral-embed", "input": "a", "dimensions": 4}),
            json!({"model": "mistral-embed", "input": "a", "output_dimension": 4}),
            json!({"model": "codestral-embed", "input": "a", "output_dtype": "int4"}),
            json!({"model": "mistral-small-latest", "input": "a"}),
            json!({"model": "mistral-embed", "input": vec!["a".repeat(32_000); 3]}),
        ] {
            assert!(reply(&body).is_err(), "{body:.80}");
        }
    }
}
