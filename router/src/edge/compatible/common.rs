//! What the requests of all shapes have in common. Pure.

use std::collections::HashMap;

use keyway_proto::Fault;
use keyway_proto::router::v1 as wire;
use keyway_proto::vault::v1::CredentialMode;

use super::fields::{Object, Value};

/// What only Keyway knows, in the member `keyway`.
#[derive(Debug)]
pub(super) struct Own<'a> {
    pub(super) provider_options_json: String,
    pub(super) credential_mode: CredentialMode,
    /// What this shape has no place of its own for.
    pub(super) rest: Object<'a>,
}

impl<'a> Own<'a> {
    /// Takes it out of a body.
    pub(super) fn take(body: &mut Object<'a>) -> Result<Self, Fault> {
        let mut own = match body.take("keyway") {
            Some(own) => own.object()?,
            None => Object::empty("keyway"),
        };
        let options = own.take("provider_options");
        let credential_mode = match own.take("credential_mode") {
            None => CredentialMode::default(),
            Some(mode) => match mode.text()?.as_str() {
                "OWN_THEN_HOSTED" => CredentialMode::OwnThenHosted,
                "OWN_ONLY" => CredentialMode::OwnOnly,
                "HOSTED_ONLY" => CredentialMode::HostedOnly,
                _ => return Err(mode.must_be("OWN_THEN_HOSTED, OWN_ONLY or HOSTED_ONLY")),
            },
        };
        Ok(Self {
            provider_options_json: options.map_or_else(String::new, |json| json.json().to_owned()),
            credential_mode,
            rest: own,
        })
    }

    /// The seed, where a shape has none.
    pub(super) fn seed(&mut self) -> Result<Option<i64>, Fault> {
        let seed = self.rest.take("seed");
        seed.map(|seed| seed.integer()).transpose()
    }

    /// The budget of reasoning, where a shape has none.
    pub(super) fn budget_tokens(&mut self) -> Result<Option<u32>, Fault> {
        self.rest.number("reasoning_budget_tokens")
    }
}

/// The tools, each read by its shape.
pub(super) fn tools<'a>(
    tools: Option<Value<'a>>,
    one: impl Fn(Value<'a>) -> Result<wire::Tool, Fault>,
) -> Result<Vec<wire::Tool>, Fault> {
    let tools = tools.map(Value::list).transpose()?;
    tools.unwrap_or_default().into_iter().map(one).collect()
}

/// What a tool is called and takes; each shape has its own word for the schema.
pub(super) fn tool(mut tool: Object<'_>, schema: &str) -> Result<wire::Tool, Fault> {
    let parameters = tool.take(schema);
    let read = wire::Tool {
        name: tool.must("name")?.text()?,
        description: tool.text("description")?,
        parameters_json: parameters.map_or_else(String::new, |json| json.json().to_owned()),
        strict: tool.truth("strict")?,
    };
    tool.end()?;
    Ok(read)
}

/// `user`, or as `OpenAI` calls it of late `safety_identifier`.
pub(super) fn end_user(body: &mut Object<'_>) -> Result<String, Fault> {
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

/// An object of texts.
pub(super) fn labels(metadata: Option<Value<'_>>) -> Result<HashMap<String, String>, Fault> {
    let Some(metadata) = metadata else {
        return Ok(HashMap::new());
    };
    let form = "an object of texts";
    let fault = metadata.must_be(form);
    let read = serde_json::from_str::<HashMap<String, String>>(metadata.json());
    metadata.object()?; // refuses a name that stands twice
    read.map_err(|_other| fault)
}

/// Texts that end an answer: one, or a list.
pub(super) fn stop(stop: Option<Value<'_>>) -> Result<Vec<String>, Fault> {
    match stop {
        None => Ok(Vec::new()),
        Some(stop) if stop.is_text() => Ok(vec![stop.text()?]),
        Some(stop) => stop.list()?.iter().map(Value::text).collect(),
    }
}

/// A bound of output: there is always room for one token.
pub(super) fn bound(value: &Value<'_>) -> Result<u32, Fault> {
    match value.number()? {
        0 => Err(value.must_be("at least 1")),
        number => Ok(number),
    }
}

/// Settings of reasoning, if there are any.
pub(super) fn reasoning(effort: String, budget_tokens: Option<u32>) -> Option<wire::Reasoning> {
    let given = !effort.is_empty() || budget_tokens.is_some();
    given.then_some(wire::Reasoning {
        effort,
        budget_tokens,
    })
}

/// A choice among tools by a mode.
pub(super) fn mode(mode: wire::ToolMode) -> wire::ToolChoice {
    let choice = Some(wire::tool_choice::Choice::Mode(mode.into()));
    wire::ToolChoice { choice }
}

/// The choice of one tool.
pub(super) const fn one_tool(name: String) -> wire::ToolChoice {
    let choice = Some(wire::tool_choice::Choice::Tool(name));
    wire::ToolChoice { choice }
}

/// A choice in one of `OpenAI`'s words.
pub(super) fn mode_by_word(choice: &Value<'_>) -> Result<wire::ToolChoice, Fault> {
    match choice.text()?.as_str() {
        "none" => Ok(mode(wire::ToolMode::None)),
        "auto" => Ok(mode(wire::ToolMode::Auto)),
        "required" => Ok(mode(wire::ToolMode::Required)),
        _ => Err(choice.must_be("none, auto, required, or a function by its name")),
    }
}

/// Name, values that change nothing, and why others are refused.
pub(super) type Meaningless = (&'static str, &'static [&'static str], &'static str);

/// Refuses what the neutral schema has no place for, unless it says what is so anyway.
pub(super) fn meaningless(body: &mut Object<'_>, fields: &[Meaningless]) -> Result<(), Fault> {
    for (name, anyway, why) in fields {
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

/// Why a field of one provider's is refused.
pub(super) const OPTION: &str = "it is no field that all providers have; where this one has it, \
                                 set it in keyway.provider_options";
