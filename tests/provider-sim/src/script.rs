//! The script: rules that change the next replies.
//!
//! A rule is `{"match": {…}, "times": N, "action": {…}}`. The first rule that matches and has times
//! left decides about a request; without `times` it holds until a reset. All conditions of `match`
//! must hold; an empty one matches everything. Fields that are not known are refused.
//!
//! An action with `fixture`, `status`, `body` or `nonsense` replaces the reply before the credential
//! is looked at; the other fields change the reply that the request would get.
//!
//! How a provider fails, and what makes it so:
//!
//! | failure | action |
//! |---|---|
//! | 401, 403, 402 and quota, 404, 400, 413, 429, 500, 503, 529 | `fixture` of the provider, or `status` with `body` |
//! | `Retry-After` in seconds, as a date, as `RetryInfo` | `headers`; a 429 of Google has it in its body |
//! | an error inside a 200 | `fixture` with `status` 200; in a stream `error_after_chunks` |
//! | slow first byte | `delay_ms` or `hold`; after the head: `stall_after_chunks` 0 |
//! | a stall in the middle | `stall_after_chunks` |
//! | cut before, within, between events | `cut_after_bytes` 0, `cut_within_chunk`, `cut_after_chunks` |
//! | endless header, HTML, wrong type, gzip, redirect, oversized event | `nonsense`, with `status` 200 where it counts |
//! | refused, reset, TLS error, never an answer | a door, before any request (`door`) |

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::Value;

use crate::count::Counts;
use crate::nonsense::Nonsense;
use crate::request::Request;

/// One rule.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(default, rename = "match")]
    condition: Condition,
    times: Option<u64>,
    action: Action,
}

/// Which requests a rule is for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Condition {
    /// Name of the provider, as `openai`.
    provider: Option<String>,
    method: Option<String>,
    /// End of the path, as `/chat/completions`.
    path: Option<String>,
    key_prefix: Option<String>,
    key_suffix: Option<String>,
    model: Option<String>,
    /// A text that stands in the body.
    body_contains: Option<String>,
    stream: Option<bool>,
}

/// What happens to the reply.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Action {
    /// Id of a fixture in the manifest, as `openai/429_rate.error`.
    pub(crate) fixture: Option<String>,
    pub(crate) status: Option<u16>,
    /// Added to, or in place of, the reply's; an empty value removes the header.
    pub(crate) headers: BTreeMap<String, String>,
    /// The whole body; `{{key}}` and `{{key_base64}}` stand for the caller's credential.
    pub(crate) body: Option<String>,
    pub(crate) nonsense: Option<Nonsense>,
    /// Where `"nonsense": "redirect"` points.
    pub(crate) location: Option<String>,
    /// Size of the event of `"nonsense": "oversized_event"`; 10 MiB without it.
    pub(crate) oversized_bytes: Option<usize>,

    // What the reply says.
    /// The answer's text.
    pub(crate) text: Option<String>,
    pub(crate) refuse: bool,
    /// Calls of tools in place of text: `[{"name": "…", "arguments": {…}}]`.
    pub(crate) tool_calls: Option<Vec<ToolCall>>,
    /// The provider's own word for how the answer ended, as `length` or `pause_turn`.
    pub(crate) finish: Option<String>,
    /// Counts in place of the counted ones, not multiplied by the token factor.
    pub(crate) usage: Option<Counts>,
    /// The reply tells no usage, and no cost.
    pub(crate) no_usage: bool,
    /// Cost in USD that Exa tells, as a decimal text that is written as it stands.
    pub(crate) cost: Option<String>,
    /// The model that the reply names.
    pub(crate) served_model: Option<String>,
    pub(crate) service_tier: Option<String>,
    /// The provider's error event after so many events of a stream, which then ends.
    pub(crate) error_after_chunks: Option<usize>,

    // When it is sent, and how far.
    /// Nothing is sent before `POST /_sim/release/NAME`.
    pub(crate) hold: Option<String>,
    pub(crate) delay_ms: u64,
    pub(crate) chunk_delay_ms: u64,
    /// Stops after so many chunks: for `stall_ms`, until `stall_hold` is released, or for ever.
    pub(crate) stall_after_chunks: Option<usize>,
    pub(crate) stall_ms: Option<u64>,
    pub(crate) stall_hold: Option<String>,
    /// Cuts the body into pieces of so many bytes, through events and characters.
    pub(crate) piece_bytes: Option<usize>,
    /// Breaks the connection after so many bytes of the body; 0: before the reply's head.
    pub(crate) cut_after_bytes: Option<usize>,
    /// Breaks the connection after so many chunks.
    pub(crate) cut_after_chunks: Option<usize>,
    /// Breaks the connection in the middle of this chunk, counted from zero.
    pub(crate) cut_within_chunk: Option<usize>,
}

