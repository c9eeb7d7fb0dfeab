//! The items of a response's input as neutral turns.

use keyway_proto::Fault;
use keyway_proto::router::v1 as wire;
use keyway_proto::router::v1::ChatRole;

use super::super::fields::{Object, Value};
use super::super::parts::{self, Opening, part, refusal, text};

type Turn = (ChatRole, Vec<wire::Part>);

/// Reads instructions and input. What the model said, and results of tools, are a turn as long as
/// they follow one another: here every part is an item of its own.
pub(super) fn read(
    instructions: Option<Value<'_>>,
    input: Value<'_>,
    opening: &Opening<'_>,
) -> Result<Vec<wire::Message>, Fault> {
    let mut turns: Vec<wire::Message> = Vec::new();
    if let Some(instructions) = instructions {
        let parts = vec![text(instructions.text()?)];
        push(&mut turns, (ChatRole::System, parts));
    }
    if input.is_text() {
        push(&mut turns, (ChatRole::User, vec![text(input.text()?)]));
        return Ok(turns);
    }
    for item in input.list()? {
        push(&mut turns, self::item(item.object()?, opening)?);
    }
    Ok(turns)
}

fn push(turns: &mut Vec<wire::Message>, (role, parts): Turn) {
    let is_row = matches!(role, ChatRole::Assistant | ChatRole::Tool);
    match turns.last_mut() {
        Some(last) if is_row && last.role() == role => last.parts.extend(parts),
        // Reasoning of another provider may be all there was.
        _other if is_row && parts.is_empty() => {}
        _other => turns.push(wire::Message {
            role: role.into(),
            parts,
        }),
    }
}

fn item(mut item: Object<'_>, opening: &Opening<'_>) -> Result<Turn, Fault> {
    // An item of an answer that is given back has these two. They say nothing of the conversation.
    item.text("id")?;
    item.text("status")?;
    let Some(kind) = item.take("type") else {
        return message(item);
    };
    match kind.text()?.as_str() {
        "message" => message(item),
        "function_call" => {
            let id = item.must("call_id")?;
            let name = item.must("name")?.text()?;
            let arguments = item.must("arguments")?.text()?;
            item.end()?;
            Ok((ChatRole::Assistant, opening.call(&id, name, arguments)?))
        }
        "function_call_output" => Ok((ChatRole::Tool, vec![result(item, opening)?])),
        "reasoning" => Ok((ChatRole::Assistant, reasoning(item, opening)?)),
        "item_reference" => Err(kind.unsupported("nothing is stored; send the item itself")),
        _ => Err(kind
            .unsupported("items are message, reasoning, function_call and function_call_output")),
    }
}

fn message(mut item: Object<'_>) -> Result<Turn, Fault> {
    let role = item.must("role")?;
    item.text("phase")?; // a mark that one provider's models set on their own answers
    let content = item.must("content")?;
    item.end()?;
    let role = match role.text()?.as_str() {
        "system" | "developer" => ChatRole::System,
        "user" => ChatRole::User,
        "assistant" => ChatRole::Assistant,
        _ => return Err(role.must_be("system, developer, user or assistant")),
    };
    if content.is_text() {
        return Ok((role, vec![text(content.text()?)]));
    }
    let path = content.path().to_owned();
    let parts = content.list()?;
    if parts.is_empty() {
        return Err(Fault::field(path, "must not be empty"));
    }
    let parts = parts.into_iter().map(|part| self::content(part, role));
    Ok((role, parts.collect::<Result<_, _>>()?))
}

fn content(part: Value<'_>, role: ChatRole) -> Result<wire::Part, Fault> {
    let mut part = part.object()?;
    let kind = part.must("type")?;
    let read = match (kind.text()?.as_str(), role) {
        ("input_text", _) => text(part.must("text")?.text()?),
        ("output_text", ChatRole::Assistant) => {
            for name in ["annotations", "logprobs"] {
                if let Some(list) = part.take(name)
                    && !list.clone().list()?.is_empty()
                {
                    return Err(list.unsupported("leave them out"));
                }
            }
            text(part.must("text")?.text()?)
        }
        ("refusal", ChatRole::Assistant) => refusal(part.must("refusal")?.text()?),
        ("input_image", ChatRole::User) => image(&mut part)?,
        _ => {
            let why = "parts are input_text, of a user's turn input_image, of the model's \
                       output_text and refusal";
            return Err(kind.unsupported(why));
        }
    };
    part.end()?;
    Ok(read)
}

fn image(part: &mut Object<'_>) -> Result<wire::Part, Fault> {
    if let Some(file) = part.take("file_id") {
        return Err(file.unsupported("files are kept by none; send the image itself"));
    }
    if let Some(detail) = part.take("detail")
        && detail.text()? != "auto"
    {
        return Err(detail.unsupported("leave it out, or say auto"));
    }
    parts::image(&part.must("image_url")?)
}

/// A result of a tool, under the id that the provider knows.
fn result(mut item: Object<'_>, opening: &Opening<'_>) -> Result<wire::Part, Fault> {
    let call_id = opening.open(&item.must("call_id")?)?.id;
    let output = item.must("output")?;
    item.end()?;
    let mut said = String::new();
    if output.is_text() {
        said = output.text()?;
    } else {
        for part in output.list()? {
            let mut part = part.object()?;
            let kind = part.must("type")?;
            if kind.text()? != "input_text" {
                return Err(kind.unsupported("results are text"));
            }
            said.push_str(&part.must("text")?.text()?);
            part.end()?;
        }
    }
    Ok(part(wire::part::Part::ToolResult(wire::ToolResult {
        call_id,
        text: said,
        is_error: false,
    })))
}

/// Reasoning, for the provider that made it; another one gets none. Its text is there for show: the
/// sealed content holds it too.
fn reasoning(mut item: Object<'_>, opening: &Opening<'_>) -> Result<Vec<wire::Part>, Fault> {
    for name in ["summary", "content"] {
        if let Some(shown) = item.take(name) {
            shown.list()?;
        }
    }
    let content = item.take("encrypted_content");
    item.end()?;
    let Some(content) = content else {
        return Ok(Vec::new());
    };
    let carried = opening.open(&content)?;
    if !carried.is_ours() {
        return Err(content.must_be("as it was given by this base URL"));
    }
    Ok(carried
        .reasoning
        .into_iter()
        .map(parts::reasoning)
        .collect())
}
