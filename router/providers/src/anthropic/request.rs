//! A neutral chat call as a messages request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use serde::Serialize;

use super::VERSION;
use crate::chat::{
    AssistantPart, ChatCall, Effort, Image, Message, ReasoningPart, Tool, ToolCall, ToolChoice,
    ToolResult, UserPart,
};
use crate::json::{JsonObject, ProviderOptions};
use crate::options::Rules;
use crate::wire::{EncodeError, WireRequest};
use crate::{checks, options};

/// The bound of output that the provider demands, where neither caller nor catalogue has one.
const DEFAULT_MAX_TOKENS: u32 = 4_096;

/// Options of messages.
const OPTIONS: Rules = Rules {
    taken: &[
        "tool_choice",
        "output_config",
        "stop_sequences",
        "metadata",
        "temperature",
        "top_p",
    ],
    hosted: &["thinking", "cache_control"],
};

/// Writes the request.
pub(super) fn chat(call: &ChatCall, stream: bool) -> Result<WireRequest, EncodeError> {
    checks::chat(call)?;
    check(call)?;
    options::check(&call.provider_options, &OPTIONS, call.hosted)?;
    let max_tokens = call
        .max_output_tokens
        .or(call.model_max_output_tokens)
        .unwrap_or(DEFAULT_MAX_TOKENS);
    let (system, turns) = turns(&call.messages)?;
    let body = Body {
        model: &call.model,
        max_tokens,
        system,
        messages: turns,
        tools: call.tools.iter().map(WireTool::from).collect(),
        tool_choice: choice(call),
        thinking: thinking(call, max_tokens)?,
        output_config: output_config(call)?,
        stop_sequences: &call.stop,
        metadata: call.end_user.as_deref().map(|user_id| Metadata { user_id }),
        stream: stream.then_some(true),
        options: &call.provider_options,
    };
    let mut request = WireRequest::post("/v1/messages", &body)?;
    request
        .headers
        .insert("anthropic-version", HeaderValue::from_static(VERSION));
    Ok(request)
}

fn check(call: &ChatCall) -> Result<(), EncodeError> {
    let unsupported = |field, why| Err(EncodeError::Unsupported { field, why });
    let removed = "this API version has no sampling settings; leave it out";
    if call.temperature.is_some() {
        return unsupported("temperature", removed);
    }
    if call.top_p.is_some() {
        return unsupported("top_p", removed);
    }
    if call.seed.is_some() {
        return unsupported("seed", "this provider takes none");
    }
    if call
        .response_format
        .as_ref()
        .is_some_and(|format| format.strict == Some(false))
    {
        let why = "this provider always follows the schema exactly";
        return unsupported("response_format.strict", why);
    }
    Ok(())
}

#[derive(Serialize)]
struct Body<'c> {
    model: &'c str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "Content::is_empty")]
    system: Content<'c>,
    messages: Vec<Turn<'c>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<WireTool<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig<'c>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'c [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<bool>,
    #[serde(flatten)]
    options: &'c ProviderOptions,
}

#[derive(Serialize)]
struct Metadata<'c> {
    user_id: &'c str,
}

#[derive(Serialize)]
struct Turn<'c> {
    role: &'static str,
    content: Content<'c>,
}

/// A single text stands for itself; anything else is a list of blocks.
struct Content<'c>(Vec<Block<'c>>);

