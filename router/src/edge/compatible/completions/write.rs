//! A neutral answer as a chat completion, whole or in chunks.

use keyway_proto::router::v1 as wire;
use keyway_router_providers::chat::{
    AssistantPart, ChatDelta, ChatReply, Finish, ReasoningPart, StreamEnd, ToolCallDelta,
};
use serde_json::{Map, Value, json};

use super::super::receipt;
use super::super::sealed::{Carried, Sealing, Thought};
use super::super::shape::{Events, Head};

/// Makes the ids of an answer's calls out of what came before them.
#[derive(Debug)]
struct Ids {
    sealing: Sealing,
    /// Bytes of text so far.
    text: usize,
    /// A block of reasoning that has no signature yet.
    open: Option<(usize, ReasoningPart)>,
    /// Blocks that the next call carries.
    thoughts: Vec<Thought>,
}

impl Ids {
    const fn new(sealing: Sealing) -> Self {
        Self {
            sealing,
            text: 0,
            open: None,
            thoughts: Vec::new(),
        }
    }

    fn text(&mut self, text: &str) {
        self.open = None;
        self.text = self.text.saturating_add(text.len());
    }

    /// A block of reasoning, or more of one. What is never signed need not be given back.
    fn reasoning(&mut self, part: &ReasoningPart) {
        if part.redacted {
            self.open = None;
            self.thoughts.push(Thought::new(part.clone(), self.text));
            return;
        }
        let (at, open) = self
            .open
            .get_or_insert_with(|| (self.text, ReasoningPart::default()));
        open.text.push_str(&part.text);
        if !part.signature.is_empty() {
            open.signature.clone_from(&part.signature);
            self.thoughts.push(Thought::new(std::mem::take(open), *at));
            self.open = None;
        }
    }

    /// The id of a call, as its caller sees it.
    fn call(&mut self, id: String, signature: &[u8]) -> String {
        self.open = None;
        self.sealing.seal.seal(&Carried {
            id,
            provider: self.sealing.provider.as_str().to_owned(),
            signature: signature.to_vec(),
            offset: u64::try_from(self.text).unwrap_or(u64::MAX),
            reasoning: std::mem::take(&mut self.thoughts),
        })
    }
}

/// A whole answer.
pub(in super::super) fn whole(
    head: &Head,
    sealing: Sealing,
    reply: ChatReply,
    receipt: &wire::Receipt,
) -> Value {
    let mut ids = Ids::new(sealing);
    let (mut text, mut refusal, mut reasoning) = (None, None, None);
    let mut calls = Vec::new();
    for part in reply.parts {
        match part {
            AssistantPart::Text(more) => {
                ids.text(&more);
                append(&mut text, &more);
            }
            AssistantPart::Refusal(more) => append(&mut refusal, &more),
            AssistantPart::Reasoning(part) => {
                ids.reasoning(&part);
                append(&mut reasoning, &part.text);
            }
            AssistantPart::ToolCall(call) => {
                let id = ids.call(call.id, &call.signature);
                let function = json!({"name": call.name, "arguments": call.arguments});
                calls.push(json!({"id": id, "type": "function", "function": function}));
            }
        }
    }
    let mut message = Map::new();
    message.insert("role".to_owned(), "assistant".into());
    message.insert("content".to_owned(), text.into());
    message.insert("refusal".to_owned(), refusal.into());
    if let Some(reasoning) = reasoning.filter(|reasoning| !reasoning.is_empty()) {
        message.insert("reasoning_content".to_owned(), reasoning.into());
    }
    if !calls.is_empty() {
        message.insert("tool_calls".to_owned(), calls.into());
    }
    let choice = json!({
        "index": 0,
        "message": message,
        "logprobs": null,
        "finish_reason": finish(reply.finish),
    });
    let mut answer = begun(head, "chat.completion", vec![choice]);
    if let Some(usage) = usage(receipt) {
        answer.insert("usage".to_owned(), usage);
    }
    let own = receipt::own((reply.finish, &reply.provider_finish), receipt);
    answer.insert("keyway".to_owned(), own);
    Value::Object(answer)
}

fn append(all: &mut Option<String>, more: &str) {
    all.get_or_insert_default().push_str(more);
}

