//! What Google documents that it refuses, each with a 400 unless noted:
//!
//! - a body that is no object, a name that is not known at its place (`names`), a model of another
//!   kind, or none (404);
//! - no `contents`, a content without `parts`, roles but `user` and `model`, a part that is none or
//!   several things; inline data without type or base64; a `fileUri` that is not the provider's own;
//! - a `functionResponse.response` that is no object, a group of results that does not answer the
//!   calls before it one by one;
//! - signatures that were not given, and calls of the current turn without theirs (`signature`);
//! - numbers out of range: `temperature` 0–2, `topP` 0–1, `maxOutputTokens` ≥ 1, `candidateCount` 1,
//!   penalties from -2 to 2, more than 5 stop sequences, `seed` beyond 32 bits;
//! - a schema without `responseMimeType: application/json`, both kinds of schema;
//! - `thinkingBudget` with `thinkingLevel`, an unknown level, one that the model does not have;
//! - tools without a legal name; an unknown calling mode, allowed names without mode `ANY` or
//!   `VALIDATED`, or of tools that are not there; an unknown service tier;
//! - a prompt longer than the model's window.

mod turns;

use serde_json::Value;

use crate::google::{Fault, NAME, known_model, signature};
use crate::models;
use crate::request::Request;

const LEVELS: [&str; 5] = ["MINIMAL", "LOW", "MEDIUM", "HIGH", "XHIGH"];

