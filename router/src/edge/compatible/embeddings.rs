//! Embeddings in `OpenAI`'s shape. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyway_proto::Fault;
use keyway_proto::router::v1 as wire;
use serde_json::{Map, Value, json};

use super::common::{self, Own};
use super::completions::write::usage;
use super::fields::{self, Object};
use super::receipt;

/// How vectors are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// A list of numbers.
    Float,
    /// Base64 of 32-bit floats, little-endian.
    Base64,
}

/// Reads a request; `request_id` stood in a header.
pub(super) fn request(
    body: &[u8],
    request_id: String,
) -> Result<(wire::EmbedRequest, Encoding), Fault> {
    let mut body = Object::body(body)?;
    let mut own = Own::take(&mut body)?;
    if let Some(budget) = own.rest.take("reasoning_budget_tokens") {
        return Err(budget.unsupported("embeddings do not reason"));
    }
    own.rest.end()?;
    let encoding = match body.take("encoding_format") {
        None => Encoding::Float,
        Some(format) => match format.text()?.as_str() {
            "float" => Encoding::Float,
            "base64" => Encoding::Base64,
            _ => return Err(format.must_be("float or base64")),
        },
    };
    let request = wire::EmbedRequest {
        model: body.must("model")?.text()?,
        inputs: inputs(&mut body)?,
        dimensions: body.number("dimensions")?,
        labels: common::labels(body.take("metadata"))?,
        end_user: common::end_user(&mut body)?,
        request_id,
        provider_options_json: own.provider_options_json,
        credential_mode: own.credential_mode.into(),
    };
    body.end()?;
    Ok((request, encoding))
}

fn inputs(body: &mut Object<'_>) -> Result<Vec<String>, Fault> {
    let input = body.must("input")?;
    if input.is_text() {
        return Ok(vec![input.text()?]);
    }
    let why = "tokens are one provider's; send the text \
               (langchain: check_embedding_ctx_length=False)";
    let element = |element: fields::Value<'_>| {
        if element.is_number() || element.json().starts_with('[') {
            return Err(element.unsupported(why));
        }
        element.text()
    };
    input.list()?.into_iter().map(element).collect()
}

/// A list of vectors while it is written.
#[derive(Debug)]
pub(super) struct List {
    encoding: Encoding,
    json: String,
    count: usize,
}

impl List {
    pub(super) fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            json: "{\"object\":\"list\",\"data\":[".to_owned(),
            count: 0,
        }
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.json.len()
    }

    /// One more vector.
    pub(super) fn push(&mut self, vector: &[f32]) {
        let embedding = match self.encoding {
            Encoding::Float => serde_json::to_string(vector).unwrap_or_default(),
            Encoding::Base64 => {
                let bytes = vector.iter().flat_map(|number| number.to_le_bytes());
                format!("\"{}\"", STANDARD.encode(bytes.collect::<Vec<u8>>()))
            }
        };
        let comma = if self.count == 0 { "" } else { "," };
        let index = self.count;
        self.json.push_str(comma);
        self.json.push_str("{\"object\":\"embedding\",\"index\":");
        self.json.push_str(&index.to_string());
        self.json.push_str(",\"embedding\":");
        self.json.push_str(&embedding);
        self.json.push('}');
        self.count = index.saturating_add(1);
    }

    /// The whole answer.
    pub(super) fn end(mut self, model: &str, receipt: &wire::Receipt) -> String {
        let mut rest = Map::new();
        rest.insert("model".to_owned(), model.into());
        if let Some(usage) = usage(receipt) {
            rest.insert("usage".to_owned(), usage);
        }
        let own = json!({"receipt": receipt::receipt(receipt)});
        rest.insert("keyway".to_owned(), own);
        let rest = Value::Object(rest).to_string();
        self.json.push_str("],");
        self.json
            .push_str(rest.strip_prefix('{').unwrap_or_default());
        self.json
    }
}
