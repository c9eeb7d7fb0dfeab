//! The features of a chat, and the endpoints that it may go to.

use keyway_proto::router::v1::{
    ChatRequest, ChatRole, Image, Message, Part, Reasoning, ReasoningPart, ResponseFormat, Tool,
    ToolCall, ToolChoice, ToolMode, ToolResult, image, part, tool_choice,
};
use keyway_proto::vault::v1::CredentialMode;

use super::Feature;

/// One endpoint of a provider.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// Name of its case file.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) model: &'static str,
    /// One that reasons.
    reasoning: &'static str,
    /// A field of its own, as `provider_options_json`.
    option: &'static str,
}

pub(super) const ENDPOINTS: [Endpoint; 5] = [
    Endpoint {
        name: "openai_chat",
        title: "OpenAI, chat completions",
        model: "openai/gpt-4.1-mini",
        reasoning: "openai/gpt-5.1",
        option: r#"{"presence_penalty":0.50,"frequency_penalty":1E-1}"#,
    },
    Endpoint {
        name: "openai_responses",
        title: "OpenAI, responses",
        model: "openai/gpt-5.4-pro",
        reasoning: "openai/gpt-5.4-pro",
        option: r#"{"truncation":"auto"}"#,
    },
    Endpoint {
        name: "anthropic",
        title: "Anthropic, messages",
        model: "anthropic/claude-haiku-4-5",
        reasoning: "anthropic/claude-opus-4-6",
        option: r#"{"service_tier":"standard_only"}"#,
    },
    Endpoint {
        name: "google",
        title: "Google, generateContent",
        model: "google/gemini-3.8-flash",
        reasoning: "google/gemini-3.8-flash",
        option: r#"{"generationConfig":{"topK":40.0}}"#,
    },
    Endpoint {
        name: "mistral",
        title: "Mistral, chat completions",
        model: "mistral/mistral-small-latest",
        reasoning: "mistral/mistral-small-latest",
        option: r#"{"safe_prompt":true}"#,
    },
];

const PIXEL: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
const SCHEMA: &str = r#"{"type":"object","properties":{"year":{"type":"integer"},"city":{"type":"string"}},"required":["year","city"],"additionalProperties":false}"#;

fn text(text: &str) -> Part {
    Part {
        part: Some(part::Part::Text(text.to_owned())),
    }
}

fn turn(role: ChatRole, parts: Vec<Part>) -> Message {
    Message {
        role: role.into(),
        parts,
    }
}

fn user(said: &str) -> Message {
    turn(ChatRole::User, vec![text(said)])
}

fn picture(source: image::Source, media_type: &str) -> Message {
    let image = Image {
        source: Some(source),
        media_type: media_type.to_owned(),
    };
    let image = Part {
        part: Some(part::Part::Image(image)),
    };
    turn(ChatRole::User, vec![text("What is this?"), image])
}

fn tool(name: &str) -> Tool {
    Tool {
        name: name.to_owned(),
        description: "Says what year it is.".to_owned(),
        parameters_json: SCHEMA.to_owned(),
        strict: None,
    }
}

pub(super) fn with_tools(request: &mut ChatRequest, said: &str) {
    request.messages = vec![user(said)];
    request.tools = vec![tool("get_year"), tool("get_time")];
}

fn chosen(request: &mut ChatRequest, choice: tool_choice::Choice) {
    with_tools(request, "Hi");
    request.tool_choice = Some(ToolChoice {
        choice: Some(choice),
    });
}

fn mode(request: &mut ChatRequest, mode: ToolMode) {
    chosen(request, tool_choice::Choice::Mode(mode.into()));
}

fn strict(request: &mut ChatRequest, strict: bool) {
    with_tools(request, "[sim:tool]");
    request.tools[0].strict = Some(strict);
}

fn shape(request: &mut ChatRequest, strict: Option<bool>) {
    request.response_format = Some(ResponseFormat {
        schema_json: SCHEMA.to_owned(),
        name: "place".to_owned(),
        strict,
    });
}

pub(super) fn effort(request: &mut ChatRequest, endpoint: &Endpoint, effort: &str) {
    request.model = endpoint.reasoning.into();
    request.reasoning = Some(Reasoning {
        effort: effort.to_owned(),
        budget_tokens: None,
    });
}

pub(super) fn budget(request: &mut ChatRequest, endpoint: &Endpoint, tokens: u32) {
    request.model = endpoint.reasoning.into();
    request.max_output_tokens = Some(4096);
    request.reasoning = Some(Reasoning {
        effort: String::new(),
        budget_tokens: Some(tokens),
    });
}

/// The answer's turn, and a result for each of its calls.
pub(super) fn results(request: &mut ChatRequest, answer: Message, is_error: bool) {
    let calls = answer.parts.iter().filter_map(|part| match &part.part {
        Some(part::Part::ToolCall(ToolCall { id, .. })) => Some(id.clone()),
        _ => None,
    });
    let result = |call_id| Part {
        part: Some(part::Part::ToolResult(ToolResult {
            call_id,
            text: r#"{"year":2.0E3}"#.to_owned(),
            is_error,
        })),
    };
    let results = calls.map(result).collect();
    request.messages.push(answer);
    request.messages.push(turn(ChatRole::Tool, results));
}