/// Refuses a request as the provider would. `body`: with its names in camel case.
pub(super) fn generate(request: &Request, body: &Value) -> Result<(), Fault> {
    known_model(request, "chat")?;
    let contents = body["contents"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    turns::check(contents)?;
    config(request, &body["generationConfig"])?;
    tools(body)?;
    let tier = body["serviceTier"].as_str().unwrap_or("standard");
    if !["unspecified", "standard", "flex", "priority"].contains(&tier) {
        return Err(Fault::value(
            "service_tier",
            "an enum value",
            &body["serviceTier"],
        ));
    }
    signature::check(request.model(), contents)
}

/// The prompt fits into the model's window.
pub(super) fn context(request: &Request, tokens: u64) -> Result<(), Fault> {
    let window = models::find(NAME, request.model()).and_then(|model| model.context_window);
    match window.filter(|window| tokens > *window) {
        Some(window) => Err(Fault::new(format!(
            "The input token count ({tokens}) exceeds the maximum number of tokens allowed ({window})."
        ))),
        None => Ok(()),
    }
}

fn config(request: &Request, config: &Value) -> Result<(), Fault> {
    ranges(config)?;
    let (json, open) = (&config["responseJsonSchema"], &config["responseSchema"]);
    if !json.is_null() && !open.is_null() {
        return Err(Fault::new(
            "Only one of response_schema and response_json_schema can be set.",
        ));
    }
    let schema = !json.is_null() || !open.is_null();
    if schema && config["responseMimeType"] != "application/json" {
        return Err(Fault::new(
            "A response schema needs response_mime_type to be application/json.",
        ));
    }
    thinking(request, &config["thinkingConfig"])
}

fn ranges(config: &Value) -> Result<(), Fault> {
    for (field, name, least, most) in [
        ("temperature", "temperature", 0.0, 2.0),
        ("topP", "top_p", 0.0, 1.0),
        ("presencePenalty", "presence_penalty", -2.0, 2.0),
        ("frequencyPenalty", "frequency_penalty", -2.0, 2.0),
        ("maxOutputTokens", "max_output_tokens", 1.0, 2_147_483_647.0),
        ("candidateCount", "candidate_count", 1.0, 1.0),
        ("topK", "top_k", 1.0, 1000.0),
        ("seed", "seed", -2_147_483_648.0, 2_147_483_647.0),
    ] {
        let value = &config[field];
        let fits = |value: f64| (least..=most).contains(&value);
        if !value.is_null() && !value.as_f64().is_some_and(fits) {
            let wanted = format!("must be from {least} to {most}");
            return Err(Fault::value(
                &format!("generation_config.{name}"),
                &wanted,
                value,
            ));
        }
    }
    let stops = config["stopSequences"].as_array().map_or(0, Vec::len);
    if stops > 5 {
        return Err(Fault::new(format!(
            "* GenerateContentRequest.generation_config.stop_sequences: at most 5, {stops} given"
        )));
    }
    Ok(())
}

fn thinking(request: &Request, config: &Value) -> Result<(), Fault> {
    let (budget, level) = (&config["thinkingBudget"], &config["thinkingLevel"]);
    if !budget.is_null() && !level.is_null() {
        return Err(Fault::new(
            "You can only set only one of thinking budget and thinking level.",
        ));
    }
    if !budget.is_null() && budget.as_i64().is_none_or(|budget| budget < -1) {
        let place = "generation_config.thinking_config.thinking_budget";
        return Err(Fault::value(place, "-1, 0 or a number of tokens", budget));
    }
    let Some(level) = level.as_str() else {
        return Ok(());
    };
    if !LEVELS.contains(&level) {
        let place = "generation_config.thinking_config.thinking_level";
        return Err(Fault::value(
            place,
            "an enum value",
            &config["thinkingLevel"],
        ));
    }
    let refused = |model: &models::Model| {
        !model.can("reasoning")
            || model.name.starts_with("gemini-2")
            || (level == "MINIMAL" && model.refuses("no_reasoning_effort_minimal"))
    };
    if models::find(NAME, request.model()).is_some_and(refused) {
        return Err(Fault::new(format!(
            "Thinking level {level} is not supported for this model."
        )));
    }
    Ok(())
}

fn tools(body: &Value) -> Result<(), Fault> {
    let tools = body["tools"].as_array().into_iter().flatten();
    let declared: Vec<&Value> = tools
        .flat_map(|tool| {
            tool["functionDeclarations"]
                .as_array()
                .into_iter()
                .flatten()
        })
        .collect();
    let name = |tool: &&Value| tool["name"].as_str().unwrap_or_default().to_owned();
    let names: Vec<String> = declared.iter().map(name).collect();
    if let Some(wrong) = names.iter().find(|name| !legal(name)) {
        return Err(Fault::new(format!(
            "Invalid function name \"{wrong}\". Must start with a letter or an underscore, then letters, digits, `_`, `.`, `:` or `-`, with a maximum length of 128."
        )));
    }
    if declared
        .iter()
        .any(|tool| !tool["parameters"].is_null() && !tool["parametersJsonSchema"].is_null())
    {
        return Err(Fault::new(
            "Only one of parameters and parameters_json_schema can be set.",
        ));
    }
    let config = &body["toolConfig"]["functionCallingConfig"];
    let mode = config["mode"].as_str().unwrap_or("AUTO");
    if !["AUTO", "ANY", "NONE", "VALIDATED", "MODE_UNSPECIFIED"].contains(&mode) {
        let place = "tool_config.function_calling_config.mode";
        return Err(Fault::value(place, "an enum value", &config["mode"]));
    }
    let allowed = config["allowedFunctionNames"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if !allowed.is_empty() && !["ANY", "VALIDATED"].contains(&mode) {
        return Err(Fault::new(
            "allowed_function_names can only be set when the mode is ANY or VALIDATED.",
        ));
    }
    let there = |name: &Value| names.iter().any(|known| name == known);
    if let Some(missing) = allowed.iter().find(|name| !there(name)) {
        return Err(Fault::new(format!(
            "allowed_function_names: {missing} is not in function_declarations."
        )));
    }
    if mode == "ANY" && names.is_empty() {
        return Err(Fault::new(
            "Function calling config is set without function_declarations.",
        ));
    }
    Ok(())
}

fn legal(name: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let other = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
    name.starts_with(first) && name.len() <= 128 && name.chars().all(other)
}

#[cfg(test)]
mod tests;
