//! A message's request as a neutral one.

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
    let stream = body.truth("stream")?.unwrap_or(false);
    let mut output = output(&mut body, &mut own)?;
    let (tool_choice, parallel_tool_calls) = match body.take("tool_choice") {
        Some(choice) => tool_choice(choice)?,
        None => (None, None),
    };
    let budget_tokens = thinking(&mut body, &mut output.effort)?;
    let max = body.take("max_tokens");
    let request = wire::ChatRequest {
        model,
        messages: turns::read(body.take("system"), body.must("messages")?, &opening)?,
        tools: common::tools(body.take("tools"), tool)?,
        tool_choice,
        parallel_tool_calls,
        response_format: output.format,
        max_output_tokens: max.map(|max| common::bound(&max)).transpose()?,
        temperature: body.decimal("temperature")?,
        top_p: body.decimal("top_p")?,
        stop: common::stop(body.take("stop_sequences"))?,
        seed: own.seed()?,
        reasoning: common::reasoning(output.effort, budget_tokens),
        labels: common::labels(own.rest.take("labels"))?,
        end_user: end_user(&mut body)?,
        request_id,
        provider_options_json: own.provider_options_json,
        credential_mode: own.credential_mode.into(),
    };
    own.rest.end()?;
    common::meaningless(&mut body, &MEANINGLESS)?;
    body.end()?;
    Ok(Asked {
        request,
        stream,
        tail: Tail::None,
    })
}

fn end_user(body: &mut Object<'_>) -> Result<String, Fault> {
    let Some(metadata) = body.take("metadata") else {
        return Ok(String::new());
    };
    let mut metadata = metadata.object()?;
    let user = metadata.text("user_id")?;
    metadata.end()?;
    Ok(user)
}

/// What the answer shall be like.
struct Output {
    effort: String,
    format: Option<wire::ResponseFormat>,
}

/// `output_config`; what a schema has in other shapes stands in `keyway`.
fn output(body: &mut Object<'_>, own: &mut Own<'_>) -> Result<Output, Fault> {
    let name = own.rest.take("schema_name");
    let strict = own.rest.take("schema_strict");
    let mut output = match body.take("output_config") {
        Some(output) => output.object()?,
        None => Object::empty("output_config"),
    };
    let effort = output.text("effort")?;
    let format = output.take("format");
    output.end()?;
    let Some(format) = format else {
        if let Some(alone) = name.or(strict) {
            return Err(alone.must_be("left out where there is no output_config.format"));
        }
        return Ok(Output {
            effort,
            format: None,
        });
    };
    let mut format = format.object()?;
    let kind = format.must("type")?;
    if kind.text()? != "json_schema" {
        return Err(kind.must_be("json_schema"));
    }
    let read = wire::ResponseFormat {
        schema_json: format.must("schema")?.json().to_owned(),
        name: name.map_or_else(|| Ok(String::new()), |name| name.text())?,
        strict: strict.map(|strict| strict.truth()).transpose()?,
    };
    format.end()?;
    Ok(Output {
        effort,
        format: Some(read),
    })
}

/// The budget of `thinking`; no thinking is an effort of none.
fn thinking(body: &mut Object<'_>, effort: &mut String) -> Result<Option<u32>, Fault> {
    let Some(thinking) = body.take("thinking") else {
        return Ok(None);
    };
    let mut thinking = thinking.object()?;
    let kind = thinking.must("type")?;
    let budget = match kind.text()?.as_str() {
        "enabled" => Some(thinking.must("budget_tokens")?.number()?),
        "adaptive" if !effort.is_empty() => None,
        "adaptive" => return Err(kind.unsupported("say in output_config.effort how much")),
        "disabled" if effort.is_empty() => {
            "none".clone_into(effort);
            None
        }
        "disabled" => return Err(kind.must_be("left out where output_config.effort is set")),
        _ => return Err(kind.must_be("enabled, adaptive or disabled")),
    };
    if let Some(display) = thinking.take("display")
        && display.text()? != "summarized"
    {
        return Err(display.unsupported("leave it out: what the provider shows is passed on"));
    }
    thinking.end()?;
    Ok(budget)
}

fn tool(tool: Value<'_>) -> Result<wire::Tool, Fault> {
    let mut tool = tool.object()?;
    if let Some(kind) = tool.take("type")
        && kind.text()? != "custom"
    {
        return Err(kind.unsupported("tools are your own; built-in ones are one provider's"));
    }
    common::tool(tool, "input_schema")
}

type Choice = (Option<wire::ToolChoice>, Option<bool>);

/// The choice, and whether several tools may be called at once.
fn tool_choice(choice: Value<'_>) -> Result<Choice, Fault> {
    let mut choice = choice.object()?;
    let kind = choice.must("type")?;
    let read = match kind.text()?.as_str() {
        "auto" => common::mode(wire::ToolMode::Auto),
        "any" => common::mode(wire::ToolMode::Required),
        "none" => common::mode(wire::ToolMode::None),
        "tool" => common::one_tool(choice.must("name")?.text()?),
        _ => return Err(kind.must_be("auto, any, none or tool")),
    };
    let alone = choice.truth("disable_parallel_tool_use")?;
    choice.end()?;
    // Auto is what holds anyway: it is here as the only place to say the other.
    let is_said = alone.is_none() || read != common::mode(wire::ToolMode::Auto);
    Ok((is_said.then_some(read), alone.map(|alone| !alone)))
}

const MEANINGLESS: [Meaningless; 8] = [
    ("top_k", &[], OPTION),
    ("service_tier", &["\"auto\""], OPTION),
    ("cache_control", &[], OPTION),
    ("inference_geo", &[], OPTION),
    ("output_format", &[], "use output_config.format"),
    ("container", &[], "nothing is kept between calls"),
    (
        "context_management",
        &[],
        "shorten the conversation yourself",
    ),
    (
        "mcp_servers",
        &["[]"],
        "Keyway calls no servers of tools; use tools",
    ),
];
