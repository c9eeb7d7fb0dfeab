//! Messages, whole and streamed, and their counting.
//!
//! A block with `cache_control` counts as written to the cache for its lifetime; what is read from
//! the cache is scripted. With `thinking` (adaptive or enabled) the answer thinks: 40 tokens, of
//! which a short summary is shown. `max_tokens: 0` only counts.

mod stream;

use serde_json::{Value, json};

use crate::anthropic::{Fault, NAME, check, files};
use crate::chat::{Answer, Asked, Choice, Finish, Format, Tool, arguments};
use crate::count::{self, Counts};
use crate::reply::Reply;
use crate::request::Request;
use crate::script::Action;
use crate::{chat, fixtures, models, upload};

const PLAIN: &str = "anthropic/message_plain.response";
const STREAM: &str = "anthropic/message_plain.sse";
const THOUGHT: &str = "The question is short, so is the answer.";
const SIGNATURE: &str = "EqoBCkgIARABGAIiQexampleSignature==";
const THINKING: u64 = 40;

pub(super) fn answer(request: &Request, action: &Action) -> Result<Reply, Fault> {
    check::message(request)?;
    let text_of = |id: &str| files::text(request, id);
    let inlined = upload::inlined(request, named_file, text_of)?;
    let request = inlined.as_ref().unwrap_or(request);
    let asked = asked(request);
    let window = models::find(NAME, request.model()).and_then(|model| model.context_window);
    let prompt = asked.input.prompt() * request.factor;
    if let Some(window) = window.filter(|window| prompt > *window) {
        return Err(Fault::new(format!(
            "prompt is too long: {prompt} tokens > {window} maximum"
        )));
    }
    let answer = chat::answer(&asked, action);
    let usage = usage(request, action, answer.counts);
    let message = message(request, action, &answer, &usage);
    let reported = json!({
        "counts": answer.counts, "served_model": message["model"],
        "service_tier": usage["service_tier"], "usage": usage,
    });
    let reply = if request.streams() {
        Reply::events(
            request,
            STREAM,
            stream::events(action, &message, answer.counts),
        )
    } else {
        Reply::like(request, PLAIN, &message)
    };
    Ok(if action.no_usage {
        reply
    } else {
        reply.reporting(reported)
    })
}

pub(super) fn count(request: &Request) -> Result<Reply, Fault> {
    check::counting(request)?;
    let tokens = asked(request).input.prompt() * request.factor;
    Ok(Reply::like(
        request,
        "anthropic/count_tokens.response",
        &json!({"input_tokens": tokens}),
    ))
}

fn named_file(block: &Value) -> Option<&str> {
    block["source"]["file_id"].as_str()
}

fn asked(request: &Request) -> Asked {
    let body = &request.body;
    let turns = body["messages"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let last = turns.last().unwrap_or(&Value::Null);
    let users = turns.iter().filter(|turn| turn["role"] == "user");
    let mut earlier: Vec<String> = users
        .map(|turn| plain(&turn["content"]))
        .filter(|text| !text.is_empty())
        .collect();
    let thinks = body["thinking"]["type"] == "adaptive" || body["thinking"]["type"] == "enabled";
    Asked {
        last_user: earlier.pop().unwrap_or_default(),
        earlier,
        tool_result: result(last),
        tools: tools(body),
        choice: choice(&body["tool_choice"]),
        one_call_only: body["tool_choice"]["disable_parallel_tool_use"] == true,
        format: match &body["output_config"]["format"]["schema"] {
            Value::Null => Format::Text,
            schema => Format::Schema(schema.clone()),
        },
        stops: strings(&body["stop_sequences"]),
        limit: body["max_tokens"].as_u64(),
        reasoning: if thinks { THINKING } else { 0 },
        input: input(body, turns),
        factor: request.factor,
    }
}

fn plain(content: &Value) -> String {
    content.as_str().map_or_else(
        || {
            content
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|block| block["text"].as_str())
                .collect()
        },
        str::to_owned,
    )
}

fn result(turn: &Value) -> Option<String> {
    let blocks = turn["content"].as_array().into_iter().flatten();
    let results: Vec<String> = blocks
        .filter(|block| block["type"] == "tool_result")
        .map(|block| plain(&block["content"]))
        .collect();
    (!results.is_empty()).then(|| results.join(" "))
}

fn tools(body: &Value) -> Vec<Tool> {
    let tools = body["tools"].as_array().into_iter().flatten();
    let tools = tools.filter_map(|tool| {
        Some(Tool {
            name: tool["name"].as_str()?.to_owned(),
            schema: tool["input_schema"].clone(),
        })
    });
    tools.collect()
}

