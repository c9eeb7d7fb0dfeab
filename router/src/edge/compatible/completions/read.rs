//! A chat completion's request as a neutral one.

use keyway_proto::Fault;
use keyway_proto::router::v1 as wire;
use keyway_words::ProviderId;

use super::super::common::{self, Meaningless, OPTION, Own};
use super::super::fields::{Object, Value};
use super::super::parts::Opening;
use super::super::sealed::Seal;
use super::super::shape::{Asked, Tail};
use super::turns;

/// Reads a request. `provider_of` says whose a model is; `request_id` stood in a header.
pub(in super::super) fn chat(
    body: &[u8],
    request_id: String,
    seal: &Seal,
    provider_of: impl Fn(&str) -> Result<ProviderId, Fault>,
) -> Result<Asked, Fault> {
    let mut body = Object::body(body)?;
    let model = body.must("model")?.text()?;
    let provider = provider_of(&model)?;
    let opening = Opening { seal, provider };
    let mut own = Own::take(&mut body)?;
    let (stream, usage) = stream(&mut body)?;
    let effort = body.text("reasoning_effort")?;
    let request = wire::ChatRequest {
        model,
        messages: turns::read(body.must("messages")?, &opening)?,
        tools: common::tools(body.take("tools"), tool)?,
        tool_choice: body.take("tool_choice").map(tool_choice).transpose()?,
        parallel_tool_calls: body.truth("parallel_tool_calls")?,
        response_format: match body.take("response_format") {
            Some(format) => response_format(format)?,
            None => None,
        },
        max_output_tokens: max_output_tokens(&mut body)?,
        temperature: body.decimal("temperature")?,
        top_p: body.decimal("top_p")?,
        stop: common::stop(body.take("stop"))?,
        seed: body.take("seed").map(|seed| seed.integer()).transpose()?,
        reasoning: common::reasoning(effort, own.budget_tokens()?),
        labels: common::labels(body.take("metadata"))?,
        end_user: common::end_user(&mut body)?,
        request_id,
        provider_options_json: own.provider_options_json,
        credential_mode: own.credential_mode.into(),
    };
    own.rest.end()?;
    common::meaningless(&mut body, &MEANINGLESS)?;
    body.end()?;
    let tail = Tail::Usage(usage);
    Ok(Asked {
        request,
        stream,
        tail,
    })
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

fn tool(tool: Value<'_>) -> Result<wire::Tool, Fault> {
    let mut tool = tool.object()?;
    let kind = tool.must("type")?;
    if kind.text()? != "function" {
        return Err(kind.unsupported("tools are functions"));
    }
    let function = tool.must("function")?.object()?;
    tool.end()?;
    common::tool(function, "parameters")
}

fn tool_choice(choice: Value<'_>) -> Result<wire::ToolChoice, Fault> {
    if choice.is_text() {
        return common::mode_by_word(&choice);
    }
    let mut named = choice.object()?;
    let kind = named.must("type")?;
    if kind.text()? != "function" {
        return Err(kind.unsupported("the choice is none, auto, required or one function"));
    }
    let mut function = named.must("function")?.object()?;
    let choice = common::one_tool(function.must("name")?.text()?);
    function.end()?;
    named.end()?;
    Ok(choice)
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
        let number = common::bound(&value)?;
        if bound.is_some_and(|other| other != number) {
            return Err(value.must_be("the same as max_tokens, or one of them left out"));
        }
        bound = Some(number);
    }
    Ok(bound)
}

const MEANINGLESS: [Meaningless; 19] = [
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
