//! Google's usage: the prompt includes what was cached, the candidates exclude thinking. Proto
//! JSON leaves a count of zero out, so a part that is missing is zero once the total says so.

use keyway_words::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::count::{Count, Counter, read_object};
use crate::metered::Metered;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Report {
    prompt_token_count: Count,
    cached_content_token_count: Count,
    tool_use_prompt_token_count: Count,
    candidates_token_count: Count,
    thoughts_token_count: Count,
    total_token_count: Count,
    prompt_tokens_details: Option<Vec<ByModality>>,
    cache_tokens_details: Option<Vec<ByModality>>,
    candidates_tokens_details: Option<Vec<ByModality>>,
    service_tier: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ByModality {
    modality: Option<String>,
    token_count: Count,
}

/// Reads a usage object, of content or of embeddings. Counts are cumulative: a later report
/// replaces an earlier one.
pub(super) fn read(report: &RawValue, metered: &mut Metered) {
    let mut counter = Counter::default();
    let read: Option<Report> = read_object(report);
    let usage = read.as_ref().map(|read| normal_form(read, &mut counter));
    metered.report(report, usage, counter.flagged);
    if let Some(tier) = read.and_then(|read| read.service_tier) {
        metered.service_tier = Some(tier);
    }
}

fn normal_form(report: &Report, counter: &mut Counter) -> Usage {
    let prompt = counter.read(&report.prompt_token_count);
    let cached = counter.read(&report.cached_content_token_count);
    let tool_use = counter.read(&report.tool_use_prompt_token_count);
    let candidates = counter.read(&report.candidates_token_count);
    let thoughts = counter.read(&report.thoughts_token_count);
    let total = counter.read(&report.total_token_count);
    let audio = audio(report.prompt_tokens_details.as_deref(), counter);
    let cached_audio = self::audio(report.cache_tokens_details.as_deref(), counter);
    let audio_out = self::audio(report.candidates_tokens_details.as_deref(), counter);

    let input = sum(&[prompt, tool_use]);
    let output = output(total, input, candidates, thoughts);
    if total.is_some() {
        counter.rest(total, &[input, output]);
    }
    counter.check_within(thoughts, output);
    counter.check_within(cached_audio, cached);
    counter.check_within(cached_audio, audio);
    let fresh_audio = audio.map(|audio| audio.saturating_sub(cached_audio.unwrap_or(0)));
    Usage {
        input_tokens: counter.rest(input, &[cached, fresh_audio]),
        cache_read_tokens: cached.map(|all| all.saturating_sub(cached_audio.unwrap_or(0))),
        input_audio_tokens: fresh_audio,
        cache_read_audio_tokens: cached_audio,
        output_tokens: counter.rest(output, &[audio_out]),
        reasoning_tokens: thoughts,
        output_audio_tokens: audio_out,
        ..Usage::default()
    }
}

/// Everything billed as output. Some servers count thoughts within the candidates already: then
/// the total leaves no room for them.
fn output(
    total: Option<u64>,
    input: Option<u64>,
    candidates: Option<u64>,
    thoughts: Option<u64>,
) -> Option<u64> {
    let without_thoughts = sum(&[input, candidates]);
    if candidates.is_some() && thoughts.is_some() && total == without_thoughts {
        return candidates;
    }
    sum(&[candidates, thoughts]).or_else(|| (total.is_some() && total == input).then_some(0))
}

/// The sum of what is known; `None` if nothing is.
fn sum(counts: &[Option<u64>]) -> Option<u64> {
    let known = counts.iter().flatten();
    known.copied().reduce(u64::saturating_add)
}

/// Tokens of audio; `None` where the split names none.
fn audio(split: Option<&[ByModality]>, counter: &mut Counter) -> Option<u64> {
    let parts = split.into_iter().flatten();
    let audio = parts.filter(|part| part.modality.as_deref() == Some("AUDIO"));
    let counts: Vec<_> = audio.map(|part| counter.read(&part.token_count)).collect();
    sum(&counts)
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
    fn thinking_is_added_to_the_output_unless_it_is_within_it_already() {
        let apart = metered(
            r#"{"promptTokenCount":8,"candidatesTokenCount":2,"thoughtsTokenCount":150,"totalTokenCount":160}"#,
        );
        assert_eq!(apart.usage.unwrap().output_tokens, Some(152));
        let within = metered(
            r#"{"promptTokenCount":8,"candidatesTokenCount":152,"thoughtsTokenCount":150,"totalTokenCount":160}"#,
        );
        assert_eq!(within.usage.unwrap().output_tokens, Some(152));
        assert!(!apart.flagged && !within.flagged);
    }

    #[test]
    fn what_was_cached_is_taken_off_and_audio_has_its_own_parts() {
        let metered = metered(
            r#"{"promptTokenCount":100,"cachedContentTokenCount":40,"toolUsePromptTokenCount":7,
                "candidatesTokenCount":5,"totalTokenCount":112,
                "promptTokensDetails":[{"modality":"TEXT","tokenCount":70},{"modality":"AUDIO","tokenCount":30}],
                "cacheTokensDetails":[{"modality":"AUDIO","tokenCount":10}]}"#,
        );
        let usage = metered.usage.unwrap();
        assert_eq!(usage.input_tokens, Some(47));
        assert_eq!(usage.cache_read_tokens, Some(30));
        assert_eq!(
            (usage.input_audio_tokens, usage.cache_read_audio_tokens),
            (Some(20), Some(10))
        );
        assert_eq!(usage.prompt_tokens(), 107);
        assert!(!metered.flagged);
    }

    #[test]
    fn a_count_that_is_left_out_is_zero_only_where_the_total_says_so() {
        let zero = metered(r#"{"promptTokenCount":11,"totalTokenCount":11}"#);
        assert_eq!(zero.usage.unwrap().output_tokens, Some(0));
        let unknown = metered(r#"{"promptTokenCount":11}"#);
        assert_eq!(unknown.usage.unwrap().output_tokens, None);
        assert_eq!(unknown.basis(), keyway_words::Basis::Partial);
    }

    #[test]
    fn a_split_that_is_null_is_none() {
        let metered = metered(
            r#"{"promptTokenCount":10,"candidatesTokenCount":2,"totalTokenCount":12,"cacheTokensDetails":null,
                "promptTokensDetails":[{"modality":null,"tokenCount":10}],"candidatesTokensDetails":null}"#,
        );
        let usage = metered.usage.unwrap();
        assert_eq!(
            (usage.input_tokens, usage.output_tokens),
            (Some(10), Some(2))
        );
        assert!(!metered.flagged);
    }

    #[test]
    fn parts_beyond_their_total_are_flagged() {
        for json in [
            r#"{"promptTokenCount":10,"cachedContentTokenCount":11}"#,
            r#"{"promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":9}"#,
            r#"{"promptTokenCount":"many"}"#,
            "[]",
        ] {
            assert!(metered(json).flagged, "{json}");
        }
    }
}
