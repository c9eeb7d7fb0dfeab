//! What `OpenAI` and Mistral write alike: reading a conversation of chat completions.

use serde_json::Value;

use crate::chat::{Asked, Choice, Format, Tool};
use crate::count::{self, Counts};
use crate::request::Request;

/// The conversation that a request asks about. `limits`: the fields with the token limit, the first
/// that is there counts.
pub(crate) fn asked(request: &Request, limits: &[&str]) -> Asked {
    let body = &request.body;
    let messages = body["messages"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let users = messages.iter().filter(|message| message["role"] == "user");
    let mut earlier: Vec<String> = users.map(|message| plain(&message["content"])).collect();
    let result = messages.last().filter(|message| message["role"] == "tool");
    Asked {
        last_user: earlier.pop().unwrap_or_default(),
        earlier,
        tool_result: result.map(|message| plain(&message["content"])),
        tools: tools(body),
        choice: choice(&body["tool_choice"]),
        one_call_only: body["parallel_tool_calls"] == false,
        format: format(&body["response_format"]),
        stops: stops(&body["stop"]),
        limit: limits.iter().find_map(|field| body[*field].as_u64()),
        reasoning: reasoning(&body["reasoning_effort"]),
        input: Counts {
            input: input(body, messages),
            ..Counts::default()
        },
        factor: request.factor,
    }
}

fn input(body: &Value, messages: &[Value]) -> u64 {
    let message = |message: &Value| {
        count::PER_MESSAGE
            + count::content(&message["content"])
            + count::json(&message["tool_calls"])
    };
    let extra = count::json(&body["tools"]) + count::json(&body["response_format"]["json_schema"]);
    messages.iter().map(message).sum::<u64>() + extra
}

/// Tokens of reasoning by the effort that a request names; without one there is none.
pub(crate) fn reasoning(effort: &Value) -> u64 {
    match effort.as_str() {
        Some("minimal") => 16,
        Some("low") => 64,
        Some("medium") => 128,
        Some("high") => 256,
        Some("xhigh") => 512,
        Some("max") => 1024,
        _ => 0,
    }
}

/// The text of a message's content.
fn plain(content: &Value) -> String {
    content.as_str().map_or_else(
        || {
            let parts = content.as_array().into_iter().flatten();
            parts.filter_map(|part| part["text"].as_str()).collect()
        },
        str::to_owned,
    )
}

fn tools(body: &Value) -> Vec<Tool> {
    let tools = body["tools"].as_array().into_iter().flatten();
    let functions = tools.filter_map(|tool| {
        let name = tool["function"]["name"].as_str()?.to_owned();
        Some(Tool {
            name,
            schema: tool["function"]["parameters"].clone(),
        })
    });
    functions.collect()
}

fn choice(choice: &Value) -> Choice {
    match (choice.as_str(), choice["function"]["name"].as_str()) {
        (Some("none"), _) => Choice::None,
        (Some("required" | "any"), _) => Choice::Any,
        (_, Some(name)) => Choice::Named(name.to_owned()),
        _ => Choice::Auto,
    }
}

fn format(format: &Value) -> Format {
    match format["type"].as_str() {
        Some("json_object") => Format::AnyJson,
        Some("json_schema") => Format::Schema(format["json_schema"]["schema"].clone()),
        _ => Format::Text,
    }
}

fn stops(stop: &Value) -> Vec<String> {
    let one = stop.as_str().map(str::to_owned);
    let many = stop
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|stop| stop.as_str().map(str::to_owned));
    one.into_iter().chain(many).collect()
}
