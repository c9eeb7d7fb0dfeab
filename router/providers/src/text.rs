//! Small texts that are valid by construction: names of tools, decimal numbers.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A text that has not the form it must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be {form}")]
pub struct InvalidText {
    /// The form it must have.
    pub form: &'static str,
}

/// Name of a tool or of a schema: `[A-Za-z0-9_-]{1,64}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Box<str>);

impl Name {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidText {
                form: "[A-Za-z0-9_-]{1,64}",
            })
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// A decimal number that is not negative, such as `0.2`; its spelling reaches the wire.
#[derive(Debug, Clone)]
pub struct Decimal(Box<RawValue>);

impl Decimal {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Whether it is at most this whole number.
    pub fn at_most(&self, bound: u64) -> bool {
        let (whole, fraction) = self.as_str().split_once('.').unwrap_or((self.as_str(), ""));
        match whole.parse::<u64>() {
            Ok(whole) if whole == bound => fraction.bytes().all(|digit| digit == b'0'),
            Ok(whole) => whole < bound,
            Err(_too_large) => false,
        }
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Decimal {}

impl FromStr for Decimal {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        const INVALID: InvalidText = InvalidText {
            form: "a decimal number such as 0.2",
        };
        let is_decimal = text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        if !is_decimal || text.len() > 24 {
            return Err(INVALID);
        }
        // The parser refuses what is left over: several points, none before or after a digit,
        // leading zeros, nothing at all.
        serde_json::from_str(text)
            .map(Self)
            .map_err(|_not_a_number| INVALID)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_keeps_its_spelling_and_knows_its_bound() {
        let decimal = |text: &str| text.parse::<Decimal>().unwrap();
        assert_eq!(serde_json::to_string(&decimal("0.20")).unwrap(), "0.20");
        for (text, bound, within) in [
            ("0", 0, true),
            ("2.000", 2, true),
            ("2.001", 2, false),
            ("1.9", 2, true),
            ("99999999999999999999", 2, false),
        ] {
            assert_eq!(decimal(text).at_most(bound), within, "{text}");
        }
        for bad in [
            "", ".", "1.", ".5", "-1", "1e3", "01", "1.2.3", "NaN", " 1", "1,5",
        ] {
            assert!(bad.parse::<Decimal>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_has_1_to_64_letters_digits_underscores_or_hyphens() {
        assert_eq!(
            "get_weather-2".parse::<Name>().unwrap().as_str(),
            "get_weather-2"
        );
        for bad in ["", "a b", "ä", "a.b", &"a".repeat(65)] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }
}
