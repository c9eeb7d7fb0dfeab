//! A turn that is told and given back is the turn that its provider made.

use keyway_proto::router::v1 as wire;
use keyway_router_providers::chat::{AssistantPart, ReasoningPart, ToolCall};
use keyway_words::ProviderId;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::super::shape::Events as _;
use super::super::super::tests::turn::{call, end, head, neutral, pieces, reasoning, reply};
use super::super::write::{Chunks, whole};
use super::{read, read_for, sealing, with};

fn receipt() -> wire::Receipt {
    wire::Receipt::default()
}

fn thinking() -> Vec<AssistantPart> {
    let text = |text: &str| AssistantPart::Text(text.to_owned());
    vec![
        reasoning("first", "s1", false),
        text("Ünd"),
        reasoning("", "hidden", true),
        call("a", "s2"),
        reasoning("second", "s3", false),
        text("then"),
        call("b", ""),
        call("c", ""),
    ]
}

fn told_whole(parts: Vec<AssistantPart>) -> Value {
    let reply = reply(parts);
    whole(&head(), sealing(), reply, &receipt())
}

/// The events of the same answer in pieces, put together as a client does.
fn told_in_pieces(parts: &[AssistantPart]) -> Value {
    let mut chunks = Chunks::new(head(), sealing(), true);
    let mut events = String::new();
    let mut index = 0;
    for part in parts {
        for piece in pieces(part, index) {
            events.push_str(&chunks.piece(piece));
        }
        index += u32::from(matches!(part, AssistantPart::ToolCall(_)));
    }
    events.push_str(&chunks.end(&end(), &receipt()));
    assert!(events.ends_with("data: [DONE]\n\n"), "{events}");
    joined(&events)
}

fn joined(events: &str) -> Value {
    let mut message = json!({"role": "assistant", "content": null, "refusal": null});
    let append = |to: &mut Value, more: &Value| {
        if let Some(more) = more.as_str().filter(|more| !more.is_empty()) {
            *to = format!("{}{more}", to.as_str().unwrap_or_default()).into();
        }
    };
    let mut calls: Vec<Value> = Vec::new();
    for event in events.split("\n\n").filter(|event| !event.is_empty()) {
        let data = event.strip_prefix("data: ").unwrap();
        let Ok(chunk) = serde_json::from_str::<Value>(data) else {
            assert_eq!(data, "[DONE]");
            continue;
        };
        let Some(choice) = chunk["choices"].get(0) else {
            continue;
        };
        let delta = &choice["delta"];
        for name in ["content", "refusal", "reasoning_content"] {
            append(&mut message[name], &delta[name]);
        }
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            if call.get("id").is_some() {
                let mut begun = call.clone();
                begun.as_object_mut().unwrap().remove("index");
                calls.push(begun);
                continue;
            }
            let at = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
            append(
                &mut calls[at]["function"]["arguments"],
                &call["function"]["arguments"],
            );
        }
    }
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    if message["reasoning_content"].is_null() {
        message.as_object_mut().unwrap().remove("reasoning_content");
    }
    message
}

fn given_back(provider: ProviderId, message: &Value) -> Vec<wire::Part> {
    let body = with(&json!({"messages": [message]})).to_string();
    let mut request = read_for(provider, &body).unwrap().request;
    request.messages.remove(0).parts
}

#[test]
fn an_answer_given_back_is_the_turn_that_its_provider_made_whole_or_in_pieces() {
    let message = told_whole(thinking())["choices"][0]["message"].clone();
    assert_eq!(message["content"], "Ündthen");
    assert_eq!(message["reasoning_content"], "firstsecond");
    let pieces = told_in_pieces(&thinking());
    assert_eq!(pieces, message);
    assert_eq!(
        given_back(ProviderId::Anthropic, &message),
        neutral(&thinking())
    );
}

#[test]
fn a_client_that_drops_what_it_does_not_know_loses_nothing_that_its_provider_needs() {
    let mut message = told_whole(thinking())["choices"][0]["message"].clone();
    message.as_object_mut().unwrap().remove("reasoning_content");
    message["content"] = json!([{"type": "text", "text": "Ündthen"}]);
    assert_eq!(
        given_back(ProviderId::Anthropic, &message),
        neutral(&thinking())
    );
}

#[test]
fn another_provider_gets_the_calls_without_signatures_it_can_make_nothing_of() {
    let message = told_whole(thinking())["choices"][0]["message"].clone();
    for part in given_back(ProviderId::Google, &message) {
        match part.part.unwrap() {
            wire::part::Part::ToolCall(call) => assert!(call.signature.is_empty()),
            wire::part::Part::Text(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn results_of_one_turns_calls_are_one_turn_under_the_providers_own_ids() {
    let message = told_whole(thinking())["choices"][0]["message"].clone();
    let calls = message["tool_calls"].as_array().unwrap().clone();
    let results = calls
        .iter()
        .map(|call| json!({"role": "tool", "tool_call_id": call["id"], "content": "done"}));
    let messages: Vec<Value> = [message].into_iter().chain(results).collect();
    let request = read(&with(&json!({"messages": messages}))).unwrap().request;
    assert_eq!(request.messages.len(), 2);
    let ids = request.messages[1]
        .parts
        .iter()
        .map(|part| match &part.part {
            Some(wire::part::Part::ToolResult(result)) => result.call_id.as_str(),
            other => panic!("{other:?}"),
        });
    assert_eq!(ids.collect::<Vec<_>>(), ["a", "b", "c"]);
}

proptest! {
    #[test]
    fn any_turn_in_pieces_is_the_whole_one_and_comes_back(
        kinds in prop::collection::vec((0..4, "[a-zäöü]{1,6}", any::<bool>()), 0..10),
    ) {
        let mut parts: Vec<AssistantPart> = Vec::new();
        for (at, (kind, text, flag)) in kinds.into_iter().enumerate() {
            let after_text = matches!(parts.last(), Some(AssistantPart::Text(_)));
            parts.push(match kind {
                0 if !after_text => AssistantPart::Text(text),
                1 => AssistantPart::Reasoning(ReasoningPart {
                    text: if flag { String::new() } else { text },
                    signature: b"signed".to_vec(),
                    redacted: flag,
                }),
                _ => AssistantPart::ToolCall(ToolCall {
                    id: format!("call_{at}"),
                    name: "f".to_owned(),
                    arguments: "{}".to_owned(),
                    signature: b"signed".to_vec(),
                }),
            });
        }
        // Only what comes before a call travels in its id.
        parts.push(AssistantPart::ToolCall(ToolCall {
            id: "last".to_owned(),
            name: "f".to_owned(),
            arguments: "{}".to_owned(),
            signature: b"signed".to_vec(),
        }));
        let message = told_whole(parts.clone())["choices"][0]["message"].clone();
        prop_assert_eq!(&told_in_pieces(&parts), &message);
        prop_assert_eq!(given_back(ProviderId::Anthropic, &message), neutral(&parts));
    }
}