impl Content<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Content<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [Block::Text { text }] => text.serialize(serializer),
            blocks => blocks.serialize(serializer),
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'c> {
    Text {
        text: &'c str,
    },
    Image {
        source: Source<'c>,
    },
    ToolUse {
        id: &'c str,
        name: &'c str,
        input: JsonObject,
    },
    ToolResult {
        tool_use_id: &'c str,
        content: &'c str,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
    Thinking {
        thinking: &'c str,
        signature: &'c str,
    },
    RedactedThinking {
        data: &'c str,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Source<'c> {
    Base64 {
        media_type: &'static str,
        data: String,
    },
    Url {
        url: &'c str,
    },
}

/// Splits the conversation into the system prompt, which stands apart here, and turns. What the
/// user says after results of tools belongs to their turn.
fn turns(messages: &[Message]) -> Result<(Content<'_>, Vec<Turn<'_>>), EncodeError> {
    let mut system = Vec::new();
    let mut turns: Vec<Turn<'_>> = Vec::with_capacity(messages.len());
    let mut after_results = false;
    for message in messages {
        let (role, blocks) = match message {
            Message::System(texts) if turns.is_empty() => {
                system.extend(texts.iter().map(|text| Block::Text { text }));
                continue;
            }
            Message::System(_later) => {
                let why = "this provider takes instructions only before the conversation";
                return Err(EncodeError::Unsupported {
                    field: "messages.role",
                    why,
                });
            }
            Message::User(parts) => ("user", parts.iter().map(user_part).collect::<Vec<_>>()),
            Message::Assistant(parts) => (
                "assistant",
                parts.iter().map(assistant_part).collect::<Result<_, _>>()?,
            ),
            Message::Tool(results) => ("user", results.iter().map(tool_result).collect()),
        };
        match turns.last_mut() {
            Some(turn) if after_results && role == "user" => turn.content.0.extend(blocks),
            _new_turn => turns.push(Turn {
                role,
                content: Content(blocks),
            }),
        }
        after_results = matches!(message, Message::Tool(_)) || (after_results && role == "user");
    }
    Ok((Content(system), turns))
}

fn user_part(part: &UserPart) -> Block<'_> {
    match part {
        UserPart::Text(text) => Block::Text { text },
        UserPart::Image(Image::Url(url)) => Block::Image {
            source: Source::Url { url },
        },
        UserPart::Image(Image::Inline { media_type, data }) => {
            let data = STANDARD.encode(data);
            Block::Image {
                source: Source::Base64 {
                    media_type: media_type.as_str(),
                    data,
                },
            }
        }
    }
}

fn tool_result(result: &ToolResult) -> Block<'_> {
    Block::ToolResult {
        tool_use_id: &result.call_id,
        content: &result.text,
        is_error: result.is_error,
    }
}

fn assistant_part(part: &AssistantPart) -> Result<Block<'_>, EncodeError> {
    match part {
        AssistantPart::Text(text) => Ok(Block::Text { text }),
        AssistantPart::ToolCall(call) => tool_use(call),
        AssistantPart::Reasoning(reasoning) => reasoning_block(reasoning),
        AssistantPart::Refusal(_text) => Err(EncodeError::Unsupported {
            field: "messages.parts.refusal",
            why: "this provider takes no refusal back; leave the turn out",
        }),
    }
}

fn tool_use(call: &ToolCall) -> Result<Block<'_>, EncodeError> {
    if !call.signature.is_empty() {
        let field = "messages.parts.tool_call.signature";
        let why = "this provider gives none and takes none back; leave it out";
        return Err(EncodeError::Unsupported { field, why });
    }
    let arguments = if call.arguments.is_empty() {
        "{}"
    } else {
        &call.arguments
    };
    let input = JsonObject::parse(arguments).map_err(|_invalid| EncodeError::Invalid {
        field: "messages.parts.tool_call.arguments_json",
        accepted: "a JSON object with this provider",
    })?;
    Ok(Block::ToolUse {
        id: &call.id,
        name: &call.name,
        input,
    })
}

fn reasoning_block(part: &ReasoningPart) -> Result<Block<'_>, EncodeError> {
    let field = "messages.parts.reasoning.signature";
    if part.signature.is_empty() {
        return Err(EncodeError::Invalid {
            field,
            accepted: "as the provider gave it",
        });
    }
    let signature = checks::opaque(&part.signature, field)?;
    Ok(if part.redacted {
        Block::RedactedThinking { data: signature }
    } else {
        Block::Thinking {
            thinking: &part.text,
            signature,
        }
    })
}

#[derive(Serialize)]
struct WireTool<'c> {
    name: &'c str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'c str,
    input_schema: Schema<'c>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

