//! A neutral request in the shape of `OpenAI`'s responses, and its answers, written and read here by
//! hand.

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
    let mut input = Vec::new();
    for turn in &request.messages {
        items(turn, &mut input)?;
    }
    let mut body = json!({"model": request.model, "input": input, "store": false});
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
    if own != json!({}) {
        body["keyway"] = own;
    }
    if !request.end_user.is_empty() {
        body["safety_identifier"] = request.end_user.as_str().into();
    }
    if !request.labels.is_empty() {
        body["metadata"] = json!(request.labels);
    }
    Ok(writer.written(&body))
}

fn settings(body: &mut Value, own: &mut Value, request: &ChatRequest, writer: &mut Writer) {
    if let Some(format) = &request.response_format {
        let schema = writer.raw(&format.schema_json);
        let mut told = json!({"type": "json_schema", "name": format.name, "schema": schema});
        if let Some(strict) = format.strict {
            told["strict"] = strict.into();
        }
        body["text"] = json!({"format": told});
    }
    if let Some(most) = request.max_output_tokens {
        body["max_output_tokens"] = most.into();
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
        own["stop"] = json!(request.stop);
    }
    if let Some(seed) = request.seed {
        own["seed"] = seed.into();
    }
    if let Some(reasoning) = &request.reasoning {
        if !reasoning.effort.is_empty() {
            body["reasoning"] = json!({"effort": reasoning.effort, "summary": "auto"});
        }
        if let Some(budget) = reasoning.budget_tokens {
            own["reasoning_budget_tokens"] = budget.into();
        }
    }
}

fn tools(body: &mut Value, request: &ChatRequest, writer: &mut Writer) {
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            let mut told = json!({"type": "function", "name": tool.name});
            if !tool.description.is_empty() {
                told["description"] = tool.description.as_str().into();
            }
            if !tool.parameters_json.is_empty() {
                told["parameters"] = writer.raw(&tool.parameters_json);
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
            tool_choice::Choice::Tool(name) => json!({"type": "function", "name": name}),
            tool_choice::Choice::Mode(mode) => match ToolMode::try_from(*mode).unwrap() {
                ToolMode::None => "none".into(),
                ToolMode::Required => "required".into(),
                _ => "auto".into(),
            },
        };
    }
    if let Some(parallel) = request.parallel_tool_calls {
        body["parallel_tool_calls"] = parallel.into();
    }
}

/// A turn as items: text and images of one turn are one message.
fn items(turn: &Message, input: &mut Vec<Value>) -> Result<(), &'static str> {
    let role = match turn.role() {
        ChatRole::System => "developer",
        ChatRole::Assistant => "assistant",
        _ => "user",
    };
    let said = if role == "assistant" {
        "output_text"
    } else {
        "input_text"
    };
    let mut content: Vec<Value> = Vec::new();
    for part in &turn.parts {
        let item = match part.part.as_ref().expect("a part") {
            part::Part::Text(text) => {
                content.push(json!({"type": said, "text": text}));
                continue;
            }
            part::Part::Refusal(text) => {
                content.push(json!({"type": "refusal", "refusal": text}));
                continue;
            }
            part::Part::Image(image) => {
                content.push(picture(image));
                continue;
            }
            part::Part::ToolCall(call) => json!({
                "type": "function_call", "call_id": call.id, "name": call.name,
                "arguments": call.arguments_json,
            }),
            part::Part::ToolResult(result) if result.is_error => {
                return Err("a result has no mark for it; say so in its text");
            }
            part::Part::ToolResult(result) => json!({
                "type": "function_call_output", "call_id": result.call_id, "output": result.text,
            }),
            part::Part::Reasoning(part) => reasoning(part)?,
        };
        message(role, &mut content, input);
        input.push(item);
    }
    message(role, &mut content, input);
    Ok(())
}

fn message(role: &str, content: &mut Vec<Value>, input: &mut Vec<Value>) {
    if !content.is_empty() {
        let content = std::mem::take(content);
        input.push(json!({"type": "message", "role": role, "content": content}));
    }
}

fn reasoning(part: &ReasoningPart) -> Result<Value, &'static str> {
    let sealed = String::from_utf8(part.signature.clone()).expect("a text");
    if !sealed.starts_with("kwtc1_") {
        return Err("reasoning goes back sealed, as it came, to the provider that made it");
    }
    Ok(json!({
        "type": "reasoning", "id": "rs_1", "encrypted_content": sealed,
        "summary": [{"type": "summary_text", "text": part.text}],
    }))
}

fn picture(image: &Image) -> Value {
    let url = match image.source.as_ref().expect("a source") {
        image::Source::Url(url) => url.clone(),
        image::Source::Data(data) => {
            format!("data:{};base64,{}", image.media_type, STANDARD.encode(data))
        }
    };
    json!({"type": "input_image", "image_url": url, "detail": "auto"})
}

