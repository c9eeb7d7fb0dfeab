//! The answer to a conversation, before it has a provider's shape.
//!
//! The text is `You said: ` and the last user text. What else can be asked for, by a text in the last
//! user message: `[sim:refuse]` a refusal, `[sim:filter]` an answer that a filter took away,
//! `[sim:tool]` a call of the first tool, `[sim:tools]` a call of each. A tool is also called when
//! the last user text has its name in it, or when `tool_choice` forces a call; its arguments are a value
//! that fits its schema. After a tool's result the text is `The tool said: ` and the result. A response
//! schema is answered with a value that fits it. A stop sequence in the text ends it; so does the token
//! limit, of which reasoning takes its part first. `[sim:recall]` is answered with all that the user
//! said before.

use serde_json::Value;

use crate::count::{self, Counts};
use crate::schema;
use crate::script::Action;

/// Bytes of text in one delta of a stream, at least.
const DELTA: usize = 12;
const REFUSAL: &str = "I'm sorry, I can't help with that.";

/// A conversation, and what its answer may be.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) last_user: String,
    /// All that the user said before, oldest first.
    pub(crate) earlier: Vec<String>,
    /// The last message gives a tool's result.
    pub(crate) tool_result: Option<String>,
    pub(crate) tools: Vec<Tool>,
    pub(crate) choice: Choice,
    pub(crate) one_call_only: bool,
    pub(crate) format: Format,
    pub(crate) stops: Vec<String>,
    /// Most tokens of output, after the factor.
    pub(crate) limit: Option<u64>,
    /// Tokens spent on reasoning, before the factor.
    pub(crate) reasoning: u64,
    /// Input counts, before the factor.
    pub(crate) input: Counts,
    pub(crate) factor: u64,
}

#[derive(Debug)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) schema: Value,
}

#[derive(Debug, Default)]
pub(crate) enum Choice {
    #[default]
    Auto,
    None,
    Any,
    Named(String),
}

#[derive(Debug, Default)]
pub(crate) enum Format {
    #[default]
    Text,
    AnyJson,
    Schema(Value),
}

/// An answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) refusal: Option<String>,
    pub(crate) calls: Vec<Call>,
    pub(crate) finish: Finish,
    pub(crate) counts: Counts,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) arguments: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finish {
    Stop,
    Length,
    Tools,
    Refusal,
    Filter,
    /// The stop sequence that was met.
    Sequence(String),
    /// The provider's own word, from the script.
    Scripted(String),
}

/// The answer to a conversation, with the script's changes.
pub(crate) fn answer(asked: &Asked, action: &Action) -> Answer {
    let mut answer = unlimited(asked, action);
    let budget = asked.limit.map(|limit| limit / asked.factor.max(1));
    let left = budget.map(|budget| budget.saturating_sub(asked.reasoning));
    let whole = output(&answer);
    if left.is_some_and(|left| whole > left) {
        answer.finish = Finish::Length;
        answer.calls.clear();
        answer.refusal = None;
        cut(&mut answer.text, left.unwrap_or(0));
    }
    let reasoning = budget.map_or(asked.reasoning, |budget| asked.reasoning.min(budget));
    let counted = Counts {
        output: output(&answer) + reasoning,
        reasoning,
        ..asked.input
    };
    answer.counts = action.usage.unwrap_or_else(|| counted.times(asked.factor));
    if let Some(word) = &action.finish {
        answer.finish = Finish::Scripted(word.clone());
    }
    answer
}

