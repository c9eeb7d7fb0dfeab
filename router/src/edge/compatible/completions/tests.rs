//! The translation, both ways.

use keyway_proto::router::v1 as wire;
use keyway_proto::{Fault, Reason};
use keyway_router_providers::Metered;
use keyway_router_providers::chat::{
    AssistantPart, ChatDelta, ChatReply, Finish, ReasoningPart, StreamEnd, ToolCall, ToolCallDelta,
};
use keyway_words::{CallId, ProviderId};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::sealed::{Seal, SealKey, Sealing};
use super::super::shape::{Asked, Events as _, Head, Shape};
use super::read::chat;
use super::write::{Chunks, whole};

fn seal() -> Seal {
    let key = SealKey::new(b"a key").unwrap();
    key.of(&"demo".parse().unwrap())
}

fn sealing() -> Sealing {
    Sealing {
        seal: seal(),
        provider: ProviderId::Anthropic,
    }
}

fn read_for(provider: ProviderId, body: &str) -> Result<Asked, Fault> {
    chat(body.as_bytes(), String::new(), &seal(), |_name| {
        Ok(provider)
    })
}

fn read(body: &Value) -> Result<Asked, Fault> {
    read_for(ProviderId::Anthropic, &body.to_string())
}

/// A request with these members besides the least that there must be.
fn with(more: &Value) -> Value {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn refused(body: &Value) -> (Reason, String) {
    let fault = read(body).expect_err(&body.to_string());
    let field = fault.field.expect("a field");
    assert!(fault.message.starts_with(&field), "{}", fault.message);
    (fault.reason, field)
}

#[test]
fn what_the_neutral_schema_has_no_place_for_is_refused_by_its_name() {
    for (more, field) in [
        (json!({"n": 2}), "n"),
        (json!({"logprobs": true}), "logprobs"),
        (json!({"frequency_penalty": 0.5}), "frequency_penalty"),
        (json!({"logit_bias": {"50256": -100}}), "logit_bias"),
        (json!({"store": true}), "store"),
        (json!({"service_tier": "flex"}), "service_tier"),
        (json!({"modalities": ["text", "audio"]}), "modalities"),
        (json!({"functions": [{"name": "f"}]}), "functions"),
        (
            json!({"tools": [{"type": "custom", "custom": {}}]}),
            "tools[0].type",
        ),
        (
            json!({"tool_choice": {"type": "allowed_tools"}}),
            "tool_choice.type",
        ),
        (
            json!({"response_format": {"type": "json_object"}}),
            "response_format.type",
        ),
        (json!({"max_token": 5}), "max_token"),
        (json!({"keyway": {"surprise": 1}}), "keyway.surprise"),
        (
            json!({"messages": [{"role": "user", "content": "x", "name": "n"}]}),
            "messages[0].name",
        ),
        (
            json!({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}),
            "messages[0].content[0].type",
        ),
        (
            json!({"messages": [{"role": "user", "content": [
                {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]}]}),
            "messages[0].content[0].cache_control",
        ),
        (
            json!({"messages": [{"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": "https://x", "detail": "high"}}]}]}),
            "messages[0].content[0].image_url.detail",
        ),
    ] {
        let found = refused(&with(&more));
        assert_eq!(found, (Reason::FieldUnsupported, field.to_owned()));
    }
}

