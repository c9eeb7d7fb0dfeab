//! The events of a streamed response: named, numbered, and the last with the whole response.

use serde_json::{Value, json};

use crate::chat::deltas;
use crate::fixtures;
use crate::reply::Chunk;
use crate::request::Request;
use crate::script::Action;

pub(super) fn events(request: &Request, action: &Action, body: &Value) -> Vec<Chunk> {
    let mut out = Events {
        events: Vec::new(),
        padded: request.body["stream_options"]["include_obfuscation"] != false,
    };
    let mut start = body.clone();
    start["status"] = json!("in_progress");
    start["output"] = json!([]);
    for field in ["usage", "completed_at", "error", "incomplete_details"] {
        start[field] = Value::Null;
    }
    out.push(json!({"type": "response.created", "response": start}));
    out.push(json!({"type": "response.in_progress", "response": start}));
    let items = body["output"].as_array().into_iter().flatten();
    for (index, item) in items.enumerate() {
        out.item(index, item);
    }
    let mut events = out.events;
    if let Some(after) = action.error_after_chunks {
        events.truncate(after);
        let mut error = fixtures::payloads("openai/responses_midstream_error.sse")
            .pop()
            .unwrap_or_default();
        error["sequence_number"] = json!(events.len());
        events.push(error);
        return events.iter().map(Chunk::named).collect();
    }
    let status = body["status"].as_str().unwrap_or_default();
    let number = events.len();
    let last =
        json!({"type": format!("response.{status}"), "sequence_number": number, "response": body});
    let mut chunks: Vec<Chunk> = events.iter().map(Chunk::named).collect();
    let last = Chunk::named(&last);
    chunks.push(if body["usage"].is_null() {
        last
    } else {
        last.telling_usage()
    });
    chunks
}

struct Events {
    events: Vec<Value>,
    /// Deltas carry padding.
    padded: bool,
}

impl Events {
    fn push(&mut self, event: Value) {
        let mut numbered = json!({"type": event["type"], "sequence_number": self.events.len()});
        if let (Some(into), Value::Object(fields)) = (numbered.as_object_mut(), event) {
            into.extend(fields.into_iter().filter(|(name, _)| name != "type"));
        }
        self.events.push(numbered);
    }

    fn item(&mut self, index: usize, item: &Value) {
        let kind = item["type"].as_str().unwrap_or_default();
        let mut opening = item.clone();
        match kind {
            "message" => {
                opening["status"] = json!("in_progress");
                opening["content"] = json!([]);
            }
            "function_call" => {
                opening["status"] = json!("in_progress");
                opening["arguments"] = json!("");
            }
            _ => {
                opening["summary"] = json!([]);
                if let Some(fields) = opening.as_object_mut() {
                    fields.shift_remove("encrypted_content");
                }
            }
        }
        self.push(
            json!({"type": "response.output_item.added", "output_index": index, "item": opening}),
        );
        let at = json!({"item_id": item["id"], "output_index": index});
        match kind {
            "message" => self.message(&at, &item["content"][0]),
            "function_call" => self.call(&at, item),
            _ => self.summary(&at, &item["summary"]),
        }
        self.push(
            json!({"type": "response.output_item.done", "output_index": index, "item": item}),
        );
    }

    fn message(&mut self, at: &Value, part: &Value) {
        let at = with(at, &json!({"content_index": 0}));
        let field = if part["type"] == "refusal" {
            "refusal"
        } else {
            "text"
        };
        let name = if field == "text" {
            "output_text"
        } else {
            "refusal"
        };
        let more = if field == "text" {
            json!({"logprobs": []})
        } else {
            json!({})
        };
        let mut empty = part.clone();
        empty[field] = json!("");
        self.told("response.content_part.added", &at, &json!({"part": empty}));
        let text = part[field].as_str().unwrap_or_default();
        for delta in deltas(text) {
            self.delta(
                &format!("response.{name}.delta"),
                &with(&at, &json!({"delta": delta})),
                &more,
            );
        }
        self.told(
            &format!("response.{name}.done"),
            &at,
            &with(&json!({field: text}), &more),
        );
        self.told("response.content_part.done", &at, &json!({"part": part}));
    }

    fn call(&mut self, at: &Value, item: &Value) {
        let arguments = item["arguments"].as_str().unwrap_or_default();
        for delta in deltas(arguments) {
            let event = with(at, &json!({"delta": delta}));
            self.delta("response.function_call_arguments.delta", &event, &json!({}));
        }
        let done = json!({"name": item["name"], "arguments": arguments});
        self.told("response.function_call_arguments.done", at, &done);
    }

    fn summary(&mut self, at: &Value, summary: &Value) {
        for (index, part) in summary.as_array().into_iter().flatten().enumerate() {
            let at = with(at, &json!({"summary_index": index}));
            let empty = json!({"type": "summary_text", "text": ""});
            self.told(
                "response.reasoning_summary_part.added",
                &at,
                &json!({"part": empty}),
            );
            let text = part["text"].as_str().unwrap_or_default();
            for delta in deltas(text) {
                let delta = json!({"delta": delta});
                self.told("response.reasoning_summary_text.delta", &at, &delta);
            }
            self.told(
                "response.reasoning_summary_text.done",
                &at,
                &json!({"text": text}),
            );
            self.told(
                "response.reasoning_summary_part.done",
                &at,
                &json!({"part": part}),
            );
        }
    }

    fn told(&mut self, name: &str, at: &Value, more: &Value) {
        self.push(with(&json!({"type": name}), &with(at, more)));
    }

    fn delta(&mut self, name: &str, event: &Value, more: &Value) {
        let padding = if self.padded {
            json!({"obfuscation": "aQ9z"})
        } else {
            json!({})
        };
        self.told(name, event, &with(more, &padding));
    }
}

/// Both objects' fields, in order.
fn with(first: &Value, second: &Value) -> Value {
    let mut both = first.clone();
    if let (Some(into), Some(from)) = (both.as_object_mut(), second.as_object()) {
        into.extend(from.clone());
    }
    both
}
