//! Counts and amounts read from their text, never through a float.

use keyway_words::Usd;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::compact;
use crate::metered::MAX_RAW_USAGE_BYTES;

/// A count in a usage report. Absent and null are not known, which is never zero.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Count(Option<Box<RawValue>>);

/// Reads the counts of one report and remembers whether one of them made no sense.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    pub(crate) flagged: bool,
}

impl Counter {
    /// The count; `None` if it is absent, null or no whole number.
    pub(crate) fn read(&mut self, count: &Count) -> Option<u64> {
        let text = count.0.as_ref()?.get();
        let count = text
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| text.parse().ok());
        self.flagged |= count.flatten().is_none();
        count.flatten()
    }

    /// What is left of a total that includes these parts; `None` where they exceed it.
    pub(crate) fn rest(&mut self, total: Option<u64>, parts: &[Option<u64>]) -> Option<u64> {
        let parts = parts
            .iter()
            .flatten()
            .try_fold(0_u64, |sum, part| sum.checked_add(*part));
        let rest = total?.checked_sub(parts.unwrap_or(u64::MAX));
        self.flagged |= rest.is_none();
        rest
    }

    /// Flags the report where a part exceeds what it is part of.
    pub(crate) fn check_within(&mut self, part: Option<u64>, whole: Option<u64>) {
        self.flagged |= matches!((part, whole), (Some(part), Some(whole)) if part > whole);
    }
}

/// The object of a usage report; `None` if it is none or its shape is another.
pub(crate) fn read_object<'r, T: Deserialize<'r>>(report: &'r RawValue) -> Option<T> {
    // A list would be read as the fields in their order.
    report
        .get()
        .starts_with('{')
        .then(|| serde_json::from_str(report.get()).ok())?
}

/// The report as it is kept: without white space, or not at all where it is too long.
pub(crate) fn keep_raw(report: &RawValue) -> Option<String> {
    Some(compact(report)).filter(|text| text.len() <= MAX_RAW_USAGE_BYTES)
}

/// The amount from the text of a JSON number, exponents included and never through a float; `None`
/// if it is none, is negative, or is more than an attempt can cost. Below a pico-dollar halves go to the
/// even neighbour.
pub(crate) fn usd(number: &RawValue) -> Option<Usd> {
    let (digits, exponent) = match number.get().split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (number.get(), 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let all: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scale = 12_i32
        .checked_add(exponent)?
        .checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let pico = if all == 0 { 0 } else { shift(all, scale)? };
    let amount = Usd::from_pico(pico);
    (all >= 0 && amount <= Usd::MOST_PER_ATTEMPT).then_some(amount)
}

/// The number, zero or more, times ten to this power if that fits; halves go to the even neighbour.
///
/// A provider that adds costs as floats tells `0.30000000000000004`: what lies below a pico-dollar
/// is rounded, since an amount that is dropped would be charged to nobody.
fn shift(number: i128, power: i32) -> Option<i128> {
    let factor = 10_i128.checked_pow(power.unsigned_abs());
    if power >= 0 {
        return number.checked_mul(factor?);
    }
    // Beyond that power no number of 128 bits reaches half.
    let Some(factor) = factor else { return Some(0) };
    let (whole, rest) = (number / factor, number % factor);
    let half = factor / 2;
    let up = rest > half || (rest == half && whole % 2 != 0);
    Some(whole + i128::from(up))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_and_null_are_unknown_zero_is_zero_and_nonsense_is_flagged() {
        #[derive(Deserialize)]
        struct Report {
            #[serde(default)]
            count: Count,
        }
        for (json, count, flagged) in [
            ("{}", None, false),
            (r#"{"count":null}"#, None, false),
            (r#"{"count":0}"#, Some(0), false),
            (r#"{"count":18446744073709551615}"#, Some(u64::MAX), false),
            (r#"{"count":18446744073709551616}"#, None, true),
            (r#"{"count":1.5}"#, None, true),
            (r#"{"count":1e3}"#, None, true),
            (r#"{"count":-1}"#, None, true),
            (r#"{"count":"7"}"#, None, true),
        ] {
            let report: Report = serde_json::from_str(json).unwrap();
            let mut counter = Counter::default();
            assert_eq!(counter.read(&report.count), count, "{json}");
            assert_eq!(counter.flagged, flagged, "{json}");
        }
    }

    #[test]
    fn parts_that_exceed_their_total_leave_nothing_and_are_flagged() {
        let mut counter = Counter::default();
        assert_eq!(counter.rest(Some(10), &[Some(4), None, Some(6)]), Some(0));
        assert_eq!(counter.rest(None, &[Some(4)]), None);
        assert!(!counter.flagged);
        assert_eq!(counter.rest(Some(10), &[Some(4), Some(7)]), None);
        assert!(counter.flagged);
        let mut counter = Counter::default();
        assert_eq!(counter.rest(Some(10), &[Some(u64::MAX), Some(1)]), None);
        assert!(counter.flagged);
    }

    #[test]
    fn an_amount_is_exact_in_every_spelling() {
        for (text, pico) in [
            ("0.007", Some(7_000_000_000)),
            ("7e-3", Some(7_000_000_000)),
            ("0.70E-2", Some(7_000_000_000)),
            ("1e2", Some(100_000_000_000_000)),
            ("0", Some(0)),
            ("0e99", Some(0)),
            ("0.0000000000010", Some(1)),
            ("0.0000000000001", Some(0)),
            ("0.0000000000005", Some(0)),
            ("0.0000000000015", Some(2)),
            ("0.30000000000000004", Some(300_000_000_000)),
            ("1e-400", Some(0)),
            ("-0.0", Some(0)),
            ("-0.1", None),
            ("-1e-400", None),
            ("1e18", Some(1_000_000_000_000_000_000_000_000_000_000)),
            ("1000000000000000000.000000000001", None),
            ("1e26", None),
            ("1e99", None),
            ("\"0.007\"", None),
            ("null", None),
        ] {
            let raw: Box<RawValue> = serde_json::from_str(text).unwrap();
            assert_eq!(usd(&raw).map(Usd::pico), pico, "{text}");
        }
    }
}
