//! Requests, results, summaries, pages; and what the provider itself says they cost.

use super::*;

#[test]
fn a_search_costs_its_request_its_extra_results_and_its_summaries() {
    // search:auto: 0.007, ten results included, 0.001 per result above and per summary.
    let at = |results, summaries| {
        let usage = Usage {
            requests: Some(1),
            search_results: Some(results),
            summaries: Some(summaries),
            content_pages: Some(results),
            ..Usage::default()
        };
        list(&case(Exa, "auto", usage))
    };
    assert_eq!(at(0, 0), "0.007000000000");
    assert_eq!(at(9, 0), "0.007000000000");
    assert_eq!(at(10, 0), "0.007000000000");
    assert_eq!(at(11, 0), "0.008000000000");
    assert_eq!(at(25, 3), "0.025000000000"); // 7 + 15 + 3
    let pages = Usage {
        content_pages: Some(4),
        ..Usage::default()
    };
    assert_eq!(list(&case(Exa, "contents", pages)), "0.004000000000");
    let asked = Usage {
        requests: Some(1),
        ..Usage::default()
    };
    assert_eq!(list(&case(Exa, "answer", asked)), "0.005000000000");
}

#[test]
fn the_price_of_a_request_by_its_results_has_both_bounds_included() {
    let at = |results| {
        let usage = Usage {
            requests: Some(1),
            search_results: Some(results),
            ..Usage::default()
        };
        case(Exa, "search-litellm", usage)
    };
    for (results, price) in [
        (0, "0.005000000000"),
        (25, "0.005000000000"),
        (26, "0.025000000000"),
        (100, "0.025000000000"),
    ] {
        assert_eq!(list(&at(results)), price, "{results}");
    }
    assert_eq!(unpriced(&at(101)), Unpriced::Results);
}

#[test]
fn what_the_provider_reports_is_the_list_price_and_the_tables_figure_is_kept() {
    let usage = Usage {
        requests: Some(1),
        search_results: Some(10),
        ..Usage::default()
    };
    let mut case = case(Exa, "auto", usage);
    case.provider_cost = Some("0.0065");
    let quote = case.quote();
    assert_eq!(quote.list.unwrap().to_string(), "0.006500000000");
    assert_eq!(quote.catalogue.unwrap().to_string(), "0.007000000000");
    // Also where the table knows nothing.
    case.model = "unheard-of";
    let quote = case.quote();
    assert_eq!(
        (quote.list.unwrap().to_string().as_str(), quote.unpriced),
        ("0.006500000000", None)
    );
    assert_eq!(quote.catalogue, None);
}
