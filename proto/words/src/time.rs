//! Wall-clock time as plain data. Reading the clock is chassis's business.

/// Microseconds since 1970-01-01T00:00:00Z. The databases store it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// This time plus so many seconds; stays at the end of time instead of overflowing.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Whole seconds since the epoch and the nanoseconds within the second.
    pub const fn seconds_and_nanos(self) -> (i64, i32) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "below 1_000_000 by the remainder"
        )]
        let micros = self.0.rem_euclid(1_000_000) as i32;
        (self.0.div_euclid(1_000_000), micros * 1_000)
    }

    /// The calendar month (UTC) it falls in, as `2026-11`.
    pub fn month(self) -> String {
        let (year, month, _day) = self.date();
        format!("{year:04}-{month:02}")
    }

    /// The day (UTC) it falls on, as `2026-11-24`.
    pub fn day(self) -> String {
        let (year, month, day) = self.date();
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// RFC 3339 in UTC with microseconds, `2026-11-24T00:00:00.000000Z`.
    pub fn rfc3339(self) -> String {
        let of_day = self.0.rem_euclid(86_400_000_000);
        let (seconds, micros) = (of_day / 1_000_000, of_day % 1_000_000);
        format!(
            "{}T{:02}:{:02}:{:02}.{micros:06}Z",
            self.day(),
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60,
        )
    }

    /// Year, month and day (UTC). Howard Hinnant's `civil_from_days`, over 400-year eras.
    fn date(self) -> (i64, i64, i64) {
        let days = self.0.div_euclid(86_400_000_000) + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        (year_of_era + era * 400 + i64::from(month <= 2), month, day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_and_days_are_those_of_the_calendar() {
        for (seconds, day) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_795_478_399, "2026-11-23"),
            (1_795_478_400, "2026-11-24"),
            (-1, "1969-12-31"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(Timestamp(seconds * 1_000_000).day(), day);
        }
        assert_eq!(
            Timestamp(1_795_478_400_000_001).rfc3339(),
            "2026-11-24T00:00:00.000001Z"
        );
        assert_eq!(Timestamp(1_795_478_400_000_001).month(), "2026-11");
    }
}
