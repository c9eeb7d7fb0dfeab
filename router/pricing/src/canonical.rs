//! One spelling for one table, so that its hash names it.
//!
//! Rows by provider and model, keys in byte order, no white space, UTF-8: what Python's
//! `json.dumps(rows, sort_keys=True, separators=(",", ":"), ensure_ascii=False)` writes.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The canonical text of one value.
pub(crate) fn text(value: &Value) -> String {
    sorted(value).to_string()
}

/// SHA-256 of a text, as 64 hex digits.
pub(crate) fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let by_name: BTreeMap<&String, &Value> = fields.iter().collect();
            Value::Object(
                by_name
                    .into_iter()
                    .map(|(k, v)| (k.clone(), sorted(v)))
                    .collect(),
            )
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_order_and_white_space_do_not_change_the_text() {
        let left: Value =
            serde_json::from_str(r#"{"b": [1, {"z": null, "a": "é"}], "a": 2}"#).unwrap();
        assert_eq!(text(&left), r#"{"a":2,"b":[1,{"a":"é","z":null}]}"#);
    }
}
