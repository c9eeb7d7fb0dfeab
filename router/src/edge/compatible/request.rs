//! A chat request in `OpenAI`'s shape as a neutral one. Pure.

use std::collections::HashMap;

use keyway_proto::Fault;
use keyway_proto::router::v1 as wire;
use keyway_proto::vault::v1::CredentialMode;
use keyway_words::ProviderId;

use super::fields::{Object, Value};
use super::messages::{self, Opening};
use super::sealed::Seal;

/// A request, and how it is to be answered.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) request: wire::ChatRequest,
    pub(super) stream: bool,
    /// A last chunk with the usage is asked for.
    pub(super) usage: bool,
}

/// Reads a chat request. `provider_of` says whose a model is; `request_id` stood in a header.
pub(super) fn chat(
    body: &[u8],
    request_id: String,
    seal: &Seal,
    provider_of: impl Fn(&str) -> Result<ProviderId, Fault>,
) -> Result<Asked, Fault> {
    let mut body = Object::body(body)?;
    let model = body.must("model")?.text()?;
    let provider = provider_of(&model)?;
    let opening = Opening { seal, provider };
    let mut common = Common::take(&mut body)?;
    let (stream, usage) = stream(&mut body)?;
    let request = wire::ChatRequest {
        model,
        messages: messages::read(body.must("messages")?, &opening)?,
        tools: tools(body.take("tools"))?,
        tool_choice: body.take("tool_choice").map(tool_choice).transpose()?,
        parallel_tool_calls: body.truth("parallel_tool_calls")?,
        response_format: match body.take("response_format") {
            Some(format) => response_format(format)?,
            None => None,
        },
        max_output_tokens: max_output_tokens(&mut body)?,
        temperature: body.decimal("temperature")?,
        top_p: body.decimal("top_p")?,
        stop: stop(body.take("stop"))?,
        seed: body.take("seed").map(|seed| seed.integer()).transpose()?,
        reasoning: reasoning(&mut body, common.budget_tokens)?,
        labels: std::mem::take(&mut common.labels),
        end_user: common.end_user,
        request_id,
        provider_options_json: common.provider_options_json,
        credential_mode: common.credential_mode.into(),
    };
    meaningless(&mut body)?;
    body.end()?;
    Ok(Asked {
        request,
        stream,
        usage,
    })
}

/// What chats and embeddings have in common.
#[derive(Debug, Default)]
pub(super) struct Common {
    pub(super) labels: HashMap<String, String>,
    pub(super) end_user: String,
    pub(super) provider_options_json: String,
    pub(super) credential_mode: CredentialMode,
    pub(super) budget_tokens: Option<u32>,
}

impl Common {
    /// Takes the caller's own user, labels, and what only Keyway knows.
    pub(super) fn take(body: &mut Object<'_>) -> Result<Self, Fault> {
        let mut common = Self {
            end_user: end_user(body)?,
            ..Self::default()
        };
        if let Some(metadata) = body.take("metadata") {
            common.labels = labels(metadata)?;
        }
        if let Some(own) = body.take("keyway") {
            common.own(own.object()?)?;
        }
        Ok(common)
    }

    fn own(&mut self, mut own: Object<'_>) -> Result<(), Fault> {
        if let Some(options) = own.take("provider_options") {
            options.json().clone_into(&mut self.provider_options_json);
        }
        if let Some(mode) = own.take("credential_mode") {
            self.credential_mode = match mode.text()?.as_str() {
                "OWN_THEN_HOSTED" => CredentialMode::OwnThenHosted,
                "OWN_ONLY" => CredentialMode::OwnOnly,
                "HOSTED_ONLY" => CredentialMode::HostedOnly,
                _ => return Err(mode.must_be("OWN_THEN_HOSTED, OWN_ONLY or HOSTED_ONLY")),
            };
        }
        self.budget_tokens = own.number("reasoning_budget_tokens")?;
        own.end()
    }
}

/// `user`, or as it is called of late `safety_identifier`.
fn end_user(body: &mut Object<'_>) -> Result<String, Fault> {
    let user = body.text("user")?;
    let Some(newer) = body.take("safety_identifier") else {
        return Ok(user);
    };
    let text = newer.text()?;
    if !user.is_empty() && user != text {
        return Err(newer.must_be("the same as user, or left out"));
    }
    Ok(text)
}

fn labels(metadata: Value<'_>) -> Result<HashMap<String, String>, Fault> {
    let form = "an object of texts";
    let fault = metadata.must_be(form);
    let read = serde_json::from_str::<HashMap<String, String>>(metadata.json());
    metadata.object()?; // refuses a name that stands twice
    read.map_err(|_other| fault)
}

fn stream(body: &mut Object<'_>) -> Result<(bool, bool), Fault> {
    let stream = body.truth("stream")?.unwrap_or(false);
    let Some(options) = body.take("stream_options") else {
        return Ok((stream, false));
    };
    if !stream {
        return Err(options.must_be("left out where stream is not true"));
    }
    let mut options = options.object()?;
    let usage = options.truth("include_usage")?.unwrap_or(false);
    // Padding against eavesdroppers of the provider's answer; there is none here either way.
    options.truth("include_obfuscation")?;
    options.end()?;
    Ok((stream, usage))
}

fn tools(tools: Option<Value<'_>>) -> Result<Vec<wire::Tool>, Fault> {
    let tools = tools.map(Value::list).transpose()?;
    tools.unwrap_or_default().into_iter().map(tool).collect()
}

