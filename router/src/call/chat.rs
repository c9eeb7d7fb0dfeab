//! Chat requests.

use keyway_proto::Fault;
use keyway_proto::convert::known;
use keyway_proto::router::v1 as wire;
use keyway_router_pricing::{Catalogue, Model};
use keyway_router_providers::chat::{
    AssistantPart, ChatCall, Effort, Image, MediaType, Message, ReasoningPart, ReasoningSettings,
    ResponseFormat, Tool, ToolCall, ToolChoice, ToolResult, UserPart,
};
use keyway_router_providers::text::{Decimal, Name};

use super::{Call, Common, Origin, Work, bounds, model};

impl Call {
    /// Parses a chat request; `stream` says how it is to be answered.
    pub fn chat(
        origin: Origin,
        request: wire::ChatRequest,
        stream: bool,
        catalogue: &Catalogue,
    ) -> Result<Self, Fault> {
        let (provider, model) = model(&request.model, catalogue)?;
        let found = catalogue.find(provider, &model);
        let most = found
            .and_then(Model::max_output)
            .and_then(|most| most.try_into().ok());
        let mode = known("credential_mode", request.credential_mode)?;
        let call = ChatCall {
            model: model.clone(),
            messages: messages(request.messages)?,
            tools: tools(request.tools)?,
            tool_choice: tool_choice(request.tool_choice)?,
            parallel_tool_calls: request.parallel_tool_calls,
            response_format: request.response_format.map(response_format).transpose()?,
            max_output_tokens: positive("max_output_tokens", request.max_output_tokens)?,
            model_max_output_tokens: most,
            temperature: decimal("temperature", request.temperature)?,
            top_p: decimal("top_p", request.top_p)?,
            stop: stop(request.stop)?,
            seed: request.seed,
            reasoning: reasoning(request.reasoning)?,
            end_user: bounds::given(request.end_user.clone()),
            provider_options: bounds::options(&request.provider_options_json)?,
            hosted: false,
        };
        let common = Common {
            labels: request.labels,
            end_user: request.end_user,
            request_id: request.request_id,
            mode,
        };
        let work = if stream {
            Work::StreamChat(call)
        } else {
            Work::Chat(call)
        };
        Self::new(origin, common, (provider, model), work)
    }
}

fn messages(messages: Vec<wire::Message>) -> Result<Vec<Message>, Fault> {
    if messages.is_empty() || messages.len() > MOST_MESSAGES {
        return Err(Fault::field("messages", "must be 1 to 10000"));
    }
    messages
        .into_iter()
        .enumerate()
        .map(|(at, turn)| message(at, turn))
        .collect()
}

fn message(at: usize, turn: wire::Message) -> Result<Message, Fault> {
    let role = turn.role();
    if turn.parts.is_empty() {
        return Err(Fault::field(
            format!("messages[{at}].parts"),
            "must not be empty",
        ));
    }
    let parts = turn.parts.into_iter().enumerate().map(|(place, part)| {
        let field = format!("messages[{at}].parts[{place}]");
        let part = part
            .part
            .ok_or_else(|| Fault::field(field.as_str(), "must be set"))?;
        Ok::<_, Fault>((field, part))
    });
    match role {
        wire::ChatRole::System => each(parts, system_part).map(Message::System),
        wire::ChatRole::User => each(parts, user_part).map(Message::User),
        wire::ChatRole::Assistant => each(parts, assistant_part).map(Message::Assistant),
        wire::ChatRole::Tool => each(parts, tool_part).map(Message::Tool),
        wire::ChatRole::Unspecified => {
            let form =
                "must be CHAT_ROLE_SYSTEM, CHAT_ROLE_USER, CHAT_ROLE_ASSISTANT or CHAT_ROLE_TOOL";
            Err(Fault::field(format!("messages[{at}].role"), form))
        }
    }
}

fn each<T>(
    parts: impl Iterator<Item = Result<(String, wire::part::Part), Fault>>,
    read: fn(&str, wire::part::Part) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    parts
        .map(|part| part.and_then(|(field, part)| read(&field, part)))
        .collect()
}

fn system_part(field: &str, part: wire::part::Part) -> Result<String, Fault> {
    match part {
        wire::part::Part::Text(text) => Ok(text),
        _ => Err(Fault::field(field, "a system turn has text only")),
    }
}

fn user_part(field: &str, part: wire::part::Part) -> Result<UserPart, Fault> {
    match part {
        wire::part::Part::Text(text) => Ok(UserPart::Text(text)),
        wire::part::Part::Image(given) => image(field, given).map(UserPart::Image),
        _ => Err(Fault::field(field, "a user turn has text and images only")),
    }
}

fn assistant_part(field: &str, part: wire::part::Part) -> Result<AssistantPart, Fault> {
    match part {
        wire::part::Part::Text(text) => Ok(AssistantPart::Text(text)),
        wire::part::Part::ToolCall(call) => Ok(AssistantPart::ToolCall(ToolCall {
            id: call.id,
            name: call.name,
            arguments: call.arguments_json,
            signature: call.signature,
        })),
        wire::part::Part::Reasoning(part) => Ok(AssistantPart::Reasoning(ReasoningPart {
            text: part.text,
            signature: part.signature,
            redacted: part.redacted,
        })),
        wire::part::Part::Refusal(text) => Ok(AssistantPart::Refusal(text)),
        wire::part::Part::Image(_) | wire::part::Part::ToolResult(_) => Err(Fault::field(
            field,
            "an assistant turn has text, tool calls, reasoning and refusals only",
        )),
    }
}

