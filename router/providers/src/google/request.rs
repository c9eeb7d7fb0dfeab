//! A neutral chat call as a `generateContent` request.

use serde::Serialize;

use super::path;
use super::turns::{Content, contents};
use crate::chat::{ChatCall, Effort, Tool, ToolChoice};
use crate::json::{JsonObject, ProviderOptions};
use crate::options::Rules;
use crate::text::Decimal;
use crate::wire::{EncodeError, WireRequest};
use crate::{checks, options};

/// Options beside the generation settings. Both spellings of each name are taken upstream.
const OPTIONS: Rules = Rules {
    taken: &[
        "contents",
        "systemInstruction",
        "system_instruction",
        "toolConfig",
        "tool_config",
        "generation_config",
        "continuationToken",
        "continuation_token",
    ],
    hosted: &["safetySettings"],
};

/// Options within `generationConfig`. `candidateCount` and `responseModalities` ask for what a
/// neutral answer can't carry.
const GENERATION_OPTIONS: Rules = Rules {
    taken: &[
        "temperature",
        "topP",
        "top_p",
        "maxOutputTokens",
        "max_output_tokens",
        "stopSequences",
        "stop_sequences",
        "seed",
        "candidateCount",
        "candidate_count",
        "responseMimeType",
        "response_mime_type",
        "responseSchema",
        "response_schema",
        "responseJsonSchema",
        "response_json_schema",
        "responseModalities",
        "response_modalities",
        "thinkingConfig",
        "thinking_config",
    ],
    hosted: &[
        "topK",
        "presencePenalty",
        "frequencyPenalty",
        "mediaResolution",
    ],
};

/// Writes the request. Usage comes without being asked for.
pub(super) fn chat(call: &ChatCall, stream: bool) -> Result<WireRequest, EncodeError> {
    checks::chat(call)?;
    check(call)?;
    let (top, generation) = call.provider_options.split("generationConfig");
    options::check(&top, &OPTIONS, call.hosted)?;
    let generation = generation_options(generation)?;
    options::check(&generation, &GENERATION_OPTIONS, call.hosted)?;
    let (system_instruction, contents) = contents(&call.messages)?;
    let config = GenerationConfig::of(call, generation)?;
    let body = Body {
        system_instruction,
        contents,
        tools: tools(call),
        tool_config: call.tool_choice.as_ref().map(ToolConfig::from),
        generation_config: (!config.is_empty()).then_some(config),
        options: &top,
    };
    let method = if stream {
        "streamGenerateContent?alt=sse"
    } else {
        "generateContent"
    };
    WireRequest::post(&path(&call.model, method)?, &body)
}

fn generation_options(text: Option<&str>) -> Result<ProviderOptions, EncodeError> {
    ProviderOptions::parse(text.unwrap_or_default()).map_err(|_invalid| EncodeError::Invalid {
        field: "provider_options_json.generationConfig",
        accepted: "a JSON object that names no key twice",
    })
}

