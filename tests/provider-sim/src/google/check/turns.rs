//! The contents: roles, parts, and every call with its result.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::Value;

use crate::google::Fault;

/// Of which a part holds exactly one.
const KINDS: [&str; 7] = [
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
];

pub(super) fn check(contents: &[Value]) -> Result<(), Fault> {
    if contents.is_empty() {
        return Err(Fault::new(
            "* GenerateContentRequest.contents: contents is not specified",
        ));
    }
    for (at, content) in contents.iter().enumerate() {
        if !["user", "model"].contains(&content["role"].as_str().unwrap_or("user")) {
            return Err(Fault::new("Please use a valid role: user, model."));
        }
        let parts = content["parts"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        if parts.is_empty() {
            return Err(Fault::new(format!(
                "* GenerateContentRequest.contents[{at}].parts: contents.parts must not be empty."
            )));
        }
        for (number, part) in parts.iter().enumerate() {
            self::part(part, &format!("contents[{at}].parts[{number}]"))?;
        }
    }
    groups(contents)
}

fn part(part: &Value, place: &str) -> Result<(), Fault> {
    let kinds = KINDS.iter().filter(|kind| !part[**kind].is_null()).count();
    if kinds != 1 {
        return Err(Fault::new(format!(
            "* GenerateContentRequest.{place}.data: required oneof field 'data' must have one initialized field"
        )));
    }
    let data = &part["inlineData"];
    let text = data["data"].as_str().unwrap_or_default();
    let packed = STANDARD.decode(text).is_ok() || URL_SAFE.decode(text).is_ok();
    if data.is_object() && (text.is_empty() || !packed || !data["mimeType"].is_string()) {
        let place = format!("{place}.inline_data.data");
        return Err(Fault::value(&place, "TYPE_BYTES", &Value::Null));
    }
    let own = "https://generativelanguage.googleapis.com/";
    let uri = part["fileData"]["fileUri"].as_str();
    if uri.is_some_and(|uri| !uri.starts_with(own)) {
        return Err(Fault::new("Invalid or unsupported file uri."));
    }
    if !part["functionCall"].is_null() && !part["functionCall"]["name"].is_string() {
        return Err(Fault::new(format!(
            "* GenerateContentRequest.{place}.function_call.name: Name cannot be empty."
        )));
    }
    let response = &part["functionResponse"];
    if response.is_object() && !response["response"].is_object() {
        let place = format!("{place}.function_response.response");
        return Err(Fault::value(&place, "object", &response["response"]));
    }
    Ok(())
}

/// The results that follow a group of calls are as many, and answer each.
fn groups(contents: &[Value]) -> Result<(), Fault> {
    let mut open: Vec<Value> = Vec::new();
    for content in contents {
        let results = all(content, "functionResponse");
        if results.len() != open.len() {
            return Err(Fault::new(
                "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.",
            ));
        }
        if !each_is_answered(&open, results) {
            return Err(Fault::new(
                "Please ensure that every function response has the name and id of its function call.",
            ));
        }
        open = all(content, "functionCall");
    }
    if open.is_empty() {
        return Ok(());
    }
    Err(Fault::new(
        "Please ensure that function call turn is followed by a function response turn.",
    ))
}

/// A result belongs to the call of its id; one without an id to a call of its name that has no result yet.
fn each_is_answered(calls: &[Value], results: Vec<Value>) -> bool {
    let mut left: Vec<&Value> = calls.iter().collect();
    let (named, unnamed): (Vec<Value>, Vec<Value>) = results
        .into_iter()
        .partition(|result| !result["id"].is_null());
    named.iter().chain(&unnamed).all(|result| {
        let answers = |call: &&Value| {
            let id = &result["id"];
            result["name"] == call["name"] && (id.is_null() || *id == call["id"])
        };
        let found = left.iter().position(answers);
        found.map(|at| left.remove(at)).is_some()
    })
}

fn all(content: &Value, kind: &str) -> Vec<Value> {
    let parts = content["parts"].as_array().into_iter().flatten();
    let found = parts
        .map(|part| &part[kind])
        .filter(|found| !found.is_null());
    found.cloned().collect()
}
