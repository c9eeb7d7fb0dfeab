//! Exa's list prices, in millionths of a dollar, so that every sum is exact.
//!
//! Per request: `lite` and `instant` $0.004, `auto`, `fast` and `neural` $0.007, `deep` and
//! `deep-lite` $0.012, `deep-reasoning` $0.015; $0.001 for each result beyond 10; $0.001 for each
//! summary. Contents: $0.001 per page and kind of content. Answer: $0.005.

const THOUSANDTH: u64 = 1000;
const INCLUDED: usize = 10;

/// What a request cost, and what that follows from.
#[derive(Debug)]
pub(crate) struct Cost {
    parts: Vec<(&'static str, &'static str, u64)>,
    /// The row of the price list.
    pub(crate) row: String,
    pub(crate) results: usize,
    pub(crate) summaries: usize,
    /// Pages times kinds of content.
    pub(crate) pages: usize,
}

/// A search of a type with so many results and summaries.
pub(crate) fn search(kind: &str, results: usize, summaries: usize) -> Cost {
    let base = match kind {
        "lite" | "instant" => 4,
        "deep" | "deep-lite" => 12,
        "deep-reasoning" => 15,
        _ => 7,
    };
    let group = if kind.starts_with("deep") {
        "deep"
    } else {
        "neural"
    };
    let mut parts = vec![("search", group, (base + beyond(results)) * THOUSANDTH)];
    if summaries > 0 {
        parts.push(("contents", "summary", number(summaries) * THOUSANDTH));
    }
    Cost {
        parts,
        row: format!("search:{kind}"),
        results,
        summaries,
        pages: 0,
    }
}

fn beyond(results: usize) -> u64 {
    number(results.saturating_sub(INCLUDED))
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// So many pages, each in these kinds of content.
pub(crate) fn contents(pages: usize, kinds: &[&'static str]) -> Cost {
    let parts = kinds
        .iter()
        .map(|kind| ("contents", *kind, number(pages) * THOUSANDTH))
        .collect();
    Cost {
        parts,
        row: "contents".to_owned(),
        results: pages,
        summaries: 0,
        pages: pages * kinds.len(),
    }
}

pub(crate) fn answer() -> Cost {
    Cost {
        parts: vec![("search", "neural", 5 * THOUSANDTH)],
        row: "answer".to_owned(),
        results: 0,
        summaries: 0,
        pages: 0,
    }
}

impl Cost {
    /// The sum as a decimal text.
    pub(crate) fn total(&self) -> String {
        decimal(self.parts.iter().map(|(_, _, micro)| micro).sum())
    }

    /// The text of `costDollars`: numbers with exactly their decimals. A scripted total stands alone.
    pub(crate) fn dollars(&self, scripted: Option<&str>) -> String {
        if let Some(total) = scripted {
            return format!("{{\"total\":{total}}}");
        }
        let mut fields = vec![format!("\"total\":{}", self.total())];
        for group in ["search", "contents"] {
            let parts = self.parts.iter().filter(|(known, _, _)| *known == group);
            let parts = parts.map(|(_, name, micro)| format!("\"{name}\":{}", decimal(*micro)));
            let parts = parts.collect::<Vec<_>>().join(",");
            if !parts.is_empty() {
                fields.push(format!("\"{group}\":{{{parts}}}"));
            }
        }
        format!("{{{}}}", fields.join(","))
    }
}

/// Millionths of a dollar as a decimal number without zeros at the end.
fn decimal(micro: u64) -> String {
    let text = format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
    let short = text.trim_end_matches('0');
    short.strip_suffix('.').unwrap_or(short).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_cost_what_the_list_says() {
        for (kind, results, summaries, total) in [
            ("lite", 10, 0, "0.004"),
            ("auto", 10, 0, "0.007"),
            ("auto", 0, 0, "0.007"),
            ("auto", 2, 2, "0.009"),
            ("auto", 100, 0, "0.097"),
            ("deep", 11, 11, "0.024"),
            ("deep-reasoning", 1, 0, "0.015"),
        ] {
            assert_eq!(
                search(kind, results, summaries).total(),
                total,
                "{kind} {results} {summaries}"
            );
        }
        assert_eq!(answer().total(), "0.005");
        assert_eq!(contents(3, &["text", "summary"]).total(), "0.006");
    }

    #[test]
    fn the_breakdown_adds_up_and_keeps_its_decimals() {
        let dollars = search("auto", 2, 2).dollars(None);
        assert_eq!(
            dollars,
            r#"{"total":0.009,"search":{"neural":0.007},"contents":{"summary":0.002}}"#
        );
        assert_eq!(
            search("auto", 2, 2).dollars(Some("0.0000000012345")),
            r#"{"total":0.0000000012345}"#
        );
        assert_eq!(
            (decimal(0), decimal(1_000_000), decimal(1)),
            ("0".to_owned(), "1".to_owned(), "0.000001".to_owned())
        );
    }
}
