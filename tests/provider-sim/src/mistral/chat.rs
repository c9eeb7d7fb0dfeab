//! Chat completions, whole and streamed.
//!
//! The provider tells no count of reasoning: it is within the output. A refusal is text, and what a
//! filter took away is the guardrails' 403.

use serde_json::{Value, json};

use crate::chat::{Answer, Finish, arguments, deltas};
use crate::count::Counts;
use crate::mistral::{Fault, check, files};
use crate::reply::{Chunk, Reply};
use crate::request::Request;
use crate::script::Action;
use crate::{chat, completions, fixtures, upload};

const PLAIN: &str = "mistral/chat_plain.response";
const STREAM: &str = "mistral/chat_plain.sse";
const THOUGHT: &str = "The question is short, so is the answer.";

pub(super) fn answer(request: &Request, action: &Action) -> Result<Reply, Fault> {
    check::chat(request)?;
    let text_of = |id: &str| files::text(request, id);
    let inlined = upload::inlined(request, named_file, text_of)?;
    let request = inlined.as_ref().unwrap_or(request);
    let asked = completions::asked(request, &["max_tokens"]);
    check::context(request, asked.input.prompt() * request.factor)?;
    let mut answer = chat::answer(&asked, action);
    if answer.finish == Finish::Filter {
        return Ok(Reply::fixture(request, "mistral/403_guardrail.error"));
    }
    let thinks = answer.counts.reasoning > 0;
    answer.text.extend(answer.refusal.take());
    let choices = request.body["n"].as_u64().unwrap_or(1);
    let counts = Counts {
        output: answer.counts.output * choices,
        reasoning: 0,
        ..answer.counts
    };
    let head = head(request, action);
    let usage = usage(counts);
    let reported = json!({
        "counts": counts, "served_model": head["model"], "service_tier": "", "usage": usage,
    });
    let told = if action.no_usage { Value::Null } else { usage };
    let reply = if request.streams() {
        Reply::events(
            request,
            STREAM,
            stream(action, &head, &answer, (choices, thinks), &told),
        )
    } else {
        let body = whole(&head, &answer, (choices, thinks), &told);
        Reply::like(request, PLAIN, &body)
    };
    Ok(if action.no_usage {
        reply
    } else {
        reply.reporting(reported)
    })
}

fn named_file(part: &Value) -> Option<&str> {
    part["file_id"].as_str()
}

/// What every chunk and the whole reply say of themselves.
fn head(request: &Request, action: &Action) -> Value {
    let model = action.served_model.as_deref().unwrap_or(request.model());
    json!({"id": format!("{:032x}", request.number), "created": 1_794_787_200, "model": model})
}

fn finish(answer: &Answer) -> &str {
    match &answer.finish {
        Finish::Length => "length",
        Finish::Tools => "tool_calls",
        Finish::Scripted(word) => word,
        Finish::Stop | Finish::Refusal | Finish::Filter | Finish::Sequence(_) => "stop",
    }
}

/// Input counts include what was read from the cache; writing is free and not told.
fn usage(counts: Counts) -> Value {
    let mut usage = json!({
        "prompt_tokens": counts.prompt(),
        "total_tokens": counts.prompt() + counts.output,
        "completion_tokens": counts.output,
    });
    if counts.cache_read > 0 {
        usage["prompt_tokens_details"] = json!({"cached_tokens": counts.cache_read});
    }
    usage
}

fn whole(head: &Value, answer: &Answer, (choices, thinks): (u64, bool), usage: &Value) -> Value {
    let mut body = fixtures::json("mistral/chat_plain.response.json");
    put(&mut body, head);
    let mut choice = body["choices"][0].take();
    choice["message"]["content"] = if thinks {
        let mut parts = vec![thought(THOUGHT, true)];
        if !answer.text.is_empty() {
            parts.push(json!({"type": "text", "text": answer.text}));
        }
        json!(parts)
    } else {
        json!(answer.text)
    };
    if !answer.calls.is_empty() {
        choice["message"]["tool_calls"] = calls(head, answer);
    }
    choice["finish_reason"] = json!(finish(answer));
    let numbered = (0..choices).map(|index| {
        let mut choice = choice.clone();
        choice["index"] = json!(index);
        choice
    });
    body["choices"] = numbered.collect();
    if let Some(fields) = body.as_object_mut() {
        fields.shift_remove("usage");
    }
    if !usage.is_null() {
        body["usage"] = usage.clone();
    }
    body
}

fn put(body: &mut Value, head: &Value) {
    for field in ["id", "created", "model"] {
        body[field] = head[field].clone();
    }
}

fn thought(text: &str, closed: bool) -> Value {
    let mut part = json!({"type": "thinking", "thinking": [{"type": "text", "text": text}]});
    if closed {
        part["closed"] = json!(true);
    }
    part
}

/// Ids have nine letters and digits: the request's number and the call's.
fn calls(head: &Value, answer: &Answer) -> Value {
    let id = head["id"].as_str().unwrap_or_default();
    let number = id.get(id.len().saturating_sub(6)..).unwrap_or_default();
    let calls = answer.calls.iter().enumerate().map(|(index, call)| {
        json!({
            "id": format!("S{number}{index:02}"),
            "type": "function",
            "function": {"name": call.name, "arguments": arguments(call).to_string()},
            "index": index,
        })
    });
    calls.collect()
}

fn stream(
    action: &Action,
    head: &Value,
    answer: &Answer,
    (choices, thinks): (u64, bool),
    usage: &Value,
) -> Vec<Chunk> {
    let mut events = Vec::new();
    for index in 0..choices {
        let deltas = fragments(head, answer, thinks);
        let last = deltas.len().saturating_sub(1);
        for (at, delta) in deltas.into_iter().enumerate() {
            let word = if at == last {
                json!(finish(answer))
            } else {
                Value::Null
            };
            let mut chunk =
                json!({"id": "", "object": "chat.completion.chunk", "created": 0, "model": ""});
            put(&mut chunk, head);
            chunk["choices"] = json!([{"index": index, "delta": delta, "finish_reason": word}]);
            // Usage rides on the last chunk of the last choice.
            let tells = at == last && index + 1 == choices && !usage.is_null();
            if tells {
                chunk["usage"] = usage.clone();
            }
            let event = Chunk::data(&chunk);
            events.push(if tells { event.telling_usage() } else { event });
        }
    }
    if let Some(after) = action.error_after_chunks {
        events.truncate(after);
        let error = fixtures::events("mistral/chat_midstream_error.sse")
            .pop()
            .unwrap_or_default();
        events.push(Chunk::plain(error));
        return events;
    }
    events.push(Chunk::plain("data: [DONE]\n\n"));
    events
}

/// The deltas of one choice.
fn fragments(head: &Value, answer: &Answer, thinks: bool) -> Vec<Value> {
    let mut fragments = vec![json!({"role": "assistant", "content": ""})];
    if thinks {
        let pieces = deltas(THOUGHT);
        let last = pieces.len().saturating_sub(1);
        let thoughts = pieces.iter().enumerate();
        fragments
            .extend(thoughts.map(|(at, piece)| json!({"content": [thought(piece, at == last)]})));
    }
    if answer.calls.is_empty() {
        let pieces = deltas(&answer.text);
        fragments.extend(pieces.into_iter().map(|piece| json!({"content": piece})));
        if fragments.len() == 1 {
            fragments.push(json!({"content": ""}));
        }
    } else {
        fragments.push(json!({"content": "", "tool_calls": calls(head, answer)}));
    }
    fragments
}

#[cfg(test)]
mod tests;
