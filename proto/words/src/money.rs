//! Money: whole pico-dollars (10⁻¹² USD), checked, never a float.

use std::fmt;
use std::str::FromStr;

const PICO_PER_USD: u128 = 1_000_000_000_000;

/// An amount in pico-USD. Prints and parses as `-?[0-9]+\.[0-9]{12}`; parsing also takes fewer
/// fraction digits, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Usd(i128);

/// A text that is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an amount in USD must be decimal digits with at most 12 after the point")]
pub struct InvalidUsd;

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// More than one attempt can cost: 10¹⁸ USD, which no count of 64 bits comes to at any price of a
    /// table. A larger figure is nonsense, and a few of them would leave no sum that fits.
    pub const MOST_PER_ATTEMPT: Self = Self(1_000_000 * 1_000_000_000_000 * 1_000_000_000_000);

    /// From pico-USD.
    pub const fn from_pico(pico: i128) -> Self {
        Self(pico)
    }

    /// In pico-USD.
    pub const fn pico(self) -> i128 {
        self.0
    }

    /// The sum, or `None` if it does not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` if it does not fit.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// Whole dollars (rounded down) and the pico remainder, `0..10¹²`: the two columns of a sum.
    pub fn parts(self) -> Option<(i64, i64)> {
        let pico_per_usd = PICO_PER_USD.cast_signed();
        let dollars = i64::try_from(self.0.div_euclid(pico_per_usd)).ok()?;
        let pico = i64::try_from(self.0.rem_euclid(pico_per_usd)).ok()?;
        Some((dollars, pico))
    }

    /// The amount of two columns made by [`Usd::parts`].
    pub fn from_parts(dollars: i64, pico: i64) -> Self {
        Self(i128::from(dollars) * PICO_PER_USD.cast_signed() + i128::from(pico))
    }
}

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let pico = self.0.unsigned_abs();
        write!(
            f,
            "{sign}{}.{:012}",
            pico / PICO_PER_USD,
            pico % PICO_PER_USD
        )
    }
}

impl FromStr for Usd {
    type Err = InvalidUsd;

    fn from_str(text: &str) -> Result<Self, InvalidUsd> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !is_digits(whole) || !is_digits(fraction) || fraction.len() > 12 {
            return Err(InvalidUsd);
        }
        let pico: i128 = format!("{whole}{fraction:0<12}")
            .parse()
            .map_err(|_too_large| InvalidUsd)?;
        Ok(Self(if negative { -pico } else { pico }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_print_with_twelve_digits_and_read_back() {
        for (text, pico) in [
            ("0.000000000000", 0),
            ("0.000000000001", 1),
            ("-0.000000000001", -1),
            ("12.500000000000", 12_500_000_000_000),
        ] {
            assert_eq!(Usd::from_pico(pico).to_string(), text);
            assert_eq!(text.parse::<Usd>().unwrap().pico(), pico);
        }
        assert_eq!("0.004".parse::<Usd>().unwrap().pico(), 4_000_000_000);
        assert_eq!("7".parse::<Usd>().unwrap().to_string(), "7.000000000000");
        for bad in [
            "",
            "-",
            ".",
            "1.",
            ".5",
            "1e3",
            "+1",
            "1.0000000000001",
            "1 ",
            "0x1",
        ] {
            assert!(bad.parse::<Usd>().is_err(), "{bad}");
        }
    }

    #[test]
    fn two_columns_hold_every_sign() {
        for pico in [
            0,
            1,
            -1,
            999_999_999_999,
            1_000_000_000_000,
            -1_000_000_000_001,
        ] {
            let (dollars, rest) = Usd::from_pico(pico).parts().unwrap();
            assert!((0..1_000_000_000_000).contains(&rest));
            assert_eq!(Usd::from_parts(dollars, rest).pico(), pico);
        }
    }
}
