//! What is not known is neither zero nor guessed.

use super::*;

#[test]
fn what_has_no_price_is_unpriced_and_never_zero() {
    let some = tokens(1_000, 0, 0, 10);
    assert_eq!(
        unpriced(&case(OpenAi, "gpt-6.2-sol", some)),
        Unpriced::Model
    );
    let tools = Usage {
        server_tool_requests: Some(1),
        ..some
    };
    assert_eq!(
        unpriced(&case(Anthropic, "claude-haiku-4-5", tools)),
        Unpriced::ServerTools
    );
    let none = Usage {
        server_tool_requests: Some(0),
        ..some
    };
    assert!(
        case(Anthropic, "claude-haiku-4-5", none)
            .quote()
            .list
            .is_some()
    );
    let mut geo = case(Anthropic, "claude-haiku-5-5", some);
    geo.dimensions = &[("inference_geo", "mars")];
    assert_eq!(unpriced(&geo), Unpriced::Dimension);
    let huge = tokens(u64::MAX, 0, 0, u64::MAX);
    assert!(
        case(OpenAi, "gpt-5.4", huge).quote().list.is_some(),
        "i128 holds it"
    );
}

#[test]
fn unknown_flagged_and_zero_usage_are_three_things() {
    let catalogue = Catalogue::builtin().unwrap();
    let dimensions = BTreeMap::new();
    let quote = |usage: Option<&Usage>, flagged| {
        let inputs = PriceInputs {
            usage,
            flagged,
            service_tier: None,
            dimensions: &dimensions,
            provider_cost: None,
        };
        catalogue.quote(OpenAi, "gpt-5.4", None, &inputs)
    };
    assert_eq!(
        (quote(None, false).list, quote(None, false).unpriced),
        (None, None)
    );
    assert_eq!(quote(Some(&Usage::default()), false).list, None);
    assert_eq!(
        quote(Some(&tokens(0, 0, 0, 0)), false).list,
        Some(Usd::ZERO)
    );
    assert_eq!(
        quote(Some(&tokens(5, 0, 0, 0)), true).unpriced,
        Some(Unpriced::Flagged)
    );
}

#[test]
fn a_cut_answer_costs_what_was_seen() {
    // Input known, output not: 1 000 × 2.50 → 0.0025
    let usage = Usage {
        input_tokens: Some(1_000),
        ..Usage::default()
    };
    assert_eq!(list(&case(OpenAi, "gpt-5.4", usage)), "0.002500000000");
}

#[test]
fn the_served_model_sets_the_price_where_it_has_a_row() {
    let catalogue = Catalogue::builtin().unwrap();
    let (usage, dimensions) = (tokens(1_000, 0, 0, 0), BTreeMap::new());
    let inputs = PriceInputs {
        usage: Some(&usage),
        flagged: false,
        service_tier: None,
        dimensions: &dimensions,
        provider_cost: None,
    };
    let at = |requested, served| catalogue.quote(Anthropic, requested, served, &inputs).list;
    // claude-opus-5-5 is 4 a million, claude-sonnet-5 is 2.
    let (opus, sonnet) = (Usd::from_pico(4_000_000_000), Usd::from_pico(2_000_000_000));
    assert_eq!(at("claude-opus-5-5", None), Some(opus));
    assert_eq!(at("claude-opus-5-5", Some("claude-sonnet-5")), Some(sonnet));
    assert_eq!(at("claude-opus-5-5", Some("unheard-of")), Some(opus));
}

#[test]
fn texts_without_usage_are_estimated_by_their_bytes_rounded_up_to_a_token() {
    let catalogue = Catalogue::builtin().unwrap();
    // Four bytes to a token, 0.15 USD per million: 1, 1, 2 and 250 000 tokens.
    for (bytes, usd) in [
        (0, "0.000000000000"),
        (1, "0.000000150000"),
        (4, "0.000000150000"),
        (5, "0.000000300000"),
        (1_000_000, "0.037500000000"),
    ] {
        let quote = catalogue.estimate(Google, "gemini-embedding-001", None, bytes);
        assert_eq!(quote.unwrap().list, Some(usd.parse().unwrap()), "{bytes}");
    }
    let largest = catalogue.estimate(Google, "gemini-embedding-001", None, u64::MAX);
    assert!(largest.is_some());
    for model in ["gemini-embedding-2", "gemini-3.8-flash", "no-such-model"] {
        assert!(
            catalogue.estimate(Google, model, None, 4).is_none(),
            "{model}"
        );
    }
}

#[test]
fn a_model_that_tells_no_usage_and_has_no_counting_rule_has_no_price() {
    let row = |more: &str| {
        format!(
            r#"[{{"provider":"google","model":"silent","kind":"embedding","currency":"USD","unit":"per_million_tokens",
                "input":"1","output":"0","source":"this test"{more}}}]"#
        )
    };
    let load = |more: &str| Catalogue::with_overlay(&row(more), keyway_words::Timestamp(0));
    let check = |more: &str| {
        let catalogue = load(more).unwrap();
        catalogue.check(Google, "silent", &crate::Asked::default())
    };
    assert_eq!(check(r#","reports_usage":false"#), Err(Unpriced::Usage));
    assert_eq!(
        check(r#","reports_usage":false,"bytes_per_token":3"#),
        Ok(())
    );
    assert_eq!(check(""), Ok(()));
    for wrong in [
        r#","bytes_per_token":4"#,
        r#","reports_usage":false,"bytes_per_token":0"#,
        r#","reports_usage":false,"bytes_per_token":65"#,
        r#","reports_usage":false,"bytes_per_token":"4""#,
    ] {
        assert!(load(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_figure_that_no_sum_could_hold_is_no_amount() {
    // 2^64 tokens, twice, are 18 446 744 073 709.551615 × 0.25 + the same × 2 and fit.
    let usage = Usage {
        input_tokens: Some(u64::MAX),
        output_tokens: Some(u64::MAX),
        ..Usage::default()
    };
    let most = case(OpenAi, "gpt-5-mini", usage);
    assert_eq!(list(&most), "41505174165846.491133750000");
    let factor: Multiplier = "100000".parse().unwrap();
    let quote = most.quote();
    assert_eq!(quote.charge(factor), None);
    assert!(quote.charge("10000".parse().unwrap()).is_some());
}
