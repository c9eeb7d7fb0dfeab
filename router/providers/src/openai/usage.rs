//! `OpenAI`'s usage: the prompt includes what was cached and written, the completion includes
//! reasoning.

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
    completion_tokens_details: Option<CompletionDetails>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PromptDetails {
    #[serde(rename = "cached_tokens")]
    cached: Count,
    #[serde(rename = "cache_write_tokens")]
    written: Count,
    #[serde(rename = "audio_tokens")]
    audio: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CompletionDetails {
    reasoning_tokens: Count,
    audio_tokens: Count,
}

/// The same counts as responses name them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ResponseReport {
    input_tokens: Count,
    output_tokens: Count,
    total_tokens: Count,
    input_tokens_details: Option<PromptDetails>,
    output_tokens_details: Option<CompletionDetails>,
}

impl From<ResponseReport> for Report {
    fn from(report: ResponseReport) -> Self {
        Self {
            prompt_tokens: report.input_tokens,
            completion_tokens: report.output_tokens,
            total_tokens: report.total_tokens,
            prompt_tokens_details: report.input_tokens_details,
            completion_tokens_details: report.output_tokens_details,
        }
    }
}

/// Reads a usage object, of chat or of embeddings. A later one replaces an earlier one.
pub(super) fn read(report: &RawValue, metered: &mut Metered) {
    take(report, read_object(report), metered);
}

/// Reads the usage object of a response.
pub(super) fn read_response(report: &RawValue, metered: &mut Metered) {
    take(
        report,
        read_object::<ResponseReport>(report).map(Report::from),
        metered,
    );
}

fn take(raw: &RawValue, report: Option<Report>, metered: &mut Metered) {
    let mut counter = Counter::default();
    let read = report.map(|report| normal_form(&report, &mut counter));
    let (usage, is_all_input) = read.unzip();
    metered.report(raw, usage, counter.flagged);
    metered.complete |= is_all_input.unwrap_or_default();
}

/// And whether the total leaves no room for an output, as that of embeddings.
fn normal_form(report: &Report, counter: &mut Counter) -> (Usage, bool) {
    let (prompt_details, completion_details) =
        (PromptDetails::default(), CompletionDetails::default());
    let of_prompt = report
        .prompt_tokens_details
        .as_ref()
        .unwrap_or(&prompt_details);
    let of_completion = report
        .completion_tokens_details
        .as_ref()
        .unwrap_or(&completion_details);

    let prompt = counter.read(&report.prompt_tokens);
    let completion = counter.read(&report.completion_tokens);
    let total = counter.read(&report.total_tokens);
    let cached = counter.read(&of_prompt.cached);
    let written = counter.read(&of_prompt.written);
    let audio_in = counter.read(&of_prompt.audio);
    let reasoning = counter.read(&of_completion.reasoning_tokens);
    let audio_out = counter.read(&of_completion.audio_tokens);

    if total.is_some() {
        counter.rest(total, &[prompt, completion]);
    }
    counter.check_within(reasoning, completion);
    let usage = Usage {
        input_tokens: counter.rest(prompt, &[cached, written, audio_in]),
        cache_read_tokens: cached,
        cache_write_tokens: written,
        input_audio_tokens: audio_in,
        output_tokens: counter.rest(completion, &[audio_out]),
        reasoning_tokens: reasoning,
        output_audio_tokens: audio_out,
        ..Usage::default()
    };
    (usage, prompt.is_some() && total == prompt)
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
    fn fresh_input_is_what_is_left_of_the_prompt() {
        let metered = metered(
            r#"{"prompt_tokens":4400,"completion_tokens":12,"total_tokens":4412,
                "prompt_tokens_details":{"cached_tokens":3072,"cache_write_tokens":1280,"audio_tokens":8},
                "completion_tokens_details":{"reasoning_tokens":5,"audio_tokens":2}}"#,
        );
        let usage = metered.usage.unwrap();
        assert_eq!(usage.input_tokens, Some(40));
        assert_eq!(usage.input_audio_tokens, Some(8));
        assert_eq!(usage.prompt_tokens(), 4400);
        assert_eq!(
            (usage.output_tokens, usage.output_audio_tokens),
            (Some(10), Some(2))
        );
        assert!(!metered.flagged);
    }

    #[test]
    fn parts_beyond_their_total_are_flagged_and_the_raw_report_is_kept() {
        for json in [
            r#"{"prompt_tokens":10,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":8,"cache_write_tokens":4}}"#,
            r#"{"prompt_tokens":10,"completion_tokens":1,"total_tokens":10}"#,
            r#"{"prompt_tokens":1,"completion_tokens":1,"completion_tokens_details":{"reasoning_tokens":2}}"#,
            r#"{"prompt_tokens":1.5,"completion_tokens":1}"#,
            r#""many""#,
            "[]",
        ] {
            let metered = metered(json);
            assert!(metered.flagged, "{json}");
            assert_eq!(metered.raw.as_deref(), Some(json));
        }
    }

    #[test]
    fn zero_stays_zero_and_what_is_missing_stays_unknown() {
        let zero = metered(r#"{"prompt_tokens":0,"completion_tokens":0}"#)
            .usage
            .unwrap();
        assert_eq!((zero.input_tokens, zero.output_tokens), (Some(0), Some(0)));
        assert_eq!(
            (zero.cache_read_tokens, zero.reasoning_tokens),
            (None, None)
        );
        let embedded = metered(r#"{"prompt_tokens":7,"total_tokens":7}"#);
        assert!(embedded.complete && embedded.usage.unwrap().output_tokens.is_none());
        for half in [r#"{"prompt_tokens":7}"#, r#"{"completion_tokens":7}"#] {
            assert_eq!(
                metered(half).basis(),
                keyway_words::Basis::Partial,
                "{half}"
            );
        }
        let empty = metered(r#"{"prompt_tokens":null}"#);
        assert_eq!((empty.usage, empty.flagged), (None, false));
    }
}
