//! Parts of turns that all shapes have, as neutral ones. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyway_proto::Fault;
use keyway_proto::router::v1 as wire;
use keyway_words::ProviderId;

use super::fields::Value;
use super::sealed::{Carried, Seal, Thought};

/// What is needed to take sealed ids apart.
pub(super) struct Opening<'a> {
    pub(super) seal: &'a Seal,
    /// Who gets the conversation.
    pub(super) provider: ProviderId,
}

impl Opening<'_> {
    /// What an id or a signature carries for this provider. Another one can make nothing of
    /// signatures and gets none.
    pub(super) fn open(&self, sealed: &Value<'_>) -> Result<Carried, Fault> {
        let carried = self.seal.open(sealed.path(), &sealed.text()?)?;
        if carried.is_of(self.provider) {
            return Ok(carried);
        }
        Ok(Carried {
            id: carried.id,
            provider: carried.provider,
            offset: carried.offset,
            ..Carried::default()
        })
    }

    /// A call as its provider made it, after the reasoning that its id carries.
    pub(super) fn call(
        &self,
        id: &Value<'_>,
        name: String,
        arguments_json: String,
    ) -> Result<Vec<wire::Part>, Fault> {
        let carried = self.open(id)?;
        let mut parts: Vec<wire::Part> = carried.reasoning.into_iter().map(reasoning).collect();
        parts.push(call(wire::ToolCall {
            id: carried.id,
            name,
            arguments_json,
            signature: carried.signature,
        }));
        Ok(parts)
    }
}

pub(super) const fn part(part: wire::part::Part) -> wire::Part {
    wire::Part { part: Some(part) }
}

pub(super) const fn text(text: String) -> wire::Part {
    part(wire::part::Part::Text(text))
}

pub(super) const fn refusal(text: String) -> wire::Part {
    part(wire::part::Part::Refusal(text))
}

pub(super) const fn call(call: wire::ToolCall) -> wire::Part {
    part(wire::part::Part::ToolCall(call))
}

pub(super) fn reasoning(thought: Thought) -> wire::Part {
    part(wire::part::Part::Reasoning(wire::ReasoningPart {
        text: thought.text,
        signature: thought.signature,
        redacted: thought.redacted,
    }))
}

/// An image by its URL, which may be one of data.
pub(super) fn image(url: &Value<'_>) -> Result<wire::Part, Fault> {
    let form = "an https URL, or data:image/png;base64,… (png, jpeg, gif or webp)";
    let text = url.text()?;
    let Some(inline) = text.strip_prefix("data:") else {
        return Ok(picture(wire::image::Source::Url(text), String::new()));
    };
    let read = inline.split_once(";base64,");
    let read = read.and_then(|(kind, data)| inline_image(kind, data));
    read.ok_or_else(|| url.must_be(form))
}

/// An image of a known kind in base64.
pub(super) fn inline_image(kind: &str, data: &str) -> Option<wire::Part> {
    let data = STANDARD.decode(data).ok().filter(|data| !data.is_empty())?;
    let known = IMAGES.contains(&kind);
    known.then(|| picture(wire::image::Source::Data(data), kind.to_owned()))
}

pub(super) const fn picture(source: wire::image::Source, media_type: String) -> wire::Part {
    part(wire::part::Part::Image(wire::Image {
        source: Some(source),
        media_type,
    }))
}

const IMAGES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
