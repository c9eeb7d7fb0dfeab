//! Chat completions, whole and streamed.

use serde_json::{Value, json};

use crate::chat::{Answer, Finish, arguments, deltas};
use crate::count::Counts;
use crate::openai::{Fault, NAME, check, stored};
use crate::reply::{Chunk, Reply};
use crate::request::Request;
use crate::script::Action;
use crate::{chat, completions, fixtures, models, upload};

const PLAIN: &str = "openai/chat_plain.response";
const STREAM: &str = "openai/chat_plain.sse";
/// Fields with the token limit.
const LIMITS: &[&str] = &["max_completion_tokens", "max_tokens"];

pub(super) fn answer(request: &Request, action: &Action) -> Result<Reply, Fault> {
    check::chat(request)?;
    let text_of = |id: &str| stored::file_text(request, &json!(id));
    let inlined = upload::inlined(request, named_file, text_of)?;
    let request = inlined.as_ref().unwrap_or(request);
    let asked = completions::asked(request, LIMITS);
    check::context(request, asked.input.prompt() * request.factor)?;
    let answer = chat::answer(&asked, action);
    let choices = request.body["n"].as_u64().unwrap_or(1);
    let counts = times(answer.counts, choices);
    let head = Head::new(request, action);
    let usage = if action.no_usage {
        Value::Null
    } else {
        usage(counts)
    };
    let reported = json!({
        "counts": counts, "served_model": head.model, "service_tier": head.tier, "usage": usage,
    });
    stored::keep_chat(request, &whole(&head, &answer, choices, &usage));
    let reply = if request.streams() {
        let events = stream(request, action, &head, &answer, &usage);
        Reply::events(request, STREAM, events)
    } else {
        Reply::like(request, PLAIN, &whole(&head, &answer, choices, &usage))
    };
    Ok(if action.no_usage {
        reply
    } else {
        reply.reporting(reported)
    })
}

fn named_file(part: &Value) -> Option<&str> {
    part["file"]["file_id"].as_str()
}

/// What every chunk and the whole reply say of themselves.
struct Head {
    id: String,
    model: String,
    tier: String,
}

impl Head {
    fn new(request: &Request, action: &Action) -> Self {
        let tier = match request.body["service_tier"].as_str() {
            None | Some("auto" | "default") => "default",
            Some("fast") => "priority",
            Some(tier) => tier,
        };
        Self {
            id: format!("chatcmpl-Sim{:08}", request.number),
            model: action
                .served_model
                .clone()
                .unwrap_or_else(|| models::served(NAME, request.model())),
            tier: action
                .service_tier
                .clone()
                .unwrap_or_else(|| tier.to_owned()),
        }
    }

    fn put(&self, body: &mut Value) {
        body["id"] = json!(self.id);
        body["model"] = json!(self.model);
        body["service_tier"] = json!(self.tier);
    }
}

fn finish(answer: &Answer) -> &str {
    match &answer.finish {
        Finish::Stop | Finish::Refusal | Finish::Sequence(_) => "stop",
        Finish::Length => "length",
        Finish::Tools => "tool_calls",
        Finish::Filter => "content_filter",
        Finish::Scripted(word) => word,
    }
}

/// Input counts include what was read from and written to the cache; output includes reasoning.
fn usage(counts: Counts) -> Value {
    let mut usage = fixtures::json("openai/chat_plain.response.json")["usage"].take();
    usage["prompt_tokens"] = json!(counts.prompt());
    usage["completion_tokens"] = json!(counts.output);
    usage["total_tokens"] = json!(counts.prompt() + counts.output);
    usage["prompt_tokens_details"]["cached_tokens"] = json!(counts.cache_read);
    let written = counts.cache_write + counts.cache_write_1h;
    if written > 0 {
        usage["prompt_tokens_details"]["cache_write_tokens"] = json!(written);
    }
    usage["completion_tokens_details"]["reasoning_tokens"] = json!(counts.reasoning);
    usage
}

/// Each choice is billed.
fn times(counts: Counts, choices: u64) -> Counts {
    Counts {
        output: counts.output * choices,
        reasoning: counts.reasoning * choices,
        ..counts
    }
}

