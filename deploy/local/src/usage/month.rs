//! A calendar month (UTC).

use std::fmt;
use std::str::FromStr;

use keyway_words::Timestamp;

/// A month, by its first moment and that of the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Month {
    start: Timestamp,
    end: Timestamp,
}

impl Month {
    pub(super) const fn start(self) -> Timestamp {
        self.start
    }

    pub(super) const fn end(self) -> Timestamp {
        self.end
    }

    /// Whether nothing can be settled in it any more. What waits to be written at its end has had an
    /// hour for it.
    pub(super) fn is_over(self, now: Timestamp) -> bool {
        now >= self.end.plus_seconds(3_600)
    }
}

/// A text that is no month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a month is written as 2026-11, from 1970-01 to 9999-12")]
pub(super) struct NoMonth;

impl FromStr for Month {
    type Err = NoMonth;

    fn from_str(text: &str) -> Result<Self, NoMonth> {
        let is_form = text.len() == 7
            && text.bytes().enumerate().all(|(at, byte)| {
                if at == 4 {
                    byte == b'-'
                } else {
                    byte.is_ascii_digit()
                }
            });
        let (year, month) = text.split_once('-').filter(|_| is_form).ok_or(NoMonth)?;
        let year: i64 = year.parse().map_err(|_digits| NoMonth)?;
        let month: i64 = month.parse().map_err(|_digits| NoMonth)?;
        if !(1..=12).contains(&month) || year < 1970 {
            return Err(NoMonth);
        }
        let next = if month == 12 {
            (year + 1, 1)
        } else {
            (year, month + 1)
        };
        Ok(Self {
            start: first_of(year, month),
            end: first_of(next.0, next.1),
        })
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.start.month())
    }
}

/// The first moment of a month, by the days from 1970 of the proleptic Gregorian calendar.
fn first_of(year: i64, month: i64) -> Timestamp {
    let (year, month) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = 365 * year + leap_days + (153 * month + 2) / 5 - 719_468;
    Timestamp(days * 86_400_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_month_ends_where_the_next_begins_and_is_called_as_it_was_written() {
        let mut end = None;
        for year in 1970..2110 {
            for month in 1..=12 {
                let text = format!("{year}-{month:02}");
                let read: Month = text.parse().unwrap();
                assert_eq!(read.to_string(), text);
                assert_eq!(Timestamp(read.end().0 - 1).month(), text);
                assert!(end.is_none_or(|end| end == read.start()));
                end = Some(read.end());
            }
        }
        for text in [
            "2026-13", "2026-00", "2026-1", "26-11", "2026/11", "+026-11", "1969-12", "",
        ] {
            assert_eq!(text.parse::<Month>(), Err(NoMonth), "{text}");
        }
    }

    #[test]
    fn a_month_is_over_an_hour_after_its_last_moment() {
        let month: Month = "2026-11".parse().unwrap();
        assert!(!month.is_over(month.end()));
        assert!(month.is_over(month.end().plus_seconds(3_600)));
    }
}
