//! Thought signatures: what a call of a tool carries, and what must come back with it.
//!
//! A signature is bound to the model, the name and the arguments of its call, so one that comes back
//! on another part, or at another model, is refused as the provider does.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::google::Fault;

/// Signatures of the authored fixtures start with it.
const AUTHORED: &[u8] = b"opaque-thought-signature-";
const OURS: &str = "sim-thought-";
/// What the provider documents for calls that another model made.
const SKIPS: [&str; 2] = [
    "skip_thought_signature_validator",
    "context_engineering_is_the_way_to_go",
];

/// Whether a model demands its signatures back: from the third generation on.
pub(super) fn demanded(model: &str) -> bool {
    let rest = model.strip_prefix("gemini-");
    let generation = rest.and_then(|rest| rest.split(['.', '-']).next()?.parse::<u32>().ok());
    rest.is_some()
        && generation.is_none_or(|generation| generation >= 3)
        && !model.starts_with("gemini-embedding")
}

/// The signature of a part: a call of a tool, or a text.
pub(super) fn of(model: &str, part: &Value) -> String {
    STANDARD.encode(format!("{OURS}{}", digest(model, part)))
}

fn digest(model: &str, part: &Value) -> String {
    let call = &part["functionCall"];
    let signed = if call.is_null() {
        // A text may come back in other pieces than it went out in.
        "text".to_owned()
    } else {
        format!("{} {}", call["name"], sorted(&call["args"]))
    };
    hex::encode(Sha256::digest(format!("{model} {signed}")))
}

/// A value whose objects are in the order of their names.
fn sorted(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let mut pairs: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{name:?}:{}", sorted(value)))
                .collect();
            pairs.sort();
            pairs.join(",")
        }
        Value::Array(items) => items.iter().map(sorted).collect::<Vec<_>>().join(";"),
        other => other.to_string(),
    }
}

/// Every signature is one that was given, and in the current turn the first call of each group has
/// its own.
pub(super) fn check(model: &str, contents: &[Value]) -> Result<(), Fault> {
    let parts = |content: &Value| content["parts"].as_array().cloned().unwrap_or_default();
    for part in contents.iter().flat_map(parts) {
        if part["thoughtSignature"].is_string() && !given(model, &part) {
            return Err(Fault::new("Corrupted thought signature."));
        }
    }
    if !demanded(model) {
        return Ok(());
    }
    let asks = |content: &Value| {
        content["role"] != "model"
            && parts(content)
                .iter()
                .any(|part| part["functionResponse"].is_null())
    };
    let turn = contents.iter().rposition(asks).map_or(0, |at| at + 1);
    let current = contents.get(turn..).unwrap_or_default().iter().enumerate();
    for (at, content) in current.filter(|(_, content)| content["role"] == "model") {
        let parts = parts(content);
        let first = parts.iter().find(|part| !part["functionCall"].is_null());
        if let Some(call) = first.filter(|part| !part["thoughtSignature"].is_string()) {
            let name = call["functionCall"]["name"].as_str().unwrap_or_default();
            return Err(Fault::new(format!(
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly. Additional data, function call `default_api:{name}`, position {}.",
                turn + at + 1
            )));
        }
    }
    Ok(())
}

fn given(model: &str, part: &Value) -> bool {
    let text = part["thoughtSignature"].as_str().unwrap_or_default();
    let bytes = STANDARD
        .decode(text)
        .or_else(|_other| URL_SAFE.decode(text));
    let Ok(bytes) = bytes else {
        return SKIPS.contains(&text);
    };
    bytes.starts_with(AUTHORED)
        || SKIPS.iter().any(|skip| skip.as_bytes() == bytes)
        || bytes == format!("{OURS}{}", digest(model, part)).as_bytes()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MODEL: &str = "gemini-3.8-flash";

    fn conversation(call: &Value) -> Vec<Value> {
        let user = json!({"role": "user", "parts": [{"text": "go"}]});
        let result =
            json!({"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}]});
        vec![user, json!({"role": "model", "parts": [call]}), result]
    }

    #[test]
    fn a_call_of_the_current_turn_needs_its_own_signature() {
        let call = json!({"functionCall": {"name": "f", "args": {"a": 1, "b": 2}}});
        let mut signed = call.clone();
        signed["thoughtSignature"] = json!(of(MODEL, &call));
        assert_eq!(check(MODEL, &conversation(&signed)), Ok(()));
        assert!(
            check(MODEL, &conversation(&call))
                .unwrap_err()
                .message
                .contains("`default_api:f`, position 2")
        );
        assert_eq!(check("gemini-2.5-flash", &conversation(&call)), Ok(()));
        let mut elsewhere = signed.clone();
        elsewhere["functionCall"]["args"]["a"] = json!(2);
        assert!(
            check(MODEL, &conversation(&elsewhere))
                .unwrap_err()
                .message
                .contains("Corrupted")
        );
        assert!(
            check("gemini-3.7-flash", &conversation(&signed))
                .unwrap_err()
                .message
                .contains("Corrupted")
        );
    }

    #[test]
    fn an_earlier_turn_needs_none() {
        let call = json!({"functionCall": {"name": "f", "args": {}}});
        let mut contents = conversation(&call);
        contents.push(json!({"role": "model", "parts": [{"text": "done"}]}));
        contents.push(json!({"role": "user", "parts": [{"text": "more"}]}));
        assert_eq!(check(MODEL, &contents), Ok(()));
    }

    #[test]
    fn models_from_the_third_generation_on_demand_it() {
        let names = [
            "gemini-2.5-pro",
            "gemini-3.8-flash",
            "gemini-4-argon",
            "gemini-flash-latest",
            "gemma-4-31b-it",
        ];
        assert_eq!(names.map(demanded), [false, true, true, true, false]);
    }
}