/// The provider demands a schema; without arguments it is that of an empty object.
#[derive(Serialize)]
#[serde(untagged)]
enum Schema<'c> {
    Given(&'c JsonObject),
    NoArguments {
        r#type: &'static str,
        properties: NoProperties,
    },
}

#[derive(Serialize)]
struct NoProperties {}

impl<'c> From<&'c Tool> for WireTool<'c> {
    fn from(tool: &'c Tool) -> Self {
        let none = Schema::NoArguments {
            r#type: "object",
            properties: NoProperties {},
        };
        Self {
            name: tool.name.as_str(),
            description: &tool.description,
            input_schema: tool.parameters.as_ref().map_or(none, Schema::Given),
            strict: tool.strict,
        }
    }
}

#[derive(Serialize)]
struct Choice<'c> {
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'c str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    disable_parallel_tool_use: bool,
}

/// Whether tools must be called. Several at once is the default, so only its opposite is written.
fn choice(call: &ChatCall) -> Option<Choice<'_>> {
    let one_at_once = call.parallel_tool_calls == Some(false);
    let (kind, name) = match &call.tool_choice {
        None if one_at_once => ("auto", None),
        None => return None,
        Some(ToolChoice::Auto) => ("auto", None),
        Some(ToolChoice::None) => ("none", None),
        Some(ToolChoice::Required) => ("any", None),
        Some(ToolChoice::Tool(name)) => ("tool", Some(name.as_str())),
    };
    let disable_parallel_tool_use = one_at_once && kind != "none";
    Some(Choice {
        r#type: kind,
        name,
        disable_parallel_tool_use,
    })
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Thinking {
    Enabled { budget_tokens: u32 },
    Disabled,
}

/// A budget turns thinking on, the effort `none` turns it off; otherwise the model's default holds.
fn thinking(call: &ChatCall, max_tokens: u32) -> Result<Option<Thinking>, EncodeError> {
    let off = call.reasoning.effort == Some(Effort::None);
    let thinking = match call.reasoning.budget_tokens {
        None if off => Thinking::Disabled,
        None => return Ok(None),
        Some(budget_tokens) if !off && (1_024..max_tokens).contains(&budget_tokens) => {
            Thinking::Enabled { budget_tokens }
        }
        Some(_outside) => {
            return Err(EncodeError::Invalid {
                field: "reasoning.budget_tokens",
                accepted: "at least 1024, below max_output_tokens, and unset with effort `none`",
            });
        }
    };
    if call.provider_options.contains("thinking") {
        return Err(EncodeError::OptionNotAllowed {
            name: "thinking".to_owned(),
        });
    }
    Ok(Some(thinking))
}

#[derive(Serialize)]
struct OutputConfig<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format<'c>>,
}

#[derive(Serialize)]
struct Format<'c> {
    r#type: &'static str,
    schema: &'c JsonObject,
}

