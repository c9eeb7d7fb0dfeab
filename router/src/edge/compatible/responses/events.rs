//! A neutral answer as a response that is streamed, event by event.

use keyway_proto::router::v1 as wire;
use keyway_router_providers::chat::{ChatDelta, StreamEnd};
use serde_json::{Value, json};

use super::super::blocks::{Block, Blocks, Step};
use super::super::sealed::Sealing;
use super::super::shape::{Events, Head, Tail};
use super::write::{Frame, incomplete, part};

/// The answer so far.
#[derive(Debug)]
pub(in super::super) struct Stream {
    frame: Frame,
    blocks: Blocks,
    /// The number of the next event.
    number: u64,
}

impl Stream {
    pub(in super::super) fn new(head: &Head, tail: Tail, sealing: Sealing) -> Self {
        Self {
            frame: Frame::new(head, tail),
            blocks: Blocks::new(sealing),
            number: 0,
        }
    }

    fn event(&mut self, kind: &str, mut members: Value) -> String {
        members["type"] = kind.into();
        members["sequence_number"] = self.number.into();
        self.number = self.number.saturating_add(1);
        format!("event: {kind}\ndata: {members}\n\n")
    }

    fn first(&mut self) -> String {
        if self.number > 0 {
            return String::new();
        }
        let response = json!({"response": self.frame.begun()});
        let mut events = self.event("response.created", response.clone());
        events.push_str(&self.event("response.in_progress", response));
        events
    }

    fn told(&mut self, steps: Vec<Step>) -> String {
        let mut events = String::new();
        for step in steps {
            let at = match &step {
                Step::Begin(at) | Step::More(at, _) | Step::End(at) => *at,
            };
            let Some(block) = self.blocks.get(at).cloned() else {
                continue;
            };
            let told = match step {
                Step::Begin(_) => self.begin(at, &block),
                Step::More(_, text) => self.more(at, &block, &text),
                Step::End(_) => self.end_block(at, &block),
            };
            events.push_str(&told);
        }
        events
    }

    fn begin(&mut self, at: usize, block: &Block) -> String {
        let empty = empty(block);
        let mut item = self.frame.item(at, &empty, "in_progress");
        if item["type"] == "message" {
            item["content"] = json!([]);
        }
        let added = json!({"output_index": at, "item": item});
        let mut events = self.event("response.output_item.added", added);
        let Some(names) = Named::of(block) else {
            return events;
        };
        let mut members = self.place(at, block);
        members["part"] = part(&empty);
        events.push_str(&self.event(names.added, members));
        events
    }

    fn more(&mut self, at: usize, block: &Block, text: &str) -> String {
        let kind = Named::of(block).map_or(CALL_MORE, |names| names.more);
        let mut members = self.place(at, block);
        members["delta"] = text.into();
        if matches!(block, Block::Text(_)) {
            members["logprobs"] = json!([]);
        }
        self.event(kind, members)
    }

    fn end_block(&mut self, at: usize, block: &Block) -> String {
        let mut members = self.place(at, block);
        let mut events = match (Named::of(block), block) {
            (
                None,
                Block::Call {
                    name, arguments, ..
                },
            ) => {
                members["name"] = name.as_str().into();
                members["arguments"] = arguments.as_str().into();
                self.event(CALL_DONE, members)
            }
            (
                Some(names),
                Block::Text(text) | Block::Refusal(text) | Block::Reasoning { text, .. },
            ) => {
                let mut done = members.clone();
                done[names.text] = text.as_str().into();
                if matches!(block, Block::Text(_)) {
                    done["logprobs"] = json!([]);
                }
                members["part"] = part(block);
                let events = self.event(names.done, done);
                events + &self.event(names.part_done, members)
            }
            _silent => String::new(),
        };
        let item = self.frame.item(at, block, "completed");
        let done = json!({"output_index": at, "item": item});
        events.push_str(&self.event("response.output_item.done", done));
        events
    }

    /// Where an event belongs.
    fn place(&self, at: usize, block: &Block) -> Value {
        let mut place = json!({"item_id": self.frame.item_id(at, block), "output_index": at});
        match block {
            Block::Text(_) | Block::Refusal(_) => place["content_index"] = 0.into(),
            Block::Reasoning { .. } => place["summary_index"] = 0.into(),
            Block::Call { .. } => {}
        }
        place
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
        let said = (end.finish, end.provider_finish.as_str());
        let response = self.frame.ended(self.blocks.all(), said, receipt);
        let kind = match incomplete(end.finish) {
            None => "response.completed",
            Some(_) => "response.incomplete",
        };
        events.push_str(&self.event(kind, json!({"response": response})));
        events
    }
}

/// The names of the events about a part that is text.
struct Named {
    added: &'static str,
    more: &'static str,
    done: &'static str,
    part_done: &'static str,
    /// The member that has the whole text.
    text: &'static str,
}

impl Named {
    /// `None` for a call, and for reasoning of which nothing can be read.
    fn of(block: &Block) -> Option<Self> {
        match block {
            Block::Text(_) => Some(Self {
                added: "response.content_part.added",
                more: "response.output_text.delta",
                done: "response.output_text.done",
                part_done: "response.content_part.done",
                text: "text",
            }),
            Block::Refusal(_) => Some(Self {
                added: "response.content_part.added",
                more: "response.refusal.delta",
                done: "response.refusal.done",
                part_done: "response.content_part.done",
                text: "refusal",
            }),
            Block::Reasoning { text, .. } if !text.is_empty() => Some(Self {
                added: "response.reasoning_summary_part.added",
                more: "response.reasoning_summary_text.delta",
                done: "response.reasoning_summary_text.done",
                part_done: "response.reasoning_summary_part.done",
                text: "text",
            }),
            Block::Reasoning { .. } | Block::Call { .. } => None,
        }
    }
}

/// A block as it begins.
fn empty(block: &Block) -> Block {
    let text = String::new();
    match block {
        Block::Text(_) => Block::Text(text),
        Block::Refusal(_) => Block::Refusal(text),
        Block::Reasoning { redacted, .. } => Block::Reasoning {
            text,
            sealed: String::new(),
            redacted: *redacted,
        },
        Block::Call { id, name, .. } => Block::Call {
            id: id.clone(),
            name: name.clone(),
            arguments: text,
        },
    }
}

const CALL_MORE: &str = "response.function_call_arguments.delta";
const CALL_DONE: &str = "response.function_call_arguments.done";
