//! The same amounts in another language: `tests/sdk/golden.py`.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use keyway_router_pricing::{Catalogue, Kind, Model};
use keyway_router_providers::Metered;
use serde_json::{Map, json};

use super::*;

/// Runs the script; what it said if it found a difference.
fn python(args: &[&str], input: &str) -> Result<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut child = Command::new("python3")
        .arg(root.join("tests/sdk/golden.py"))
        .args(args)
        .current_dir(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is missing: .ci/run needs it");
    let mut pipe = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writing = std::thread::spawn(move || pipe.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        Ok(said)
    } else {
        Err(said)
    }
}

/// A line as the product works it out.
fn worked_out(prices: &Prices, table: &Catalogue, line: &Line) -> String {
    let metered = answers::metered(line);
    let model = (Source::Hosted, line.provider, line.model.as_str());
    let priced = prices.price(table, model, (&metered, metered.basis()));
    let list = priced.amounts.list_price.map(|amount| amount.to_string());
    let told = json!({
        "provider": line.provider.as_str(), "endpoint": line.endpoint, "model": line.model,
        "answer": line.answer, "usage": parts(&metered), "usd": told(list.as_deref(), priced.unpriced),
    });
    format!("{told}\n")
}

/// The parts that are known, by their names in the usage event.
fn parts(metered: &Metered) -> Map<String, Value> {
    let usage = metered.usage.unwrap_or_default();
    let parts = [
        ("input_tokens", usage.input_tokens),
        ("cache_read_tokens", usage.cache_read_tokens),
        ("cache_write_tokens", usage.cache_write_tokens),
        ("cache_write_1h_tokens", usage.cache_write_1h_tokens),
        ("output_tokens", usage.output_tokens),
        ("reasoning_tokens", usage.reasoning_tokens),
        ("input_audio_tokens", usage.input_audio_tokens),
        ("cache_read_audio_tokens", usage.cache_read_audio_tokens),
        ("output_audio_tokens", usage.output_audio_tokens),
        ("requests", usage.requests),
        ("search_results", usage.search_results),
        ("content_pages", usage.content_pages),
        ("summaries", usage.summaries),
        ("server_tool_requests", usage.server_tool_requests),
    ];
    let known = parts
        .into_iter()
        .filter_map(|(name, count)| Some((name.to_owned(), count?.into())));
    known.collect()
}

#[test]
fn another_language_works_the_golden_invoices_out_as_they_were_typed_in() {
    let said = python(&["--table", "router/golden/invoices.md"], "");
    let (lines, _total) = table();
    assert_eq!(
        said.unwrap(),
        format!("{} worked out again, 0 of them differ\n", lines.len())
    );
}

#[test]
fn another_language_agrees_on_ten_thousand_random_usages() {
    let (prices, mut random) = (prices(), Random(0x2545_f491_4f6c_dd1d));
    let catalogue = prices.table();
    let lines: Vec<Line> = (0..10_000).map(|_| random.line(&prices.table())).collect();
    let input: String = lines
        .iter()
        .map(|line| worked_out(&prices, &catalogue, line))
        .collect();
    let priced = input.lines().filter(|line| !line.contains("\"unpriced\""));
    assert!(priced.count() > 5_000, "most of them have a price");
    assert_eq!(
        python(&[], &input).unwrap(),
        "10000 worked out again, 0 of them differ\n"
    );
}

