//! The turns of a chat completion's conversation as neutral ones.

use keyway_proto::Fault;
use keyway_proto::router::v1 as wire;
use keyway_proto::router::v1::ChatRole;

use super::super::fields::{Object, Value};
use super::super::parts::{self, Opening, part, refusal, text};

/// Reads the conversation. Results that follow one another become one turn: all of a turn's calls
/// are answered in one.
pub(super) fn read(
    messages: Value<'_>,
    opening: &Opening<'_>,
) -> Result<Vec<wire::Message>, Fault> {
    let mut turns: Vec<wire::Message> = Vec::new();
    for message in messages.list()? {
        let (role, parts) = turn(message.object()?, opening)?;
        match turns.last_mut() {
            Some(last) if role == ChatRole::Tool && last.role() == role => {
                last.parts.extend(parts);
            }
            _other => turns.push(wire::Message {
                role: role.into(),
                parts,
            }),
        }
    }
    Ok(turns)
}

fn turn(mut turn: Object<'_>, opening: &Opening<'_>) -> Result<(ChatRole, Vec<wire::Part>), Fault> {
    let role = turn.must("role")?;
    if let Some(name) = turn.take("name") {
        return Err(name.unsupported("say in the text who speaks"));
    }
    let read = match role.text()?.as_str() {
        "system" | "developer" => (ChatRole::System, content(&mut turn, text_part)?),
        "user" => (ChatRole::User, content(&mut turn, user_part)?),
        "assistant" => (ChatRole::Assistant, assistant(&mut turn, opening)?),
        "tool" => (ChatRole::Tool, vec![result(&mut turn, opening)?]),
        "function" => return Err(role.unsupported("use the role tool, with tool_call_id")),
        _ => return Err(role.must_be("system, developer, user, assistant or tool")),
    };
    turn.end()?;
    Ok(read)
}