fn choice(choice: &Value) -> Choice {
    match choice["type"].as_str() {
        Some("none") => Choice::None,
        Some("any") => Choice::Any,
        Some("tool") => Choice::Named(choice["name"].as_str().unwrap_or_default().to_owned()),
        _ => Choice::Auto,
    }
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

fn input(body: &Value, turns: &[Value]) -> Counts {
    let mut counts = Counts::default();
    if !body["system"].is_null() {
        counts.input += count::PER_MESSAGE;
        content(&body["system"], &mut counts);
    }
    for turn in turns {
        counts.input += count::PER_MESSAGE;
        content(&turn["content"], &mut counts);
    }
    counts.input += count::json(&body["tools"]) + count::json(&body["output_config"]["format"]);
    counts
}

fn content(content: &Value, counts: &mut Counts) {
    match content {
        Value::Array(blocks) => blocks.iter().for_each(|block| {
            let tokens = count::part(block);
            match (
                block["cache_control"].is_null(),
                block["cache_control"]["ttl"] == "1h",
            ) {
                (true, _) => counts.input += tokens,
                (false, false) => counts.cache_write += tokens,
                (false, true) => counts.cache_write_1h += tokens,
            }
        }),
        plain => counts.input += count::content(plain),
    }
}

/// Input excludes what was read from and written to the cache.
fn usage(request: &Request, action: &Action, counts: Counts) -> Value {
    let mut usage = fixtures::json("anthropic/message_plain.response.json")["usage"].take();
    usage["input_tokens"] = json!(counts.input);
    usage["cache_creation_input_tokens"] = json!(counts.cache_write + counts.cache_write_1h);
    usage["cache_read_input_tokens"] = json!(counts.cache_read);
    usage["output_tokens"] = json!(counts.output);
    usage["cache_creation"]["ephemeral_5m_input_tokens"] = json!(counts.cache_write);
    usage["cache_creation"]["ephemeral_1h_input_tokens"] = json!(counts.cache_write_1h);
    usage["service_tier"] = json!(action.service_tier.as_deref().unwrap_or("standard"));
    for field in ["inference_geo", "speed"] {
        if request.has(field) {
            usage[field] = request.body[field].clone();
        }
    }
    if counts.reasoning > 0 {
        usage["output_tokens_details"] = json!({"thinking_tokens": counts.reasoning});
    }
    usage
}

fn message(request: &Request, action: &Action, answer: &Answer, usage: &Value) -> Value {
    let mut body = fixtures::json("anthropic/message_plain.response.json");
    body["id"] = json!(format!("msg_01Sim{:08}", request.number));
    let served = || models::served(NAME, request.model());
    body["model"] = json!(action.served_model.clone().unwrap_or_else(served));
    body["content"] = json!(blocks(request, answer));
    body["stop_reason"] = json!(match &answer.finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::Tools => "tool_use",
        Finish::Refusal | Finish::Filter => "refusal",
        Finish::Sequence(_) => "stop_sequence",
        Finish::Scripted(word) => word,
    });
    if let Finish::Sequence(stop) = &answer.finish {
        body["stop_sequence"] = json!(stop);
    }
    if matches!(answer.finish, Finish::Refusal | Finish::Filter) {
        body["stop_details"] =
            fixtures::json("anthropic/refusal.response.json")["stop_details"].take();
    }
    body["usage"] = usage.clone();
    if let Some(fields) = body.as_object_mut().filter(|_| action.no_usage) {
        fields.shift_remove("usage");
    }
    body
}

fn blocks(request: &Request, answer: &Answer) -> Vec<Value> {
    let mut blocks = Vec::new();
    if answer.counts.reasoning > 0 && request.has("thinking") {
        let shown = if request.body["thinking"]["display"] == "omitted" {
            ""
        } else {
            THOUGHT
        };
        blocks.push(json!({"type": "thinking", "thinking": shown, "signature": SIGNATURE}));
    }
    if !answer.text.is_empty() {
        blocks.push(json!({"type": "text", "text": answer.text}));
    }
    let calls = answer.calls.iter().enumerate();
    blocks.extend(calls.map(|(index, call)| {
        let id = format!("toolu_Sim{:08}{index}", request.number);
        json!({"type": "tool_use", "id": id, "name": call.name, "input": arguments(call), "caller": {"type": "direct"}})
    }));
    blocks
}

#[cfg(test)]
mod tests;