fn output_config(call: &ChatCall) -> Result<Option<OutputConfig<'_>>, EncodeError> {
    let effort = match call.reasoning.effort {
        Some(Effort::Minimal) => {
            let why = "this provider's least effort is `low`";
            return Err(EncodeError::Unsupported {
                field: "reasoning.effort",
                why,
            });
        }
        Some(Effort::None) | None => None,
        Some(effort) => Some(effort.as_str()),
    };
    let schema = call.response_format.as_ref().map(|format| &format.schema);
    let format = schema.map(|schema| Format {
        r#type: "json_schema",
        schema,
    });
    let is_set = effort.is_some() || format.is_some();
    Ok(is_set.then_some(OutputConfig { effort, format }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::ReasoningSettings;

    fn call() -> ChatCall {
        ChatCall {
            model: "claude-sonnet-5-5".into(),
            messages: vec![Message::User(vec![UserPart::Text("hi".into())])],
            ..ChatCall::default()
        }
    }

    fn body(call: &ChatCall) -> serde_json::Value {
        serde_json::from_slice(&chat(call, false).unwrap().body).unwrap()
    }

    fn reasoning(effort: Option<Effort>, budget_tokens: Option<u32>) -> ChatCall {
        let reasoning = ReasoningSettings {
            effort,
            budget_tokens,
        };
        ChatCall {
            reasoning,
            model_max_output_tokens: Some(2_000),
            ..call()
        }
    }

    #[test]
    fn the_bound_that_the_provider_demands_is_the_callers_else_the_catalogues_else_a_default() {
        let bound = |caller, catalogue| {
            let call = ChatCall {
                max_output_tokens: caller,
                model_max_output_tokens: catalogue,
                ..call()
            };
            body(&call)["max_tokens"].as_u64()
        };
        assert_eq!(bound(Some(7), Some(9)), Some(7));
        assert_eq!(bound(None, Some(9)), Some(9));
        assert_eq!(bound(None, None), Some(4_096));
    }

    #[test]
    fn what_this_api_has_not_is_refused_and_never_dropped() {
        let number = Some("0.2".parse().unwrap());
        for (call, field) in [
            (
                ChatCall {
                    temperature: number.clone(),
                    ..call()
                },
                "temperature",
            ),
            (
                ChatCall {
                    top_p: number,
                    ..call()
                },
                "top_p",
            ),
            (
                ChatCall {
                    seed: Some(0),
                    ..call()
                },
                "seed",
            ),
            (reasoning(Some(Effort::Minimal), None), "reasoning.effort"),
        ] {
            let refused = chat(&call, false).unwrap_err();
            assert!(matches!(refused, EncodeError::Unsupported { field: f, .. } if f == field));
        }
    }

    #[test]
    fn a_budget_turns_thinking_on_within_its_bounds_and_no_effort_turns_it_off() {
        let on = body(&reasoning(Some(Effort::Low), Some(1_024)));
        assert_eq!(
            on["thinking"],
            serde_json::json!({"type":"enabled","budget_tokens":1024})
        );
        assert_eq!(on["output_config"]["effort"], "low");
        let off = body(&reasoning(Some(Effort::None), None));
        assert_eq!(off["thinking"], serde_json::json!({"type":"disabled"}));
        assert!(off.get("output_config").is_none());
        for (effort, budget) in [(None, 1_023), (None, 2_000), (Some(Effort::None), 1_500)] {
            assert!(chat(&reasoning(effort, Some(budget)), false).is_err());
        }
        let provider_options = ProviderOptions::parse(r#"{"thinking":{}}"#).unwrap();
        let both = ChatCall {
            provider_options,
            ..reasoning(None, Some(1_024))
        };
        let refused = EncodeError::OptionNotAllowed {
            name: "thinking".into(),
        };
        assert_eq!(chat(&both, false).unwrap_err(), refused);
    }

    #[test]
    fn thinking_goes_back_byte_for_byte_and_not_without_its_signature() {
        let part = |signature: &str, redacted| {
            let text = "why".to_owned();
            let part = ReasoningPart {
                text,
                signature: signature.into(),
                redacted,
            };
            let turn = Message::Assistant(vec![AssistantPart::Reasoning(part)]);
            ChatCall {
                messages: vec![turn],
                ..call()
            }
        };
        let sent = body(&part("EqoB+/==", false));
        assert_eq!(
            sent["messages"][0]["content"],
            serde_json::json!([{"type":"thinking","thinking":"why","signature":"EqoB+/=="}]),
        );
        let sent = body(&part("EroB==", true));
        assert_eq!(
            sent["messages"][0]["content"],
            serde_json::json!([{"type":"redacted_thinking","data":"EroB=="}]),
        );
        assert!(chat(&part("", false), false).is_err());
    }

    #[test]
    fn instructions_within_the_conversation_and_broken_arguments_are_refused() {
        let mut late = call();
        late.messages.push(Message::System(vec!["be terse".into()]));
        assert!(matches!(
            chat(&late, false),
            Err(EncodeError::Unsupported { .. })
        ));
        let broken = ToolCall {
            arguments: "{\"a\":".into(),
            ..ToolCall::default()
        };
        let messages = vec![Message::Assistant(vec![AssistantPart::ToolCall(broken)])];
        let refused = chat(&ChatCall { messages, ..call() }, false);
        assert!(matches!(refused, Err(EncodeError::Invalid { .. })));
    }
}