fn tool_part(field: &str, part: wire::part::Part) -> Result<ToolResult, Fault> {
    match part {
        wire::part::Part::ToolResult(result) if !result.call_id.is_empty() => Ok(ToolResult {
            call_id: result.call_id,
            text: result.text,
            is_error: result.is_error,
        }),
        _ => Err(Fault::field(
            field,
            "a tool turn has results only, each with its call_id",
        )),
    }
}

fn image(field: &str, image: wire::Image) -> Result<Image, Fault> {
    match image.source {
        Some(wire::image::Source::Data(data)) if !data.is_empty() => {
            let media_type = MediaType::from_name(&image.media_type).ok_or_else(|| {
                let form = "must be image/png, image/jpeg, image/gif or image/webp";
                Fault::field(format!("{field}.image.media_type"), form)
            })?;
            Ok(Image::Inline {
                media_type,
                data: data.into(),
            })
        }
        Some(wire::image::Source::Url(url)) if url.starts_with("https://") && url.len() <= 8192 => {
            Ok(Image::Url(url))
        }
        _ => Err(Fault::field(
            format!("{field}.image"),
            "must have data, or an https URL",
        )),
    }
}

fn tools(tools: Vec<wire::Tool>) -> Result<Vec<Tool>, Fault> {
    if tools.len() > MOST_TOOLS {
        return Err(Fault::field("tools", "must be at most 512"));
    }
    let read = |(at, tool): (usize, wire::Tool)| {
        let field = |name: &str| format!("tools[{at}].{name}");
        Ok(Tool {
            name: name(&field("name"), &tool.name)?,
            description: tool.description,
            parameters: bounds::object(&field("parameters_json"), &tool.parameters_json)?,
            strict: tool.strict,
        })
    };
    tools.into_iter().enumerate().map(read).collect()
}

fn tool_choice(choice: Option<wire::ToolChoice>) -> Result<Option<ToolChoice>, Fault> {
    match choice.and_then(|choice| choice.choice) {
        None => Ok(None),
        Some(wire::tool_choice::Choice::Tool(tool)) => name("tool_choice.tool", &tool)
            .map(ToolChoice::Tool)
            .map(Some),
        Some(wire::tool_choice::Choice::Mode(mode)) => match wire::ToolMode::try_from(mode) {
            Ok(wire::ToolMode::Unspecified) => Ok(None),
            Ok(wire::ToolMode::Auto) => Ok(Some(ToolChoice::Auto)),
            Ok(wire::ToolMode::None) => Ok(Some(ToolChoice::None)),
            Ok(wire::ToolMode::Required) => Ok(Some(ToolChoice::Required)),
            Err(_unknown) => Err(Fault::field("tool_choice.mode", "must be a known mode")),
        },
    }
}

fn response_format(format: wire::ResponseFormat) -> Result<ResponseFormat, Fault> {
    let schema = bounds::object("response_format.schema_json", &format.schema_json)?;
    let schema = schema
        .ok_or_else(|| Fault::field("response_format.schema_json", "must be a JSON schema"))?;
    let name = bounds::given(format.name);
    let name = name
        .map(|text| self::name("response_format.name", &text))
        .transpose()?;
    Ok(ResponseFormat {
        schema,
        name,
        strict: format.strict,
    })
}

fn reasoning(settings: Option<wire::Reasoning>) -> Result<ReasoningSettings, Fault> {
    let Some(settings) = settings else {
        return Ok(ReasoningSettings::default());
    };
    let effort = bounds::given(settings.effort).map(|effort| {
        let form = "must be none, minimal, low, medium, high, xhigh or max";
        Effort::from_name(&effort).ok_or_else(|| Fault::field("reasoning.effort", form))
    });
    let budget_tokens = positive("reasoning.budget_tokens", settings.budget_tokens)?;
    Ok(ReasoningSettings {
        effort: effort.transpose()?,
        budget_tokens,
    })
}

fn stop(stop: Vec<String>) -> Result<Vec<String>, Fault> {
    if stop.len() > 16 || stop.iter().any(|text| text.is_empty() || text.len() > 512) {
        return Err(Fault::field(
            "stop",
            "must be at most 16 texts of 1 to 512 bytes",
        ));
    }
    Ok(stop)
}

fn name(field: &str, text: &str) -> Result<Name, Fault> {
    text.parse()
        .map_err(|error: keyway_router_providers::text::InvalidText| {
            Fault::field(field, error.to_string())
        })
}

fn decimal(field: &str, text: Option<String>) -> Result<Option<Decimal>, Fault> {
    text.map(|text| {
        text.parse()
            .map_err(|error: keyway_router_providers::text::InvalidText| {
                Fault::field(field, error.to_string())
            })
    })
    .transpose()
}

pub(super) fn positive(field: &str, number: Option<u32>) -> Result<Option<u32>, Fault> {
    if number == Some(0) {
        return Err(Fault::field(field, "must be at least 1"));
    }
    Ok(number)
}

const MOST_MESSAGES: usize = 10_000;
const MOST_TOOLS: usize = 512;
