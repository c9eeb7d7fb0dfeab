//! A neutral answer as a message, whole or in events.

use keyway_proto::router::v1 as wire;
use keyway_router_providers::chat::{ChatDelta, ChatReply, Finish, StreamEnd};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::super::blocks::{Block, Blocks, Step};
use super::super::receipt;
use super::super::sealed::Sealing;
use super::super::shape::{Events, Head};

/// A whole answer.
pub(in super::super) fn whole(
    head: &Head,
    sealing: Sealing,
    reply: ChatReply,
    receipt: &wire::Receipt,
) -> String {
    let blocks = Blocks::whole(sealing, reply.parts);
    let blocks: Vec<String> = blocks.iter().map(block).collect();
    let mut message = begun(head);
    message["stop_reason"] = stop_reason(reply.finish).into();
    message["usage"] = usage(receipt);
    message["keyway"] = receipt::own((reply.finish, &reply.provider_finish), receipt);
    if let Some(members) = message.as_object_mut() {
        members.remove("content");
    }
    // A call's arguments keep their spelling, so they are written as they are.
    let mut text = message.to_string();
    text.pop();
    format!("{text},\"content\":[{}]}}", blocks.join(","))
}

/// A message before anything is said.
fn begun(head: &Head) -> Value {
    json!({
        "id": format!("msg_{}", head.id),
        "type": "message",
        "role": "assistant",
        "model": head.model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
    })
}

/// A block that is whole.
fn block(block: &Block) -> String {
    match block {
        Block::Call {
            id,
            name,
            arguments,
        } => {
            let input = input(arguments);
            let (id, name) = (json!(id), json!(name));
            format!("{{\"type\":\"tool_use\",\"id\":{id},\"name\":{name},\"input\":{input}}}")
        }
        Block::Text(text) | Block::Refusal(text) => {
            json!({"type": "text", "text": text}).to_string()
        }
        Block::Reasoning {
            sealed,
            redacted: true,
            ..
        } => json!({"type": "redacted_thinking", "data": sealed}).to_string(),
        Block::Reasoning { text, sealed, .. } => {
            json!({"type": "thinking", "thinking": text, "signature": sealed}).to_string()
        }
    }
}

/// Arguments as the model spelled them; as a text where they are no object.
fn input(arguments: &str) -> String {
    let trimmed = arguments.trim();
    if trimmed.is_empty() {
        return "{}".to_owned();
    }
    let is_object = trimmed.starts_with('{') && serde_json::from_str::<&RawValue>(trimmed).is_ok();
    if is_object {
        trimmed.to_owned()
    } else {
        json!(arguments).to_string()
    }
}

/// What is not known is `null`.
fn usage(receipt: &wire::Receipt) -> Value {
    let counts = receipt::counts(receipt);
    json!({
        "input_tokens": counts.and_then(|counts| counts.input),
        "cache_creation_input_tokens": counts.and_then(|counts| counts.cache_write),
        "cache_read_input_tokens": counts.and_then(|counts| counts.cache_read),
        "output_tokens": counts.and_then(|counts| counts.output),
    })
}

/// What is cut short is never told as done.
const fn stop_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::ToolCalls => "tool_use",
        Finish::Pause => "pause_turn",
        Finish::ContentFilter | Finish::Refusal | Finish::Other => "refusal",
    }
}

/// A streamed answer, event by event.
#[derive(Debug)]
pub(in super::super) struct Stream {
    head: Head,
    blocks: Blocks,
    begun: bool,
}

impl Stream {
    pub(in super::super) const fn new(head: Head, sealing: Sealing) -> Self {
        Self {
            head,
            blocks: Blocks::new(sealing),
            begun: false,
        }
    }

    fn first(&mut self) -> String {
        if std::mem::replace(&mut self.begun, true) {
            return String::new();
        }
        let mut message = begun(&self.head);
        // Clients demand numbers here. The true ones come with the end.
        message["usage"] = json!({"input_tokens": 0, "output_tokens": 0});
        event(&json!({"type": "message_start", "message": message}))
    }

    fn told(&self, steps: Vec<Step>) -> String {
        steps.into_iter().map(|step| self.step(step)).collect()
    }

    fn step(&self, step: Step) -> String {
        match step {
            Step::Begin(at) => {
                let block = self.blocks.get(at).map(empty);
                event(&json!({"type": "content_block_start", "index": at, "content_block": block}))
            }
            Step::More(at, text) => {
                let delta = match self.blocks.get(at) {
                    Some(Block::Call { .. }) => {
                        json!({"type": "input_json_delta", "partial_json": text})
                    }
                    Some(Block::Reasoning { .. }) => {
                        json!({"type": "thinking_delta", "thinking": text})
                    }
                    _text => json!({"type": "text_delta", "text": text}),
                };
                more(at, &delta)
            }
            Step::End(at) => {
                let mut events = String::new();
                if let Some(Block::Reasoning {
                    sealed,
                    redacted: false,
                    ..
                }) = self.blocks.get(at)
                {
                    let delta = json!({"type": "signature_delta", "signature": sealed});
                    events = more(at, &delta);
                }
                events.push_str(&event(&json!({"type": "content_block_stop", "index": at})));
                events
            }
        }
    }
}

impl Events for Stream {
    fn piece(&mut self, piece: ChatDelta) -> String {
        let steps = self.blocks.piece(piece);
        if steps.is_empty() {
            return String::new();
        }
        let mut events = self.first();
        events.push_str(&self.told(steps));
        events
    }

    fn end(&mut self, end: &StreamEnd, receipt: &wire::Receipt) -> String {
        let mut events = self.first();
        let steps = self.blocks.end();
        events.push_str(&self.told(steps));
        let delta = json!({"stop_reason": stop_reason(end.finish), "stop_sequence": null});
        events.push_str(&event(&json!({
            "type": "message_delta",
            "delta": delta,
            "usage": usage(receipt),
            "keyway": receipt::own((end.finish, &end.provider_finish), receipt),
        })));
        events.push_str(&event(&json!({"type": "message_stop"})));
        events
    }
}

/// A block as it begins.
fn empty(block: &Block) -> Value {
    match block {
        Block::Text(_) | Block::Refusal(_) => json!({"type": "text", "text": ""}),
        Block::Reasoning {
            sealed,
            redacted: true,
            ..
        } => json!({"type": "redacted_thinking", "data": sealed}),
        Block::Reasoning { .. } => json!({"type": "thinking", "thinking": "", "signature": ""}),
        Block::Call { id, name, .. } => {
            json!({"type": "tool_use", "id": id, "name": name, "input": {}})
        }
    }
}

fn more(at: usize, delta: &Value) -> String {
    event(&json!({"type": "content_block_delta", "index": at, "delta": delta}))
}

fn event(json: &Value) -> String {
    let kind = json["type"].as_str().unwrap_or_default();
    format!("event: {kind}\ndata: {json}\n\n")
}