/// The members that every object of an answer begins with.
fn begun(head: &Head, object: &str, choices: Vec<Value>) -> Map<String, Value> {
    let members = [
        ("id", format!("chatcmpl-{}", head.id).into()),
        ("object", object.into()),
        ("created", head.created.into()),
        ("model", head.model.as_str().into()),
        ("choices", choices.into()),
    ];
    let named = members.into_iter();
    named
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A streamed answer, chunk by chunk.
#[derive(Debug)]
pub(in super::super) struct Chunks {
    head: Head,
    ids: Ids,
    /// A last chunk with the usage is asked for.
    usage: bool,
    begun: bool,
}

impl Chunks {
    pub(in super::super) const fn new(head: Head, sealing: Sealing, usage: bool) -> Self {
        Self {
            head,
            ids: Ids::new(sealing),
            usage,
            begun: false,
        }
    }
}

impl Events for Chunks {
    /// The events for one more piece; empty for one that shows nothing.
    fn piece(&mut self, piece: ChatDelta) -> String {
        let delta = match piece {
            ChatDelta::Text(text) => {
                self.ids.text(&text);
                json!({"content": text})
            }
            ChatDelta::Refusal(text) => json!({"refusal": text}),
            ChatDelta::Reasoning(part) => {
                self.ids.reasoning(&part);
                if part.text.is_empty() {
                    return String::new();
                }
                json!({"reasoning_content": part.text})
            }
            ChatDelta::ToolCall(call) => json!({"tool_calls": [self.call(call)]}),
        };
        let mut events = self.first();
        events.push_str(&self.chunk(vec![choice(&delta, None)], None));
        events
    }

    /// The events that end a whole stream.
    fn end(&mut self, end: &StreamEnd, receipt: &wire::Receipt) -> String {
        let mut events = self.first();
        let choices = vec![choice(&json!({}), Some(finish(end.finish)))];
        let own = receipt::own((end.finish, &end.provider_finish), receipt);
        events.push_str(&self.chunk(choices, Some(own)));
        if self.usage {
            let mut chunk = begun(&self.head, OBJECT, Vec::new());
            let usage = usage(receipt);
            chunk.insert("usage".to_owned(), usage.unwrap_or_default());
            events.push_str(&event(&Value::Object(chunk)));
        }
        events.push_str("data: [DONE]\n\n");
        events
    }
}

impl Chunks {
    /// The role stands in a chunk of its own before everything else.
    fn first(&mut self) -> String {
        if std::mem::replace(&mut self.begun, true) {
            return String::new();
        }
        let delta = json!({"role": "assistant", "content": "", "refusal": null});
        self.chunk(vec![choice(&delta, None)], None)
    }

    /// The id and the name come with the first piece of a call.
    fn call(&mut self, call: ToolCallDelta) -> Value {
        let mut function = Map::new();
        let mut told = Map::new();
        told.insert("index".to_owned(), call.index.into());
        if let Some(id) = call.id {
            let id = self.ids.call(id, &call.signature);
            told.insert("id".to_owned(), id.into());
            told.insert("type".to_owned(), "function".into());
        }
        if let Some(name) = call.name {
            function.insert("name".to_owned(), name.into());
        }
        function.insert("arguments".to_owned(), call.arguments.into());
        told.insert("function".to_owned(), function.into());
        Value::Object(told)
    }

    fn chunk(&self, choices: Vec<Value>, own: Option<Value>) -> String {
        let mut chunk = begun(&self.head, OBJECT, choices);
        if self.usage {
            chunk.insert("usage".to_owned(), Value::Null);
        }
        if let Some(own) = own {
            chunk.insert("keyway".to_owned(), own);
        }
        event(&Value::Object(chunk))
    }
}

fn choice(delta: &Value, finish: Option<&str>) -> Value {
    json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish})
}

fn event(json: &Value) -> String {
    format!("data: {json}\n\n")
}

/// `OpenAI` knows four ends. What is cut short is never told as done.
const fn finish(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length | Finish::Pause => "length",
        Finish::ToolCalls => "tool_calls",
        Finish::ContentFilter | Finish::Refusal | Finish::Other => "content_filter",
    }
}

/// Usage of the attempt that answered; `None` where it is not known.
pub(in super::super) fn usage(receipt: &wire::Receipt) -> Option<Value> {
    let counts = receipt::counts(receipt)?;
    let input = counts.all_input()?;
    let mut told = Map::new();
    told.insert("prompt_tokens".to_owned(), input.into());
    if let Some(output) = counts.output {
        told.insert("completion_tokens".to_owned(), output.into());
    }
    told.insert("total_tokens".to_owned(), counts.total().into());
    for (name, part, count) in [
        ("prompt_tokens_details", "cached_tokens", counts.cache_read),
        (
            "completion_tokens_details",
            "reasoning_tokens",
            counts.reasoning,
        ),
    ] {
        if let Some(count) = count {
            told.insert(name.to_owned(), json!({part: count}));
        }
    }
    Some(Value::Object(told))
}

const OBJECT: &str = "chat.completion.chunk";
