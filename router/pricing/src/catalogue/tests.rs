use keyway_words::Usage;

use super::*;
use crate::model::Asked;

fn row(extra: &str) -> String {
    format!(
        r#"[{{"provider":"openai","model":"test-model","kind":"chat","currency":"USD",
        "unit":"per_million_tokens","source":"test"{extra}}}]"#
    )
}

fn overlay(extra: &str) -> Result<Catalogue, CatalogueError> {
    Catalogue::with_overlay(&row(extra), Timestamp(0))
}

#[test]
fn every_row_of_the_catalogue_loads_and_is_found_by_its_id_and_its_aliases() {
    let catalogue = Catalogue::builtin().unwrap();
    let mut count = 0;
    for (table, text) in FILES {
        for value in rows(table, text).unwrap() {
            let provider: ProviderId = value["provider"].as_str().unwrap().parse().unwrap();
            let id = value["model"].as_str().unwrap();
            assert_eq!(catalogue.find(provider, id).unwrap().id(), id);
            assert_eq!(table, format!("{provider}.json"));
            for alias in value["aliases"].as_array().into_iter().flatten() {
                assert!(catalogue.find(provider, alias.as_str().unwrap()).is_some());
            }
            count += 1;
        }
    }
    let listed: usize = ProviderId::ALL
        .map(|id| catalogue.models(id).len())
        .iter()
        .sum();
    assert_eq!((count, listed), (172, 172));
}

#[test]
fn a_model_without_a_row_is_not_found_however_similar_its_name() {
    let catalogue = Catalogue::builtin().unwrap();
    for model in [
        "gpt-5.4-2099-01-01",
        "GPT-5.4",
        "gpt-5.4 ",
        "claude-fable-5-2",
        "",
    ] {
        assert!(
            catalogue.find(ProviderId::OpenAi, model).is_none(),
            "{model}"
        );
    }
    for model in ["GPT-5.4", "gpt-5.4 ", "claude-fable-5-2", ""] {
        assert!(catalogue.bare(model).is_none(), "{model}");
    }
    // A dated id has no price of its own, but everybody knows whose it is.
    assert!(catalogue.bare("gpt-5.4-2099-01-01").is_some());
    let asked = Asked::default();
    assert_eq!(
        catalogue.check(ProviderId::OpenAi, "gpt-6.2-sol", &asked),
        Err(Unpriced::Model)
    );
}

#[test]
fn bare_names_find_their_only_provider_and_search_kinds_have_none() {
    let catalogue = Catalogue::builtin().unwrap();
    assert_eq!(catalogue.bare("gpt-5.4"), Some(ProviderId::OpenAi));
    assert_eq!(
        catalogue.bare("claude-haiku-4-5"),
        Some(ProviderId::Anthropic)
    );
    assert_eq!(
        catalogue.bare("text-embedding-3-small"),
        Some(ProviderId::OpenAi)
    );
    assert_eq!(catalogue.bare("answer"), None);
    assert_eq!(
        catalogue.find(ProviderId::Exa, "auto").unwrap().id(),
        "search:auto"
    );
    assert_eq!(
        catalogue.find(ProviderId::Exa, "answer").unwrap().id(),
        "answer"
    );
}

#[test]
fn what_routers_ask_of_a_model_is_in_its_row() {
    let catalogue = Catalogue::builtin().unwrap();
    let haiku = catalogue
        .find(ProviderId::Anthropic, "claude-haiku-5-5")
        .unwrap();
    assert_eq!(haiku.max_output(), Some(128_000));
    assert!(haiku.can("tools") && haiku.refuses("no_sampling_params"));
    let gpt = catalogue.find(ProviderId::OpenAi, "gpt-5.4").unwrap();
    assert_eq!(gpt.endpoints(), ["/v1/chat/completions", "/v1/responses"]);
    let asked = |service_tier, server_tools| Asked {
        service_tier,
        server_tools,
    };
    assert_eq!(gpt.check(&asked(Some("flex"), false)), Ok(()));
    assert_eq!(gpt.check(&asked(Some("auto"), false)), Ok(()));
    assert_eq!(
        gpt.check(&asked(Some("scale"), false)),
        Err(Unpriced::ServiceTier)
    );
    assert_eq!(gpt.check(&asked(None, true)), Err(Unpriced::ServerTools));
}

