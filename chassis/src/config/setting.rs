//! One setting: its path, what it accepts, its default and its documentation.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::{SecretText, Value};

/// A setting. Its documentation is `help`; nothing undeclared is accepted.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Dotted path, lower case. A segment `*` stands for a name that the operator chooses
    /// (`[a-z0-9_-]{1,63}`).
    pub path: &'static str,
    /// What it accepts.
    pub kind: Kind,
    /// What it is when nobody sets it.
    pub default: Default,
    /// What it does, one sentence or two.
    pub help: &'static str,
}

/// What a setting is when nobody sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Default {
    /// This value, in the spelling of the environment.
    Is(&'static str),
    /// Absent: read it as an `Option`.
    Absent,
    /// It must be set.
    Required,
}

/// What a setting accepts.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// `250ms`, `60s`, `15m`, `72h`, `400d`, within bounds.
    Duration {
        /// Least.
        min: Duration,
        /// Most.
        max: Duration,
    },
    /// `4096B`, `64KiB`, `32MiB`, `1GiB`, within bounds.
    Bytes {
        /// Least.
        min: u64,
        /// Most.
        max: u64,
    },
    /// A whole number within bounds.
    Integer {
        /// Least.
        min: u64,
        /// Most.
        max: u64,
    },
    /// `true` or `false`.
    Bool,
    /// A text of 1 to `max` bytes without control characters.
    Text {
        /// Most bytes.
        max: usize,
    },
    /// A text that `check` accepts; `accepted` says which.
    Checked {
        /// For people.
        accepted: &'static str,
        /// Whether it is accepted.
        check: fn(&str) -> bool,
    },
    /// A secret, taken from the environment alone: a configuration file is read by too many, and a
    /// flag by everybody on the machine. `accepted` says of which form it is.
    Secret {
        /// For people.
        accepted: &'static str,
    },
    /// A path of the file system.
    Path,
    /// An IP address with a port.
    Address,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Any number of such texts: an array in the file, separated by commas elsewhere.
    List {
        /// For people.
        accepted: &'static str,
        /// Whether one item is accepted.
        check: fn(&str) -> bool,
    },
}

/// Why a text is not a value of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reject {
    /// It is not of the type.
    Type,
    /// It is, but not accepted.
    Range,
}

impl Kind {
    /// What is accepted, for error lines and the reference.
    pub fn accepted(&self) -> Cow<'static, str> {
        match *self {
            Self::Duration { min, max } => {
                let (least, most) = (show_duration(min), show_duration(max));
                format!("a duration from {least} to {most} (units ms, s, m, h, d)").into()
            }
            Self::Bytes { min, max } => {
                let (least, most) = (show_bytes(min), show_bytes(max));
                format!("a size from {least} to {most} (units B, KiB, MiB, GiB)").into()
            }
            Self::Integer { min, max } => format!("a whole number from {min} to {max}").into(),
            Self::Bool => "true or false".into(),
            Self::Text { max } => {
                format!("a text of 1 to {max} bytes without control characters").into()
            }
            Self::Checked { accepted, .. } => accepted.into(),
            Self::Secret { accepted } => format!("only in the environment: {accepted}").into(),
            Self::Path => "a path of the file system".into(),
            Self::Address => "an IP address with a port, such as 127.0.0.1:7103".into(),
            Self::Choice(words) => format!("one of {}", words.join(", ")).into(),
            Self::List { accepted, .. } => {
                format!("a list (commas outside the file) of: {accepted}").into()
            }
        }
    }

    /// Reads a value as the environment, flags and defaults spell it.
    pub(super) fn parse(&self, text: &str) -> Result<Value, Reject> {
        match *self {
            Self::Duration { min, max } => {
                let value = duration(text).ok_or(Reject::Type)?;
                within(value, min, max).map(Value::Duration)
            }
            Self::Bytes { min, max } => {
                within(bytes(text).ok_or(Reject::Type)?, min, max).map(Value::Integer)
            }
            Self::Integer { min, max } => {
                within(integer(text).ok_or(Reject::Type)?, min, max).map(Value::Integer)
            }
            Self::Bool => text.parse().map(Value::Bool).map_err(|_form| Reject::Type),
            Self::Text { max } => {
                let fits = (1..=max).contains(&text.len()) && !text.contains(char::is_control);
                accept(fits, Value::Text(text.to_owned()))
            }
            Self::Secret { .. } => accept(!text.is_empty(), Value::Secret(SecretText::new(text))),
            Self::Checked { check, .. } => accept(check(text), Value::Text(text.to_owned())),
            Self::Path => {
                let fits = !text.is_empty() && !text.contains('\0');
                accept(fits, Value::Path(PathBuf::from(text)))
            }
            Self::Address => text
                .parse::<SocketAddr>()
                .map(Value::Address)
                .map_err(|_form| Reject::Type),
            Self::Choice(words) => accept(words.contains(&text), Value::Text(text.to_owned())),
            Self::List { .. } if text.is_empty() => Ok(Value::List(Vec::new())),
            Self::List { check, .. } => {
                let items: Vec<String> = text.split(',').map(|item| item.trim().into()).collect();
                accept(items.iter().all(|item| check(item)), Value::List(items))
            }
        }
    }
}

fn accept(fits: bool, value: Value) -> Result<Value, Reject> {
    if fits { Ok(value) } else { Err(Reject::Range) }
}

fn within<N: Copy + PartialOrd>(value: N, min: N, max: N) -> Result<N, Reject> {
    if value < min || value > max {
        Err(Reject::Range)
    } else {
        Ok(value)
    }
}

/// Digits only; a number too large for the type is out of range, not of another type.
fn integer(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let cut = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(cut)?;
    let factor = units.iter().find(|(name, _)| *name == unit)?.1;
    Some(integer(number)?.saturating_mul(factor))
}

fn bytes(text: &str) -> Option<u64> {
    with_unit(text, &BYTES)
}

fn duration(text: &str) -> Option<Duration> {
    with_unit(text, &MILLISECONDS).map(Duration::from_millis)
}

const BYTES: [(&str, u64); 4] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("B", 1),
];
const MILLISECONDS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

fn show(value: u64, units: &[(&str, u64)]) -> String {
    let fits = |factor: u64| value >= factor && value.checked_rem(factor) == Some(0);
    let largest = units.iter().find(|(_, factor)| fits(*factor));
    let smallest = units.last().map_or("", |(name, _)| name);
    largest.map_or_else(
        || format!("{value}{smallest}"),
        |(name, factor)| format!("{}{name}", value.checked_div(*factor).unwrap_or(value)),
    )
}

fn show_bytes(value: u64) -> String {
    show(value, &BYTES)
}

fn show_duration(value: Duration) -> String {
    show(
        u64::try_from(value.as_millis()).unwrap_or(u64::MAX),
        &MILLISECONDS,
    )
}
