//! A response's request as a neutral one.

use keyway_proto::Fault;
use keyway_proto::router::v1 as wire;
use keyway_words::ProviderId;
use serde_json::{Map, json};

use super::super::common::{self, Meaningless, OPTION, Own};
use super::super::fields::{Object, Value};
use super::super::parts::Opening;
use super::super::sealed::Seal;
use super::super::shape::{Asked, Tail};
use super::items;

/// Reads a request. `provider_of` says whose a model is; `request_id` stood in a header.
pub(in super::super) fn chat(
    body: &[u8],
    request_id: String,
    seal: &Seal,
    provider_of: impl Fn(&str) -> Result<ProviderId, Fault>,
) -> Result<Asked, Fault> {
    let mut body = Object::body(body)?;
    let tail = Tail::Echo(echo(&body));
    let model = body.must("model")?.text()?;
    let provider = provider_of(&model)?;
    let opening = Opening { seal, provider };
    let mut own = Own::take(&mut body)?;
    let stream = stream(&mut body)?;
    let max = body.take("max_output_tokens");
    let effort = effort(&mut body)?;
    include(&mut body)?;
    common::meaningless(&mut body, &MEANINGLESS)?;
    let request = wire::ChatRequest {
        model,
        messages: items::read(body.take("instructions"), body.must("input")?, &opening)?,
        tools: common::tools(body.take("tools"), tool)?,
        tool_choice: body.take("tool_choice").map(tool_choice).transpose()?,
        parallel_tool_calls: body.truth("parallel_tool_calls")?,
        response_format: format(&mut body)?,
        max_output_tokens: max.map(|max| common::bound(&max)).transpose()?,
        temperature: body.decimal("temperature")?,
        top_p: body.decimal("top_p")?,
        stop: common::stop(own.rest.take("stop"))?,
        seed: own.seed()?,
        reasoning: common::reasoning(effort, own.budget_tokens()?),
        labels: common::labels(body.take("metadata"))?,
        end_user: common::end_user(&mut body)?,
        request_id,
        provider_options_json: own.provider_options_json,
        credential_mode: own.credential_mode.into(),
    };
    own.rest.end()?;
    body.end()?;
    Ok(Asked {
        request,
        stream,
        tail,
    })
}

/// What the answer repeats of its request, with what holds where it says nothing.
fn echo(body: &Object<'_>) -> Map<String, serde_json::Value> {
    let otherwise = [
        ("instructions", json!(null)),
        ("max_output_tokens", json!(null)),
        ("metadata", json!({})),
        ("parallel_tool_calls", json!(true)),
        ("reasoning", json!({"effort": null, "summary": null})),
        ("temperature", json!(null)),
        ("text", json!({"format": {"type": "text"}})),
        ("tool_choice", json!("auto")),
        ("tools", json!([])),
        ("top_p", json!(null)),
        ("user", json!(null)),
    ];
    let told = |name: &str| {
        let json = body.peek(name).filter(|json| *json != "null")?;
        serde_json::from_str(json).ok()
    };
    let each = otherwise.into_iter();
    each.map(|(name, value)| (name.to_owned(), told(name).unwrap_or(value)))
        .collect()
}

fn stream(body: &mut Object<'_>) -> Result<bool, Fault> {
    let stream = body.truth("stream")?.unwrap_or(false);
    if let Some(options) = body.take("stream_options") {
        if !stream {
            return Err(options.must_be("left out where stream is not true"));
        }
        let mut options = options.object()?;
        // Padding against eavesdroppers of the provider's answer; there is none here either way.
        options.truth("include_obfuscation")?;
        options.end()?;
    }
    Ok(stream)
}

fn effort(body: &mut Object<'_>) -> Result<String, Fault> {
    let Some(reasoning) = body.take("reasoning") else {
        return Ok(String::new());
    };
    let mut reasoning = reasoning.object()?;
    let effort = reasoning.text("effort")?;
    for name in ["summary", "generate_summary"] {
        if let Some(summary) = reasoning.take(name)
            && summary.text()? != "auto"
        {
            return Err(summary.unsupported("leave it out, or say auto"));
        }
    }
    reasoning.end()?;
    Ok(effort)
}

/// What answers have anyway may be asked for.
fn include(body: &mut Object<'_>) -> Result<(), Fault> {
    let include = body.take("include").map(Value::list).transpose()?;
    for one in include.unwrap_or_default() {
        if one.text()? != "reasoning.encrypted_content" {
            return Err(one.unsupported("only reasoning.encrypted_content is, and always"));
        }
    }
    Ok(())
}

fn tool(tool: Value<'_>) -> Result<wire::Tool, Fault> {
    let mut tool = tool.object()?;
    let kind = tool.must("type")?;
    if kind.text()? != "function" {
        return Err(kind.unsupported("tools are functions; built-in ones are one provider's"));
    }
    common::tool(tool, "parameters")
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
    let choice = common::one_tool(named.must("name")?.text()?);
    named.end()?;
    Ok(choice)
}

fn format(body: &mut Object<'_>) -> Result<Option<wire::ResponseFormat>, Fault> {
    let Some(text) = body.take("text") else {
        return Ok(None);
    };
    let mut text = text.object()?;
    common::meaningless(&mut text, &[("verbosity", &["\"medium\""], OPTION)])?;
    let format = text.take("format");
    text.end()?;
    let Some(format) = format else {
        return Ok(None);
    };
    let mut format = format.object()?;
    let kind = format.must("type")?;
    let read = match kind.text()?.as_str() {
        "text" => None,
        "json_schema" => Some(wire::ResponseFormat {
            name: format.must("name")?.text()?,
            schema_json: format.must("schema")?.json().to_owned(),
            strict: format.truth("strict")?,
        }),
        "json_object" => return Err(kind.unsupported("use json_schema, which says which JSON")),
        _ => return Err(kind.must_be("text or json_schema")),
    };
    format.end()?;
    Ok(read)
}

const KEPT: &str = "nothing is stored; send the whole conversation in input";

const MEANINGLESS: [Meaningless; 16] = [
    ("store", &["false"], "nothing is stored; leave it out"),
    ("previous_response_id", &[], KEPT),
    ("conversation", &[], KEPT),
    (
        "context_management",
        &[],
        "shorten the conversation yourself",
    ),
    ("prompt", &[], "nothing is stored; send the text"),
    (
        "background",
        &["false"],
        "a call runs as long as its caller waits; use stream",
    ),
    (
        "truncation",
        &["\"disabled\""],
        "shorten the conversation yourself",
    ),
    (
        "top_logprobs",
        &["0"],
        "answers have no logarithms of probabilities",
    ),
    ("max_tool_calls", &[], "tools are called by you"),
    ("service_tier", &["\"auto\""], OPTION),
    ("prompt_cache_key", &[], OPTION),
    ("prompt_cache_retention", &[], OPTION),
    ("moderation", &[], OPTION),
    ("stop", &[], "use keyway.stop"),
    ("seed", &[], "use keyway.seed"),
    ("modalities", &["[\"text\"]"], "answers are text"),
];
