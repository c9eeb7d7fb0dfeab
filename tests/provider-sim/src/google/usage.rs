//! What a reply tells of its cost. A count of zero is left out.

use serde_json::{Value, json};

use crate::count::{self, Counts};

/// Tokens of a prompt by what it is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Modalities {
    pub(super) text: u64,
    pub(super) image: u64,
}

impl Modalities {
    pub(super) fn sum(self) -> u64 {
        self.text + self.image
    }

    /// Counts a content, or an instruction.
    pub(super) fn add(&mut self, content: &Value) {
        self.text += count::PER_MESSAGE;
        for part in content["parts"].as_array().into_iter().flatten() {
            if part["inlineData"].is_object() || part["fileData"].is_object() {
                self.image += count::PER_IMAGE;
            } else {
                self.text += part_tokens(part);
            }
        }
    }

    fn details(self, factor: u64) -> Value {
        let all = [("TEXT", self.text), ("IMAGE", self.image)];
        let told = all.into_iter().filter(|(_, tokens)| *tokens > 0);
        told.map(|(name, tokens)| json!({"modality": name, "tokenCount": tokens * factor}))
            .collect()
    }
}

fn part_tokens(part: &Value) -> u64 {
    let call = &part["functionCall"];
    if call.is_object() {
        return count::PER_MESSAGE + count::json(&call["name"]) + count::json(&call["args"]);
    }
    if part["functionResponse"].is_object() {
        return count::json(&part["functionResponse"]["response"]);
    }
    count::text(part["text"].as_str().unwrap_or_default())
}

/// The usage of a reply. The prompt includes what was read from the cache; candidates exclude
/// thoughts. `modalities`: unless the counts were scripted.
pub(super) fn metadata(counts: Counts, modalities: Option<(Modalities, u64)>, tier: &str) -> Value {
    let prompt = counts.prompt().saturating_sub(counts.tool_use);
    let candidates = counts.output.saturating_sub(counts.reasoning);
    let mut usage = json!({"promptTokenCount": prompt});
    let mut put = |name: &str, tokens: u64| {
        if tokens > 0 {
            usage[name] = json!(tokens);
        }
    };
    put("cachedContentTokenCount", counts.cache_read);
    put("toolUsePromptTokenCount", counts.tool_use);
    put("candidatesTokenCount", candidates);
    put("thoughtsTokenCount", counts.reasoning);
    put("totalTokenCount", counts.prompt() + counts.output);
    usage["promptTokensDetails"] = modalities.map_or_else(
        || json!([{"modality": "TEXT", "tokenCount": prompt}]),
        |(modalities, factor)| modalities.details(factor),
    );
    if counts.cache_read > 0 {
        usage["cacheTokensDetails"] =
            json!([{"modality": "TEXT", "tokenCount": counts.cache_read}]);
    }
    if !tier.is_empty() {
        usage["serviceTier"] = json!(tier);
    }
    usage
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thoughts_are_beside_the_candidates_and_tool_use_beside_the_prompt() {
        let counts = Counts {
            input: 17,
            cache_read: 40,
            output: 152,
            reasoning: 150,
            tool_use: 7,
            ..Counts::default()
        };
        let usage = metadata(counts, None, "");
        assert_eq!(
            (
                &usage["promptTokenCount"],
                &usage["toolUsePromptTokenCount"]
            ),
            (&json!(50), &json!(7))
        );
        assert_eq!(
            (&usage["candidatesTokenCount"], &usage["thoughtsTokenCount"]),
            (&json!(2), &json!(150))
        );
        assert_eq!(usage["totalTokenCount"], 57 + 152);
        let silent = metadata(
            Counts {
                input: 5,
                ..Counts::default()
            },
            None,
            "flex",
        );
        assert_eq!(silent.get("candidatesTokenCount"), None);
        assert_eq!(silent["serviceTier"], "flex");
    }
}
