//! Anthropic's usage: the input excludes what was cached, output includes thinking. A stream
//! reports it twice; late values replace early ones, missing ones keep them.

use keyway_words::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::count::{Count, Counter, keep_raw, read_object};
use crate::metered::{MAX_RAW_USAGE_BYTES, Metered};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Report {
    input_tokens: Count,
    cache_creation_input_tokens: Count,
    cache_read_input_tokens: Count,
    cache_creation: Option<CacheCreation>,
    output_tokens: Count,
    output_tokens_details: Option<OutputDetails>,
    server_tool_use: Option<ServerToolUse>,
    service_tier: Option<String>,
    inference_geo: Option<String>,
    speed: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CacheCreation {
    ephemeral_5m_input_tokens: Count,
    ephemeral_1h_input_tokens: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OutputDetails {
    thinking_tokens: Count,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ServerToolUse {
    web_search_requests: Count,
}

/// The reports of one answer, merged.
#[derive(Debug, Default)]
pub(super) struct Reports {
    raw: Vec<(&'static str, String)>,
    nonsense: bool,
    input: Option<u64>,
    written: Option<u64>,
    written_5m: Option<u64>,
    written_1h: Option<u64>,
    read: Option<u64>,
    output: Option<u64>,
    thinking: Option<u64>,
    searches: Option<u64>,
}

impl Reports {
    /// The report of an answer that came whole.
    pub(super) fn whole(report: &RawValue, metered: &mut Metered) {
        let mut reports = Self::default();
        reports.merge("message", report, metered);
        metered.raw = keep_raw(report);
        metered.complete = metered.has_both_sides();
    }

    /// The next report of a stream, from the event of that name.
    pub(super) fn merge(&mut self, event: &'static str, report: &RawValue, metered: &mut Metered) {
        let mut counter = Counter::default();
        match read_object::<Report>(report) {
            Some(report) => self.take(report, &mut counter, metered),
            None => counter.flagged = true,
        }
        self.nonsense |= counter.flagged;
        self.keep(event, report);
        metered.raw = self.raw();
        let mut parts = Counter {
            flagged: self.nonsense,
        };
        let usage = self.normal_form(&mut parts);
        metered.usage = Some(usage).filter(|usage| !usage.is_unknown());
        metered.flagged = parts.flagged;
    }

    fn take(&mut self, report: Report, counter: &mut Counter, metered: &mut Metered) {
        let mut take = |place: &mut Option<u64>, count: &Count| {
            *place = counter.read(count).or(*place);
        };
        take(&mut self.input, &report.input_tokens);
        take(&mut self.written, &report.cache_creation_input_tokens);
        take(&mut self.read, &report.cache_read_input_tokens);
        take(&mut self.output, &report.output_tokens);
        if let Some(split) = &report.cache_creation {
            take(&mut self.written_5m, &split.ephemeral_5m_input_tokens);
            take(&mut self.written_1h, &split.ephemeral_1h_input_tokens);
        }
        if let Some(details) = &report.output_tokens_details {
            take(&mut self.thinking, &details.thinking_tokens);
        }
        if let Some(tools) = &report.server_tool_use {
            take(&mut self.searches, &tools.web_search_requests);
        }
        if report.service_tier.is_some() {
            metered.service_tier = report.service_tier;
        }
        for (name, value) in [
            ("inference_geo", report.inference_geo),
            ("speed", report.speed),
        ] {
            metered
                .dimensions
                .extend(value.map(|value| (name.to_owned(), value)));
        }
    }

    /// Writes without a split count as those of the default lifetime.
    fn normal_form(&self, counter: &mut Counter) -> Usage {
        counter.check_within(self.thinking, self.output);
        let written_5m = match self.written {
            Some(_total) => counter.rest(self.written, &[self.written_1h]),
            None => self.written_5m,
        };
        counter.check_within(self.written_5m, written_5m);
        Usage {
            input_tokens: self.input,
            cache_read_tokens: self.read,
            cache_write_tokens: written_5m,
            cache_write_1h_tokens: self.written_1h,
            output_tokens: self.output,
            reasoning_tokens: self.thinking,
            server_tool_requests: self.searches,
            ..Usage::default()
        }
    }

    /// Keeps the first report of an event and its latest.
    fn keep(&mut self, event: &'static str, report: &RawValue) {
        let Some(text) = keep_raw(report) else { return };
        match self.raw.iter_mut().find(|(kept, _text)| *kept == event) {
            Some((_event, kept)) => *kept = text,
            None => self.raw.push((event, text)),
        }
    }

    /// The reports as one object, by the events that carried them.
    fn raw(&self) -> Option<String> {
        let fields: Vec<String> = self
            .raw
            .iter()
            .map(|(event, text)| format!("\"{event}\":{text}"))
            .collect();
        let object = format!("{{{}}}", fields.join(","));
        (!fields.is_empty() && object.len() <= MAX_RAW_USAGE_BYTES).then_some(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(reports: &[&str]) -> Metered {
        let mut metered = Metered::default();
        let mut state = Reports::default();
        for (report, event) in
            reports
                .iter()
                .zip(["message_start", "message_delta", "message_delta"])
        {
            let report: Box<RawValue> = serde_json::from_str(report).unwrap();
            state.merge(event, &report, &mut metered);
        }
        metered
    }

    #[test]
    fn late_values_replace_early_ones_and_missing_ones_keep_them() {
        let metered = merged(&[
            r#"{"input_tokens":21,"cache_creation_input_tokens":3000,"cache_read_input_tokens":5,
                "output_tokens":1,"cache_creation":{"ephemeral_5m_input_tokens":1000,"ephemeral_1h_input_tokens":2000}}"#,
            r#"{"input_tokens":null,"output_tokens":6}"#,
            r#"{"cache_read_input_tokens":0,"output_tokens":9,"output_tokens_details":{"thinking_tokens":4}}"#,
        ]);
        let usage = metered.usage.unwrap();
        assert_eq!(usage.input_tokens, Some(21));
        assert_eq!(usage.cache_read_tokens, Some(0));
        assert_eq!(
            (usage.cache_write_tokens, usage.cache_write_1h_tokens),
            (Some(1000), Some(2000))
        );
        assert_eq!(
            (usage.output_tokens, usage.reasoning_tokens),
            (Some(9), Some(4))
        );
        assert!(!metered.flagged);
        let raw: serde_json::Value = serde_json::from_str(&metered.raw.unwrap()).unwrap();
        assert_eq!(raw["message_start"]["output_tokens"], 1);
        assert_eq!(raw["message_delta"]["output_tokens"], 9);
    }

    #[test]
    fn counts_that_come_only_late_are_taken() {
        let metered = merged(&[
            r#"{"output_tokens":0}"#,
            r#"{"input_tokens":7,"output_tokens":2}"#,
        ]);
        let usage = metered.usage.unwrap();
        assert_eq!(
            (usage.input_tokens, usage.output_tokens),
            (Some(7), Some(2))
        );
        assert_eq!(usage.cache_read_tokens, None);
    }

    #[test]
    fn writes_without_a_split_are_of_the_default_lifetime() {
        let usage = merged(&[
            r#"{"cache_creation_input_tokens":10}"#,
            r#"{"output_tokens":1}"#,
        ])
        .usage
        .unwrap();
        assert_eq!(
            (usage.cache_write_tokens, usage.cache_write_1h_tokens),
            (Some(10), None)
        );
    }

    #[test]
    fn parts_beyond_their_total_are_flagged() {
        for report in [
            r#"{"cache_creation_input_tokens":10,"cache_creation":{"ephemeral_1h_input_tokens":11}}"#,
            r#"{"cache_creation_input_tokens":10,"cache_creation":{"ephemeral_5m_input_tokens":6,"ephemeral_1h_input_tokens":5}}"#,
            r#"{"output_tokens":1,"output_tokens_details":{"thinking_tokens":2}}"#,
            r#"{"input_tokens":"many"}"#,
            "[]",
        ] {
            assert!(merged(&[report]).flagged, "{report}");
        }
    }
}
