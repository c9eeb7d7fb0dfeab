//! Responses, whole and streamed.
//!
//! A request is read as the chat completion that asks the same (`twin`), so that both endpoints count
//! and answer alike. Reasoning is an item of its own, which a caller that keeps the conversation itself
//! must send back before its calls. Unless `store` is false the reply is kept in the caller's account.

mod check;
mod items;
mod stream;
mod twin;

use serde_json::{Value, json};

use crate::chat::{self, Finish};
use crate::count::Counts;
use crate::openai::{self, Fault, NAME, stored};
use crate::reply::Reply;
use crate::request::Request;
use crate::script::Action;
use crate::{completions, fixtures, models};

const PLAIN: &str = "openai/responses_plain.response";
const STREAM: &str = "openai/responses_plain.sse";
/// Fields of the request that the reply repeats.
const REPEATED: [&str; 13] = [
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "safety_identifier",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
    "truncation",
];

pub(super) fn answer(request: &Request, action: &Action) -> Result<Reply, Fault> {
    check::fields(request)?;
    let items = stored::conversation(request)?;
    let twin = request.with_body(twin::of(request, &items)?);
    check::twin(request, &twin, &items)?;
    let asked = completions::asked(&twin, &["max_completion_tokens"]);
    openai::check::context(&twin, asked.input.prompt() * request.factor)?;
    let answer = chat::answer(&asked, action);
    let failed = answer.finish == Finish::Scripted("failed".to_owned());
    let usage = if action.no_usage || failed {
        Value::Null
    } else {
        usage(answer.counts)
    };
    let mut body = head(request, action);
    body["output"] = json!(items::of(request, &answer));
    body["usage"] = usage.clone();
    end(&mut body, &answer.finish);
    let kept = stored::keep(request, &body);
    let reported = json!({
        "counts": answer.counts, "served_model": body["model"],
        "service_tier": body["service_tier"], "usage": usage,
    });
    let reply = if request.streams() {
        Reply::events(request, STREAM, stream::events(request, action, &body))
    } else {
        // A reply in the background is read later.
        Reply::like(request, PLAIN, kept.as_ref().unwrap_or(&body))
    };
    Ok(if usage.is_null() {
        reply
    } else {
        reply.reporting(reported)
    })
}

/// What the reply says of itself and repeats of the request.
fn head(request: &Request, action: &Action) -> Value {
    let mut body = fixtures::json("openai/responses_plain.response.json");
    body["id"] = json!(format!("resp_Sim{:08}", request.number));
    let served = || models::served(NAME, request.model());
    body["model"] = json!(action.served_model.clone().unwrap_or_else(served));
    let asked = request.body["service_tier"].as_str();
    let tier = match asked {
        None | Some("auto" | "default") => "default",
        Some("fast") => "priority",
        Some(tier) => tier,
    };
    body["service_tier"] = json!(action.service_tier.as_deref().unwrap_or(tier));
    for field in REPEATED {
        if request.has(field) {
            body[field] = request.body[field].clone();
        }
    }
    for (field, inner) in [
        ("reasoning", "effort"),
        ("reasoning", "summary"),
        ("text", "format"),
        ("text", "verbosity"),
    ] {
        if !request.body[field][inner].is_null() {
            body[field][inner] = request.body[field][inner].clone();
        }
    }
    if let Some(id) = stored::conversation_id(request) {
        body["conversation"] = json!({"id": id});
    }
    body
}

/// How it ended.
fn end(body: &mut Value, finish: &Finish) {
    let incomplete = |body: &mut Value, reason: &str| {
        body["status"] = json!("incomplete");
        body["incomplete_details"] = json!({"reason": reason});
    };
    match finish {
        Finish::Length => incomplete(body, "max_output_tokens"),
        Finish::Filter => incomplete(body, "content_filter"),
        Finish::Scripted(word) if word == "failed" => {
            body["status"] = json!("failed");
            body["error"] = fixtures::json("openai/responses_failed.response.json")["error"].take();
        }
        Finish::Scripted(word) => incomplete(body, word),
        Finish::Stop | Finish::Tools | Finish::Refusal | Finish::Sequence(_) => return,
    }
    body["completed_at"] = Value::Null;
}

/// Input counts include what was read from and written to the cache; output includes reasoning.
fn usage(counts: Counts) -> Value {
    json!({
        "input_tokens": counts.prompt(),
        "input_tokens_details": {
            "cached_tokens": counts.cache_read,
            "cache_write_tokens": counts.cache_write + counts.cache_write_1h,
        },
        "output_tokens": counts.output,
        "output_tokens_details": {"reasoning_tokens": counts.reasoning},
        "total_tokens": counts.prompt() + counts.output,
    })
}

#[cfg(test)]
mod tests;
