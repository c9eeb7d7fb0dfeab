//! The turns: roles, blocks, and every call with its result.

use serde_json::Value;

use crate::anthropic::check::new;
use crate::anthropic::{Fault, NAME};
use crate::models;
use crate::request::Request;

const MOST: usize = 100_000;
const IMAGES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

pub(super) fn check(request: &Request) -> Result<(), Fault> {
    let turns = request.body["messages"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    if turns.is_empty() || turns.len() > MOST {
        return Err(Fault::new(format!(
            "messages: 1 to {MOST} messages are required"
        )));
    }
    roles(request, turns)?;
    for (at, turn) in turns.iter().enumerate() {
        let here = format!("messages.{at}");
        if turn["content"].as_str() == Some("")
            || !(turn["content"].is_string() || turn["content"].is_array())
        {
            return Err(Fault::new(format!(
                "{here}: content must be a non-empty string or an array of blocks"
            )));
        }
        blocks(turn).try_for_each(|block| self::block(request, turn, block, &here))?;
    }
    calls(turns)?;
    breakpoints(request)
}

fn roles(request: &Request, turns: &[Value]) -> Result<(), Fault> {
    let model = models::find(NAME, request.model());
    let system = model.is_some_and(|model| model.can("mid_conversation_system"));
    let good = |turn: &Value| {
        turn["role"] == "user"
            || turn["role"] == "assistant"
            || (system && turn["role"] == "system")
    };
    if let Some(turn) = turns.iter().find(|turn| !good(turn)) {
        return Err(Fault::new(format!(
            "messages: Unexpected role {}. The Messages API accepts a top-level `system` parameter.",
            turn["role"]
        )));
    }
    if turns.first().is_some_and(|turn| turn["role"] != "user") {
        return Err(Fault::new(
            "messages: first message must use the \"user\" role",
        ));
    }
    Ok(())
}

/// The last turn is not the assistant's, on models that refuse a prefill.
pub(super) fn prefill(request: &Request) -> Result<(), Fault> {
    let last = request.body["messages"]
        .as_array()
        .and_then(|turns| turns.last());
    let refuses = models::find(NAME, request.model())
        .is_some_and(|model| model.refuses("no_assistant_prefill"));
    if refuses && last.is_some_and(|turn| turn["role"] == "assistant") {
        return Err(Fault::new(
            "This model does not support assistant message prefill. The conversation must end with a user message.",
        ));
    }
    Ok(())
}

fn blocks(turn: &Value) -> impl Iterator<Item = &Value> {
    turn["content"].as_array().into_iter().flatten()
}

fn block(request: &Request, turn: &Value, block: &Value, here: &str) -> Result<(), Fault> {
    let user = turn["role"] == "user";
    let fault = match block["type"].as_str().unwrap_or_default() {
        "text" if block["text"].as_str().unwrap_or_default().is_empty() => {
            "text content blocks must be non-empty"
        }
        "text"
            if user
                && new(request)
                && block["citations"]
                    .as_array()
                    .is_some_and(|all| !all.is_empty()) =>
        {
            "citations: Extra inputs are not permitted"
        }
        "document" if !user && new(request) => {
            "document blocks are not permitted in assistant messages"
        }
        "image" if !image(&block["source"]) => {
            "image: Input should be base64 of jpeg, png, gif or webp, a url or a file"
        }
        "tool_use" if user => "tool_use blocks can only be in assistant messages",
        "tool_use" if !block["input"].is_object() => {
            "tool_use.input: Input should be a valid dictionary"
        }
        "tool_result" if !user => "tool_result blocks can only be in user messages",
        "text" | "image" | "document" | "tool_use" | "tool_result" | "thinking"
        | "redacted_thinking" | "search_result" => return Ok(()),
        _ => "content block of an unknown type",
    };
    Err(Fault::new(format!("{here}: {fault}")))
}

fn image(source: &Value) -> bool {
    match source["type"].as_str() {
        Some("base64") => {
            source["media_type"]
                .as_str()
                .is_some_and(|kind| IMAGES.contains(&kind))
                && source["data"].is_string()
        }
        Some("url") => source["url"].is_string(),
        Some("file") => source["file_id"].is_string(),
        _ => false,
    }
}

fn calls(turns: &[Value]) -> Result<(), Fault> {
    let ids = |turn: &Value, kind: &str, id: &str| -> Vec<Value> {
        blocks(turn)
            .filter(|block| block["type"] == kind)
            .map(|block| block[id].clone())
            .collect()
    };
    let mut open: Vec<Value> = Vec::new();
    for turn in turns {
        let results = ids(turn, "tool_result", "tool_use_id");
        if let Some(id) = open.iter().find(|id| !results.contains(id)) {
            return Err(Fault::new(format!(
                "messages: `tool_use` ids were found without `tool_result` blocks immediately after: {id}"
            )));
        }
        if let Some(id) = results.iter().find(|id| !open.contains(id)) {
            return Err(Fault::new(format!(
                "messages: unexpected `tool_use_id` found in `tool_result` blocks: {id}"
            )));
        }
        let text_first = blocks(turn)
            .skip_while(|block| block["type"] == "tool_result")
            .any(|block| block["type"] == "tool_result");
        if text_first {
            return Err(Fault::new(
                "messages: `tool_result` blocks must come first in the content",
            ));
        }
        open = ids(turn, "tool_use", "id");
    }
    match open.first() {
        Some(id) => Err(Fault::new(format!(
            "messages: `tool_use` ids were found without `tool_result` blocks immediately after: {id}"
        ))),
        None => Ok(()),
    }
}

fn breakpoints(request: &Request) -> Result<(), Fault> {
    let body = &request.body;
    let turns = body["messages"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(blocks);
    let system = body["system"].as_array().into_iter().flatten();
    let tools = body["tools"].as_array().into_iter().flatten();
    let all: Vec<&Value> = tools
        .chain(system)
        .chain(turns)
        .map(|block| &block["cache_control"])
        .filter(|mark| !mark.is_null())
        .collect();
    let ttl = |mark: &&Value| {
        mark["type"] == "ephemeral"
            && (mark["ttl"].is_null() || mark["ttl"] == "5m" || mark["ttl"] == "1h")
    };
    if all.len() > 4 {
        return Err(Fault::new(format!(
            "A maximum of 4 blocks with cache_control may be provided. Found {}.",
            all.len()
        )));
    }
    if all.iter().all(ttl) {
        Ok(())
    } else {
        Err(Fault::new(
            "cache_control: Input should be ephemeral with ttl '5m' or '1h'",
        ))
    }
}
