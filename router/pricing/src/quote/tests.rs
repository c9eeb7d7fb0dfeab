//! Golden invoices, typed by hand: the arithmetic stands beside each. USD, exact.

use keyway_words::ProviderId;
use keyway_words::ProviderId::{Anthropic, Exa, Google, Mistral, OpenAi};

mod requests;
mod unknown;

use super::*;
use crate::Catalogue;

struct Case {
    provider: ProviderId,
    model: &'static str,
    usage: Usage,
    service_tier: Option<&'static str>,
    dimensions: &'static [(&'static str, &'static str)],
    provider_cost: Option<&'static str>,
}

impl Case {
    fn quote(&self) -> Quote {
        let dimensions = self
            .dimensions
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let inputs = PriceInputs {
            usage: Some(&self.usage),
            flagged: false,
            service_tier: self.service_tier,
            dimensions: &dimensions,
            provider_cost: self.provider_cost.map(|text| text.parse().unwrap()),
        };
        Catalogue::builtin()
            .unwrap()
            .quote(self.provider, self.model, None, &inputs)
    }
}

fn case(provider: ProviderId, model: &'static str, usage: Usage) -> Case {
    Case {
        provider,
        model,
        usage,
        service_tier: None,
        dimensions: &[],
        provider_cost: None,
    }
}

fn tokens(input: u64, cache_read: u64, cache_write: u64, output: u64) -> Usage {
    Usage {
        input_tokens: Some(input),
        cache_read_tokens: Some(cache_read),
        cache_write_tokens: Some(cache_write),
        output_tokens: Some(output),
        ..Usage::default()
    }
}

fn list(case: &Case) -> String {
    let quote = case.quote();
    assert_eq!(quote.unpriced, None, "{}", case.model);
    quote.list.unwrap().to_string()
}

fn unpriced(case: &Case) -> Unpriced {
    let quote = case.quote();
    assert_eq!(
        (quote.list, quote.charge(Multiplier::ONE)),
        (None, None),
        "{}",
        case.model
    );
    quote.unpriced.unwrap()
}

#[test]
fn openai_chat_with_cached_input() {
    // gpt-5.4: input 2.50, cache read 0.25, output 15 a million.
    // 1 000 × 2.50 + 2 000 × 0.25 + 300 × 15 = 2 500 + 500 + 4 500 = 7 500 → 0.0075
    assert_eq!(
        list(&case(OpenAi, "gpt-5.4", tokens(1_000, 2_000, 0, 300))),
        "0.007500000000"
    );
}

#[test]
fn a_cache_write_without_a_price_of_its_own_costs_what_fresh_input_costs() {
    // gpt-5.4 has cache_write null: 1 000 × 2.50 → 0.0025
    assert_eq!(
        list(&case(OpenAi, "gpt-5.4", tokens(0, 0, 1_000, 0))),
        "0.002500000000"
    );
    // text-embedding-3-small has cache_read null: 1 000 × 0.02 → 0.00002
    let read = tokens(0, 1_000, 0, 0);
    assert_eq!(
        list(&case(OpenAi, "text-embedding-3-small", read)),
        "0.000020000000"
    );
}

#[test]
fn anthropic_with_read_and_both_writes() {
    // claude-opus-5-5: input 4, read 0.20, write 5, write for an hour 8, output 20.
    // 1 000×4 + 2 000×0.2 + 3 000×5 + 500×8 + 700×20
    // = 4 000 + 400 + 15 000 + 4 000 + 14 000 = 37 400 → 0.0374
    let usage = Usage {
        cache_write_1h_tokens: Some(500),
        ..tokens(1_000, 2_000, 3_000, 700)
    };
    let mut case = case(Anthropic, "claude-opus-5-5", usage);
    case.service_tier = Some("standard");
    case.dimensions = &[("inference_geo", "global"), ("speed", "standard")];
    assert_eq!(list(&case), "0.037400000000");
    // Both factors: 0.0374 × 1.1 × 2 = 0.08228
    case.dimensions = &[("inference_geo", "us"), ("speed", "fast")];
    assert_eq!(list(&case), "0.082280000000");
    // Batch: input 2, read 0.10, write 2.50, output 10, and no price for an hour: the write's.
    // 2 000 + 200 + (3 000 + 500) × 2.5 + 7 000 = 17 950 → 0.01795
    case.dimensions = &[];
    case.service_tier = Some("batch");
    assert_eq!(list(&case), "0.017950000000");
}

