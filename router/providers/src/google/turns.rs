//! A conversation as the system instruction and contents.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::MADE_UP;
use crate::chat::{AssistantPart, Image, Message, ReasoningPart, ToolCall, ToolResult, UserPart};
use crate::checks;
use crate::json::{JsonObject, JsonText};
use crate::wire::EncodeError;

#[derive(Serialize)]
pub(super) struct Content<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    parts: Vec<Part<'c>>,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Part<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'c str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    thought: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    inline_data: Option<InlineData>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<FunctionCall<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_response: Option<FunctionResponse<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thought_signature: Option<&'c str>,
}

impl<'c> Part<'c> {
    fn text(text: &'c str) -> Self {
        Self {
            text: Some(text),
            ..Self::default()
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InlineData {
    mime_type: &'static str,
    data: String,
}

#[derive(Serialize)]
struct FunctionCall<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'c str>,
    name: &'c str,
    args: JsonObject,
}

#[derive(Serialize)]
struct FunctionResponse<'c> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'c str>,
    name: &'c str,
    response: Response<'c>,
}

/// A response is an object; these names in it are the convention.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Response<'c> {
    Output(Output<'c>),
    Error(&'c str),
}

/// A result that is a JSON object or array stays one, byte for byte; anything else is text.
#[derive(Serialize)]
#[serde(untagged)]
enum Output<'c> {
    Json(JsonText),
    Text(&'c str),
}

/// Splits the conversation into the system instruction, which stands apart here, and contents.
pub(super) fn contents(
    messages: &[Message],
) -> Result<(Option<Content<'_>>, Vec<Content<'_>>), EncodeError> {
    let mut system = Vec::new();
    let mut contents = Vec::with_capacity(messages.len());
    for (at, message) in messages.iter().enumerate() {
        let (role, parts) = match message {
            Message::System(texts) if contents.is_empty() => {
                system.extend(texts.iter().map(|text| Part::text(text)));
                continue;
            }
            Message::System(_later) => {
                return Err(EncodeError::Unsupported {
                    field: "messages.role",
                    why: "this provider takes instructions only before the conversation",
                });
            }
            Message::User(parts) => ("user", each(parts, user_part)?),
            Message::Assistant(parts) => ("model", assistant(parts)?),
            Message::Tool(results) => {
                let before = messages.get(..at).unwrap_or_default();
                ("user", each(results, |result| tool_result(result, before))?)
            }
        };
        contents.push(Content {
            role: Some(role),
            parts,
        });
    }
    let system = (!system.is_empty()).then_some(Content {
        role: None,
        parts: system,
    });
    Ok((system, contents))
}

fn each<'c, T>(
    items: &'c [T],
    part: impl Fn(&'c T) -> Result<Part<'c>, EncodeError>,
) -> Result<Vec<Part<'c>>, EncodeError> {
    items.iter().map(part).collect()
}

fn user_part(part: &UserPart) -> Result<Part<'_>, EncodeError> {
    match part {
        UserPart::Text(text) => Ok(Part::text(text)),
        UserPart::Image(Image::Inline { media_type, data }) => Ok(Part {
            inline_data: Some(InlineData {
                mime_type: media_type.as_str(),
                data: STANDARD.encode(data),
            }),
            ..Part::default()
        }),
        UserPart::Image(Image::Url(_url)) => Err(EncodeError::Unsupported {
            field: "messages.parts.image.url",
            why: "this provider fetches no URL; send the image inline",
        }),
    }
}

/// A reasoning part without text carries the signature of the text before it.
fn assistant(parts: &[AssistantPart]) -> Result<Vec<Part<'_>>, EncodeError> {
    let mut written: Vec<Part<'_>> = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            AssistantPart::Text(text) => written.push(Part::text(text)),
            AssistantPart::ToolCall(call) => written.push(called(call)?),
            AssistantPart::Reasoning(part) => reasoning(part, &mut written)?,
            AssistantPart::Refusal(_text) => {
                return Err(EncodeError::Unsupported {
                    field: "messages.parts.refusal",
                    why: "this provider takes no refusal back; leave the turn out",
                });
            }
        }
    }
    Ok(written)
}

fn reasoning<'c>(part: &'c ReasoningPart, written: &mut Vec<Part<'c>>) -> Result<(), EncodeError> {
    if part.redacted {
        return Err(EncodeError::Unsupported {
            field: "messages.parts.reasoning.redacted",
            why: "this provider gives none and takes none back; leave it out",
        });
    }
    let signature = signature(&part.signature, "messages.parts.reasoning.signature")?;
    let plain = |part: &&mut Part<'_>| {
        part.text.is_some() && !part.thought && part.thought_signature.is_none()
    };
    if part.text.is_empty() {
        match written.last_mut().filter(plain) {
            Some(text) => text.thought_signature = signature,
            None => written.push(Part {
                thought_signature: signature,
                ..Part::text("")
            }),
        }
        return Ok(());
    }
    written.push(Part {
        thought: true,
        thought_signature: signature,
        ..Part::text(&part.text)
    });
    Ok(())
}

fn signature<'c>(bytes: &'c [u8], field: &'static str) -> Result<Option<&'c str>, EncodeError> {
    let text = checks::opaque(bytes, field)?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

fn called(call: &ToolCall) -> Result<Part<'_>, EncodeError> {
    let arguments = if call.arguments.is_empty() {
        "{}"
    } else {
        &call.arguments
    };
    let args = JsonObject::parse(arguments).map_err(|_invalid| EncodeError::Invalid {
        field: "messages.parts.tool_call.arguments_json",
        accepted: "a JSON object with this provider",
    })?;
    Ok(Part {
        function_call: Some(FunctionCall {
            id: own_id(&call.id),
            name: &call.name,
            args,
        }),
        thought_signature: signature(&call.signature, "messages.parts.tool_call.signature")?,
        ..Part::default()
    })
}

/// A result names its tool here, which the call that it answers tells.
fn tool_result<'c>(result: &'c ToolResult, before: &'c [Message]) -> Result<Part<'c>, EncodeError> {
    let name = checks::tool_of(before, &result.call_id).ok_or(EncodeError::Invalid {
        field: "messages.parts.tool_result.call_id",
        accepted: "the id of a tool call in an earlier turn with this provider",
    })?;
    let response = if result.is_error {
        Response::Error(&result.text)
    } else {
        Response::Output(output(&result.text))
    };
    Ok(Part {
        function_response: Some(FunctionResponse {
            id: own_id(&result.call_id),
            name,
            response,
        }),
        ..Part::default()
    })
}

fn output(text: &str) -> Output<'_> {
    match JsonText::parse(text) {
        Ok(json) if json.as_str().starts_with(['{', '[']) => Output::Json(json),
        _text => Output::Text(text),
    }
}

fn own_id(id: &str) -> Option<&str> {
    (!id.is_empty() && !id.starts_with(MADE_UP)).then_some(id)
}
