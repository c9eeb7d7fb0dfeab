//! A neutral request in Anthropic's shape, and its answers, written and read here by hand.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyway_proto::router::v1::{
    ChatRequest, ChatRole, Image, Message, Part, ReasoningPart, ToolCall, ToolMode, image, part,
    tool_choice,
};
use serde_json::{Value, json};

use super::heard::{Known, arguments, named};
use super::spoken::{Writer, own};

/// A request; why the shape has no place for it otherwise.
pub(super) fn chat(request: &ChatRequest, stream: bool) -> Result<String, &'static str> {
    let mut writer = Writer::default();
    let mut body = json!({"model": request.model, "messages": []});
    for turn in &request.messages {
        let blocks = turn.parts.iter().map(|part| block(part, &mut writer));
        let content: Vec<Value> = blocks.collect::<Result<_, _>>()?;
        let role = match turn.role() {
            ChatRole::System => {
                body["system"] = content.into();
                continue;
            }
            ChatRole::Assistant => "assistant",
            _ => "user",
        };
        let turns = body["messages"].as_array_mut().unwrap();
        turns.push(json!({"role": role, "content": content}));
    }
    if stream {
        body["stream"] = true.into();
    }
    let mut own = own(
        &request.provider_options_json,
        request.credential_mode(),
        &mut writer,
    );
    tools(&mut body, request, &mut writer);
    settings(&mut body, &mut own, request, &mut writer);
    if !request.labels.is_empty() {
        own["labels"] = json!(request.labels);
    }
    if own != json!({}) {
        body["keyway"] = own;
    }
    Ok(writer.written(&body))
}

fn settings(body: &mut Value, own: &mut Value, request: &ChatRequest, writer: &mut Writer) {
    if let Some(format) = &request.response_format {
        let schema = writer.raw(&format.schema_json);
        body["output_config"]["format"] = json!({"type": "json_schema", "schema": schema});
        own["schema_name"] = format.name.as_str().into();
        if let Some(strict) = format.strict {
            own["schema_strict"] = strict.into();
        }
    }
    if let Some(most) = request.max_output_tokens {
        body["max_tokens"] = most.into();
    }
    for (name, number) in [
        ("temperature", &request.temperature),
        ("top_p", &request.top_p),
    ] {
        if let Some(number) = number {
            body[name] = writer.raw(number);
        }
    }
    if !request.stop.is_empty() {
        body["stop_sequences"] = json!(request.stop);
    }
    if let Some(seed) = request.seed {
        own["seed"] = seed.into();
    }
    if let Some(reasoning) = &request.reasoning {
        match (reasoning.effort.as_str(), reasoning.budget_tokens) {
            ("none", _) => body["thinking"] = json!({"type": "disabled"}),
            (_, Some(budget)) => {
                body["thinking"] = json!({"type": "enabled", "budget_tokens": budget});
            }
            (effort, None) => {
                body["thinking"] = json!({"type": "adaptive"});
                body["output_config"]["effort"] = effort.into();
            }
        }
    }
    if !request.end_user.is_empty() {
        body["metadata"] = json!({"user_id": request.end_user});
    }
}

fn tools(body: &mut Value, request: &ChatRequest, writer: &mut Writer) {
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            let mut told = json!({"name": tool.name});
            if !tool.description.is_empty() {
                told["description"] = tool.description.as_str().into();
            }
            if !tool.parameters_json.is_empty() {
                told["input_schema"] = writer.raw(&tool.parameters_json);
            }
            if let Some(strict) = tool.strict {
                told["strict"] = strict.into();
            }
            told
        });
        body["tools"] = tools.collect::<Vec<_>>().into();
    }
    let choice = request.tool_choice.as_ref();
    if let Some(choice) = choice.and_then(|choice| choice.choice.as_ref()) {
        body["tool_choice"] = match choice {
            tool_choice::Choice::Tool(name) => json!({"type": "tool", "name": name}),
            tool_choice::Choice::Mode(mode) => match ToolMode::try_from(*mode).unwrap() {
                ToolMode::None => json!({"type": "none"}),
                ToolMode::Required => json!({"type": "any"}),
                _ => json!({"type": "auto"}),
            },
        };
    }
    if let Some(parallel) = request.parallel_tool_calls {
        if body["tool_choice"].is_null() {
            body["tool_choice"] = json!({"type": "auto"});
        }
        body["tool_choice"]["disable_parallel_tool_use"] = (!parallel).into();
    }
}

fn block(part: &Part, writer: &mut Writer) -> Result<Value, &'static str> {
    Ok(match part.part.as_ref().expect("a part") {
        part::Part::Text(text) => json!({"type": "text", "text": text}),
        part::Part::Refusal(_) => return Err("there is no block for it; leave the turn out"),
        part::Part::Image(image) => picture(image),
        part::Part::ToolCall(call) => {
            let input = writer.raw(&call.arguments_json);
            json!({"type": "tool_use", "id": call.id, "name": call.name, "input": input})
        }
        part::Part::ToolResult(result) => {
            let mut told = json!({
                "type": "tool_result", "tool_use_id": result.call_id, "content": result.text,
            });
            if result.is_error {
                told["is_error"] = true.into();
            }
            told
        }
        part::Part::Reasoning(part) => {
            let sealed = String::from_utf8(part.signature.clone()).expect("a text");
            if part.redacted {
                json!({"type": "redacted_thinking", "data": sealed})
            } else {
                json!({"type": "thinking", "thinking": part.text, "signature": sealed})
            }
        }
    })
}

fn picture(image: &Image) -> Value {
    let source = match image.source.as_ref().expect("a source") {
        image::Source::Url(url) => json!({"type": "url", "url": url}),
        image::Source::Data(data) => json!({
            "type": "base64", "media_type": image.media_type, "data": STANDARD.encode(data),
        }),
    };
    json!({"type": "image", "source": source})
}