#[test]
fn what_has_another_form_than_it_must_have_is_refused_by_its_name() {
    for (more, field) in [
        (json!({"messages": "hi"}), "messages"),
        (
            json!({"messages": [{"role": "user"}]}),
            "messages[0].content",
        ),
        (
            json!({"messages": [{"role": "wizard", "content": "x"}]}),
            "messages[0].role",
        ),
        (
            json!({"messages": [{"role": "assistant"}]}),
            "messages[0].content",
        ),
        (json!({"temperature": "hot"}), "temperature"),
        (json!({"max_tokens": 0}), "max_tokens"),
        (
            json!({"max_tokens": 5, "max_completion_tokens": 6}),
            "max_completion_tokens",
        ),
        (json!({"seed": 1.5}), "seed"),
        (json!({"stop": [1]}), "stop[0]"),
        (
            json!({"stream_options": {"include_usage": true}}),
            "stream_options",
        ),
        (json!({"metadata": {"a": 1}}), "metadata"),
        (
            json!({"user": "a", "safety_identifier": "b"}),
            "safety_identifier",
        ),
        (
            json!({"messages": [{"role": "user", "content": [
                {"type": "image_url", "image_url": {"url": "data:image/bmp;base64,AAAA"}}]}]}),
            "messages[0].content[0].image_url.url",
        ),
        (
            json!({"messages": [{"role": "tool", "tool_call_id": "kwtc1_AAAA", "content": "x"}]}),
            "messages[0].tool_call_id",
        ),
    ] {
        let found = refused(&with(&more));
        assert_eq!(found, (Reason::FieldInvalid, field.to_owned()));
    }
    let twice = r#"{"model":"m","model":"m","messages":[]}"#;
    let fault = read_for(ProviderId::OpenAi, twice).unwrap_err();
    assert!(fault.message.contains("twice"), "{}", fault.message);
}

#[test]
fn what_says_only_what_is_so_anyway_is_taken() {
    let asked = read(&with(&json!({
        "n": 1, "logprobs": false, "top_logprobs": null, "frequency_penalty": 0, "presence_penalty": 0.0,
        "logit_bias": {}, "store": false, "service_tier": "auto", "modalities": ["text"],
        "response_format": {"type": "text"}, "tools": null, "stream": false,
        "messages": [{"role": "assistant", "content": "x", "refusal": null, "annotations": [],
                      "audio": null, "function_call": null, "reasoning_content": "shown"}],
    })))
    .unwrap();
    assert_eq!(asked.request.messages[0].parts.len(), 1);
    assert_eq!(asked.request.response_format, None);
}

#[test]
fn embedded_documents_keep_their_order_and_the_spelling_of_their_numbers() {
    let schema = r#"{ "type":"object","properties":{"z":{"const":1.50},"a":{"const":10000000000000000001}} }"#;
    let options = r#"{"b":1E-1,  "a":0.50}"#;
    let body = format!(
        r#"{{"model":"m","temperature":0.20,"top_p":1.0,"keyway":{{"provider_options":{options}}},
            "messages":[{{"role":"user","content":"hi"}}],
            "response_format":{{"type":"json_schema","json_schema":{{"name":"n","schema":{schema}}}}},
            "tools":[{{"type":"function","function":{{"name":"f","parameters":{schema}}}}}]}}"#
    );
    let request = read_for(ProviderId::OpenAi, &body).unwrap().request;
    assert_eq!(request.tools[0].parameters_json, schema);
    assert_eq!(request.response_format.unwrap().schema_json, schema);
    assert_eq!(request.provider_options_json, options);
    assert_eq!(request.temperature.as_deref(), Some("0.20"));
    assert_eq!(request.top_p.as_deref(), Some("1.0"));
}

fn head() -> Head {
    Head {
        id: CallId::new(),
        created: 1,
        model: "m".to_owned(),
    }
}

fn receipt() -> wire::Receipt {
    wire::Receipt::default()
}

