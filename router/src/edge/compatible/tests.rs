//! What the shapes that are rows of blocks have in common, and what each refuses.

pub(super) mod turn;

use keyway_proto::Reason;
use keyway_proto::router::v1 as wire;
use keyway_router_providers::chat::AssistantPart;
use keyway_words::ProviderId;
use serde_json::{Value, json};

use self::turn::{call, end, head, neutral, pieces, reasoning, reply, seal};
use super::sealed::Sealing;
use super::shape::{Asked, Shape, Tail};

fn read(shape: Shape, provider: ProviderId, body: &Value) -> Result<Asked, keyway_proto::Fault> {
    let body = body.to_string();
    shape.read(body.as_bytes(), String::new(), &seal(), |_name| {
        Ok(provider)
    })
}

fn least(shape: Shape) -> Value {
    match shape {
        Shape::Responses => json!({"model": "m", "input": "hi"}),
        _ => json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]}),
    }
}

fn refused(shape: Shape, more: &Value) -> (Reason, String) {
    let mut body = least(shape);
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let fault = read(shape, ProviderId::Anthropic, &body).expect_err(&body.to_string());
    let field = fault.field.expect("a field");
    assert!(fault.message.starts_with(&field), "{}", fault.message);
    (fault.reason, field)
}

#[test]
fn a_response_that_would_be_stored_or_run_elsewhere_is_refused_by_its_field() {
    for (more, field) in [
        (json!({"store": true}), "store"),
        (json!({"background": true}), "background"),
        (
            json!({"previous_response_id": "resp_1"}),
            "previous_response_id",
        ),
        (json!({"conversation": "conv_1"}), "conversation"),
        (json!({"prompt": {"id": "p"}}), "prompt"),
        (json!({"truncation": "auto"}), "truncation"),
        (
            json!({"include": ["file_search_call.results"]}),
            "include[0]",
        ),
        (json!({"tools": [{"type": "web_search"}]}), "tools[0].type"),
        (
            json!({"input": [{"type": "item_reference", "id": "x"}]}),
            "input[0].type",
        ),
        (
            json!({"input": [{"role": "user", "content": [{"type": "input_file"}]}]}),
            "input[0].content[0].type",
        ),
        (json!({"surprise": 1}), "surprise"),
    ] {
        let found = refused(Shape::Responses, &more);
        assert_eq!(found, (Reason::FieldUnsupported, field.to_owned()));
    }
    let plain = json!({"encrypted_content": "gAAAA", "type": "reasoning", "summary": []});
    let found = refused(Shape::Responses, &json!({"input": [plain]}));
    let place = "input[0].encrypted_content".to_owned();
    assert_eq!(found, (Reason::FieldInvalid, place));
}