fn tool(tool: Value<'_>) -> Result<wire::Tool, Fault> {
    let mut tool = tool.object()?;
    let kind = tool.must("type")?;
    if kind.text()? != "function" {
        return Err(kind.unsupported("tools are functions"));
    }
    let mut function = tool.must("function")?.object()?;
    tool.end()?;
    let parameters = function.take("parameters");
    let read = wire::Tool {
        name: function.must("name")?.text()?,
        description: function.text("description")?,
        parameters_json: parameters.map_or_else(String::new, |json| json.json().to_owned()),
        strict: function.truth("strict")?,
    };
    function.end()?;
    Ok(read)
}

fn tool_choice(choice: Value<'_>) -> Result<wire::ToolChoice, Fault> {
    use wire::tool_choice::Choice;
    let form = "none, auto, required, or a function by its name";
    if choice.is_text() {
        let mode = match choice.text()?.as_str() {
            "none" => wire::ToolMode::None,
            "auto" => wire::ToolMode::Auto,
            "required" => wire::ToolMode::Required,
            _ => return Err(choice.must_be(form)),
        };
        let choice = Some(Choice::Mode(mode.into()));
        return Ok(wire::ToolChoice { choice });
    }
    let mut named = choice.object()?;
    let kind = named.must("type")?;
    if kind.text()? != "function" {
        return Err(kind.unsupported("the choice is none, auto, required or one function"));
    }
    let mut function = named.must("function")?.object()?;
    let choice = Some(Choice::Tool(function.must("name")?.text()?));
    function.end()?;
    named.end()?;
    Ok(wire::ToolChoice { choice })
}

fn response_format(format: Value<'_>) -> Result<Option<wire::ResponseFormat>, Fault> {
    let mut format = format.object()?;
    let kind = format.must("type")?;
    match kind.text()?.as_str() {
        "text" => {
            format.end()?;
            return Ok(None);
        }
        "json_schema" => {}
        "json_object" => return Err(kind.unsupported("use json_schema, which says which JSON")),
        _ => return Err(kind.must_be("text or json_schema")),
    }
    let mut schema = format.must("json_schema")?.object()?;
    format.end()?;
    let read = wire::ResponseFormat {
        name: schema.must("name")?.text()?,
        schema_json: schema.must("schema")?.json().to_owned(),
        strict: schema.truth("strict")?,
    };
    schema.end()?;
    Ok(Some(read))
}

/// One bound under two names.
fn max_output_tokens(body: &mut Object<'_>) -> Result<Option<u32>, Fault> {
    let older = body.take("max_tokens");
    let newer = body.take("max_completion_tokens");
    let mut bound = None;
    for value in [older, newer].into_iter().flatten() {
        let number = value.number()?;
        if number == 0 {
            return Err(value.must_be("at least 1"));
        }
        if bound.is_some_and(|other| other != number) {
            return Err(value.must_be("the same as max_tokens, or one of them left out"));
        }
        bound = Some(number);
    }
    Ok(bound)
}

fn stop(stop: Option<Value<'_>>) -> Result<Vec<String>, Fault> {
    match stop {
        None => Ok(Vec::new()),
        Some(stop) if stop.is_text() => Ok(vec![stop.text()?]),
        Some(stop) => stop.list()?.iter().map(Value::text).collect(),
    }
}

fn reasoning(
    body: &mut Object<'_>,
    budget_tokens: Option<u32>,
) -> Result<Option<wire::Reasoning>, Fault> {
    let effort = body.text("reasoning_effort")?;
    let given = !effort.is_empty() || budget_tokens.is_some();
    Ok(given.then_some(wire::Reasoning {
        effort,
        budget_tokens,
    }))
}

/// Refuses what the neutral schema has no place for, unless it says what is so anyway.
fn meaningless(body: &mut Object<'_>) -> Result<(), Fault> {
    for (name, anyway, why) in MEANINGLESS {
        let Some(value) = body.take(name) else {
            continue;
        };
        let json: String = value.json().split_ascii_whitespace().collect();
        let is_zero = value.is_number() && json.parse::<f64>().is_ok_and(|number| number == 0.0);
        let said = if is_zero { "0" } else { json.as_str() };
        if !anyway.contains(&said) {
            return Err(value.unsupported(why));
        }
    }
    Ok(())
}

const OPTION: &str = "it is no field that all providers have; where this one has it, set it in \
                      keyway.provider_options";

/// Name, values that change nothing, and why others are refused.
const MEANINGLESS: [(&str, &[&str], &str); 19] = [
    ("n", &["1"], "a call has one answer; make several calls"),
    (
        "logprobs",
        &["false"],
        "answers have no logarithms of probabilities",
    ),
    (
        "top_logprobs",
        &["0"],
        "answers have no logarithms of probabilities",
    ),
    ("logit_bias", &["{}"], OPTION),
    ("frequency_penalty", &["0"], OPTION),
    ("presence_penalty", &["0"], OPTION),
    ("service_tier", &["\"auto\""], OPTION),
    ("verbosity", &[], OPTION),
    ("prediction", &[], OPTION),
    ("prompt_cache_key", &[], OPTION),
    ("prompt_cache_retention", &[], OPTION),
    ("top_k", &[], OPTION),
    ("store", &["false"], "nothing is stored"),
    ("modalities", &["[\"text\"]"], "answers are text"),
    ("audio", &[], "answers are text"),
    (
        "web_search_options",
        &[],
        "use keyway.router.v1.ExecutionService/Search, or a tool of your own",
    ),
    ("functions", &["[]"], "use tools"),
    ("function_call", &[], "use tool_choice"),
    ("moderation", &[], OPTION),
];
