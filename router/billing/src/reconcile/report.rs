//! A provider's report, imported: lines of comma-separated values, one per day and key.

use std::collections::BTreeMap;

use keyway_words::Usd;

use super::DayAndKey;

/// Requests, where the provider tells, and what it billed.
type Reported = (Option<u64>, Usd);

/// A whole report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report(BTreeMap<DayAndKey, Reported>);

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the report: {wrong}")]
pub struct ReportError {
    line: usize,
    wrong: &'static str,
}

impl Report {
    /// Reads a report whose first line is `day,key,requests,amount_usd`; `requests` may be empty.
    pub fn parse(text: &str) -> Result<Self, ReportError> {
        let mut rows = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            let at = |wrong| ReportError {
                line: index + 1,
                wrong,
            };
            if index == 0 {
                if line.trim_start_matches('\u{feff}') != HEAD {
                    return Err(at("must be day,key,requests,amount_usd"));
                }
                continue;
            }
            if line.is_empty() {
                continue;
            }
            let (place, reported) = row(line).map_err(at)?;
            if rows.insert(place, reported).is_some() {
                return Err(at("its day and key were there before"));
            }
        }
        if text.trim().is_empty() {
            return Err(ReportError {
                line: 1,
                wrong: "must be day,key,requests,amount_usd",
            });
        }
        Ok(Self(rows))
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = (DayAndKey, Reported)> + '_ {
        self.0.iter().map(|(place, row)| (place.clone(), *row))
    }
}

fn row(line: &str) -> Result<(DayAndKey, Reported), &'static str> {
    let cells: Vec<&str> = line.split(',').map(str::trim).collect();
    let [day, key, requests, amount] = cells.as_slice() else {
        return Err("must have four values");
    };
    if !is_day(day) {
        return Err("its day must be as 2026-11-25");
    }
    if key.is_empty() {
        return Err("its key must be the full name of a key");
    }
    let requests = match *requests {
        "" => None,
        count => Some(
            count
                .parse()
                .map_err(|_form| "its requests must be a whole number or empty")?,
        ),
    };
    let amount = amount
        .parse()
        .map_err(|_form| "its amount must be USD with at most 12 digits after the point")?;
    let place = DayAndKey {
        day: (*day).to_owned(),
        key: (*key).to_owned(),
    };
    Ok((place, (requests, amount)))
}

fn is_day(text: &str) -> bool {
    let midnight = format!("{text}T00:00:00Z");
    text.len() == 10 && midnight.parse::<prost_types::Timestamp>().is_ok()
}

const HEAD: &str = "day,key,requests,amount_usd";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_exactly_and_a_wrong_line_is_named() {
        let good = "day,key,requests,amount_usd\n\
                    2026-11-25,platform/keys/openai/default,12,0.000000000001\n\n\
                    2026-11-26,platform/keys/openai/default,,3.5\n";
        let report = Report::parse(good).unwrap();
        let rows: Vec<_> = report.rows().map(|(_, row)| row).collect();
        assert_eq!(rows[0], (Some(12), Usd::from_pico(1)));
        assert_eq!(rows[1], (None, Usd::from_pico(3_500_000_000_000)));
        for (line, named) in [
            ("2026-11-25,k,1", "four"),
            ("2026-13-25,k,1,1", "day"),
            ("25.11.2026,k,1,1", "day"),
            ("2026-11-25,,1,1", "key"),
            ("2026-11-25,k,1.5,1", "requests"),
            ("2026-11-25,k,1,1e3", "amount"),
            ("2026-11-25,k,1,1\n2026-11-25,k,2,2", "before"),
        ] {
            let said = Report::parse(&format!("{HEAD}\n{line}")).unwrap_err();
            assert!(said.to_string().contains(named), "{said}");
        }
        assert!(Report::parse("").is_err());
        assert!(Report::parse("a,b,c,d\n").is_err());
    }
}
