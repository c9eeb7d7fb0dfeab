//! A neutral request in `OpenAI`'s shape, written here by hand: nothing of the product says how.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyway_proto::router::v1::{
    ChatRequest, ChatRole, EmbedRequest, Image, Message, ToolMode, image, part, tool_choice,
};
use keyway_proto::vault::v1::CredentialMode;
use serde_json::{Value, json};

/// JSON with documents in it that keep their spelling: their places are filled at the end.
#[derive(Default)]
pub(super) struct Writer(Vec<String>);

impl Writer {
    pub(super) fn raw(&mut self, json: &str) -> Value {
        self.0.push(json.to_owned());
        format!("@@{}@@", self.0.len() - 1).into()
    }

    pub(super) fn written(&self, body: &Value) -> String {
        let mut text = body.to_string();
        for (number, json) in self.0.iter().enumerate() {
            text = text.replace(&format!("\"@@{number}@@\""), json);
        }
        text
    }
}

/// A chat request; why the shape has no place for it otherwise.
pub(super) fn chat(request: &ChatRequest, stream: bool) -> Result<String, &'static str> {
    let mut writer = Writer::default();
    let mut messages = Vec::new();
    for turn in &request.messages {
        messages.extend(message(turn)?);
    }
    let mut body = json!({"model": request.model, "messages": messages});
    if stream {
        body["stream"] = true.into();
        body["stream_options"] = json!({"include_usage": true});
    }
    tools(&mut body, request, &mut writer);
    if let Some(format) = &request.response_format {
        let schema = writer.raw(&format.schema_json);
        let mut schema = json!({"name": format.name, "schema": schema});
        if let Some(strict) = format.strict {
            schema["strict"] = strict.into();
        }
        body["response_format"] = json!({"type": "json_schema", "json_schema": schema});
    }
    if let Some(most) = request.max_output_tokens {
        body["max_completion_tokens"] = most.into();
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
        body["stop"] = json!(request.stop);
    }
    if let Some(seed) = request.seed {
        body["seed"] = seed.into();
    }
    let mut own = own(
        &request.provider_options_json,
        request.credential_mode(),
        &mut writer,
    );
    if let Some(reasoning) = &request.reasoning {
        if !reasoning.effort.is_empty() {
            body["reasoning_effort"] = reasoning.effort.as_str().into();
        }
        if let Some(budget) = reasoning.budget_tokens {
            own["reasoning_budget_tokens"] = budget.into();
        }
    }
    common(&mut body, own, &request.end_user, &json!(request.labels));
    Ok(writer.written(&body))
}

fn tools(body: &mut Value, request: &ChatRequest, writer: &mut Writer) {
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            let mut function = json!({"name": tool.name});
            if !tool.description.is_empty() {
                function["description"] = tool.description.as_str().into();
            }
            if !tool.parameters_json.is_empty() {
                function["parameters"] = writer.raw(&tool.parameters_json);
            }
            if let Some(strict) = tool.strict {
                function["strict"] = strict.into();
            }
            json!({"type": "function", "function": function})
        });
        body["tools"] = tools.collect::<Vec<_>>().into();
    }
    let choice = request.tool_choice.as_ref();
    if let Some(choice) = choice.and_then(|choice| choice.choice.as_ref()) {
        body["tool_choice"] = match choice {
            tool_choice::Choice::Tool(name) => {
                json!({"type": "function", "function": {"name": name}})
            }
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

fn message(turn: &Message) -> Result<Vec<Value>, &'static str> {
    let role = match turn.role() {
        ChatRole::System => "system",
        ChatRole::User => "user",
        ChatRole::Assistant => "assistant",
        _ => "tool",
    };
    let (mut content, mut calls, mut results) = (Vec::new(), Vec::new(), Vec::new());
    for part in &turn.parts {
        match part.part.as_ref().expect("a part") {
            part::Part::Text(text) => content.push(json!({"type": "text", "text": text})),
            part::Part::Refusal(text) => content.push(json!({"type": "refusal", "refusal": text})),
            part::Part::Image(image) => content.push(picture(image)),
            part::Part::ToolCall(call) => {
                let function = json!({"name": call.name, "arguments": call.arguments_json});
                calls.push(json!({"id": call.id, "type": "function", "function": function}));
            }
            part::Part::ToolResult(result) if result.is_error => {
                return Err("a result has no mark for it; say so in its text");
            }
            part::Part::ToolResult(result) => results.push(json!({
                "role": "tool", "tool_call_id": result.call_id, "content": result.text,
            })),
            part::Part::Reasoning(_) => {
                return Err("reasoning goes back in the ids of the calls that it led to");
            }
        }
    }
    if role == "tool" {
        return Ok(results);
    }
    let mut message = json!({"role": role});
    if !content.is_empty() {
        message["content"] = match content.as_slice() {
            [one] if one["type"] == "text" => one["text"].clone(),
            _ => content.into(),
        };
    }
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    Ok(vec![message])
}

fn picture(image: &Image) -> Value {
    let url = match image.source.as_ref().expect("a source") {
        image::Source::Url(url) => url.clone(),
        image::Source::Data(data) => {
            format!("data:{};base64,{}", image.media_type, STANDARD.encode(data))
        }
    };
    json!({"type": "image_url", "image_url": {"url": url}})
}

/// An embedding request.
pub(super) fn embed(request: &EmbedRequest, encoding: &str) -> String {
    let mut writer = Writer::default();
    let input = match request.inputs.as_slice() {
        [one] => json!(one),
        several => json!(several),
    };
    let mut body = json!({"model": request.model, "input": input, "encoding_format": encoding});
    if let Some(dimensions) = request.dimensions {
        body["dimensions"] = dimensions.into();
    }
    let own = own(
        &request.provider_options_json,
        request.credential_mode(),
        &mut writer,
    );
    common(&mut body, own, &request.end_user, &json!(request.labels));
    writer.written(&body)
}

pub(super) fn own(options: &str, mode: CredentialMode, writer: &mut Writer) -> Value {
    let mut own = json!({});
    if !options.is_empty() {
        own["provider_options"] = writer.raw(options);
    }
    if mode != CredentialMode::Unspecified {
        let name = mode.as_str_name().trim_start_matches("CREDENTIAL_MODE_");
        own["credential_mode"] = name.into();
    }
    own
}

fn common(body: &mut Value, own: Value, end_user: &str, labels: &Value) {
    if own != json!({}) {
        body["keyway"] = own;
    }
    if !end_user.is_empty() {
        body["user"] = end_user.into();
    }
    if *labels != json!({}) {
        body["metadata"] = labels.clone();
    }
}