#[test]
fn a_longer_cache_lifetime_has_its_own_price_where_the_catalogue_has_one() {
    // gpt-5.6: cache write 5 for the default lifetime, 10 for twelve hours.
    // 1 000 × 5 + 2 000 × 10 = 25 000 → 0.025
    let usage = Usage {
        cache_write_12h_tokens: Some(2_000),
        ..tokens(0, 0, 1_000, 0)
    };
    assert_eq!(list(&case(OpenAi, "gpt-5.6", usage)), "0.025000000000");
}

#[test]
fn reasoning_is_a_part_of_the_output_and_never_added() {
    // gpt-5.4: 400 output of which 300 reasoning: 400 × 15 = 6 000 → 0.006
    let usage = Usage {
        reasoning_tokens: Some(300),
        ..tokens(0, 0, 0, 400)
    };
    assert_eq!(list(&case(OpenAi, "gpt-5.4", usage)), "0.006000000000");
    // gemini-2.5-flash: input 0.30, output 2.50: 1 000 × 0.3 + 500 × 2.5 = 1 550 → 0.00155
    let usage = Usage {
        reasoning_tokens: Some(450),
        ..tokens(1_000, 0, 0, 500)
    };
    assert_eq!(
        list(&case(Google, "gemini-2.5-flash", usage)),
        "0.001550000000"
    );
}

#[test]
fn audio_has_its_own_prices_cached_or_not() {
    // gemini-2.5-flash: text 0.30, audio 1, cached audio 0.10, cached text 0.03.
    // 100 × 0.3 + 1 000 × 1 + 2 000 × 0.1 + 500 × 0.03 = 30 + 1 000 + 200 + 15 = 1 245 → 0.001245
    let usage = Usage {
        input_audio_tokens: Some(1_000),
        cache_read_audio_tokens: Some(2_000),
        ..tokens(100, 500, 0, 0)
    };
    assert_eq!(
        list(&case(Google, "gemini-2.5-flash", usage)),
        "0.001245000000"
    );
    // gpt-audio: text 2.50 and 10, audio 32 and 64, no cached audio: fresh audio's 32.
    // 100×2.5 + 1 000×32 + 10×32 + 200×10 + 300×64 = 250 + 32 000 + 320 + 2 000 + 19 200
    // = 53 770 → 0.05377
    let usage = Usage {
        input_audio_tokens: Some(1_000),
        cache_read_audio_tokens: Some(10),
        output_audio_tokens: Some(300),
        ..tokens(100, 0, 0, 200)
    };
    assert_eq!(list(&case(OpenAi, "gpt-audio", usage)), "0.053770000000");
    // A model without audio prices: audio costs what text costs. 1 000 × 2.50 → 0.0025
    let usage = Usage {
        input_audio_tokens: Some(1_000),
        ..Usage::default()
    };
    assert_eq!(list(&case(OpenAi, "gpt-5.4", usage)), "0.002500000000");
}

#[test]
fn the_service_tier_is_the_one_that_served() {
    let mut case = case(OpenAi, "gpt-5.4", tokens(1_000, 1_000, 0, 100));
    for (tier, price) in [
        // 2.50 + 0.25 + 1.50 = 4.25 thousandths
        (None, "0.004250000000"),
        (Some(""), "0.004250000000"),
        (Some("default"), "0.004250000000"),
        // flex: 1.25, 0.13, 7.50: 1.25 + 0.13 + 0.75 = 2.13
        (Some("flex"), "0.002130000000"),
        (Some("FLEX"), "0.002130000000"),
        // priority: 5, 0.50, 30: 5 + 0.5 + 3 = 8.5
        (Some("priority"), "0.008500000000"),
    ] {
        case.service_tier = tier;
        assert_eq!(list(&case), price, "{tier:?}");
    }
    case.service_tier = Some("scale");
    assert_eq!(unpriced(&case), Unpriced::ServiceTier);
}