fn check(call: &ChatCall) -> Result<(), EncodeError> {
    let invalid = |field, accepted| Err(EncodeError::Invalid { field, accepted });
    let unsupported = |field, why| Err(EncodeError::Unsupported { field, why });
    let within = |value: Option<&Decimal>, most| value.is_none_or(|value| value.at_most(most));
    if !within(call.temperature.as_ref(), 2) {
        return invalid("temperature", "a number from 0 to 2");
    }
    if !within(call.top_p.as_ref(), 1) {
        return invalid("top_p", "a number from 0 to 1");
    }
    if call.stop.len() > 5 {
        return invalid("stop", "at most 5 texts with this provider");
    }
    if call.seed.is_some_and(|seed| i32::try_from(seed).is_err()) {
        return invalid("seed", "a number of 32 bits with this provider");
    }
    if call.parallel_tool_calls == Some(false) {
        let why = "this provider decides by itself how many tools it calls at once";
        return unsupported("parallel_tool_calls", why);
    }
    let starts_well = |tool: &Tool| {
        tool.name
            .as_str()
            .starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
    };
    if !call.tools.iter().all(starts_well) {
        let accepted = "a name that starts with a letter or `_` with this provider";
        return invalid("tools.name", accepted);
    }
    if call.tools.iter().any(|tool| tool.strict == Some(true)) {
        let why = "this provider has no mark for it; leave it out";
        return unsupported("tools.strict", why);
    }
    let format = call.response_format.as_ref();
    if format.is_some_and(|format| format.strict == Some(false)) {
        let why = "this provider always follows the schema exactly";
        return unsupported("response_format.strict", why);
    }
    Ok(())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Content<'c>>,
    contents: Vec<Content<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tools: Option<[Declarations<'c>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfig<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation_config: Option<GenerationConfig<'c>>,
    #[serde(flatten)]
    options: &'c ProviderOptions,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Declarations<'c> {
    function_declarations: Vec<Declaration<'c>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Declaration<'c> {
    name: &'c str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_json_schema: Option<&'c JsonObject>,
}

fn tools(call: &ChatCall) -> Option<[Declarations<'_>; 1]> {
    let declared = call.tools.iter().map(|tool| Declaration {
        name: tool.name.as_str(),
        description: &tool.description,
        parameters_json_schema: tool.parameters.as_ref(),
    });
    (!call.tools.is_empty()).then(|| {
        [Declarations {
            function_declarations: declared.collect(),
        }]
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToolConfig<'c> {
    function_calling_config: CallingConfig<'c>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallingConfig<'c> {
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_function_names: Option<[&'c str; 1]>,
}

impl<'c> From<&'c ToolChoice> for ToolConfig<'c> {
    fn from(choice: &'c ToolChoice) -> Self {
        let (mode, name) = match choice {
            ToolChoice::Auto => ("AUTO", None),
            ToolChoice::None => ("NONE", None),
            ToolChoice::Required => ("ANY", None),
            ToolChoice::Tool(name) => ("ANY", Some([name.as_str()])),
        };
        Self {
            function_calling_config: CallingConfig {
                mode,
                allowed_function_names: name,
            },
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<&'c Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<&'c Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop_sequences: &'c [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_mime_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_json_schema: Option<&'c JsonObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_config: Option<ThinkingConfig>,
    #[serde(flatten)]
    options: ProviderOptions,
}

impl<'c> GenerationConfig<'c> {
    fn of(call: &'c ChatCall, options: ProviderOptions) -> Result<Self, EncodeError> {
        let schema = call.response_format.as_ref().map(|format| &format.schema);
        Ok(Self {
            temperature: call.temperature.as_ref(),
            top_p: call.top_p.as_ref(),
            max_output_tokens: call.max_output_tokens,
            stop_sequences: &call.stop,
            seed: call.seed,
            response_mime_type: schema.map(|_json| "application/json"),
            response_json_schema: schema,
            thinking_config: thinking(call)?,
            options,
        })
    }

    fn is_empty(&self) -> bool {
        self.temperature.is_none()
            && self.top_p.is_none()
            && self.max_output_tokens.is_none()
            && self.stop_sequences.is_empty()
            && self.seed.is_none()
            && self.response_json_schema.is_none()
            && self.thinking_config.is_none()
            && self.options.is_empty()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ThinkingConfig {
    include_thoughts: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_budget: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_level: Option<&'static str>,
}

/// Models up to 2.5 take a budget, those from 3 on a level; never both. Whoever asks for reasoning
/// gets to see its summary.
fn thinking(call: &ChatCall) -> Result<Option<ThinkingConfig>, EncodeError> {
    let unsupported = |field, why| Err(EncodeError::Unsupported { field, why });
    let takes_budget = call.model.starts_with("gemini-1.") || call.model.starts_with("gemini-2.");
    let (thinking_budget, thinking_level) =
        match (call.reasoning.budget_tokens, call.reasoning.effort) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                return unsupported(
                    "reasoning",
                    "this provider takes an effort or a budget, not both",
                );
            }
            (Some(budget), None) if takes_budget => (Some(budget), None),
            (Some(_budget), None) => {
                let why = "this model takes an effort, not a budget";
                return unsupported("reasoning.budget_tokens", why);
            }
            (None, Some(Effort::None)) if takes_budget => (Some(0), None),
            (None, Some(_effort)) if takes_budget => {
                let why = "this model takes a budget, or the effort `none`";
                return unsupported("reasoning.effort", why);
            }
            (None, Some(effort)) => (None, Some(level(effort)?)),
        };
    Ok(Some(ThinkingConfig {
        include_thoughts: thinking_budget != Some(0),
        thinking_budget,
        thinking_level,
    }))
}

fn level(effort: Effort) -> Result<&'static str, EncodeError> {
    Ok(match effort {
        Effort::Minimal => "MINIMAL",
        Effort::Low => "LOW",
        Effort::Medium => "MEDIUM",
        Effort::High => "HIGH",
        Effort::Xhigh => "XHIGH",
        Effort::None | Effort::Max => {
            return Err(EncodeError::Unsupported {
                field: "reasoning.effort",
                why: "this model takes `minimal` to `xhigh`",
            });
        }
    })
}
