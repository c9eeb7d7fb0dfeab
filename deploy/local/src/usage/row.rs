//! One event as a line of CSV (RFC 4180). Amounts and counts that are not known are empty, never 0.

use keyway_chassis::proto::billing::v1::{Usage, UsageEvent};
use keyway_chassis::proto::convert::from_timestamp;

/// The names of the columns.
pub(super) const HEAD: [&str; 42] = [
    "event_id",
    "type",
    "period",
    "corrects_event_id",
    "corrects_period",
    "started_at_micros",
    "settled_at_micros",
    "workspace",
    "provider",
    "requested_model",
    "served_model",
    "endpoint",
    "source",
    "key_name",
    "key_version",
    "service_tier",
    "outcome",
    "basis",
    "reason",
    "end_user",
    "labels",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "cache_write_12h_tokens",
    "output_tokens",
    "reasoning_tokens",
    "input_audio_tokens",
    "cache_read_audio_tokens",
    "output_audio_tokens",
    "requests",
    "search_results",
    "content_pages",
    "summaries",
    "server_tool_requests",
    "charge_usd",
    "list_price_usd",
    "estimated_usd",
    "provider_reported_usd",
    "unpriced",
    "price_table",
];

/// The line, with its end.
pub(super) fn of(event: &UsageEvent) -> String {
    let at = |time: Option<&_>| {
        let micros = time.and_then(from_timestamp).map(|at| at.0.to_string());
        micros.unwrap_or_default()
    };
    let mut labels: Vec<_> = event.labels.iter().collect();
    labels.sort();
    let labels: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let word = |name: &str, prefix: &str| name.trim_start_matches(prefix).to_owned();
    let mut cells = vec![
        event.event_id.clone(),
        event.r#type.clone(),
        event.period.clone(),
        event.corrects_event_id.clone(),
        event.corrects_period.clone(),
        at(event.started_at.as_ref()),
        at(event.settled_at.as_ref()),
        event.workspace.clone(),
        event.provider.clone(),
        text(&event.requested_model),
        text(&event.served_model),
        text(&event.endpoint),
        word(event.source().as_str_name(), "SOURCE_"),
        event.key_name.clone(),
        event.key_version.to_string(),
        text(&event.service_tier),
        word(event.outcome().as_str_name(), "OUTCOME_"),
        word(event.basis().as_str_name(), "BASIS_"),
        text(&event.reason),
        text(&event.end_user),
        text(&labels.join(" ")),
    ];
    cells.extend(counts(&event.usage.unwrap_or_default()));
    cells.extend(
        [
            &event.charge_usd,
            &event.list_price_usd,
            &event.estimated_usd,
            &event.provider_reported_usd,
        ]
        .map(|amount| amount.clone().unwrap_or_default()),
    );
    cells.push(event.unpriced.to_string());
    cells.push(event.price_table.clone());
    let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
    format!("{}\r\n", cells.join(","))
}

fn counts(usage: &Usage) -> [String; 15] {
    [
        usage.input_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.cache_write_1h_tokens,
        usage.cache_write_12h_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
        usage.input_audio_tokens,
        usage.cache_read_audio_tokens,
        usage.output_audio_tokens,
        usage.requests,
        usage.search_results,
        usage.content_pages,
        usage.summaries,
        usage.server_tool_requests,
    ]
    .map(|count| count.map(|count| count.to_string()).unwrap_or_default())
}

/// Words of others: what a spreadsheet would take for a formula is made a text.
fn text(words: &str) -> String {
    if words.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{words}")
    } else {
        words.to_owned()
    }
}

fn quoted(cell: &str) -> String {
    if cell.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_cell_for_every_column_and_what_is_not_known_is_empty() {
        let event = UsageEvent {
            charge_usd: Some("-0.500000000000".into()),
            usage: Some(Usage {
                input_tokens: Some(0),
                ..Usage::default()
            }),
            ..UsageEvent::default()
        };
        let line = of(&event);
        let cells: Vec<&str> = line.trim_end().split(',').collect();
        assert_eq!(cells.len(), HEAD.len());
        let cell = |name| cells[HEAD.iter().position(|head| *head == name).unwrap()];
        assert_eq!(cell("charge_usd"), "-0.500000000000");
        assert_eq!(cell("list_price_usd"), "");
        assert_eq!((cell("input_tokens"), cell("output_tokens")), ("0", ""));
    }

    #[test]
    fn words_of_others_stay_within_their_cell_and_are_no_formula() {
        let event = UsageEvent {
            end_user: "=1+1".into(),
            reason: "said \"no\", twice\r\n".into(),
            ..UsageEvent::default()
        };
        let line = of(&event);
        assert!(
            line.contains(",\"said \"\"no\"\", twice\r\n\",'=1+1,"),
            "{line}"
        );
    }
}
