//! Numbers, words and lengths.

use serde_json::Value;

use crate::openai::Fault;
use crate::request::Request;

type Range = (&'static str, f64, f64);

const NUMBERS: [Range; 5] = [
    ("temperature", 0.0, 2.0),
    ("top_p", 0.0, 1.0),
    ("frequency_penalty", -2.0, 2.0),
    ("presence_penalty", -2.0, 2.0),
    ("top_logprobs", 0.0, 20.0),
];
const COUNTS: [Range; 3] = [
    ("n", 1.0, 128.0),
    ("max_completion_tokens", 1.0, 1e9),
    ("max_tokens", 1.0, 1e9),
];
const WORDS: [(&str, &[&str]); 3] = [
    (
        "reasoning_effort",
        &["none", "minimal", "low", "medium", "high", "xhigh", "max"],
    ),
    ("verbosity", &["low", "medium", "high"]),
    (
        "service_tier",
        &["auto", "default", "flex", "scale", "priority", "fast"],
    ),
];

pub(super) fn check(request: &Request) -> Result<(), Fault> {
    let body = &request.body;
    for (field, low, high) in NUMBERS {
        in_range(body, field, low, high)?;
    }
    for (field, low, high) in COUNTS {
        in_range(body, field, low, high)?;
        if request.has(field) && !body[field].is_u64() {
            return Err(Fault::value(
                field,
                format!("Invalid type for '{field}': expected an integer."),
            ));
        }
    }
    for (field, words) in WORDS {
        if request.has(field)
            && !body[field]
                .as_str()
                .is_some_and(|word| words.contains(&word))
        {
            let message = format!(
                "Invalid value: {}. Supported values are: {words:?}.",
                body[field]
            );
            return Err(Fault::value(field, message));
        }
    }
    together(request)?;
    stop(&body["stop"])?;
    lengths(body)
}

fn in_range(body: &Value, field: &'static str, low: f64, high: f64) -> Result<(), Fault> {
    let value = &body[field];
    if value.is_null()
        || value
            .as_f64()
            .is_some_and(|number| (low..=high).contains(&number))
    {
        return Ok(());
    }
    Err(Fault::value(
        field,
        format!("Invalid '{field}': {value}. Expected a number from {low} to {high}."),
    ))
}

fn together(request: &Request) -> Result<(), Fault> {
    if request.has("stream_options") && !request.streams() {
        return Err(Fault::value(
            "stream_options",
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        ));
    }
    if request.has("top_logprobs") && request.body["logprobs"] != true {
        return Err(Fault::value(
            "top_logprobs",
            "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.",
        ));
    }
    Ok(())
}

fn stop(stop: &Value) -> Result<(), Fault> {
    match stop {
        Value::Null | Value::String(_) => Ok(()),
        Value::Array(all) if all.len() <= 4 && all.iter().all(Value::is_string) => Ok(()),
        _ => Err(Fault::value(
            "stop",
            "Invalid 'stop': expected a string or an array with maximum length 4.",
        )),
    }
}

fn lengths(body: &Value) -> Result<(), Fault> {
    let bias = body["logit_bias"].as_object().into_iter().flatten();
    if !bias
        .map(|(_, value)| value.as_f64())
        .all(|value| value.is_some_and(|value| value.abs() <= 100.0))
    {
        return Err(Fault::value(
            "logit_bias",
            "Invalid 'logit_bias': values are from -100 to 100.",
        ));
    }
    let pairs: Vec<_> = body["metadata"].as_object().into_iter().flatten().collect();
    let fits = |(key, value): &(&String, &Value)| {
        key.len() <= 64 && value.as_str().is_some_and(|value| value.len() <= 512)
    };
    if pairs.len() > 16 || !pairs.iter().all(fits) {
        return Err(Fault::value(
            "metadata",
            "Invalid 'metadata': at most 16 pairs, keys up to 64 and values up to 512 characters.",
        ));
    }
    if body["safety_identifier"]
        .as_str()
        .is_some_and(|text| text.len() > 64)
    {
        return Err(Fault::value(
            "safety_identifier",
            "Invalid 'safety_identifier': string too long, maximum length 64.",
        ));
    }
    Ok(())
}
