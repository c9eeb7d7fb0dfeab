//! Embeddings. A vector follows from its text, has length one, and the provider's dimensions.

use serde_json::{Value, json};

use crate::count::{self, Counts};
use crate::embedding::{numbers, packed, vector};
use crate::openai::{Fault, NAME, known_fields, known_model};
use crate::reply::Reply;
use crate::request::Request;
use crate::script::Action;
use crate::{fixtures, models};

const FIELDS: [&str; 5] = ["model", "input", "dimensions", "encoding_format", "user"];
const MOST_INPUTS: usize = 2048;
const MOST_TOKENS: u64 = 8192;
const MOST_TOKENS_IN_ALL: u64 = 300_000;

pub(super) fn answer(request: &Request, action: &Action) -> Result<Reply, Fault> {
    known_fields(request, &FIELDS)?;
    known_model(request, "embedding", "/v1/embeddings")?;
    let inputs = inputs(&request.body["input"])?;
    let dimensions = dimensions(request)?;
    let format = request.body["encoding_format"].as_str().unwrap_or("float");
    if !["float", "base64"].contains(&format) {
        return Err(Fault::value(
            "encoding_format",
            format!("'{format}' is not one of ['float', 'base64']"),
        ));
    }
    let counted: u64 = inputs.iter().map(tokens).sum();
    let counts = Counts {
        input: counted * request.factor,
        ..Counts::default()
    };
    let counts = action.usage.unwrap_or(counts);
    let mut body = fixtures::json("openai/embeddings_float.response.json");
    let model = action
        .served_model
        .clone()
        .unwrap_or_else(|| request.model().to_owned());
    body["model"] = json!(model);
    let rows = inputs.iter().enumerate().map(|(index, input)| {
        let vector = vector(&input.to_string(), dimensions);
        let embedding = if format == "base64" {
            packed(&vector)
        } else {
            numbers(&vector)
        };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    });
    body["data"] = rows.collect();
    body["usage"] = json!({"prompt_tokens": counts.prompt(), "total_tokens": counts.prompt()});
    if action.no_usage {
        body["usage"].take();
        return Ok(Reply::like(
            request,
            "openai/embeddings_float.response",
            &body,
        ));
    }
    let reported = json!({"counts": counts, "served_model": model, "usage": body["usage"]});
    Ok(Reply::like(request, "openai/embeddings_float.response", &body).reporting(reported))
}

/// One text, several, one list of tokens, or several.
fn inputs(input: &Value) -> Result<Vec<Value>, Fault> {
    let inputs = match input {
        Value::Null => return Err(Fault::missing("input")),
        Value::Array(items) if items.iter().all(|item| item.is_string() || item.is_array()) => {
            items.clone()
        }
        other => vec![other.clone()],
    };
    let good = |input: &Value| match input {
        Value::String(text) => !text.is_empty(),
        Value::Array(tokens) => !tokens.is_empty() && tokens.iter().all(Value::is_u64),
        _ => false,
    };
    if inputs.is_empty() || inputs.len() > MOST_INPUTS || !inputs.iter().all(good) {
        let message = format!(
            "'input' must be 1 to {MOST_INPUTS} texts or lists of tokens, none of them empty"
        );
        return Err(Fault::value("input", message));
    }
    let all: u64 = inputs.iter().map(tokens).sum();
    if all > MOST_TOKENS_IN_ALL || inputs.iter().any(|input| tokens(input) > MOST_TOKENS) {
        let message =
            format!("an input has at most {MOST_TOKENS} tokens, a request {MOST_TOKENS_IN_ALL}");
        return Err(Fault::value("input", message));
    }
    Ok(inputs)
}

fn tokens(input: &Value) -> u64 {
    match input {
        Value::String(text) => count::text(text),
        other => other
            .as_array()
            .map_or(0, |tokens| u64::try_from(tokens.len()).unwrap_or(u64::MAX)),
    }
}

fn dimensions(request: &Request) -> Result<usize, Fault> {
    let most = models::find(NAME, request.model())
        .and_then(|model| model.dimensions)
        .unwrap_or(1536);
    let wanted = &request.body["dimensions"];
    if wanted.is_null() {
        return Ok(most);
    }
    if !request.model().starts_with("text-embedding-3-") {
        return Err(Fault::value(
            "dimensions",
            "This model does not support specifying dimensions.",
        ));
    }
    let wanted = wanted
        .as_u64()
        .and_then(|wanted| usize::try_from(wanted).ok());
    let fits = wanted.filter(|wanted| (1..=most).contains(wanted));
    fits.ok_or_else(|| Fault::value("dimensions", format!("'dimensions' must be 1 to {most}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::openai;

    fn reply(body: &str) -> Result<Value, Fault> {
        let request = openai("/v1/embeddings", body);
        let reply = answer(&request, &Action::default())?;
        Ok(serde_json::from_slice(&reply.body()).unwrap())
    }

    #[test]
    fn vectors_follow_from_the_text_and_have_length_one() {
        let body = reply(r#"{"model":"text-embedding-3-small","input":["hello","hello","other"]}"#)
            .unwrap();
        let vectors = body["data"].as_array().unwrap();
        assert_eq!(vectors[0]["embedding"], vectors[1]["embedding"]);
        assert_ne!(vectors[0]["embedding"], vectors[2]["embedding"]);
        assert_eq!(vectors[0]["embedding"].as_array().unwrap().len(), 1536);
        let squares = vector("x", 256).iter().map(|x| x * x).sum::<f32>();
        assert!((squares - 1.0).abs() < 0.001);
        assert_eq!(
            body["usage"],
            json!({"prompt_tokens": 6, "total_tokens": 6})
        );
    }

    #[test]
    fn what_is_documented_as_refused_is_refused() {
        for (body, param) in [
            (r#"{"model":"text-embedding-3-small"}"#, "input"),
            (r#"{"model":"text-embedding-3-small","input":""}"#, "input"),
            (r#"{"model":"text-embedding-3-small","input":[]}"#, "input"),
            (
                r#"{"model":"text-embedding-3-small","input":["a",""]}"#,
                "input",
            ),
            (
                r#"{"model":"text-embedding-ada-002","input":"a","dimensions":4}"#,
                "dimensions",
            ),
            (
                r#"{"model":"text-embedding-3-small","input":"a","dimensions":1537}"#,
                "dimensions",
            ),
            (
                r#"{"model":"text-embedding-3-small","input":"a","encoding_format":"hex"}"#,
                "encoding_format",
            ),
            (r#"{"model":"gpt-4o","input":"a"}"#, "model"),
            (r#"{"input":"a"}"#, "model"),
        ] {
            assert_eq!(reply(body).unwrap_err().param, Some(param), "{body}");
        }
        assert!(reply(r#"{"model":"text-embedding-3-small","input":[1,2,3]}"#).is_ok());
        assert!(
            reply(r#"{"model":"text-embedding-3-small","input":"a","temperature":1}"#).is_err()
        );
    }
}
