//! The turns of a message's conversation as neutral ones.

use keyway_proto::Fault;
use keyway_proto::router::v1 as wire;
use keyway_proto::router::v1::ChatRole;

use super::super::fields::{Object, Value};
use super::super::parts::{self, Opening, part, text};
use super::super::sealed::Thought;

/// Reads instructions and conversation. Results of tools, which stand in the user's turns here, are
/// turns of their own.
pub(super) fn read(
    system: Option<Value<'_>>,
    messages: Value<'_>,
    opening: &Opening<'_>,
) -> Result<Vec<wire::Message>, Fault> {
    let mut turns = Vec::new();
    if let Some(system) = system {
        let parts = content(system, |block| Ok(vec![text_block(block)?]))?;
        turns.push(turn(ChatRole::System, parts));
    }
    for message in messages.list()? {
        let mut message = message.object()?;
        let role = message.must("role")?;
        let said = message.must("content")?;
        message.end()?;
        match role.text()?.as_str() {
            "user" => turns.extend(user(said, opening)?),
            "assistant" => {
                let parts = content(said, |block| assistant(block, opening))?;
                // Reasoning of another provider may be all there was.
                if !parts.is_empty() {
                    turns.push(turn(ChatRole::Assistant, parts));
                }
            }
            "system" => return Err(role.unsupported("use the field system")),
            _ => return Err(role.must_be("user or assistant")),
        }
    }
    Ok(turns)
}

fn turn(role: ChatRole, parts: Vec<wire::Part>) -> wire::Message {
    wire::Message {
        role: role.into(),
        parts,
    }
}

/// A content that is a text, or a list of blocks.
fn content<'a>(
    content: Value<'a>,
    read: impl Fn(Value<'a>) -> Result<Vec<wire::Part>, Fault>,
) -> Result<Vec<wire::Part>, Fault> {
    if content.is_text() {
        return Ok(vec![text(content.text()?)]);
    }
    let path = content.path().to_owned();
    let blocks = content.list()?;
    if blocks.is_empty() {
        return Err(Fault::field(path, "must not be empty"));
    }
    let mut parts = Vec::new();
    for block in blocks {
        parts.extend(read(block)?);
    }
    Ok(parts)
}

fn user(said: Value<'_>, opening: &Opening<'_>) -> Result<Vec<wire::Message>, Fault> {
    let mut turns: Vec<wire::Message> = Vec::new();
    for part in content(said, |block| Ok(vec![user_block(block, opening)?]))? {
        let role = match &part.part {
            Some(wire::part::Part::ToolResult(_)) => ChatRole::Tool,
            _other => ChatRole::User,
        };
        match turns.last_mut() {
            Some(last) if last.role() == role => last.parts.push(part),
            _other => turns.push(turn(role, vec![part])),
        }
    }
    Ok(turns)
}

fn text_block(block: Value<'_>) -> Result<wire::Part, Fault> {
    let mut block = block.object()?;
    let kind = block.must("type")?;
    if kind.text()? != "text" {
        return Err(kind.unsupported("blocks of this place are text"));
    }
    said(block)
}

/// A text. Only a citation of its own words would be lost, and there are none but of documents.
fn said(mut block: Object<'_>) -> Result<wire::Part, Fault> {
    let said = text(block.must("text")?.text()?);
    if let Some(citations) = block.take("citations")
        && !citations.clone().list()?.is_empty()
    {
        return Err(citations.unsupported("leave them out"));
    }
    block.end()?;
    Ok(said)
}

fn user_block(block: Value<'_>, opening: &Opening<'_>) -> Result<wire::Part, Fault> {
    let mut block = block.object()?;
    let kind = block.must("type")?;
    match kind.text()?.as_str() {
        "text" => said(block),
        "image" => {
            let read = image(block.must("source")?)?;
            block.end()?;
            Ok(read)
        }
        "tool_result" => result(block, opening),
        _ => Err(kind.unsupported("blocks of this turn are text, image and tool_result")),
    }
}

fn image(source: Value<'_>) -> Result<wire::Part, Fault> {
    let form = "of type base64 with media_type (png, jpeg, gif or webp) and data, or of type url";
    let fault = source.must_be(form);
    let mut source = source.object()?;
    let kind = source.must("type")?;
    let read = match kind.text()?.as_str() {
        "base64" => {
            let media_type = source.must("media_type")?.text()?;
            let data = source.must("data")?.text()?;
            parts::inline_image(&media_type, &data).ok_or(fault)?
        }
        "url" => {
            let url = source.must("url")?.text()?;
            parts::picture(wire::image::Source::Url(url), String::new())
        }
        _ => {
            return Err(
                kind.unsupported("images are of type base64 or url; files are kept by none")
            );
        }
    };
    source.end()?;
    Ok(read)
}

/// A result of a tool, under the id that the provider knows.
fn result(mut block: Object<'_>, opening: &Opening<'_>) -> Result<wire::Part, Fault> {
    let call_id = opening.open(&block.must("tool_use_id")?)?.id;
    let is_error = block.truth("is_error")?.unwrap_or(false);
    let said = match block.take("content") {
        Some(said) if said.json() != "[]" => content(said, |block| Ok(vec![text_block(block)?]))?,
        _nothing => Vec::new(),
    };
    block.end()?;
    let texts = said.into_iter().filter_map(|part| match part.part {
        Some(wire::part::Part::Text(text)) => Some(text),
        _other => None,
    });
    Ok(part(wire::part::Part::ToolResult(wire::ToolResult {
        call_id,
        text: texts.collect(),
        is_error,
    })))
}

fn assistant(block: Value<'_>, opening: &Opening<'_>) -> Result<Vec<wire::Part>, Fault> {
    let mut block = block.object()?;
    let kind = block.must("type")?;
    match kind.text()?.as_str() {
        "text" => Ok(vec![said(block)?]),
        "tool_use" => called(block, opening),
        "thinking" => {
            let text = block.text("thinking")?;
            let signature = block.must("signature")?;
            block.end()?;
            thought(&signature, text, opening)
        }
        "redacted_thinking" => {
            let data = block.must("data")?;
            block.end()?;
            thought(&data, String::new(), opening)
        }
        _ => Err(kind
            .unsupported("blocks of this turn are text, tool_use, thinking and redacted_thinking")),
    }
}

/// A call. Arguments that are no object came as a text, and go back as they were.
fn called(mut block: Object<'_>, opening: &Opening<'_>) -> Result<Vec<wire::Part>, Fault> {
    let id = block.must("id")?;
    let name = block.must("name")?.text()?;
    let input = block.must("input")?;
    block.end()?;
    let arguments = if input.is_text() {
        input.text()?
    } else {
        input.json().to_owned()
    };
    opening.call(&id, name, arguments)
}

/// Reasoning, for the provider that made it; another one gets none.
fn thought(
    signature: &Value<'_>,
    text: String,
    opening: &Opening<'_>,
) -> Result<Vec<wire::Part>, Fault> {
    let carried = opening.open(signature)?;
    if carried.is_ours() {
        return Ok(carried
            .reasoning
            .into_iter()
            .map(parts::reasoning)
            .collect());
    }
    if opening.provider != keyway_words::ProviderId::Anthropic {
        return Ok(Vec::new());
    }
    // Of a conversation that began at the provider's own base URL, which has this very shape.
    let redacted = signature.path().rsplit('.').next() == Some("data");
    Ok(vec![parts::reasoning(Thought {
        text,
        signature: carried.id.into_bytes(),
        redacted,
        offset: 0,
    })])
}