/// The turn of an answer, as far as a client of this shape knows it.
pub(super) fn turn(answer: &Value) -> Message {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut parts = Vec::new();
    for item in answer["output"].as_array().expect("items") {
        match item["type"].as_str().expect("a type") {
            "message" => {
                for part in item["content"].as_array().expect("parts") {
                    parts.push(match part["type"].as_str().expect("a type") {
                        "refusal" => part::Part::Refusal(text(&part["refusal"])),
                        _ => part::Part::Text(text(&part["text"])),
                    });
                }
            }
            "function_call" => parts.push(part::Part::ToolCall(ToolCall {
                id: text(&item["call_id"]),
                name: text(&item["name"]),
                arguments_json: text(&item["arguments"]),
                ..ToolCall::default()
            })),
            "reasoning" => parts.push(part::Part::Reasoning(ReasoningPart {
                text: item["summary"][0]["text"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                signature: text(&item["encrypted_content"]).into_bytes(),
                redacted: false,
            })),
            other => panic!("no item of an answer: {other}"),
        }
    }
    let parts = parts.into_iter().map(|part| Part { part: Some(part) });
    Message {
        role: ChatRole::Assistant.into(),
        parts: parts.collect(),
    }
}

/// The last response of a streamed answer, whose events before say the same in their order.
pub(super) fn last(events: &str) -> Value {
    let events = named(events);
    for (event, number) in events.iter().zip(0_u64..) {
        assert_eq!(event["sequence_number"], number, "{event}");
    }
    assert_eq!(events[0]["type"], "response.created");
    assert_eq!(events[1]["type"], "response.in_progress");
    let (last, between) = events[2..].split_last().expect("an end");
    let response = last["response"].clone();
    let status = response["status"].as_str().expect("a status");
    assert_eq!(last["type"], format!("response.{status}"));
    let mut items: Vec<Value> = Vec::new();
    let (mut open, mut text, mut part_open) = (None, String::new(), false);
    for event in between {
        let kind = event["type"]
            .as_str()
            .unwrap()
            .trim_start_matches("response.");
        let at = event["output_index"].as_u64().expect("a place");
        match kind {
            "output_item.added" => {
                assert_eq!(
                    (open, usize::try_from(at)),
                    (None, Ok(items.len())),
                    "{event}"
                );
                open = Some(at);
                text.clear();
            }
            "output_item.done" => {
                assert_eq!((open.take(), part_open), (Some(at), false), "{event}");
                items.push(event["item"].clone());
            }
            _ if kind.ends_with("part.added") => part_open = true,
            _ if kind.ends_with("part.done") => part_open = false,
            _ if kind.rsplit('.').next() == Some("delta") => {
                text.push_str(event["delta"].as_str().unwrap());
            }
            _ => {
                let whole = ["text", "arguments", "refusal"].map(|name| event[name].as_str());
                let whole = whole.into_iter().flatten().next();
                assert_eq!(whole, Some(text.as_str()), "{event}");
            }
        }
        assert!(open.is_none_or(|open| open == at), "{event}");
    }
    assert_eq!(open, None);
    assert_eq!(response["output"], Value::from(items));
    response
}

/// What an answer says whatever the shape.
pub(super) fn heard(answer: &Value) -> Value {
    assert_eq!(
        (&answer["object"], &answer["store"]),
        (&json!("response"), &json!(false))
    );
    let (mut text, mut refusal, mut reasoning) = (String::new(), String::new(), String::new());
    let mut calls = Vec::new();
    for item in answer["output"].as_array().expect("items") {
        for part in item["content"].as_array().into_iter().flatten() {
            text.push_str(part["text"].as_str().unwrap_or_default());
            refusal.push_str(part["refusal"].as_str().unwrap_or_default());
        }
        for part in item["summary"].as_array().into_iter().flatten() {
            reasoning.push_str(part["text"].as_str().unwrap());
        }
        if item["type"] == "reasoning" {
            let sealed = item["encrypted_content"].as_str().expect("a seal");
            assert!(sealed.starts_with("kwtc1_"), "{item}");
        }
        if item["type"] == "function_call" {
            let id = item["call_id"].as_str().expect("an id");
            calls.push(json!({
                "name": item["name"],
                "arguments": arguments(item["arguments"].as_str().unwrap()),
                "sealed": id.starts_with("kwtc1_"),
            }));
        }
    }
    let own = &answer["keyway"];
    let told = own["finish_reason"].as_str().expect("a finish");
    let why = match told {
        "STOP" | "TOOL_CALLS" => json!(null),
        "LENGTH" | "PAUSE" => json!({"reason": "max_output_tokens"}),
        _ => json!({"reason": "content_filter"}),
    };
    assert_eq!(answer["incomplete_details"], why);
    let status = if why.is_null() {
        "completed"
    } else {
        "incomplete"
    };
    assert_eq!(answer["status"], status);
    json!({
        "text": text,
        "refusal": refusal,
        "reasoning": reasoning,
        "calls": calls,
        "finish": told,
        "provider_finish": own["provider_finish"],
        "usage": counts(own, &answer["usage"]),
    })
}

fn counts(own: &Value, told: &Value) -> Value {
    let Some(of) = Known::last(own) else {
        assert!(told.is_null(), "{told}");
        return json!({});
    };
    let input = of.input() + of.cached();
    assert_eq!(told["input_tokens"], input, "{told}");
    assert_eq!(told["output_tokens"].as_u64(), of.output(), "{told}");
    assert_eq!(
        told["total_tokens"],
        input + of.output().unwrap_or(0),
        "{told}"
    );
    let reasoning = &told["output_tokens_details"]["reasoning_tokens"];
    assert_eq!(reasoning.as_u64(), of.count("reasoning_tokens"), "{told}");
    of.case()
}