#[test]
fn a_row_that_is_not_of_its_form_names_itself_and_does_not_load() {
    let priced = r#","input":"1","output":"2""#;
    assert!(overlay(priced).is_ok());
    for (extra, cause) in [
        (r#","input":1,"output":"2""#, "string"),
        (r#","input":"1e2","output":"2""#, "decimal"),
        (r#","input":"-1","output":"2""#, "decimal"),
        (r#","input":"0.1234567890123","output":"2""#, "decimal"),
        (r#","input":"10000.01","output":"2""#, "at most 10000"),
        (r#","input":"0.0000025","output":"2""#, "per token"),
        (r#","input":"1""#, "output"),
        (
            r#","input":"1","output":"2","inptu_audio":"3""#,
            "inptu_audio",
        ),
        (
            r#","input":"1","output":"2","tiers":[{"above_tokens":5,"input":"1"}]"#,
            "tier",
        ),
        (
            r#","input":"1","output":"2","tiers":[{"above_tokens":5,"input":"1","output":"1"},
            {"above_tokens":5,"input":"1","output":"1"}]"#,
            "ascending",
        ),
        (
            r#","input":"1","output":"2","service_tiers":{"flex":{"imput":"1"}}"#,
            "imput",
        ),
        (
            r#","input":"1","output":"2","multipliers":{"speed:fast":"0"}"#,
            "speed:fast",
        ),
        (
            r#","input":"1","output":"2","multipliers":{"speed":"2"}"#,
            "speed",
        ),
        (
            r#","input":"1","output":"2","effective_from":"2026-02-30""#,
            "effective_from",
        ),
        (
            r#","input":"1","output":"2","per_server_tool_request":"101""#,
            "100 USD",
        ),
    ] {
        let error = overlay(extra).unwrap_err().to_string();
        assert!(error.contains("overlay, row 1 (test-model)"), "{error}");
        assert!(error.contains(cause), "{extra}: {error}");
    }
    let error = Catalogue::with_overlay("{}", Timestamp(0))
        .unwrap_err()
        .to_string();
    assert!(error.contains("JSON array"), "{error}");
}

#[test]
fn a_row_that_says_two_things_or_nothing_does_not_load() {
    for (extra, cause) in [
        (
            r#","input":"1","output":"2","effective_from":"2026-9223372036854775807-01""#,
            "effective_from",
        ),
        (
            r#","input":"1","output":"2","service_tiers":{"flex":{"output":"1"}}"#,
            "flex must name input",
        ),
        (
            r#","input":"1","output":"2","service_tiers":{"flex":{"input":"1"},"Flex":{"input":"2"}}"#,
            "twice",
        ),
        (
            r#","input":"1","output":"2","request_tiers":[{"results_from":0,"results_to":25,"per_request":"1"},
            {"results_from":25,"results_to":99,"per_request":"2"}]"#,
            "overlap",
        ),
        (
            r#","input":"1","output":"2","request_tiers":[{"results_from":9,"results_to":1,"per_request":"1"}]"#,
            "ascending",
        ),
    ] {
        let error = overlay(extra).unwrap_err().to_string();
        assert!(error.contains(cause), "{extra}: {error}");
    }
}

#[test]
fn two_prices_of_one_model_from_the_same_day_on_are_refused() {
    let row = |model: &str, input: &str, from: &str| {
        format!(
            r#"{{"provider":"openai","model":"{model}","kind":"chat","currency":"USD","unit":"per_million_tokens",
            "input":"{input}","output":"2","source":"test"{from}}}"#
        )
    };
    let load = |rows: &[String]| {
        Catalogue::with_overlay(&format!("[{}]", rows.join(",")), Timestamp(0))
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    let later = r#","effective_from":"2026-12-01""#;
    let good = [
        row("a", "1", ""),
        row("a", "2", later),
        row("b", "1", later),
    ];
    assert_eq!(load(&good), Ok(()));
    for twice in [
        [row("a", "1", ""), row("a", "10", "")],
        [row("a", "1", later), row("a", "10", later)],
    ] {
        let refused = load(&twice).unwrap_err();
        assert!(
            refused.contains("overlay, row 2 (a): another row"),
            "{refused}"
        );
    }
}

#[test]
fn a_row_of_the_overlay_holds_for_the_dated_ids_of_its_model_too() {
    let of = |model: &str, input: &str, output: &str| {
        format!(
            r#"{{"provider":"openai","model":"{model}","kind":"chat","currency":"USD",
            "unit":"per_million_tokens","source":"test","input":"{input}","output":"{output}"}}"#
        )
    };
    let usage = Usage {
        input_tokens: Some(1_000_000),
        output_tokens: Some(0),
        ..Usage::default()
    };
    let price = |overlay: String, served: &str| {
        let table = Catalogue::with_overlay(&overlay, Timestamp(0)).unwrap();
        let inputs = PriceInputs {
            usage: Some(&usage),
            flagged: false,
            service_tier: None,
            dimensions: &BTreeMap::new(),
            provider_cost: None,
        };
        let quote = table.quote(ProviderId::OpenAi, "gpt-5-mini", Some(served), &inputs);
        quote.list.map(|list| list.to_string())
    };
    let one = format!("[{}]", of("gpt-5-mini", "7", "9"));
    let both = format!(
        "[{},{}]",
        of("gpt-5-mini-2025-08-07", "5", "9"),
        of("gpt-5-mini", "7", "9")
    );
    let dated = format!("[{}]", of("gpt-5-mini-2025-08-07", "5", "9"));
    let (seven, five) = (Some("7.000000000000"), Some("5.000000000000"));
    assert_eq!(price(one.clone(), "gpt-5-mini").as_deref(), seven);
    assert_eq!(
        price(one.clone(), "gpt-5-mini-2025-08-07").as_deref(),
        seven
    );
    assert_eq!(
        price(both.clone(), "gpt-5-mini-2025-08-07").as_deref(),
        five
    );
    assert_eq!(price(both, "gpt-5-mini").as_deref(), seven);
    assert_eq!(
        price(dated.clone(), "gpt-5-mini-2025-08-07").as_deref(),
        five
    );
    let listed = Some("0.250000000000");
    assert_eq!(price(dated, "gpt-5-mini").as_deref(), listed);
    // Another model with a similar name keeps its own price.
    assert_ne!(price(one, "gpt-5-nano-2025-08-07").as_deref(), seven);
}

#[test]
fn the_hash_names_the_content_and_nothing_else() {
    let builtin = Catalogue::builtin().unwrap();
    assert_eq!(builtin.hash().len(), 64);
    assert_eq!(builtin.hash(), Catalogue::builtin().unwrap().hash());
    assert_eq!(
        builtin.hash(),
        Catalogue::with_overlay("[]", Timestamp(0)).unwrap().hash()
    );
    assert_eq!(builtin.hash(), canonical::hash(builtin.json()));
    let one = overlay(r#","input":"1","output":"2""#).unwrap();
    let same = overlay(r#", "output":"2",  "input":"1""#).unwrap();
    let other = overlay(r#","input":"1","output":"3""#).unwrap();
    assert_eq!(one.hash(), same.hash());
    assert_ne!(one.hash(), other.hash());
    assert_ne!(one.hash(), builtin.hash());
}

#[test]
fn an_overlay_row_replaces_from_its_day_on() {
    let overlay = r#"[
        {"provider":"openai","model":"gpt-5.4","kind":"chat","currency":"USD","source":"test",
         "unit":"per_million_tokens","input":"9","output":"9","effective_from":"2026-12-01"},
        {"provider":"openai","model":"gpt-5.4","kind":"chat","currency":"USD","source":"test",
         "unit":"per_million_tokens","input":"7","output":"7","effective_from":"2026-11-01"}]"#;
    let first_of_november = start_of("2026-11-01").unwrap();
    let first_of_december = start_of("2026-12-01").unwrap();
    let input_at = |at: i64| {
        let catalogue = Catalogue::with_overlay(overlay, Timestamp(at)).unwrap();
        let usage = Usage {
            input_tokens: Some(1_000_000),
            ..Default::default()
        };
        let inputs = PriceInputs {
            usage: Some(&usage),
            flagged: false,
            service_tier: None,
            dimensions: &BTreeMap::new(),
            provider_cost: None,
        };
        let quote = catalogue.quote(ProviderId::OpenAi, "gpt-5.4", None, &inputs);
        (
            quote.list.unwrap().pico() / 100_000_000_000,
            catalogue.next_change(),
        )
    };
    // gpt-5.4 is 2.50 a million in the built-in table, 5 above 272 000 tokens of prompt.
    assert_eq!(
        input_at(first_of_november.0 - 1),
        (50, Some(first_of_november))
    );
    assert_eq!(input_at(first_of_november.0), (70, Some(first_of_december)));
    assert_eq!(
        input_at(first_of_december.0 - 1),
        (70, Some(first_of_december))
    );
    assert_eq!(input_at(first_of_december.0), (90, None));
}

#[test]
fn days_are_those_of_the_calendar() {
    for (day, seconds) in [
        ("1970-01-01", 0),
        ("2000-02-29", 951_782_400),
        ("2000-03-01", 951_868_800),
        ("2026-11-24", 1_795_478_400),
        ("2100-03-01", 4_107_542_400),
    ] {
        assert_eq!(start_of(day), Some(Timestamp(seconds * 1_000_000)), "{day}");
    }
    for bad in [
        "",
        "2026-13-01",
        "2026-00-01",
        "2026-02-29",
        "2026-1-01",
        "2026-11-24T00",
        "x",
    ] {
        assert_eq!(start_of(bad), None, "{bad}");
    }
}