#[test]
fn a_message_with_what_the_neutral_schema_lacks_is_refused_by_its_field() {
    let block = |block: Value| json!({"messages": [{"role": "user", "content": [block]}]});
    for (more, field) in [
        (json!({"top_k": 5}), "top_k"),
        (json!({"thinking": {"type": "adaptive"}}), "thinking.type"),
        (
            json!({"tools": [{"type": "web_search_20250305", "name": "w"}]}),
            "tools[0].type",
        ),
        (json!({"container": "c"}), "container"),
        (json!({"mcp_servers": [{"type": "url"}]}), "mcp_servers"),
        (
            block(json!({"type": "document"})),
            "messages[0].content[0].type",
        ),
        (
            block(json!({"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}})),
            "messages[0].content[0].cache_control",
        ),
        (
            json!({"messages": [{"role": "system", "content": "x"}]}),
            "messages[0].role",
        ),
        (json!({"surprise": 1}), "surprise"),
    ] {
        let found = refused(Shape::Messages, &more);
        assert_eq!(found, (Reason::FieldUnsupported, field.to_owned()));
    }
    for (more, field) in [
        (json!({"max_tokens": 0}), "max_tokens"),
        (
            json!({"keyway": {"schema_name": "n"}}),
            "keyway.schema_name",
        ),
        (
            json!({"messages": [{"role": "assistant", "content": [
                {"type": "thinking", "thinking": "x", "signature": "kwtc1_AAAA"}]}]}),
            "messages[0].content[0].signature",
        ),
    ] {
        let found = refused(Shape::Messages, &more);
        assert_eq!(found, (Reason::FieldInvalid, field.to_owned()));
    }
}

/// As the answer to a response repeats it.
#[test]
fn a_choice_among_no_tools_that_changes_nothing_is_left_out_and_one_that_asks_for_a_tool_is_not() {
    let choice = |shape, choice: Value| {
        let mut body = least(shape);
        body["tool_choice"] = choice;
        let asked = read(shape, ProviderId::Anthropic, &body).unwrap();
        assert_eq!(asked.request.parallel_tool_calls, None);
        asked.request.tool_choice
    };
    for shape in [Shape::Completions, Shape::Responses] {
        assert_eq!(choice(shape, json!("auto")), None);
        assert_eq!(choice(shape, json!("none")), None);
        assert!(choice(shape, json!("required")).is_some());
    }
    assert_eq!(choice(Shape::Messages, json!({"type": "auto"})), None);
    assert!(choice(Shape::Messages, json!({"type": "any"})).is_some());
}

/// A turn with all that a provider may sign, in the order of its making.
fn turn() -> Vec<AssistantPart> {
    vec![
        reasoning("first", "s1", false),
        AssistantPart::Text("Ünd".to_owned()),
        reasoning("", "hidden", true),
        call("a", "s2"),
        reasoning("unsigned", "", false),
        AssistantPart::Text("then".to_owned()),
        call("b", ""),
        call("c", ""),
    ]
}

fn sealing() -> Sealing {
    Sealing {
        seal: seal(),
        provider: ProviderId::Google,
    }
}

fn told_whole(shape: Shape) -> String {
    let reply = reply(turn());
    let receipt = wire::Receipt::default();
    shape.whole(&head(), Tail::None, sealing(), reply, &receipt)
}

/// The last response of a streamed answer, or its message put together as clients do.
fn told_in_pieces(shape: Shape) -> String {
    let mut events = shape.events(head(), Tail::None, sealing());
    let mut text = String::new();
    for (part, index) in turn().iter().zip(0..) {
        for piece in pieces(part, index) {
            text.push_str(&events.piece(piece));
        }
    }
    text.push_str(&events.end(&end(), &wire::Receipt::default()));
    let events = text.split_terminator("\n\n").map(|event| {
        let (kind, data) = event.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(kind, format!("event: {}", data["type"].as_str().unwrap()));
        data
    });
    let events: Vec<Value> = events.collect();
    match shape {
        Shape::Responses => events.last().unwrap()["response"].to_string(),
        _ => joined(&events),
    }
}

fn joined(events: &[Value]) -> String {
    let mut blocks: Vec<Value> = Vec::new();
    let mut inputs: Vec<String> = Vec::new();
    for event in events {
        let at = usize::try_from(event["index"].as_u64().unwrap_or(0)).unwrap();
        if event["type"] == "content_block_start" {
            assert_eq!(at, blocks.len());
            blocks.push(event["content_block"].clone());
            inputs.push(String::new());
        }
        let delta = &event["delta"];
        for name in ["text", "thinking", "signature"] {
            if let Some(more) = delta[name].as_str() {
                let so_far = blocks[at][name].as_str().unwrap().to_owned();
                blocks[at][name] = (so_far + more).into();
            }
        }
        if let Some(input) = inputs.get_mut(at) {
            input.push_str(delta["partial_json"].as_str().unwrap_or_default());
        }
    }
    let written = blocks.iter().zip(&inputs).map(|(block, input)| {
        let text = block.to_string();
        if input.is_empty() {
            text
        } else {
            text.replace("\"input\":{}", &format!("\"input\":{input}"))
        }
    });
    format!(
        "{{\"content\":[{}]}}",
        written.collect::<Vec<_>>().join(",")
    )
}

/// The turn that comes of an answer that is given back as it was, as JSON with its numbers' spelling.
fn given_back(shape: Shape, provider: ProviderId, answer: &str) -> Vec<wire::Part> {
    let members: std::collections::HashMap<String, Box<serde_json::value::RawValue>> =
        serde_json::from_str(answer).unwrap();
    let body = match shape {
        Shape::Responses => format!(r#"{{"model":"m","input":{}}}"#, members["output"]),
        _ => format!(
            r#"{{"model":"m","messages":[{{"role":"assistant","content":{}}}]}}"#,
            members["content"]
        ),
    };
    let asked = shape.read(body.as_bytes(), String::new(), &seal(), |_name| {
        Ok(provider)
    });
    let mut messages = asked.unwrap().request.messages;
    assert_eq!(messages.len(), 1);
    messages.remove(0).parts
}

#[test]
fn an_answer_given_back_is_the_turn_that_its_provider_made_whole_or_in_pieces() {
    for shape in [Shape::Messages, Shape::Responses] {
        for answer in [told_whole(shape), told_in_pieces(shape)] {
            let parts = given_back(shape, ProviderId::Google, &answer);
            assert_eq!(parts, neutral(&turn()), "{answer}");
        }
    }
}

#[test]
fn another_provider_gets_no_reasoning_and_no_signature() {
    for shape in [Shape::Messages, Shape::Responses] {
        for part in given_back(shape, ProviderId::Anthropic, &told_whole(shape)) {
            match part.part.unwrap() {
                wire::part::Part::ToolCall(call) => assert!(call.signature.is_empty()),
                wire::part::Part::Text(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_users_turn_with_results_is_a_turn_of_results_and_one_of_the_user() {
    let content = json!([
        {"type": "tool_result", "tool_use_id": "a", "content": "one"},
        {"type": "tool_result", "tool_use_id": "b", "is_error": true,
         "content": [{"type": "text", "text": "tw"}, {"type": "text", "text": "o"}]},
        {"type": "text", "text": "and now?"},
    ]);
    let body = json!({"model": "m", "system": "be brief",
                      "messages": [{"role": "user", "content": content}]});
    let asked = read(Shape::Messages, ProviderId::OpenAi, &body).unwrap();
    let turns = asked.request.messages;
    let roles: Vec<wire::ChatRole> = turns.iter().map(wire::Message::role).collect();
    let wanted = [
        wire::ChatRole::System,
        wire::ChatRole::Tool,
        wire::ChatRole::User,
    ];
    assert_eq!(roles, wanted);
    let result = |call_id: &str, text: &str, is_error| {
        wire::part::Part::ToolResult(wire::ToolResult {
            call_id: call_id.to_owned(),
            text: text.to_owned(),
            is_error,
        })
    };
    let results = turns[1].parts.iter().map(|part| part.part.clone().unwrap());
    let wanted = [result("a", "one", false), result("b", "two", true)];
    assert_eq!(results.collect::<Vec<_>>(), wanted);
}
