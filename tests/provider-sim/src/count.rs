//! The counting rule: how many tokens a text has at this simulator.
//!
//! A text has `ceil(UTF-8 bytes / 4)` tokens. A message has 3 more, an image 85 (in place of its
//! bytes), a tool call 3 more than its name and arguments. The JSON of tools and of a response
//! schema counts as text in its compact form. Each part is rounded on its own; every sum is then
//! multiplied by `--token-factor`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Tokens that every message costs beside its text.
pub(crate) const PER_MESSAGE: u64 = 3;
pub(crate) const PER_IMAGE: u64 = 85;

/// The counts of one reply. The four input counts are disjoint; `output` includes `reasoning`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Counts {
    pub(crate) input: u64,
    pub(crate) cache_read: u64,
    /// Written for five minutes, or with the provider's only lifetime.
    pub(crate) cache_write: u64,
    pub(crate) cache_write_1h: u64,
    pub(crate) output: u64,
    pub(crate) reasoning: u64,
    /// The part of `input` that Google tells apart, as what its own tools put into the prompt.
    pub(crate) tool_use: u64,
}

impl Counts {
    /// The whole prompt.
    pub(crate) fn prompt(&self) -> u64 {
        self.input + self.cache_read + self.cache_write + self.cache_write_1h
    }

    pub(crate) fn times(self, factor: u64) -> Self {
        Self {
            input: self.input * factor,
            cache_read: self.cache_read * factor,
            cache_write: self.cache_write * factor,
            cache_write_1h: self.cache_write_1h * factor,
            output: self.output * factor,
            reasoning: self.reasoning * factor,
            tool_use: self.tool_use * factor,
        }
    }
}

/// Tokens of a text.
pub(crate) fn text(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX).div_ceil(4)
}

/// Tokens of a JSON value in its compact form; null has none.
pub(crate) fn json(value: &Value) -> u64 {
    if value.is_null() {
        0
    } else {
        text(&value.to_string())
    }
}

/// Tokens of a message's content: a string, or parts of either provider's shape.
pub(crate) fn content(content: &Value) -> u64 {
    match content {
        Value::String(plain) => text(plain),
        Value::Array(parts) => parts.iter().map(part).sum(),
        _ => 0,
    }
}

/// Tokens of one part of a message.
pub(crate) fn part(part: &Value) -> u64 {
    match part["type"].as_str() {
        Some("text" | "input_text" | "output_text") => {
            text(part["text"].as_str().unwrap_or_default())
        }
        Some("image" | "image_url" | "input_image") => PER_IMAGE,
        Some("tool_use") => PER_MESSAGE + json(&part["name"]) + json(&part["input"]),
        Some("tool_result") => content(&part["content"]),
        Some("thinking") => content(&part["thinking"]),
        _ => json(part),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_has_a_token_for_every_four_bytes_begun() {
        assert_eq!(
            [
                text(""),
                text("a"),
                text("abcd"),
                text("abcde"),
                text("你好")
            ],
            [0, 1, 1, 2, 2]
        );
    }

    #[test]
    fn parts_count_like_the_text_they_carry_and_images_a_fixed_number() {
        let parts = json!([{"type": "text", "text": "abcde"}, {"type": "image_url", "image_url": {"url": "x"}}]);
        assert_eq!(content(&parts), 2 + 85);
        assert_eq!(content(&json!("abcde")), 2);
    }

    #[test]
    fn the_factor_multiplies_every_count() {
        let counts = Counts {
            input: 2,
            cache_read: 3,
            cache_write: 1,
            cache_write_1h: 5,
            output: 7,
            reasoning: 4,
            tool_use: 0,
        };
        assert_eq!(counts.times(10).prompt(), 110);
        assert_eq!(
            (counts.times(10).output, counts.times(10).reasoning),
            (70, 40)
        );
    }
}
