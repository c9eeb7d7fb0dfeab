//! Exact amounts: a fraction of integers, rounded half to even once, when it becomes [`Usd`].

use std::str::FromStr;

use keyway_words::Usd;
use keyway_words::money::InvalidUsd;

/// An amount in pico-USD before rounding: a numerator over a positive denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exact {
    numerator: i128,
    denominator: i128,
}

impl Exact {
    /// Nothing.
    pub const ZERO: Self = Self {
        numerator: 0,
        denominator: 1,
    };

    /// A whole amount.
    pub const fn whole(amount: Usd) -> Self {
        Self {
            numerator: amount.pico(),
            denominator: 1,
        }
    }

    /// So many units at a price each; `None` if it does not fit.
    pub fn of(count: u64, price: Usd) -> Option<Self> {
        Some(Self {
            numerator: price.pico().checked_mul(count.into())?,
            denominator: 1,
        })
    }

    /// So many tokens at a price per million; `None` if it does not fit.
    pub fn of_tokens(count: u64, price_per_million: Usd) -> Option<Self> {
        Some(Self {
            denominator: 1_000_000,
            ..Self::of(count, price_per_million)?
        })
    }

    /// The sum; `None` if it does not fit.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        if self.denominator == other.denominator {
            let numerator = self.numerator.checked_add(other.numerator)?;
            return Some(Self {
                numerator,
                denominator: self.denominator,
            });
        }
        let left = self.numerator.checked_mul(other.denominator)?;
        let right = other.numerator.checked_mul(self.denominator)?;
        let denominator = self.denominator.checked_mul(other.denominator)?;
        Some(Self {
            numerator: left.checked_add(right)?,
            denominator,
        })
    }

    /// The product; `None` if it does not fit.
    #[must_use]
    pub fn times(self, factor: Multiplier) -> Option<Self> {
        Some(Self {
            numerator: self.numerator.checked_mul(factor.numerator)?,
            denominator: self.denominator.checked_mul(factor.denominator)?,
        })
    }

    /// The amount, rounded half to even to whole pico-USD.
    pub fn round(self) -> Usd {
        let quotient = self.numerator.div_euclid(self.denominator);
        let twice_rest = self
            .numerator
            .rem_euclid(self.denominator)
            .saturating_mul(2);
        let up = match twice_rest.cmp(&self.denominator) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => quotient.rem_euclid(2) == 1,
            std::cmp::Ordering::Greater => true,
        };
        Usd::from_pico(quotient + i128::from(up))
    }
}

/// A factor on a price, zero or more: of a dimension, or the operator's on the list price.
/// Parses from decimal text with at most 12 digits after the point, such as `1.1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Multiplier {
    numerator: i128,
    denominator: i128,
}

impl Multiplier {
    /// Changes nothing.
    pub const ONE: Self = Self {
        numerator: 1,
        denominator: 1,
    };

    /// Whether it lies from 0.01 to 100: what a price list may multiply with.
    pub(crate) const fn is_plausible(self) -> bool {
        self.numerator * 100 >= self.denominator && self.numerator <= self.denominator * 100
    }
}

impl Default for Multiplier {
    fn default() -> Self {
        Self::ONE
    }
}

impl FromStr for Multiplier {
    type Err = InvalidUsd;

    fn from_str(text: &str) -> Result<Self, InvalidUsd> {
        let mut numerator = text.parse::<Usd>()?.pico();
        if numerator < 0 {
            return Err(InvalidUsd);
        }
        // In lowest powers of ten, so that a chain of factors stays far from the integers' end.
        let mut denominator = 1_000_000_000_000;
        while denominator > 1 && numerator % 10 == 0 {
            numerator /= 10;
            denominator /= 10;
        }
        Ok(Self {
            numerator,
            denominator,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_goes_to_the_even_neighbour_on_both_sides_of_zero() {
        for (numerator, denominator, pico) in [
            (1, 2, 0),
            (3, 2, 2),
            (5, 2, 2),
            (7, 2, 4),
            (-1, 2, 0),
            (-3, 2, -2),
            (49, 100, 0),
            (51, 100, 1),
            (-51, 100, -1),
        ] {
            assert_eq!(
                Exact {
                    numerator,
                    denominator
                }
                .round()
                .pico(),
                pico,
                "{numerator}"
            );
        }
    }

    #[test]
    fn a_factor_is_exact_and_never_negative() {
        let eleven_tenths: Multiplier = "1.100000000000".parse().unwrap();
        assert_eq!(
            eleven_tenths,
            Multiplier {
                numerator: 11,
                denominator: 10
            }
        );
        assert_eq!(
            "2".parse::<Multiplier>().unwrap(),
            Multiplier {
                numerator: 2,
                denominator: 1
            }
        );
        assert_eq!(
            "0".parse::<Multiplier>().unwrap(),
            Multiplier {
                numerator: 0,
                denominator: 1
            }
        );
        assert!("-1".parse::<Multiplier>().is_err());
        assert!("1e3".parse::<Multiplier>().is_err());
    }

    #[test]
    fn rounding_waits_until_all_factors_are_in() {
        // 1 token at 0.0000005 USD a million = 0.5 pico: alone it rounds to 0, three times 1.5 → 2.
        let one = Exact::of_tokens(1, "0.0000005".parse().unwrap()).unwrap();
        assert_eq!(one.round().pico(), 0);
        assert_eq!(one.times("3".parse().unwrap()).unwrap().round().pico(), 2);
        assert_eq!(one.plus(one).unwrap().plus(one).unwrap().round().pico(), 2);
    }

    #[test]
    fn what_does_not_fit_is_none_and_never_wraps() {
        let dear: Usd = "100000000000000000000".parse().unwrap();
        assert!(Exact::of(u64::MAX, dear).is_none());
    }
}
