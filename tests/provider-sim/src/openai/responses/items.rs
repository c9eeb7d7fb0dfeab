//! The items of an answer.

use serde_json::{Value, json};

use crate::chat::{Answer, Finish, arguments};
use crate::request::Request;

const THOUGHT: &str = "The question is short, so is the answer.";
/// How every encrypted reasoning starts.
pub(super) const SEALED: &str = "gAAAAAB";
/// Ids of calls that reasoning led to start so; the rest is the request's number.
pub(super) const REASONED_CALL: &str = "fc_r";
pub(super) const REASONING: &str = "rs_";

pub(super) fn of(request: &Request, answer: &Answer) -> Vec<Value> {
    let mut items = Vec::new();
    let number = format!("{:08}", request.number);
    if answer.finish == Finish::Filter {
        return items;
    }
    let reasons = answer.counts.reasoning > 0;
    if reasons {
        items.push(reasoning(request, &number));
    }
    let parts = match &answer.refusal {
        Some(refusal) => json!([{"type": "refusal", "refusal": refusal}]),
        None => {
            json!([{"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}])
        }
    };
    if answer.refusal.is_some() || !answer.text.is_empty() {
        let status = if answer.finish == Finish::Length {
            "incomplete"
        } else {
            "completed"
        };
        items.push(json!({"id": format!("msg_{number}"), "type": "message", "status": status, "role": "assistant", "content": parts}));
    }
    let start = if reasons { REASONED_CALL } else { "fc_" };
    let calls = answer.calls.iter().enumerate();
    items.extend(calls.map(|(index, call)| {
        json!({
            "id": format!("{start}{number}_{index}"),
            "type": "function_call",
            "status": "completed",
            "call_id": format!("call_Sim{number}_{index}"),
            "name": call.name,
            "arguments": arguments(call).to_string(),
        })
    }));
    items
}

fn reasoning(request: &Request, number: &str) -> Value {
    let summary = if request.body["reasoning"]["summary"].is_null() {
        json!([])
    } else {
        json!([{"type": "summary_text", "text": THOUGHT}])
    };
    let mut item =
        json!({"id": format!("{REASONING}{number}"), "type": "reasoning", "summary": summary});
    let include = request.body["include"].as_array().into_iter().flatten();
    if include
        .into_iter()
        .any(|what| what == "reasoning.encrypted_content")
    {
        item["encrypted_content"] = json!(format!("{SEALED}Sim{number}=="));
    }
    item
}
