//! Bounds of the fields that every call has.

use std::collections::{BTreeMap, HashMap};

use keyway_proto::Fault;
use keyway_router_providers::json::{InvalidJson, JsonObject, ProviderOptions};

/// At most 16 labels, keys of 64 and values of 256 characters, none of them control characters.
pub(super) fn labels(labels: HashMap<String, String>) -> Result<BTreeMap<String, String>, Fault> {
    if labels.len() > MOST_LABELS {
        return Err(Fault::field("labels", "must be at most 16"));
    }
    let fits =
        |text: &str, most: usize| text.chars().count() <= most && !text.contains(char::is_control);
    for (name, value) in &labels {
        if name.is_empty() || !fits(name, 64) {
            return Err(Fault::field("labels", "keys must be 1 to 64 characters"));
        }
        if !fits(value, 256) {
            return Err(Fault::field(
                "labels",
                "values must be at most 256 characters",
            ));
        }
    }
    Ok(labels.into_iter().collect())
}

pub(super) fn end_user(text: &str) -> Result<(), Fault> {
    if text.chars().count() > 128 || text.contains(char::is_control) {
        return Err(Fault::field("end_user", "must be at most 128 characters"));
    }
    Ok(())
}

pub(super) fn request_id(text: String) -> Result<Option<String>, Fault> {
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > 128 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        let form = "must be at most 128 visible ASCII characters";
        return Err(Fault::field("request_id", form));
    }
    Ok(Some(text))
}

/// `None` for the empty text.
pub(super) fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

pub(super) fn options(text: &str) -> Result<ProviderOptions, Fault> {
    ProviderOptions::parse(text).map_err(|error| invalid("provider_options_json", &error))
}

/// A JSON object; `None` for the empty text.
pub(super) fn object(field: &str, text: &str) -> Result<Option<JsonObject>, Fault> {
    if text.is_empty() {
        return Ok(None);
    }
    JsonObject::parse(text)
        .map(Some)
        .map_err(|error| invalid(field, &error))
}

fn invalid(field: &str, error: &InvalidJson) -> Fault {
    Fault::field(field, error.to_string())
}

const MOST_LABELS: usize = 16;
