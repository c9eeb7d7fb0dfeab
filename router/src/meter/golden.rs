//! Golden invoices: what `router/golden/invoices.md` says in words and by hand, the product says too,
//! from the provider's answer to the sum of the events.

mod answers;
#[cfg(feature = "external")]
mod external;
mod ledger;

use std::collections::BTreeMap;

use keyway_router_pricing::{Aliases, Multiplier};
use keyway_words::{ProviderId, Source, Timestamp, Usd};
use serde_json::Value;

use self::ledger::Home;
use crate::price::Prices;

/// One line of the table: a call, and what it costs.
#[derive(Debug, Clone)]
struct Line {
    provider: ProviderId,
    case: String,
    endpoint: String,
    model: String,
    answer: Value,
    usd: String,
}

/// The lines, and the total that is typed in below them.
fn table() -> (Vec<Line>, Usd) {
    let (mut lines, mut total) = (Vec::new(), None);
    let rows = include_str!("../../golden/invoices.md").lines();
    for row in rows.filter(|row| row.starts_with('|')).skip(2) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [provider, case, endpoint, model, answer, _arithmetic, usd] = cells.as_slice() else {
            panic!("not a line of seven cells: {row}");
        };
        if *case == "total" {
            total = Some(usd.parse().unwrap());
            continue;
        }
        lines.push(Line {
            provider: provider.parse().unwrap(),
            case: (*case).to_owned(),
            endpoint: (*endpoint).to_owned(),
            model: (*model).to_owned(),
            answer: serde_json::from_str(answer).unwrap_or_else(|error| panic!("{error}: {row}")),
            usd: (*usd).to_owned(),
        });
    }
    (lines, total.expect("a total"))
}

fn prices() -> Prices {
    Prices::new(None, Aliases::default(), Multiplier::ONE, Timestamp(0)).unwrap()
}

/// As the table says it.
fn told(list: Option<&str>, unpriced: bool) -> String {
    match (list, unpriced) {
        (Some(amount), _) => amount.to_owned(),
        (None, true) => "unpriced".to_owned(),
        (None, false) => "unknown".to_owned(),
    }
}

#[tokio::test]
async fn every_call_of_the_golden_invoices_costs_what_was_typed_in_and_the_events_sum_to_the_total()
{
    let (lines, total) = table();
    let home = Home::new().await;
    for line in &lines {
        let metered = answers::metered(line);
        for source in [Source::Hosted, Source::Own] {
            home.settle(line, &metered, source).await;
        }
    }
    let events = home.events(2 * lines.len()).await;
    let mut sums: BTreeMap<i32, Usd> = BTreeMap::new();
    for (event, line) in events
        .iter()
        .zip(lines.iter().flat_map(|line| [line, line]))
    {
        let list = told(event.list_price_usd.as_deref(), event.unpriced);
        assert_eq!(list, line.usd, "{}: {event:?}", line.case);
        let own = event.source == i32::from(keyway_proto::billing::v1::Source::Own);
        let charge = if own {
            Some("0.000000000000")
        } else {
            event.list_price_usd.as_deref()
        };
        assert_eq!(event.charge_usd.as_deref(), charge, "{}", line.case);
        let sum = sums.entry(event.source).or_default();
        let charged = charge.map_or(Usd::ZERO, |charge| charge.parse().unwrap());
        *sum = sum.checked_add(charged).unwrap();
    }
    let invoices: Vec<Usd> = sums.into_values().collect();
    assert_eq!(
        invoices,
        [Usd::ZERO, total],
        "the sum of events is the invoice"
    );
    assert_eq!(
        home.summarized().await,
        [(Usd::ZERO, total), (total, total)]
    );
}

#[test]
fn the_table_has_every_case_that_a_provider_knows() {
    let (lines, _total) = table();
    let has = |provider: ProviderId, words: &[&str]| {
        for word in words {
            let found = lines.iter().any(|line| {
                line.provider == provider && (line.case.contains(word) || line.endpoint == *word)
            });
            assert!(found, "{provider}: {word}");
        }
    };
    let bound = ["below the bound", "at the bound", "above the bound"];
    let all = ["plain", "cache read", "service tier", "batch of tools"];
    for provider in [
        ProviderId::OpenAi,
        ProviderId::Anthropic,
        ProviderId::Google,
    ] {
        has(provider, &all);
        has(provider, &bound);
    }
    has(ProviderId::Mistral, &all);
    has(
        ProviderId::OpenAi,
        &["cache write", "reasoning", "audio", "embed", "responses"],
    );
    has(
        ProviderId::Anthropic,
        &["for five minutes", "for an hour", "thinking"],
    );
    has(ProviderId::Google, &["thoughts", "audio", "embed"]);
    has(ProviderId::Mistral, &["thinking", "audio", "embed"]);
    has(
        ProviderId::Exa,
        &[
            "plain",
            "as told",
            "no cost told",
            "one result more than included",
        ],
    );
}