#[test]
fn a_prompt_at_the_bound_is_still_short_and_one_more_token_makes_all_of_it_long() {
    // claude-haiku-5-5: 0.10 and 0.50 up to 100 000 tokens of prompt, then 0.50 and 2.50.
    let at = |prompt| {
        list(&case(
            Anthropic,
            "claude-haiku-5-5",
            tokens(prompt, 0, 0, 10),
        ))
    };
    assert_eq!(at(99_999), "0.010004900000"); //  9 999.9 + 5 = 10 004.9
    assert_eq!(at(100_000), "0.010005000000"); // 10 000 + 5
    assert_eq!(at(100_001), "0.050025500000"); // 50 000.5 + 25
    // All four kinds of input count: 40 000 + 30 000 + 20 000 + 10 000 (+ 1).
    // Short: 40 000×0.1 + 30 000×0.01 + 20 000×0.125 + 10 000×0.2 = 4 000+300+2 500+2 000 = 8 800
    let usage = |more: u64| Usage {
        cache_write_1h_tokens: Some(10_000),
        ..tokens(40_000 + more, 30_000, 20_000, 0)
    };
    assert_eq!(
        list(&case(Anthropic, "claude-haiku-5-5", usage(0))),
        "0.008800000000"
    );
    // Long, five times, and one token at 0.50: 44 000 + 0.5
    assert_eq!(
        list(&case(Anthropic, "claude-haiku-5-5", usage(1))),
        "0.044000500000"
    );
    // gpt-5.4: 2.50 up to 272 000, then 5.
    let at = |prompt| list(&case(OpenAi, "gpt-5.4", tokens(prompt, 0, 0, 0)));
    assert_eq!(at(271_999), "0.679997500000");
    assert_eq!(at(272_000), "0.680000000000");
    assert_eq!(at(272_001), "1.360005000000");
}

#[test]
fn a_service_tier_without_a_price_for_long_prompts_is_unpriced_for_them_only() {
    let mut case = case(OpenAi, "gpt-5.4", tokens(272_000, 0, 0, 0));
    case.service_tier = Some("priority");
    assert_eq!(list(&case), "1.360000000000"); // 272 000 × 5
    case.usage = tokens(272_001, 0, 0, 0);
    assert_eq!(unpriced(&case), Unpriced::PromptLength);
    case.service_tier = Some("flex");
    assert_eq!(list(&case), "0.680002500000"); // 272 001 × 2.50
}

#[test]
fn embeddings_cost_their_input() {
    // 8 tokens × 0.02 = 0.16 millionths
    let usage = Usage {
        input_tokens: Some(8),
        ..Usage::default()
    };
    assert_eq!(
        list(&case(OpenAi, "text-embedding-3-small", usage)),
        "0.000000160000"
    );
    // 1 000 × 0.10
    let usage = Usage {
        input_tokens: Some(1_000),
        ..Usage::default()
    };
    assert_eq!(
        list(&case(Mistral, "mistral-embed", usage)),
        "0.000100000000"
    );
}

#[test]
fn a_charge_is_rounded_once_from_the_exact_amount() {
    // 1 token at 0.10 a million = 100 000 pico; × 0.000015 = 1.5 pico → 2, half to even.
    let usage = Usage {
        input_tokens: Some(1),
        ..Usage::default()
    };
    let quote = case(Anthropic, "claude-haiku-5-5", usage).quote();
    assert_eq!(quote.list.unwrap().pico(), 100_000);
    assert_eq!(quote.charge("0.000015".parse().unwrap()).unwrap().pico(), 2);
    assert_eq!(quote.charge("0.000025".parse().unwrap()).unwrap().pico(), 2);
    assert_eq!(
        quote.charge("1.2".parse().unwrap()).unwrap().pico(),
        120_000
    );
    assert_eq!(quote.charge(Multiplier::ONE), quote.list);
    assert_eq!(quote.charge("0".parse().unwrap()), Some(Usd::ZERO));
}

#[test]
fn the_lines_say_how_the_figure_comes_about() {
    let quote = case(OpenAi, "gpt-5.4", tokens(1_000, 2_000, 0, 300)).quote();
    let parts: Vec<_> = quote
        .lines
        .iter()
        .map(|line| (line.part, line.count, line.price.to_string()))
        .collect();
    let line = |part, count, price: &str| (part, count, price.to_owned());
    assert_eq!(
        parts,
        [
            line("input_tokens", 1_000, "2.500000000000"),
            line("cache_read_tokens", 2_000, "0.250000000000"),
            line("output_tokens", 300, "15.000000000000"),
        ]
    );
}