/// A call of a tool in a scripted answer.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToolCall {
    pub(crate) name: String,
    pub(crate) arguments: Value,
}

impl Action {
    /// The action stands for the whole reply.
    pub(crate) fn replaces(&self) -> bool {
        self.fixture.is_some()
            || self.body.is_some()
            || (self.status.is_some() && self.nonsense.is_none())
    }
}

/// The rules in force.
#[derive(Debug, Default)]
pub(crate) struct Script {
    rules: Mutex<Vec<Rule>>,
}

impl Script {
    /// Adds one rule, or an array of them; returns how many there are. Errors: what is wrong with the JSON.
    pub(crate) fn add(&self, text: &[u8]) -> Result<usize, String> {
        let value: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let given = if value.is_array() {
            value
        } else {
            Value::Array(vec![value])
        };
        let new: Vec<Rule> = serde_json::from_value(given).map_err(|error| error.to_string())?;
        let mut rules = self.lock();
        rules.extend(new);
        Ok(rules.len())
    }

    pub(crate) fn clear(&self) {
        self.lock().clear();
    }

    /// Takes the action for a request, and one of its times.
    pub(crate) fn take(&self, request: &Request) -> Action {
        let mut rules = self.lock();
        let rule = rules
            .iter_mut()
            .find(|rule| rule.times != Some(0) && rule.condition.holds(request));
        rule.map_or_else(Action::default, |rule| {
            rule.times = rule.times.map(|times| times - 1);
            rule.action.clone()
        })
    }

    /// How many rules can still match.
    pub(crate) fn left(&self) -> usize {
        self.lock()
            .iter()
            .filter(|rule| rule.times != Some(0))
            .count()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Condition {
    fn holds(&self, request: &Request) -> bool {
        let key = request.credential().map_or("", |(_, key)| key);
        let is = |wanted: &Option<String>, test: &dyn Fn(&str) -> bool| {
            wanted.as_deref().is_none_or(test)
        };
        is(&self.provider, &|name| request.provider.name() == name)
            && is(&self.method, &|method| request.method.as_str() == method)
            && is(&self.path, &|end| request.path.ends_with(end))
            && is(&self.key_prefix, &|start| key.starts_with(start))
            && is(&self.key_suffix, &|end| key.ends_with(end))
            && is(&self.model, &|model| request.model() == model)
            && is(&self.body_contains, &|text| {
                String::from_utf8_lossy(&request.bytes).contains(text)
            })
            && self.stream.is_none_or(|stream| request.streams() == stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::openai;

    #[test]
    fn the_first_rule_that_matches_and_has_times_left_decides() {
        let script = Script::default();
        let rules = br#"[
            {"match": {"model": "gpt-9"}, "action": {"delay_ms": 9}},
            {"match": {"path": "/chat/completions", "body_contains": "hello"}, "times": 1, "action": {"status": 500}},
            {"action": {"delay_ms": 5}}
        ]"#;
        assert_eq!(script.add(rules), Ok(3));
        let request = openai(
            "/v1/chat/completions",
            r#"{"model":"gpt-4o","messages":["hello"]}"#,
        );
        assert_eq!(script.take(&request).status, Some(500));
        assert_eq!(script.take(&request).delay_ms, 5);
        assert_eq!(script.left(), 2);
        script.clear();
        assert_eq!(script.take(&request).delay_ms, 0);
    }

    #[test]
    fn a_rule_can_ask_for_a_key() {
        let script = Script::default();
        let rule = br#"{"match": {"key_suffix": "0001", "provider": "openai"}, "action": {"hold": "gate"}}"#;
        assert_eq!(script.add(rule), Ok(1));
        let request = openai("/v1/models", "");
        assert_eq!(script.take(&request).hold.as_deref(), Some("gate"));
    }

    #[test]
    fn an_unknown_field_is_refused_by_name() {
        let script = Script::default();
        for rule in [
            r#"{"action": {"delay": 5}}"#,
            r#"{"match": {"key": "x"}, "action": {}}"#,
            r#"{"act": {}}"#,
        ] {
            let error = script.add(rule.as_bytes()).unwrap_err();
            assert!(error.contains("unknown field"), "{error}");
        }
        assert!(script.add(b"no json").is_err());
    }
}