fn thinking() -> Vec<AssistantPart> {
    let reasoning = |text: &str, signature: &str, redacted| {
        AssistantPart::Reasoning(ReasoningPart {
            text: text.to_owned(),
            signature: signature.as_bytes().to_vec(),
            redacted,
        })
    };
    let call = |id: &str, signature: &str| {
        AssistantPart::ToolCall(ToolCall {
            id: id.to_owned(),
            name: "f".to_owned(),
            arguments: "{\"b\":1.50,\"a\":2}".to_owned(),
            signature: signature.as_bytes().to_vec(),
        })
    };
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

/// The parts of a turn as the neutral schema has them.
fn neutral(parts: &[AssistantPart]) -> Vec<wire::Part> {
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

fn told_whole(parts: Vec<AssistantPart>) -> Value {
    let reply = ChatReply {
        parts,
        finish: Finish::ToolCalls,
        provider_finish: "tool_use".to_owned(),
        metered: Metered::default(),
    };
    whole(&head(), sealing(), reply, &receipt())
}

/// The events of the same answer in pieces, put together as a client does.
fn told_in_pieces(parts: &[AssistantPart]) -> Value {
    let mut chunks = Chunks::new(head(), sealing(), true);
    let mut events = String::new();
    let mut index = 0;
    for part in parts {
        for piece in pieces(part, &mut index) {
            events.push_str(&chunks.piece(piece));
        }
    }
    let end = StreamEnd {
        finish: Finish::ToolCalls,
        provider_finish: "tool_use".to_owned(),
    };
    events.push_str(&chunks.end(&end, &receipt()));
    assert!(events.ends_with("data: [DONE]\n\n"), "{events}");
    joined(&events)
}

/// A part in pieces of a few bytes, a signature by itself.
fn pieces(part: &AssistantPart, index: &mut u32) -> Vec<ChatDelta> {
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
                index: *index,
                id: Some(call.id.clone()),
                name: Some(call.name.clone()),
                arguments: String::new(),
                signature: call.signature.clone(),
            };
            let rest = call.arguments.chars().map(|one| ToolCallDelta {
                index: *index,
                arguments: one.to_string(),
                ..ToolCallDelta::default()
            });
            let all = [first].into_iter().chain(rest).map(ChatDelta::ToolCall);
            let all = all.collect();
            *index += 1;
            all
        }
    }
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

const SHAPES: [Shape; 3] = [Shape::Completions, Shape::Messages, Shape::Responses];

const WORDS: [&str; 44] = [
    "model",
    "messages",
    "role",
    "user",
    "assistant",
    "tool",
    "content",
    "type",
    "text",
    "image_url",
    "url",
    "tools",
    "function",
    "name",
    "arguments",
    "id",
    "tool_calls",
    "tool_call_id",
    "data:image/png;base64,AAAA",
    "json_schema",
    "schema",
    "stream",
    "stop",
    "n",
    "keyway",
    "kwtc1_",
    "refusal",
    "input",
    "system",
    "tool_use",
    "tool_result",
    "tool_use_id",
    "thinking",
    "signature",
    "source",
    "base64",
    "input_text",
    "output_text",
    "function_call",
    "function_call_output",
    "call_id",
    "reasoning",
    "encrypted_content",
    "summary",
];

fn value() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(WORDS.to_vec());
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(word.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Any JSON, as often as not in a place where it may stand.
fn body() -> impl Strategy<Value = Value> {
    (value(), value(), 0..6).prop_map(|(one, other, kind)| match kind {
        0 => one,
        1 => json!({"model": "m", "messages": one, "tools": other}),
        4 => json!({"model": "m", "input": one, "tools": other}),
        5 => json!({"model": "m", "input": [{"type": "message", "role": "user", "content": one}, other]}),
        2 => json!({"model": "m", "messages": [{"role": "assistant", "content": one, "tool_calls": other}]}),
        _ => json!({"model": "m", "messages": [{"role": "user", "content": one}], "tool_choice": other}),
    })
}

proptest! {
    #[test]
    fn any_body_is_read_or_refused_with_a_field_in_every_shape(body in body()) {
        let text = body.to_string();
        for shape in SHAPES {
            let of = |_name: &str| Ok(ProviderId::Anthropic);
            if let Err(fault) = shape.read(text.as_bytes(), String::new(), &seal(), of) {
                prop_assert!(fault.field.is_some(), "{}", fault.message);
            }
        }
        if let Err(fault) = super::super::embeddings::request(text.as_bytes(), String::new()) {
            prop_assert!(fault.field.is_some(), "{}", fault.message);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for shape in SHAPES {
            let read = shape.read(&bytes, String::new(), &seal(), |_name| Ok(ProviderId::OpenAi));
            prop_assert!(read.is_err());
        }
    }

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
