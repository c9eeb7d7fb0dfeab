//! What a request may use at most, read from the provider's own words, in which it is sent.

use bytes::Bytes;
use keyway_router_pricing::AtMost;
use keyway_router_providers::native::NativeBody;

/// What is read of a body; [`Asked::at_most`] borrows its texts.
#[derive(Debug, Default)]
pub struct Asked {
    bytes: u64,
    output_tokens: Option<u64>,
    answers: u64,
    results: u64,
    service_tier: Option<String>,
}

impl Asked {
    /// Reads a body. One that is no JSON object has only its size.
    pub fn of(body: &Bytes) -> Self {
        let bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
        let Ok(json) = NativeBody::parse(body.clone()) else {
            return Self {
                bytes,
                ..Self::default()
            };
        };
        let settings = json
            .object("generationConfig")
            .or_else(|| json.object("generation_config"));
        let bounds = settings.as_ref().unwrap_or(&json);
        Self {
            bytes,
            output_tokens: OUTPUT.iter().find_map(|name| number(bounds, name)),
            answers: ANSWERS
                .iter()
                .find_map(|name| number(bounds, name))
                .unwrap_or(1),
            results: results(&json),
            service_tier: json.text("service_tier"),
        }
    }

    /// The bounds.
    pub fn at_most(&self) -> AtMost<'_> {
        AtMost {
            input_tokens: self.bytes,
            output_tokens: self.output_tokens,
            answers: self.answers,
            results: self.results,
            service_tier: self.service_tier.as_deref(),
        }
    }
}

fn number(body: &NativeBody, name: &str) -> Option<u64> {
    body.json(name)?.parse().ok()
}

/// Results of a search, or pages that are named.
fn results(body: &NativeBody) -> u64 {
    let named = ["urls", "ids"].iter().find_map(|name| {
        let list = serde_json::from_str::<Vec<serde::de::IgnoredAny>>(body.json(name)?);
        u64::try_from(list.ok()?.len()).ok()
    });
    named
        .or_else(|| number(body, "numResults"))
        .unwrap_or(RESULTS)
}

/// What the providers call the bound of an answer.
const OUTPUT: [&str; 5] = [
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "maxOutputTokens",
    "max_tokens_to_sample",
];
const ANSWERS: [&str; 3] = ["n", "candidateCount", "candidate_count"];
/// Results of a search that names no number, as its provider documents.
const RESULTS: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &'static str) -> (Option<u64>, u64, u64) {
        let asked = Asked::of(&Bytes::from_static(json.as_bytes()));
        let at_most = asked.at_most();
        assert_eq!(at_most.input_tokens, u64::try_from(json.len()).unwrap());
        (at_most.output_tokens, at_most.answers, at_most.results)
    }

    #[test]
    fn every_provider_has_its_own_words_for_a_bound() {
        assert_eq!(
            of(r#"{"max_completion_tokens":64,"n":3}"#),
            (Some(64), 3, 10)
        );
        assert_eq!(of(r#"{"max_tokens":1024}"#), (Some(1024), 1, 10));
        assert_eq!(of(r#"{"max_output_tokens":7}"#), (Some(7), 1, 10));
        let google = r#"{"generationConfig":{"maxOutputTokens":9,"candidateCount":2}}"#;
        assert_eq!(of(google), (Some(9), 2, 10));
        assert_eq!(of(r#"{"query":"x","numResults":25}"#), (None, 1, 25));
        assert_eq!(of(r#"{"urls":["a","b","c"]}"#), (None, 1, 3));
    }

    #[test]
    fn what_is_no_number_bounds_nothing() {
        for json in [
            "[1]",
            "",
            r#"{"max_tokens":"64","n":-1}"#,
            r#"{"max_tokens":1e3,"n":null,"urls":"x"}"#,
        ] {
            let (output, answers, _) = of(json);
            assert!(output.is_none() && answers <= 1, "{json}");
        }
    }
}