/// The same lines every time (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        let at = self.below(choices.len() as u64);
        choices[usize::try_from(at).unwrap()]
    }

    /// Small, large, or about one of the bounds of the price files.
    fn count(&mut self) -> u64 {
        match self.below(4) {
            0 => self.below(4),
            1 => self.below(5_000),
            2 => self.below(1_000_000),
            _about => {
                [100_000, 128_000, 200_000, 272_000][usize::try_from(self.below(4)).unwrap()] - 2
                    + self.below(5)
            }
        }
    }

    /// A part of a total; rarely more than it.
    fn part(&mut self, of: u64) -> u64 {
        if self.one_in(50) {
            of + 1 + self.below(9)
        } else {
            self.below(of + 1)
        }
    }

    fn line(&mut self, table: &Catalogue) -> Line {
        let provider = ProviderId::ALL[usize::try_from(self.below(5)).unwrap()];
        if provider == ProviderId::Exa {
            return self.search();
        }
        let is_embedding = provider != ProviderId::Anthropic && self.one_in(8);
        let kind = if is_embedding {
            Kind::Embedding
        } else {
            Kind::Chat
        };
        let models: Vec<&str> = table
            .models(provider)
            .into_iter()
            .filter(|model| model.kind() == kind)
            .map(Model::id)
            .collect();
        let model = self.of(&models).to_owned();
        let (endpoint, answer) = match provider {
            ProviderId::OpenAi if is_embedding => {
                ("embed", self.openai("prompt", "completion", false))
            }
            ProviderId::OpenAi if self.one_in(3) => {
                ("responses", self.openai("input", "output", true))
            }
            ProviderId::OpenAi => ("chat", self.openai("prompt", "completion", true)),
            ProviderId::Anthropic => ("chat", self.anthropic()),
            ProviderId::Google => (if is_embedding { "embed" } else { "chat" }, self.google()),
            ProviderId::Mistral | ProviderId::Exa => {
                (if is_embedding { "embed" } else { "chat" }, self.mistral())
            }
        };
        Line {
            provider,
            case: "random".into(),
            endpoint: endpoint.into(),
            model,
            answer,
            usd: String::new(),
        }
    }

    /// Leaves a field out, makes it null, or sets it.
    fn maybe(&mut self, report: &mut Value, name: &str, value: impl Into<Value>) {
        match self.below(6) {
            0 => {}
            1 => report[name] = Value::Null,
            _ => report[name] = value.into(),
        }
    }

    fn openai(&mut self, prompt: &str, completion: &str, chat: bool) -> Value {
        let (input, output) = (self.count(), if chat { self.count() } else { 0 });
        let mut report = json!({format!("{prompt}_tokens"): input});
        let mut total = input;
        if chat {
            report[format!("{completion}_tokens")] = output.into();
            total += output;
        }
        if self.one_in(40) {
            total -= total.min(1);
        }
        self.maybe(&mut report, "total_tokens", total);
        let (mut of_input, mut of_output) = (json!({}), json!({}));
        let cached = self.part(input);
        let written = self.part(input.saturating_sub(cached));
        self.maybe(&mut of_input, "cached_tokens", cached);
        self.maybe(&mut of_input, "cache_write_tokens", written);
        let (reasoning, audio) = (self.part(output), self.part(output));
        self.maybe(&mut of_output, "reasoning_tokens", reasoning);
        if self.one_in(4) {
            self.maybe(&mut of_output, "audio_tokens", audio);
            let audio = self.part(input.saturating_sub(cached + written));
            self.maybe(&mut of_input, "audio_tokens", audio);
        }
        self.maybe(&mut report, &format!("{prompt}_tokens_details"), of_input);
        if chat {
            self.maybe(
                &mut report,
                &format!("{completion}_tokens_details"),
                of_output,
            );
        }
        let mut answer = json!({});
        self.maybe(&mut answer, "usage", report);
        if chat {
            let tier = self.of(&["default", "auto", "flex", "priority", "scale"]);
            self.maybe(&mut answer, "service_tier", tier);
        }
        answer
    }

    fn anthropic(&mut self) -> Value {
        let (mut report, mut split) = (json!({}), json!({}));
        let (written, output) = (self.count(), self.count());
        let hour = self.part(written);
        let short = self.part(written.saturating_sub(hour));
        self.maybe(&mut split, "ephemeral_5m_input_tokens", short);
        self.maybe(&mut split, "ephemeral_1h_input_tokens", hour);
        let thinking = self.part(output);
        for (name, count) in [
            ("input_tokens", self.count()),
            ("cache_read_input_tokens", self.count()),
            ("cache_creation_input_tokens", written),
            ("output_tokens", output),
        ] {
            self.maybe(&mut report, name, count);
        }
        self.maybe(&mut report, "cache_creation", split);
        self.maybe(
            &mut report,
            "output_tokens_details",
            json!({"thinking_tokens": thinking}),
        );
        if self.one_in(5) {
            let searches = self.below(2);
            self.maybe(
                &mut report,
                "server_tool_use",
                json!({"web_search_requests": searches}),
            );
        }
        let (tier, place, speed) = (
            self.of(&["standard", "batch", "priority"]),
            self.of(&["us", "global", "not_available"]),
            self.of(&["standard", "fast"]),
        );
        self.maybe(&mut report, "service_tier", tier);
        self.maybe(&mut report, "inference_geo", place);
        if self.one_in(4) {
            self.maybe(&mut report, "speed", speed);
        }
        json!({"usage": report})
    }

    fn google(&mut self) -> Value {
        let (prompt, candidates, thoughts, tools) =
            (self.count(), self.count(), self.count(), self.below(100));
        let mut report = json!({});
        let cached = self.part(prompt);
        for (name, count) in [
            ("promptTokenCount", prompt),
            ("candidatesTokenCount", candidates),
            ("thoughtsTokenCount", thoughts),
            ("cachedContentTokenCount", cached),
        ] {
            self.maybe(&mut report, name, count);
        }
        if self.one_in(5) {
            self.maybe(&mut report, "toolUsePromptTokenCount", tools);
        }
        let sum = |names: &[&str]| {
            names
                .iter()
                .filter_map(|name| report[*name].as_u64())
                .sum::<u64>()
        };
        let apart = sum(&[
            "promptTokenCount",
            "toolUsePromptTokenCount",
            "candidatesTokenCount",
            "thoughtsTokenCount",
        ]);
        let inside = sum(&[
            "promptTokenCount",
            "toolUsePromptTokenCount",
            "candidatesTokenCount",
        ]);
        let total = if self.one_in(5) { inside } else { apart };
        self.maybe(&mut report, "totalTokenCount", total);
        if self.one_in(3) {
            let audio = self.part(prompt - cached.min(prompt));
            let cached_audio = self.part(cached.min(audio));
            self.maybe(&mut report, "promptTokensDetails", json!([{"modality": "TEXT", "tokenCount": 1}, {"modality": "AUDIO", "tokenCount": audio}]));
            self.maybe(
                &mut report,
                "cacheTokensDetails",
                json!([{"modality": "AUDIO", "tokenCount": cached_audio}]),
            );
        }
        // Proto JSON has no null in a list's place.
        if let Some(fields) = report.as_object_mut() {
            fields.retain(|name, value| !(value.is_null() && name.ends_with("Details")));
        }
        let tier = self.of(&["standard", "flex", "priority", "batch"]);
        self.maybe(&mut report, "serviceTier", tier);
        json!({"usageMetadata": report})
    }

    fn mistral(&mut self) -> Value {
        let (prompt, completion) = (self.count(), self.count());
        let mut report = json!({"prompt_tokens": prompt, "completion_tokens": completion});
        self.maybe(&mut report, "total_tokens", prompt + completion);
        let cached = self.part(prompt);
        let spelling = self.of(&[
            "prompt_tokens_details",
            "prompt_token_details",
            "num_cached_tokens",
        ]);
        let told = if spelling == "num_cached_tokens" {
            json!(cached)
        } else {
            json!({"cached_tokens": cached})
        };
        self.maybe(&mut report, spelling, told);
        if self.one_in(10) {
            let seconds = self.below(3);
            self.maybe(&mut report, "prompt_audio_seconds", seconds);
        }
        json!({"usage": report})
    }

    fn search(&mut self) -> Line {
        let kinds = [
            "auto",
            "lite",
            "fast",
            "neural",
            "instant",
            "deep",
            "deep-lite",
            "deep-reasoning",
            "contents",
            "answer",
        ];
        let model = self.of(&kinds).to_owned();
        let results = self.below(30);
        let mut answer = json!({"results": results});
        for name in ["summaries", "texts", "highlights"] {
            answer[name] = self.below(results + 1).into();
        }
        if model == "lite" {
            answer["summaries"] = 0.into();
        }
        if self.one_in(2) {
            let cost = format!("0.{:06}", self.below(1_000_000));
            answer["costDollars"] = serde_json::from_str(&format!("{{\"total\":{cost}}}")).unwrap();
        }
        Line {
            provider: ProviderId::Exa,
            case: "random".into(),
            endpoint: "search".into(),
            model,
            answer,
            usd: String::new(),
        }
    }
}