fn unlimited(asked: &Asked, action: &Action) -> Answer {
    let base = |finish| Answer {
        text: String::new(),
        refusal: None,
        calls: Vec::new(),
        finish,
        counts: Counts::default(),
    };
    if action.refuse || asked.last_user.contains("[sim:refuse]") {
        return Answer {
            refusal: Some(REFUSAL.to_owned()),
            ..base(Finish::Refusal)
        };
    }
    if asked.last_user.contains("[sim:filter]") {
        return base(Finish::Filter);
    }
    let calls = calls(asked, action);
    if !calls.is_empty() {
        return Answer {
            calls,
            ..base(Finish::Tools)
        };
    }
    let text = action.text.clone().unwrap_or_else(|| text(asked));
    let stop = asked
        .stops
        .iter()
        .filter_map(|stop| Some((text.find(stop)?, stop)));
    match stop.min_by_key(|(at, _)| *at) {
        Some((at, stop)) => Answer {
            text: text
                .chars()
                .scan(0, |seen, c| {
                    (*seen < at).then(|| {
                        *seen += c.len_utf8();
                        c
                    })
                })
                .collect(),
            ..base(Finish::Sequence(stop.clone()))
        },
        None => Answer {
            text,
            ..base(Finish::Stop)
        },
    }
}

fn text(asked: &Asked) -> String {
    match (&asked.format, &asked.tool_result) {
        (Format::Schema(wanted), _) => schema::instance(wanted).to_string(),
        (Format::AnyJson, _) => serde_json::json!({"said": asked.last_user}).to_string(),
        (Format::Text, Some(result)) => format!("The tool said: {result}"),
        (Format::Text, None) if asked.last_user.contains("[sim:recall]") => {
            format!("You told me: {}", asked.earlier.join(" | "))
        }
        (Format::Text, None) => format!("You said: {}", asked.last_user),
    }
}

fn calls(asked: &Asked, action: &Action) -> Vec<Call> {
    if let Some(scripted) = &action.tool_calls {
        let calls = scripted.iter().map(|call| Call {
            name: call.name.clone(),
            arguments: call.arguments.clone(),
        });
        return calls.collect();
    }
    let names = |tool: &&Tool| asked.last_user.contains(&tool.name);
    let asked_for = asked.last_user.contains("[sim:tool]").then_some(0);
    let some: Vec<&Tool> = match &asked.choice {
        Choice::None => Vec::new(),
        Choice::Named(name) => asked
            .tools
            .iter()
            .filter(|tool| tool.name == *name)
            .collect(),
        _ if asked.tool_result.is_some() => Vec::new(),
        _ if asked.last_user.contains("[sim:tools]") => asked.tools.iter().collect(),
        _ if asked.tools.iter().any(|tool| names(&tool)) => {
            asked.tools.iter().filter(names).collect()
        }
        Choice::Any => asked.tools.iter().take(1).collect(),
        Choice::Auto => asked_for
            .and_then(|first| asked.tools.get(first))
            .into_iter()
            .collect(),
    };
    let most = if asked.one_call_only { 1 } else { some.len() };
    let call = |tool: &Tool| Call {
        name: tool.name.clone(),
        arguments: schema::instance(&tool.schema),
    };
    some.into_iter().take(most).map(call).collect()
}

/// Tokens of the answer without reasoning, before the factor.
fn output(answer: &Answer) -> u64 {
    let calls = answer.calls.iter();
    let calls = calls
        .map(|call| count::PER_MESSAGE + count::text(&call.name) + count::json(&arguments(call)));
    count::text(&answer.text)
        + answer.refusal.as_deref().map_or(0, count::text)
        + calls.sum::<u64>()
}

/// A call's arguments; a tool without a schema is called with an empty object.
pub(crate) fn arguments(call: &Call) -> Value {
    if call.arguments.is_null() {
        serde_json::json!({})
    } else {
        call.arguments.clone()
    }
}

/// Leaves so many tokens of the text, through no character.
fn cut(text: &mut String, tokens: u64) {
    let mut at = usize::try_from(tokens.saturating_mul(4))
        .unwrap_or(usize::MAX)
        .min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    text.truncate(at);
}

/// The pieces of a streamed text: the same text when joined.
pub(crate) fn deltas(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    for character in text.chars() {
        piece.push(character);
        if piece.len() >= DELTA {
            pieces.push(std::mem::take(&mut piece));
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests;