fn whole(head: &Head, answer: &Answer, choices: u64, usage: &Value) -> Value {
    let mut body = fixtures::json("openai/chat_plain.response.json");
    head.put(&mut body);
    let mut choice = body["choices"][0].take();
    let silent = answer.refusal.is_some() || !answer.calls.is_empty();
    choice["message"]["content"] = if silent {
        Value::Null
    } else {
        json!(answer.text)
    };
    choice["message"]["refusal"] = json!(answer.refusal);
    choice["finish_reason"] = json!(finish(answer));
    if !answer.calls.is_empty() {
        choice["message"]["tool_calls"] = calls(head, answer).collect();
    }
    let numbered = (0..choices).map(|index| {
        let mut choice = choice.clone();
        choice["index"] = json!(index);
        choice
    });
    body["choices"] = numbered.collect();
    match (usage.is_null(), body.as_object_mut()) {
        (true, Some(fields)) => drop(fields.remove("usage")),
        _ => body["usage"] = usage.clone(),
    }
    body
}

fn calls(head: &Head, answer: &Answer) -> impl Iterator<Item = Value> {
    answer.calls.iter().enumerate().map(|(index, call)| {
        let arguments = arguments(call).to_string();
        json!({
            "id": format!("call_{}_{index}", head.id.trim_start_matches("chatcmpl-")),
            "type": "function",
            "function": {"name": call.name, "arguments": arguments},
        })
    })
}

fn stream(
    request: &Request,
    action: &Action,
    head: &Head,
    answer: &Answer,
    usage: &Value,
) -> Vec<Chunk> {
    let include = request.body["stream_options"]["include_usage"] == true;
    let mut template = fixtures::payloads("openai/chat_plain.sse")
        .into_iter()
        .next()
        .unwrap_or_default();
    head.put(&mut template);
    if request.body["stream_options"]["include_obfuscation"] == false {
        remove(&mut template, "obfuscation");
    }
    if !include {
        remove(&mut template, "usage");
    }
    let mut events: Vec<Chunk> = Vec::new();
    for index in 0..request.body["n"].as_u64().unwrap_or(1) {
        let parts = fragments(head, answer)
            .into_iter()
            .map(|delta| (delta, Value::Null));
        for (delta, finish) in parts.chain([(json!({}), json!(finish(answer)))]) {
            let mut chunk = template.clone();
            chunk["choices"][0]["index"] = json!(index);
            chunk["choices"][0]["delta"] = delta;
            chunk["choices"][0]["finish_reason"] = finish;
            events.push(Chunk::data(&chunk));
        }
    }
    if let Some(after) = action.error_after_chunks {
        events.truncate(after);
        let error = fixtures::events("openai/chat_midstream_error.sse")
            .pop()
            .unwrap_or_default();
        events.push(Chunk::plain(error));
        return events;
    }
    if include && !usage.is_null() {
        remove(&mut template, "obfuscation");
        template["choices"] = json!([]);
        template["usage"] = usage.clone();
        events.push(Chunk::data(&template).telling_usage());
    }
    events.push(Chunk::plain("data: [DONE]\n\n"));
    events
}

fn remove(object: &mut Value, name: &str) {
    if let Some(fields) = object.as_object_mut() {
        // Keeps the order of the others, as the provider's chunks have it.
        fields.shift_remove(name);
    }
}

/// The deltas of one choice.
fn fragments(head: &Head, answer: &Answer) -> Vec<Value> {
    if let Some(refusal) = &answer.refusal {
        let first = json!({"role": "assistant", "content": null, "refusal": ""});
        let rest = deltas(refusal)
            .into_iter()
            .map(|piece| json!({"refusal": piece}));
        return std::iter::once(first).chain(rest).collect();
    }
    if answer.calls.is_empty() {
        let first = json!({"role": "assistant", "content": "", "refusal": null});
        let rest = deltas(&answer.text)
            .into_iter()
            .map(|piece| json!({"content": piece}));
        return std::iter::once(first).chain(rest).collect();
    }
    let mut fragments = Vec::new();
    for (index, call) in calls(head, answer).enumerate() {
        let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
        let mut opening = call.clone();
        opening["index"] = json!(index);
        opening["function"]["arguments"] = json!("");
        let mut first = json!({"tool_calls": [opening]});
        if index == 0 {
            first["role"] = json!("assistant");
            first["content"] = Value::Null;
        }
        fragments.push(first);
        let rest = deltas(arguments);
        fragments.extend(rest.into_iter().map(
            |piece| json!({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}),
        ));
    }
    fragments
}

#[cfg(test)]
mod tests;
