//! How long a provider asks to wait: milliseconds, seconds or a date, bounded.

use std::time::Duration;

use http::{HeaderMap, header};
use keyway_words::Timestamp;

/// Longest wait that is believed. A day-long value would bench a key for nothing.
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);

/// The wait of `retry-after-ms`, else of `retry-after`; `None` if neither can be read.
pub(crate) fn parse(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let milliseconds = text(headers, "retry-after-ms").and_then(|text| decimal(text, 1_000));
    let wait = milliseconds.or_else(|| {
        let text = text(headers, header::RETRY_AFTER.as_str())?;
        decimal(text, 1_000_000).or_else(|| until(text, headers, now))
    });
    wait.map(|wait| wait.min(MAX_RETRY_AFTER))
}

/// The wait of a duration such as `34.07s`, in whole milliseconds and never less than asked.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let wait = decimal(text.strip_suffix('s')?, 1_000_000)?;
    let milliseconds = wait.as_micros().div_ceil(1_000);
    let milliseconds = u64::try_from(milliseconds).unwrap_or(u64::MAX);
    Some(Duration::from_millis(milliseconds).min(MAX_RETRY_AFTER))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// A decimal number of a unit of so many microseconds; what is below one of them is cut off.
fn decimal(text: &str, unit_micros: u64) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    // Too many digits to parse is longer than any bound.
    let whole = whole
        .parse::<u64>()
        .unwrap_or(u64::MAX)
        .saturating_mul(unit_micros);
    let millionths = fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
    let millionths = millionths.fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    Some(Duration::from_micros(
        whole.saturating_add(millionths * unit_micros / 1_000_000),
    ))
}

/// From the provider's own `date`, else from `now`, until the date; a date gone by is no wait.
fn until(date: &str, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let until = http_date(date)?;
    let from = text(headers, header::DATE.as_str())
        .and_then(http_date)
        .unwrap_or_else(|| now.seconds_and_nanos().0);
    let seconds = until.saturating_sub(from).max(0);
    Some(Duration::from_secs(seconds.unsigned_abs()))
}

/// Seconds since the epoch of `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that is sent today.
fn http_date(text: &str) -> Option<i64> {
    let (_weekday, rest) = text.split_once(", ")?;
    let mut fields = rest.split(' ');
    let day = number(fields.next()?, 1, 31)?;
    let name = fields.next()?;
    let month = (1..)
        .zip(MONTHS)
        .find_map(|(number, month)| (month == name).then_some(number))?;
    let year = number(fields.next()?, 1970, 9999)?;
    let mut time = fields.next()?.split(':');
    let hour = number(time.next()?, 0, 23)?;
    let minute = number(time.next()?, 0, 59)?;
    let second = number(time.next()?, 0, 60)?;
    if time.next().is_some() || fields.next() != Some("GMT") || fields.next().is_some() {
        return None;
    }
    Some(days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

fn number(text: &str, least: i64, most: i64) -> Option<i64> {
    let number = text
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())??;
    (least..=most).contains(&number).then_some(number)
}

/// Days since the epoch. Howard Hinnant's `days_from_civil`, for years after 1970.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const NOW: Timestamp = Timestamp(1_795_478_400_000_000); // 2026-11-24T00:00:00Z

    fn wait(headers: &[(&'static str, &'static str)]) -> Option<u128> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect();
        parse(&headers, NOW).map(|wait| wait.as_millis())
    }

    #[test]
    fn milliseconds_win_over_seconds_and_decimals_are_read() {
        assert_eq!(
            wait(&[("retry-after", "1"), ("retry-after-ms", "120")]),
            Some(120)
        );
        assert_eq!(
            wait(&[("retry-after-ms", "x"), ("retry-after", "7")]),
            Some(7_000)
        );
        assert_eq!(wait(&[("retry-after", "0.25")]), Some(250));
        assert_eq!(wait(&[("retry-after", "0")]), Some(0));
        for none in ["", "-1", "1s", "soon", ".5", "1e3"] {
            assert_eq!(wait(&[("retry-after", none)]), None, "{none}");
        }
    }

    #[test]
    fn a_date_counts_from_the_providers_own_clock() {
        let date = "Tue, 24 Nov 2026 00:00:30 GMT";
        assert_eq!(wait(&[("retry-after", date)]), Some(30_000));
        let skewed = ("date", "Tue, 24 Nov 2026 00:00:25 GMT");
        assert_eq!(wait(&[("retry-after", date), skewed]), Some(5_000));
        assert_eq!(
            wait(&[("retry-after", "Mon, 23 Nov 2026 23:59:00 GMT")]),
            Some(0)
        );
        for none in [
            "Tue, 24 Nov 2026",
            "Tue, 24 Nov 2026 00:00:30 CET",
            "Tue, 24 Foo 2026 0:0:0 GMT",
        ] {
            assert_eq!(wait(&[("retry-after", none)]), None, "{none}");
        }
        assert_eq!(
            http_date("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(784_111_777)
        );
        assert_eq!(
            http_date("Thu, 29 Feb 2024 00:00:00 GMT"),
            Some(1_709_164_800)
        );
    }

    #[test]
    fn a_wait_is_at_most_an_hour() {
        for long in [
            "86400",
            "99999999999999999999999999",
            "Fri, 31 Dec 9999 23:59:59 GMT",
        ] {
            assert_eq!(wait(&[("retry-after", long)]), Some(3_600_000));
        }
    }
}
