//! A neutral chat call as a messages request.

use http::HeaderValue;
use serde::Serialize;

use super::VERSION;
use super::turns::{Content, Turn, turns};
use crate::chat::{ChatCall, Effort, Tool, ToolChoice};
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
    WireRequest::post("/v1/messages", &body).map(versioned)
}

/// The request with the version that the provider wants in every one.
pub(super) fn versioned(mut request: WireRequest) -> WireRequest {
    request
        .headers
        .insert("anthropic-version", HeaderValue::from_static(VERSION));
    request
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
mod tests;
