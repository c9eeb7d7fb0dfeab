//! Turns that tests tell and have given back, whole or in pieces.

use keyway_proto::router::v1 as wire;
use keyway_router_providers::Metered;
use keyway_router_providers::chat::{
    AssistantPart, ChatDelta, ChatReply, Finish, ReasoningPart, StreamEnd, ToolCall, ToolCallDelta,
};
use keyway_words::CallId;

use super::super::sealed::{Seal, SealKey};
use super::super::shape::Head;

pub(in crate::edge::compatible) fn seal() -> Seal {
    let key = SealKey::new(b"a key").unwrap();
    key.of(&"demo".parse().unwrap())
}

pub(in crate::edge::compatible) fn head() -> Head {
    Head {
        id: CallId::new(),
        created: 1,
        model: "m".to_owned(),
    }
}

pub(in crate::edge::compatible) fn reasoning(
    text: &str,
    signature: &str,
    redacted: bool,
) -> AssistantPart {
    AssistantPart::Reasoning(ReasoningPart {
        text: text.to_owned(),
        signature: signature.as_bytes().to_vec(),
        redacted,
    })
}

pub(in crate::edge::compatible) fn call(id: &str, signature: &str) -> AssistantPart {
    AssistantPart::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "f".to_owned(),
        arguments: "{\"b\":1.50,\"a\":2}".to_owned(),
        signature: signature.as_bytes().to_vec(),
    })
}

/// A whole answer of these parts.
pub(in crate::edge::compatible) fn reply(parts: Vec<AssistantPart>) -> ChatReply {
    ChatReply {
        parts,
        finish: Finish::ToolCalls,
        provider_finish: "tool_use".to_owned(),
        metered: Metered::default(),
    }
}

/// The end of the same answer in pieces.
pub(in crate::edge::compatible) fn end() -> StreamEnd {
    StreamEnd {
        finish: Finish::ToolCalls,
        provider_finish: "tool_use".to_owned(),
    }
}

/// The parts of a turn as the neutral schema has them.
pub(in crate::edge::compatible) fn neutral(parts: &[AssistantPart]) -> Vec<wire::Part> {
    let one = |part: &AssistantPart| match part {
        AssistantPart::Text(text) => wire::part::Part::Text(text.clone()),
        AssistantPart::Refusal(text) => wire::part::Part::Refusal(text.clone()),
        AssistantPart::Reasoning(part) => wire::part::Part::Reasoning(wire::ReasoningPart {
            text: part.text.clone(),
            signature: part.signature.clone(),
            redacted: part.redacted,
        }),
        AssistantPart::ToolCall(call) => wire::part::Part::ToolCall(wire::ToolCall {
            id: call.id.clone(),
            name: call.name.clone(),
            arguments_json: call.arguments.clone(),
            signature: call.signature.clone(),
        }),
    };
    parts
        .iter()
        .map(|part| wire::Part {
            part: Some(one(part)),
        })
        .collect()
}

/// A part in pieces of a few bytes, a signature by itself.
pub(in crate::edge::compatible) fn pieces(part: &AssistantPart, index: u32) -> Vec<ChatDelta> {
    match part {
        AssistantPart::Text(text) => text
            .chars()
            .map(|one| ChatDelta::Text(one.to_string()))
            .collect(),
        AssistantPart::Refusal(text) => vec![ChatDelta::Refusal(text.clone())],
        AssistantPart::Reasoning(part) if part.redacted => {
            vec![ChatDelta::Reasoning(part.clone())]
        }
        AssistantPart::Reasoning(part) => {
            let text = part.text.chars().map(|one| ReasoningPart {
                text: one.to_string(),
                ..ReasoningPart::default()
            });
            let signature = ReasoningPart {
                signature: part.signature.clone(),
                ..ReasoningPart::default()
            };
            let all = text.chain([signature]);
            all.map(ChatDelta::Reasoning).collect()
        }
        AssistantPart::ToolCall(call) => {
            let first = ToolCallDelta {
                index,
                id: Some(call.id.clone()),
                name: Some(call.name.clone()),
                arguments: String::new(),
                signature: call.signature.clone(),
            };
            let rest = call.arguments.chars().map(|one| ToolCallDelta {
                index,
                arguments: one.to_string(),
                ..ToolCallDelta::default()
            });
            let all = [first].into_iter().chain(rest);
            all.map(ChatDelta::ToolCall).collect()
        }
    }
}