fn assistant(request: &mut ChatRequest, said: part::Part) {
    let parts = vec![Part { part: Some(said) }, text("Fine.")];
    request.messages.push(turn(ChatRole::Assistant, parts));
    request.messages.push(user("And now?"));
}

#[expect(clippy::too_many_lines, reason = "a table, one entry per feature")]
pub(super) fn features() -> Vec<Feature<ChatRequest, Endpoint, Message>> {
    let set = Feature::given;
    vec![
        set(
            "a text",
            &[
                "ChatRequest.model",
                "ChatRequest.messages",
                "Message.role",
                "Message.parts",
                "Part.text",
            ],
            "a user turn",
            |_, _| {},
        ),
        set(
            "instructions",
            &["Message.role"],
            "a system turn of two texts",
            |request, _| {
                let parts = vec![text("Be terse."), text("Be kind.")];
                request.messages.insert(0, turn(ChatRole::System, parts));
            },
        ),
        set(
            "several turns",
            &["ChatRequest.messages"],
            "user, assistant, user",
            |request, _| {
                request
                    .messages
                    .push(turn(ChatRole::Assistant, vec![text("Hello.")]));
                request.messages.push(user("And now?"));
            },
        ),
        set(
            "several texts in a turn",
            &["Message.parts"],
            "a user turn of two texts",
            |request, _| {
                request.messages[0].parts.push(text("Please."));
            },
        ),
        set(
            "an image, inline",
            &["Part.image", "Image.data", "Image.media_type"],
            "image of `data` and `media_type`",
            |request, _| {
                request.messages = vec![picture(image::Source::Data(PIXEL.to_vec()), "image/png")];
            },
        ),
        set(
            "an image, by URL",
            &["Image.url"],
            "image of `url`",
            |request, _| {
                let url = "https://images.example/cat.png".to_owned();
                request.messages = vec![picture(image::Source::Url(url), "")];
            },
        ),
        set(
            "a tool is called",
            &[
                "ChatRequest.tools",
                "Tool.name",
                "Tool.description",
                "Tool.parameters_json",
            ],
            "two tools; the model calls the first",
            |request, _| with_tools(request, "[sim:tool]"),
        ),
        set(
            "several tools are called",
            &["Part.tool_call"],
            "two tools; the model calls both",
            |request, _| with_tools(request, "[sim:tools]"),
        ),
        set(
            "a tool without arguments",
            &["Tool.parameters_json"],
            "no `parameters_json`, no `description`",
            |request, _| {
                with_tools(request, "[sim:tool]");
                request.tools.truncate(1);
                request.tools[0] = Tool {
                    name: "ping".to_owned(),
                    ..Tool::default()
                };
            },
        ),
        set(
            "a strict tool",
            &["Tool.strict"],
            "`strict: true`",
            |request, _| strict(request, true),
        ),
        set(
            "a tool that is not strict",
            &["Tool.strict"],
            "`strict: false`",
            |request, _| strict(request, false),
        ),
        set(
            "tools as the model likes",
            &["ChatRequest.tool_choice", "ToolChoice.mode"],
            "`TOOL_MODE_AUTO`",
            |request, _| mode(request, ToolMode::Auto),
        ),
        set(
            "no tool",
            &["ToolChoice.mode"],
            "`TOOL_MODE_NONE`",
            |request, _| mode(request, ToolMode::None),
        ),
        set(
            "some tool",
            &["ToolChoice.mode"],
            "`TOOL_MODE_REQUIRED`",
            |request, _| mode(request, ToolMode::Required),
        ),
        set(
            "this tool",
            &["ToolChoice.tool"],
            "`tool: \"get_time\"`",
            |request, _| chosen(request, tool_choice::Choice::Tool("get_time".to_owned())),
        ),
        set(
            "several calls at once",
            &["ChatRequest.parallel_tool_calls"],
            "`parallel_tool_calls: true`",
            |request, _| {
                with_tools(request, "[sim:tools]");
                request.parallel_tool_calls = Some(true);
            },
        ),
        set(
            "one call at a time",
            &["ChatRequest.parallel_tool_calls"],
            "`parallel_tool_calls: false`",
            |request, _| {
                with_tools(request, "[sim:tools]");
                request.parallel_tool_calls = Some(false);
            },
        ),
        Feature::answered(
            "results of tools",
            &[
                "Part.tool_result",
                "ToolCall.id",
                "ToolCall.name",
                "ToolCall.arguments_json",
                "ToolCall.signature",
                "ToolResult.call_id",
                "ToolResult.text",
            ],
            "the turn of two calls, and a result of each",
            |request, _| with_tools(request, "[sim:tools]"),
            |request, answer| results(request, answer, false),
        ),
        Feature::answered(
            "a tool that failed",
            &["ToolResult.is_error"],
            "`is_error: true`",
            |request, _| with_tools(request, "[sim:tool]"),
            |request, answer| results(request, answer, true),
        ),
        set(
            "an answer by a schema",
            &[
                "ChatRequest.response_format",
                "ResponseFormat.schema_json",
                "ResponseFormat.name",
            ],
            "`schema_json` and `name`",
            |request, _| shape(request, None),
        ),
        set(
            "an answer strictly by a schema",
            &["ResponseFormat.strict"],
            "`strict: true`",
            |request, _| shape(request, Some(true)),
        ),
        set(
            "an answer loosely by a schema",
            &["ResponseFormat.strict"],
            "`strict: false`",
            |request, _| shape(request, Some(false)),
        ),
        set(
            "a bound of output",
            &["ChatRequest.max_output_tokens"],
            "`max_output_tokens: 16`",
            |request, _| {
                request.messages = vec![user(&"A long story. ".repeat(20))];
                request.max_output_tokens = Some(16);
            },
        ),
        set(
            "a temperature",
            &["ChatRequest.temperature"],
            "`temperature: \"0.20\"`",
            |request, _| request.temperature = Some("0.20".to_owned()),
        ),
        set(
            "nucleus sampling",
            &["ChatRequest.top_p"],
            "`top_p: \"0.9\"`",
            |request, _| request.top_p = Some("0.9".to_owned()),
        ),
        set(
            "stop texts",
            &["ChatRequest.stop"],
            "`stop: [\"short\", \"END\"]`",
            |request, _| request.stop = vec!["short".to_owned(), "END".to_owned()],
        ),
        set(
            "a seed",
            &["ChatRequest.seed"],
            "`seed: 7`",
            |request, _| request.seed = Some(7),
        ),
        set(
            "much reasoning",
            &["ChatRequest.reasoning", "Reasoning.effort"],
            "`effort: \"high\"`",
            |request, endpoint| effort(request, endpoint, "high"),
        ),
        set(
            "no reasoning",
            &["Reasoning.effort"],
            "`effort: \"none\"`",
            |request, endpoint| effort(request, endpoint, "none"),
        ),
        set(
            "as much reasoning as possible",
            &["Reasoning.effort"],
            "`effort: \"max\"`",
            |request, endpoint| effort(request, endpoint, "max"),
        ),
        set(
            "reasoning of a model that has none",
            &["Reasoning.effort"],
            "`effort: \"high\"`",
            |request, endpoint| {
                effort(request, endpoint, "high");
                request.model = endpoint.model.into();
            },
        ),
        set(
            "a budget of reasoning",
            &["Reasoning.budget_tokens"],
            "`budget_tokens: 1024`",
            |request, endpoint| budget(request, endpoint, 1024),
        ),
        Feature::answered(
            "reasoning given back",
            &[
                "Part.reasoning",
                "ReasoningPart.text",
                "ReasoningPart.signature",
            ],
            "the turn of an answer that was reasoned",
            |request, endpoint| match endpoint.name {
                // The model decides by itself whether an effort is worth a thought.
                "anthropic" => budget(request, endpoint, 1024),
                _ => effort(request, endpoint, "high"),
            },
            |request, answer| {
                request.messages.push(answer);
                request.messages.push(user("And now?"));
            },
        ),
        set(
            "redacted reasoning given back",
            &["ReasoningPart.redacted"],
            "`redacted: true` and its content as `signature`",
            |request, endpoint| {
                request.model = endpoint.reasoning.into();
                let reasoning = ReasoningPart {
                    signature: b"EroBCkgexampleOpaque==".to_vec(),
                    redacted: true,
                    ..ReasoningPart::default()
                };
                assistant(request, part::Part::Reasoning(reasoning));
            },
        ),
        set(
            "a refusal",
            &["Part.refusal"],
            "the model refuses",
            |request, _| request.messages = vec![user("[sim:refuse]")],
        ),
        set(
            "a refusal given back",
            &["Part.refusal"],
            "an assistant turn that refused",
            |request, _| assistant(request, part::Part::Refusal("I can't.".to_owned())),
        ),
        set(
            "a filtered answer",
            &["Part.text"],
            "the provider's filter stops the model",
            |request, _| request.messages = vec![user("[sim:filter]")],
        ),
        set(
            "a user of the caller's",
            &["ChatRequest.end_user"],
            "`end_user: \"u-9f2c\"`",
            |request, _| request.end_user = "u-9f2c".into(),
        ),
        set(
            "fields of the provider's own",
            &["ChatRequest.provider_options_json"],
            "`provider_options_json`, its numbers as they were spelled",
            |request, endpoint| request.provider_options_json = endpoint.option.into(),
        ),
        set(
            "what stays with Keyway",
            &[
                "ChatRequest.labels",
                "ChatRequest.request_id",
                "ChatRequest.credential_mode",
            ],
            "`labels`, `request_id`, `credential_mode: OWN_ONLY`",
            |request, _| {
                request.labels.insert("team".to_owned(), "red".to_owned());
                request.request_id = "feature".into();
                request.credential_mode = CredentialMode::OwnOnly.into();
            },
        ),
        set(
            "the platform's key",
            &["ChatRequest.credential_mode"],
            "`credential_mode: HOSTED_ONLY`",
            |request, _| request.credential_mode = CredentialMode::HostedOnly.into(),
        ),
    ]
}