/// A content that is a text, or a list of parts.
fn content(
    turn: &mut Object<'_>,
    read: fn(Value<'_>) -> Result<wire::Part, Fault>,
) -> Result<Vec<wire::Part>, Fault> {
    let content = turn.must("content")?;
    if content.is_text() {
        return Ok(vec![text(content.text()?)]);
    }
    let path = content.path().to_owned();
    let parts = content.list()?;
    if parts.is_empty() {
        return Err(Fault::field(path, "must not be empty"));
    }
    parts.into_iter().map(read).collect()
}

fn text_part(part: Value<'_>) -> Result<wire::Part, Fault> {
    let mut part = part.object()?;
    let kind = part.must("type")?;
    if kind.text()? != "text" {
        return Err(kind.unsupported("parts of this turn are text"));
    }
    let said = text(part.must("text")?.text()?);
    part.end()?;
    Ok(said)
}

fn user_part(part: Value<'_>) -> Result<wire::Part, Fault> {
    let mut members = part.clone().object()?;
    let kind = members.must("type")?;
    match kind.text()?.as_str() {
        "text" => text_part(part),
        "image_url" => {
            let read = image(members.must("image_url")?.object()?)?;
            members.end()?;
            Ok(read)
        }
        _ => Err(kind.unsupported("parts of this turn are text and image_url")),
    }
}

fn image(mut image: Object<'_>) -> Result<wire::Part, Fault> {
    let url = image.must("url")?;
    if let Some(detail) = image.take("detail")
        && detail.text()? != "auto"
    {
        return Err(detail.unsupported("leave it out, or say auto"));
    }
    image.end()?;
    parts::image(&url)
}

/// A result of a tool, under the id that the provider knows.
fn result(turn: &mut Object<'_>, opening: &Opening<'_>) -> Result<wire::Part, Fault> {
    let id = turn.must("tool_call_id")?;
    let call_id = opening.open(&id)?.id;
    let texts = content(turn, text_part)?;
    let texts = texts.into_iter().filter_map(|part| match part.part {
        Some(wire::part::Part::Text(text)) => Some(text),
        _other => None,
    });
    Ok(part(wire::part::Part::ToolResult(wire::ToolResult {
        call_id,
        text: texts.collect(),
        is_error: false,
    })))
}

/// The model's own turn: what it said, and between it what the ids of its calls carry.
fn assistant(turn: &mut Object<'_>, opening: &Opening<'_>) -> Result<Vec<wire::Part>, Fault> {
    let path = turn.at("content");
    let said = turn.take("content").map(said).transpose()?;
    let mut nothing = said.is_none();
    let (text, mut placed) = said.unwrap_or_default();
    if let Some(told) = turn.take("refusal") {
        placed.push((text.len(), refusal(told.text()?)));
        nothing = false;
    }
    // What is given back for show: the provider's own copy of it travels in the ids.
    if let Some(reasoning) = turn.take("reasoning_content") {
        reasoning.text()?;
    }
    if let Some(annotations) = turn.take("annotations")
        && !annotations.clone().list()?.is_empty()
    {
        return Err(annotations.unsupported("leave them out"));
    }
    let calls = match turn.take("tool_calls") {
        Some(calls) => calls.list()?,
        None => Vec::new(),
    };
    if nothing && calls.is_empty() {
        return Err(Fault::field(path, "must be set, or tool_calls"));
    }
    for call in calls {
        placed.extend(called(call.object()?, text.len(), opening)?);
    }
    placed.sort_by_key(|(offset, _part)| *offset);
    let mut parts = woven(&text, placed);
    if parts.is_empty() {
        parts.push(self::text(text));
    }
    Ok(parts)
}

/// The text of an assistant's content, and its refusals where they stand.
fn said(content: Value<'_>) -> Result<(String, Vec<Placed>), Fault> {
    if content.is_text() {
        return Ok((content.text()?, Vec::new()));
    }
    let (mut text, mut refusals) = (String::new(), Vec::new());
    for part in content.list()? {
        let mut part = part.object()?;
        let kind = part.must("type")?;
        match kind.text()?.as_str() {
            "text" => text.push_str(&part.must("text")?.text()?),
            "refusal" => {
                let told = part.must("refusal")?.text()?;
                refusals.push((text.len(), refusal(told)));
            }
            _ => return Err(kind.unsupported("parts of this turn are text and refusal")),
        }
        part.end()?;
    }
    Ok((text, refusals))
}

/// A part, and how many bytes of the turn's text came before it.
type Placed = (usize, wire::Part);

/// A call as the provider made it, after the reasoning that led to it.
fn called(
    mut call: Object<'_>,
    length: usize,
    opening: &Opening<'_>,
) -> Result<Vec<Placed>, Fault> {
    if let Some(kind) = call.take("type")
        && kind.text()? != "function"
    {
        return Err(kind.unsupported("calls are of functions"));
    }
    let id = call.must("id")?;
    let mut function = call.must("function")?.object()?;
    let name = function.must("name")?.text()?;
    let arguments_json = function.must("arguments")?.text()?;
    function.end()?;
    call.end()?;
    let sealed = id.text()?;
    let carried = opening.open(&id)?;
    let offset = if carried.id == sealed {
        length
    } else {
        place(carried.offset)
    };
    let thoughts = carried
        .reasoning
        .into_iter()
        .map(|thought| (place(thought.offset), parts::reasoning(thought)));
    let call = parts::call(wire::ToolCall {
        id: carried.id,
        name,
        arguments_json,
        signature: carried.signature,
    });
    Ok(thoughts.chain([(offset, call)]).collect())
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// The text, with the parts where they stood in it. A text that was shortened keeps the order.
fn woven(text: &str, placed: Vec<Placed>) -> Vec<wire::Part> {
    let mut parts = Vec::new();
    let mut from = 0;
    for (offset, part) in placed {
        let at = text.floor_char_boundary(offset).max(from);
        if let Some(before) = text.get(from..at).filter(|before| !before.is_empty()) {
            parts.push(self::text(before.to_owned()));
        }
        from = at;
        parts.push(part);
    }
    if let Some(rest) = text.get(from..).filter(|rest| !rest.is_empty()) {
        parts.push(self::text(rest.to_owned()));
    }
    parts
}