/// The turn of an answer, as far as a client of this shape knows it.
pub(super) fn turn(answer: &Value) -> Message {
    let blocks = answer["content"].as_array().expect("blocks").iter();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let parts = blocks.map(|block| match block["type"].as_str().expect("a type") {
        "text" => part::Part::Text(text(&block["text"])),
        "tool_use" => part::Part::ToolCall(ToolCall {
            id: text(&block["id"]),
            name: text(&block["name"]),
            arguments_json: block["input"].to_string(),
            ..ToolCall::default()
        }),
        "thinking" => part::Part::Reasoning(ReasoningPart {
            text: text(&block["thinking"]),
            signature: text(&block["signature"]).into_bytes(),
            redacted: false,
        }),
        "redacted_thinking" => part::Part::Reasoning(ReasoningPart {
            signature: text(&block["data"]).into_bytes(),
            redacted: true,
            ..ReasoningPart::default()
        }),
        other => panic!("no block of an answer: {other}"),
    });
    Message {
        role: ChatRole::Assistant.into(),
        parts: parts.map(|part| Part { part: Some(part) }).collect(),
    }
}

/// The events of a streamed answer, put together as clients do.
pub(super) fn joined(events: &str) -> Value {
    let events = named(events);
    let (last, events) = events.split_last().expect("events");
    assert_eq!(last["type"], "message_stop");
    let mut message = events[0]["message"].clone();
    assert_eq!(events[0]["type"], "message_start");
    let (mut open, mut inputs) = (None, Vec::new());
    for event in &events[1..] {
        let at = event["index"]
            .as_u64()
            .map(|at| usize::try_from(at).unwrap());
        assert!(message["stop_reason"].is_null(), "{event}");
        match event["type"].as_str().unwrap() {
            "content_block_start" => {
                let blocks = message["content"].as_array_mut().unwrap();
                assert_eq!((open, at), (None, Some(blocks.len())), "{event}");
                blocks.push(event["content_block"].clone());
                inputs.push(String::new());
                open = at;
            }
            "content_block_delta" => {
                assert_eq!(open, at, "{event}");
                let at = at.unwrap();
                add(
                    &mut message["content"][at],
                    &event["delta"],
                    &mut inputs[at],
                );
            }
            "content_block_stop" => {
                assert_eq!(open.take(), at, "{event}");
                let block = &mut message["content"][at.unwrap()];
                if block["type"] == "tool_use" && !inputs[at.unwrap()].is_empty() {
                    block["input"] = arguments(&inputs[at.unwrap()]);
                }
            }
            "message_delta" => {
                assert_eq!(open, None, "{event}");
                message["stop_reason"] = event["delta"]["stop_reason"].clone();
                message["usage"] = event["usage"].clone();
                message["keyway"] = event["keyway"].clone();
            }
            other => panic!("no event: {other}"),
        }
    }
    message
}

fn add(block: &mut Value, delta: &Value, input: &mut String) {
    let (name, kind) = match delta["type"].as_str().unwrap() {
        "text_delta" => ("text", "text"),
        "thinking_delta" => ("thinking", "thinking"),
        "signature_delta" => ("signature", "thinking"),
        _input => {
            assert_eq!(block["type"], "tool_use");
            input.push_str(delta["partial_json"].as_str().unwrap());
            return;
        }
    };
    assert_eq!(block["type"], kind);
    let so_far = block[name].as_str().unwrap().to_owned();
    block[name] = (so_far + delta[name].as_str().unwrap()).into();
}

/// What an answer says whatever the shape.
pub(super) fn heard(answer: &Value) -> Value {
    assert_eq!(
        (&answer["type"], &answer["role"]),
        (&json!("message"), &json!("assistant"))
    );
    let (mut text, mut reasoning, mut calls) = (String::new(), String::new(), Vec::new());
    for block in answer["content"].as_array().expect("blocks") {
        text.push_str(block["text"].as_str().unwrap_or_default());
        reasoning.push_str(block["thinking"].as_str().unwrap_or_default());
        for sealed in [&block["signature"], &block["data"]] {
            assert!(
                sealed
                    .as_str()
                    .is_none_or(|text| text.starts_with("kwtc1_")),
                "{block}"
            );
        }
        if block["type"] == "tool_use" {
            let id = block["id"].as_str().expect("an id");
            calls.push(json!({
                "name": block["name"],
                "arguments": block["input"],
                "sealed": id.starts_with("kwtc1_"),
            }));
        }
    }
    let own = &answer["keyway"];
    let told = own["finish_reason"].as_str().expect("a finish");
    let here = match told {
        "STOP" => "end_turn",
        "LENGTH" => "max_tokens",
        "TOOL_CALLS" => "tool_use",
        "PAUSE" => "pause_turn",
        _ => "refusal",
    };
    assert_eq!(answer["stop_reason"], here);
    json!({
        "text": text,
        "refusal": "",
        "reasoning": reasoning,
        "calls": calls,
        "finish": told,
        "provider_finish": own["provider_finish"],
        "usage": counts(own, &answer["usage"]),
    })
}

fn counts(own: &Value, told: &Value) -> Value {
    let Some(of) = Known::last(own) else {
        assert!(
            told["input_tokens"].is_null() && told["output_tokens"].is_null(),
            "{told}"
        );
        return json!({});
    };
    for (here, name) in [
        ("input_tokens", "input_tokens"),
        ("cache_read_input_tokens", "cache_read_tokens"),
        ("cache_creation_input_tokens", "cache_write_tokens"),
        ("output_tokens", "output_tokens"),
    ] {
        assert_eq!(told[here].as_u64(), of.count(name), "{here}: {told}");
    }
    of.case()
}
