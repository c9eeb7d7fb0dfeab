//! What the providers document about their models: what each refuses, and its sizes.

use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::Value;

const TABLE: &str = include_str!("../models.json");

/// A model that the provider lists.
#[derive(Debug, Deserialize)]
pub(crate) struct Model {
    provider: String,
    #[serde(rename = "model")]
    pub(crate) name: String,
    pub(crate) kind: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    pub(crate) endpoints: Vec<String>,
    #[serde(default)]
    restrictions: Vec<String>,
    #[serde(default)]
    capabilities: Vec<String>,
    pub(crate) dimensions: Option<usize>,
    pub(crate) context_window: Option<u64>,
    pub(crate) max_output: Option<u64>,
}

/// All models of a provider.
pub(crate) fn of(provider: &str) -> impl Iterator<Item = &'static Model> {
    table()
        .iter()
        .filter(move |model| model.provider == provider)
}

/// The model with exactly this name.
pub(crate) fn find(provider: &str, name: &str) -> Option<&'static Model> {
    of(provider).find(|model| model.name == name)
}

/// The row of a list of models with one of these names, as `GET /v1/models/NAME` gives it.
pub(crate) fn one(list: &Value, name: &str) -> Option<Value> {
    let mut rows = list["data"].as_array().into_iter().flatten();
    rows.find(|row| row["id"] == name).cloned()
}

impl Model {
    pub(crate) fn refuses(&self, restriction: &str) -> bool {
        self.restrictions.iter().any(|known| known == restriction)
    }

    pub(crate) fn can(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|known| known == capability)
    }
}

/// The name that a reply carries: the dated one, where the provider has one for the asked name.
pub(crate) fn served(provider: &str, asked: &str) -> String {
    let dated = find(provider, asked)
        .into_iter()
        .flat_map(|model| &model.aliases)
        .filter(|alias| {
            let rest = alias
                .strip_prefix(asked)
                .and_then(|rest| rest.strip_prefix('-'));
            rest.is_some_and(|date| {
                date.starts_with("20") && date.chars().all(|c| c == '-' || c.is_ascii_digit())
            })
        });
    dated.max().cloned().unwrap_or_else(|| asked.to_owned())
}

fn table() -> &'static [Model] {
    static MODELS: OnceLock<Vec<Model>> = OnceLock::new();
    MODELS.get_or_init(|| serde_json::from_str(TABLE).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_carries_the_dated_name_of_a_model() {
        assert_eq!(served("openai", "gpt-4.1-mini"), "gpt-4.1-mini-2025-04-14");
        assert_eq!(
            served("openai", "gpt-4.1-mini-2025-04-14"),
            "gpt-4.1-mini-2025-04-14"
        );
        assert_eq!(served("openai", "gpt-99"), "gpt-99");
        assert!(
            find("anthropic", "claude-haiku-5-5")
                .unwrap()
                .refuses("no_sampling_params")
        );
        assert!(find("openai", "gpt-6-sol").unwrap().can("reasoning"));
    }
}
