//! Mistral's usage: the prompt includes what was cached, in one of three spellings; thinking is
//! within the completion and not told apart.

use keyway_words::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::count::{Count, Counter, read_object};
use crate::metered::Metered;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Report {
    prompt_tokens: Count,
    completion_tokens: Count,
    total_tokens: Count,
    prompt_tokens_details: Option<PromptDetails>,
    prompt_token_details: Option<PromptDetails>,
    num_cached_tokens: Count,
    service_tier: Option<String>,
    prompt_audio_seconds: Option<Box<RawValue>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    cached_tokens: Count,
}

/// Reads a usage object, of chat or of embeddings. A later one replaces an earlier one.
pub(super) fn read(report: &RawValue, metered: &mut Metered) {
    let mut counter = Counter::default();
    let read: Option<Report> = read_object(report);
    let usage = read.as_ref().map(|read| normal_form(read, &mut counter));
    metered.report(report, usage, counter.flagged);
    let Some(report) = read else { return };
    if let Some(tier) = report.service_tier {
        metered.service_tier = Some(tier);
    }
    if let Some(seconds) = report.prompt_audio_seconds.filter(|told| is_some(told)) {
        let seconds = seconds.get().to_owned();
        metered.dimensions.insert(AUDIO_SECONDS.to_owned(), seconds);
    }
}

/// Audio is priced by the second, beside the tokens: a price of tokens alone would be too low.
const AUDIO_SECONDS: &str = "prompt_audio_seconds";

/// Whether it is a number other than zero.
fn is_some(told: &RawValue) -> bool {
    let text = told.get();
    text.starts_with(|first: char| first.is_ascii_digit())
        && text.contains(|digit: char| ('1'..='9').contains(&digit))
}

fn normal_form(report: &Report, counter: &mut Counter) -> Usage {
    let prompt = counter.read(&report.prompt_tokens);
    let completion = counter.read(&report.completion_tokens);
    let total = counter.read(&report.total_tokens);
    let mut cached = counter.read(&report.num_cached_tokens);
    for details in [&report.prompt_token_details, &report.prompt_tokens_details] {
        let told = details
            .as_ref()
            .and_then(|details| counter.read(&details.cached_tokens));
        cached = told.or(cached);
    }
    if total.is_some() {
        counter.rest(total, &[prompt, completion]);
    }
    Usage {
        input_tokens: counter.rest(prompt, &[cached]),
        cache_read_tokens: cached,
        // Of embeddings it may say nothing, and the total leaves no room for it.
        output_tokens: completion.or((total.is_some() && total == prompt).then_some(0)),
        ..Usage::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metered(json: &str) -> Metered {
        let mut metered = Metered::default();
        read(
            &serde_json::from_str::<Box<RawValue>>(json).unwrap(),
            &mut metered,
        );
        metered
    }

    #[test]
    fn what_was_cached_is_taken_off_the_prompt_in_every_spelling() {
        for cached in [
            r#""prompt_tokens_details":{"cached_tokens":64}"#,
            r#""prompt_token_details":{"cached_tokens":64}"#,
            r#""num_cached_tokens":64"#,
        ] {
            let json = format!(
                r#"{{"prompt_tokens":100,"completion_tokens":3,"total_tokens":103,{cached}}}"#
            );
            let metered = metered(&json);
            let usage = metered.usage.unwrap();
            assert_eq!(
                (
                    usage.input_tokens,
                    usage.cache_read_tokens,
                    usage.output_tokens
                ),
                (Some(36), Some(64), Some(3)),
                "{cached}"
            );
            assert!(!metered.flagged);
        }
    }

    #[test]
    fn parts_beyond_their_total_are_flagged_and_what_is_missing_stays_unknown() {
        for json in [
            r#"{"prompt_tokens":10,"completion_tokens":1,"num_cached_tokens":11}"#,
            r#"{"prompt_tokens":10,"completion_tokens":1,"total_tokens":10}"#,
            r#"{"prompt_tokens":"many"}"#,
        ] {
            assert!(metered(json).flagged, "{json}");
        }
        for half in [r#"{"prompt_tokens":7}"#, r#"{"completion_tokens":7}"#] {
            assert_eq!(
                metered(half).basis(),
                keyway_words::Basis::Partial,
                "{half}"
            );
        }
        let nothing = metered("{}");
        assert_eq!((nothing.usage, nothing.flagged), (None, false));
    }
}
