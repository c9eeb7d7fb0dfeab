//! The providers that keys can be stored for, as people see them.

use keyway_proto::vault::v1::Provider;
use keyway_words::ProviderId;

/// All of them, by id.
pub(crate) fn all() -> Vec<Provider> {
    ProviderId::ALL.into_iter().map(describe).collect()
}

fn describe(id: ProviderId) -> Provider {
    let (display_name, used_for, format_hint, probe_cost): (_, &[&str], _, _) = match id {
        ProviderId::Anthropic => (
            "Anthropic",
            &["chat"],
            "sk-ant-…",
            "nothing: it lists models",
        ),
        ProviderId::Exa => ("Exa", &["search"], "a UUID", "one search, about 0.004 USD"),
        ProviderId::Google => (
            "Google",
            &["chat", "embeddings"],
            "AIza…",
            "nothing: it lists models",
        ),
        ProviderId::Mistral => (
            "Mistral",
            &["chat", "embeddings"],
            "32 letters and digits",
            "nothing: it lists models",
        ),
        ProviderId::OpenAi => (
            "OpenAI",
            &["chat", "embeddings"],
            "sk-…",
            "nothing: it lists models",
        ),
    };
    Provider {
        id: id.to_string(),
        display_name: display_name.to_owned(),
        used_for: used_for.iter().map(|&word| word.to_owned()).collect(),
        format_hint: format_hint.to_owned(),
        probe_cost: probe_cost.to_owned(),
    }
}
