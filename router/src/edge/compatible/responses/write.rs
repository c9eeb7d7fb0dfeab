//! A neutral answer as a response.

use keyway_proto::router::v1 as wire;
use keyway_router_providers::chat::{ChatReply, Finish};
use serde_json::{Map, Value, json};

use super::super::blocks::{Block, Blocks};
use super::super::receipt;
use super::super::sealed::Sealing;
use super::super::shape::{Head, Tail};

/// A whole answer.
pub(in super::super) fn whole(
    head: &Head,
    tail: Tail,
    sealing: Sealing,
    reply: ChatReply,
    receipt: &wire::Receipt,
) -> Value {
    let blocks = Blocks::whole(sealing, reply.parts);
    let frame = Frame::new(head, tail);
    frame.ended(&blocks, (reply.finish, &reply.provider_finish), receipt)
}

/// A response but for what is said in it.
#[derive(Debug)]
pub(super) struct Frame {
    id: String,
    members: Map<String, Value>,
}

impl Frame {
    pub(super) fn new(head: &Head, tail: Tail) -> Self {
        let mut members = match tail {
            Tail::Echo(members) => members,
            Tail::None | Tail::Usage(_) => Map::new(),
        };
        let id = head.id.to_string();
        for (name, value) in [
            ("id", json!(format!("resp_{id}"))),
            ("object", json!("response")),
            ("created_at", json!(head.created)),
            ("model", json!(head.model)),
            ("background", json!(false)),
            ("error", Value::Null),
            ("incomplete_details", Value::Null),
            ("previous_response_id", Value::Null),
            ("store", json!(false)),
            ("truncation", json!("disabled")),
            ("status", json!("in_progress")),
            ("output", json!([])),
            ("usage", Value::Null),
        ] {
            members.insert(name.to_owned(), value);
        }
        Self { id, members }
    }

    /// The response before anything is said.
    pub(super) fn begun(&self) -> Value {
        Value::Object(self.members.clone())
    }

    /// The response at its end.
    pub(super) fn ended(
        &self,
        blocks: &[Block],
        end: (Finish, &str),
        receipt: &wire::Receipt,
    ) -> Value {
        let mut response = self.members.clone();
        let items = blocks.iter().enumerate();
        let items = items.map(|(at, block)| self.item(at, block, "completed"));
        let why = incomplete(end.0);
        let status = if why.is_some() {
            "incomplete"
        } else {
            "completed"
        };
        for (name, value) in [
            ("output", items.collect::<Vec<_>>().into()),
            ("status", status.into()),
            (
                "incomplete_details",
                why.map(|why| json!({"reason": why})).into(),
            ),
            ("usage", usage(receipt)),
            ("keyway", receipt::own(end, receipt)),
        ] {
            response.insert(name.to_owned(), value);
        }
        Value::Object(response)
    }

    /// The id of a block's item.
    pub(super) fn item_id(&self, at: usize, block: &Block) -> String {
        let kind = match block {
            Block::Text(_) | Block::Refusal(_) => "msg",
            Block::Reasoning { .. } => "rs",
            Block::Call { .. } => "fc",
        };
        format!("{kind}_{}_{at}", self.id)
    }

    /// A block as an item.
    pub(super) fn item(&self, at: usize, block: &Block, status: &str) -> Value {
        let id = self.item_id(at, block);
        match block {
            Block::Text(_) | Block::Refusal(_) => json!({
                "type": "message", "id": id, "status": status, "role": "assistant",
                "content": [part(block)],
            }),
            Block::Reasoning { text, sealed, .. } => {
                let summary = if text.is_empty() {
                    json!([])
                } else {
                    json!([part(block)])
                };
                json!({
                    "type": "reasoning", "id": id, "summary": summary,
                    "encrypted_content": sealed,
                })
            }
            Block::Call {
                id: call_id,
                name,
                arguments,
            } => json!({
                "type": "function_call", "id": id, "status": status, "call_id": call_id,
                "name": name, "arguments": arguments,
            }),
        }
    }
}

/// What is said in a block, as a part of its item.
pub(super) fn part(block: &Block) -> Value {
    match block {
        Block::Text(text) => {
            json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
        }
        Block::Refusal(text) => json!({"type": "refusal", "refusal": text}),
        Block::Reasoning { text, .. } => json!({"type": "summary_text", "text": text}),
        Block::Call { .. } => Value::Null,
    }
}

/// Why a response is not complete: what is cut short is never told as done.
pub(super) const fn incomplete(finish: Finish) -> Option<&'static str> {
    match finish {
        Finish::Stop | Finish::ToolCalls => None,
        Finish::Length | Finish::Pause => Some("max_output_tokens"),
        Finish::ContentFilter | Finish::Refusal | Finish::Other => Some("content_filter"),
    }
}

/// `null` where the provider said nothing.
fn usage(receipt: &wire::Receipt) -> Value {
    let Some(counts) = receipt::counts(receipt) else {
        return Value::Null;
    };
    json!({
        "input_tokens": counts.all_input(),
        "input_tokens_details": {"cached_tokens": counts.cache_read},
        "output_tokens": counts.output,
        "output_tokens_details": {"reasoning_tokens": counts.reasoning},
        "total_tokens": counts.total(),
    })
}
