//! The streams of the fixtures, by their own text.

use std::fmt;

use serde_json::{Value, json};

use super::super::harness::chat;
use crate::docs::root;

/// One stream that a provider may answer with.
#[derive(Debug)]
pub(super) struct Fixture {
    id: String,
    chunks: Vec<String>,
}

/// How much of the usage a part of an answer tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Nothing,
    /// Some counts; others may follow.
    Some,
    All,
}

/// Every stream of every provider.
pub(super) fn all() -> Vec<Fixture> {
    let folder = root().join("tests/provider-sim/fixtures");
    let mut fixtures = Vec::new();
    for provider in ["openai", "anthropic", "google", "mistral", "exa"] {
        for entry in std::fs::read_dir(folder.join(provider)).expect("fixtures") {
            let name = entry
                .expect("a file")
                .file_name()
                .into_string()
                .expect("a name");
            let Some(stem) = name.strip_suffix(".sse") else {
                continue;
            };
            let text = std::fs::read_to_string(folder.join(provider).join(&name)).expect("a text");
            // By blank lines, whatever ends them.
            let marked = text.replace("\n\r\n", "\n\n");
            let chunks = marked
                .split_inclusive("\n\n")
                .filter(|chunk| !chunk.trim().is_empty());
            fixtures.push(Fixture {
                id: format!("{provider}/{stem}.sse"),
                chunks: chunks.map(str::to_owned).collect(),
            });
        }
    }
    fixtures.sort_by(|one, other| one.id.cmp(&other.id));
    assert!(fixtures.len() > 40, "{fixtures:?}");
    fixtures
}

impl fmt::Display for Fixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)
    }
}

impl Fixture {
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Whether the provider says in it that the key may not be used for a while.
    pub(super) fn spoils_its_key(&self) -> bool {
        self.chunks
            .iter()
            .any(|chunk| chunk.contains("rate_limit_exceeded"))
    }

    fn provider(&self) -> &str {
        self.id.split('/').next().unwrap_or_default()
    }

    /// What is asked to be answered with it; `mark` stands in it.
    pub(super) fn request(&self, mark: &str) -> (String, Value) {
        let provider = self.provider();
        let (path, body) = match self.id.split_once('/') {
            Some(("openai", name)) if name.starts_with("responses") => (
                "/v1/responses".to_owned(),
                json!({"model": "gpt-5.4-mini", "input": mark, "stream": true}),
            ),
            Some(("exa", name)) => {
                let path = if name.starts_with("answer") {
                    "/answer"
                } else {
                    "/search"
                };
                (path.to_owned(), json!({"query": mark, "stream": true}))
            }
            _ => {
                let (path, mut body) = chat(provider, true);
                match provider {
                    "google" => body["contents"][0]["parts"][0]["text"] = mark.into(),
                    _ => body["messages"][0]["content"] = mark.into(),
                }
                if provider == "openai" {
                    // Else the event that tells usage is taken out.
                    body["stream_options"] = json!({"include_usage": true});
                }
                (path, body)
            }
        };
        (format!("/{provider}{path}"), body)
    }

    /// How much of the usage its first events tell.
    pub(super) fn told_by(&self, events: usize) -> Seen {
        let lines = self
            .chunks
            .iter()
            .take(events)
            .flat_map(|chunk| chunk.lines());
        let data = lines.filter_map(|line| line.strip_prefix("data: "));
        let data: Vec<Value> = data
            .filter_map(|data| serde_json::from_str(data).ok())
            .collect();
        let any = |test: &dyn Fn(&Value) -> bool| data.iter().any(test);
        let finished = any(&|data| data["choices"][0]["finish_reason"].is_string());
        let (some, all) = match (self.provider(), self.id.contains("responses_")) {
            ("openai", true) => {
                let told = any(&|data| data["response"]["usage"].is_object());
                (told, told)
            }
            // It comes once the answer has ended.
            ("openai" | "mistral", _) => {
                let told = any(&|data| data["usage"].is_object());
                (told, told && finished)
            }
            ("anthropic", _) => (
                any(&|data| data["message"]["usage"].is_object() || data["usage"].is_object()),
                any(&|data| data["type"] == "message_stop"),
            ),
            ("google", _) => {
                let told = any(&|data| data["usageMetadata"].is_object());
                let finished = any(&|data| {
                    data["candidates"][0]["finishReason"].is_string()
                        || data["promptFeedback"]["blockReason"].is_string()
                });
                (told, told && finished)
            }
            _ => {
                let told = any(&|data| data["costDollars"].is_object());
                (told, told)
            }
        };
        match (some, all) {
            (_, true) => Seen::All,
            (true, false) => Seen::Some,
            (false, false) => Seen::Nothing,
        }
    }
}
