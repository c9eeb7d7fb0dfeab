//! Values by path, with where each came from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use keyway_words::Secret;

use super::setting::Reject;
use super::{ConfigError, Default, Origin, Problem, Setting};

/// A value, valid for its setting.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// A duration.
    Duration(Duration),
    /// A whole number; sizes in bytes too.
    Integer(u64),
    /// A switch.
    Bool(bool),
    /// A text or a chosen word.
    Text(String),
    /// A secret.
    Secret(SecretText),
    /// A path.
    Path(PathBuf),
    /// An address.
    Address(SocketAddr),
    /// A list of texts.
    List(Vec<String>),
}

/// A secret from the environment. Clones are the same secret, which is wiped with the last of them.
#[derive(Debug, Clone)]
pub struct SecretText(Arc<Secret>);

impl SecretText {
    /// Copies the text.
    pub fn new(text: &str) -> Self {
        Self(Arc::new(Secret::new(text.to_owned())))
    }

    /// The secret itself.
    pub fn secret(&self) -> &Secret {
        &self.0
    }
}

/// Two are equal if they are clones of each other: the texts are never compared.
impl PartialEq for SecretText {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for SecretText {}

/// Everything that was set, with defaults for the rest. Prints paths and sources, not values.
#[derive(Clone)]
pub struct Values {
    settings: Vec<Setting>,
    entries: BTreeMap<String, (Value, Origin)>,
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources = self
            .entries
            .iter()
            .map(|(path, (_, origin))| (path, origin));
        f.debug_map().entries(sources).finish()
    }
}

impl Values {
    pub(super) fn defaults(settings: Vec<Setting>) -> Result<Self, ConfigError> {
        let mut values = Self {
            settings,
            entries: BTreeMap::new(),
        };
        for setting in values.settings.clone() {
            if let Default::Is(text) = setting.default {
                values.put(setting.path, text, Origin::Default)?;
            }
        }
        Ok(values)
    }

    /// Puts a text as the environment and flags spell it; an empty one means that nobody set it
    /// where the setting may be absent.
    pub(super) fn put(
        &mut self,
        path: &str,
        text: &str,
        origin: Origin,
    ) -> Result<(), ConfigError> {
        let setting = self.declared(path, &origin)?;
        if text.is_empty() && setting.default == Default::Absent {
            self.entries.remove(path);
            return Ok(());
        }
        if matches!(setting.kind, super::Kind::Secret { .. }) && origin == Origin::Flag {
            return Err(rejected(path, &origin, &setting, Reject::Range));
        }
        let value = setting
            .kind
            .parse(text)
            .map_err(|why| rejected(path, &origin, &setting, why))?;
        self.entries.insert(path.to_owned(), (value, origin));
        Ok(())
    }

    pub(super) fn put_list(
        &mut self,
        path: &str,
        items: Vec<String>,
        origin: Origin,
    ) -> Result<(), ConfigError> {
        let setting = self.declared(path, &origin)?;
        let super::Kind::List { check, .. } = setting.kind else {
            return Err(rejected(path, &origin, &setting, Reject::Type));
        };
        if !items.iter().all(|item| check(item)) {
            return Err(rejected(path, &origin, &setting, Reject::Range));
        }
        self.entries
            .insert(path.to_owned(), (Value::List(items), origin));
        Ok(())
    }

    /// The setting with this path, or the error that names the nearest ones.
    pub(super) fn declared(&self, path: &str, origin: &Origin) -> Result<Setting, ConfigError> {
        let found = self
            .settings
            .iter()
            .find(|setting| matches(setting.path, path));
        found.copied().ok_or_else(|| ConfigError {
            path: path.to_owned(),
            origin: origin.clone(),
            problem: Problem::Unknown,
            accepted: nearest(&self.settings, path),
        })
    }

    pub(super) fn require_all(&self) -> Result<(), ConfigError> {
        let missing = self.settings.iter().find(|setting| {
            setting.default == Default::Required && !self.entries.contains_key(setting.path)
        });
        missing.map_or(Ok(()), |setting| {
            Err(ConfigError {
                path: setting.path.to_owned(),
                origin: Origin::Default,
                problem: Problem::Missing,
                accepted: setting.kind.accepted().into_owned(),
            })
        })
    }

    /// The value of a setting. `Option<_>` where the default is [`Default::Absent`].
    pub fn get<T: FromValue>(&self, path: &str) -> Result<T, ConfigError> {
        let entry = self.entries.get(path).map(|(value, _)| value);
        let declared = self
            .settings
            .iter()
            .any(|setting| matches(setting.path, path));
        declared
            .then(|| T::from_value(entry))
            .flatten()
            .ok_or_else(|| ConfigError {
                path: path.to_owned(),
                origin: self.origin(path),
                problem: Problem::Undeclared,
                accepted: "a program whose settings match its code".to_owned(),
            })
    }

    /// The names that the operator chose for a `*` right after `prefix`, sorted.
    pub fn names(&self, prefix: &str) -> Vec<String> {
        let first = |path: &String| {
            let rest = path.strip_prefix(prefix)?.strip_prefix('.')?;
            rest.split('.').next().map(str::to_owned)
        };
        self.entries
            .keys()
            .filter_map(first)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// Where the value of a setting came from.
    pub fn origin(&self, path: &str) -> Origin {
        self.entries
            .get(path)
            .map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// The error for a choice of which nothing was set; `accepted` says what would do.
    pub fn missing(&self, path: &str, accepted: impl Into<String>) -> ConfigError {
        ConfigError {
            path: path.to_owned(),
            origin: Origin::Default,
            problem: Problem::Missing,
            accepted: accepted.into(),
        }
    }

    /// The error for a value that is fine alone but not with the others; `accepted` says what
    /// would be.
    pub fn refuse(&self, path: &str, accepted: impl Into<String>) -> ConfigError {
        ConfigError {
            path: path.to_owned(),
            origin: self.origin(path),
            problem: Problem::Conflict,
            accepted: accepted.into(),
        }
    }
}

pub(super) fn rejected(path: &str, origin: &Origin, setting: &Setting, why: Reject) -> ConfigError {
    ConfigError {
        path: path.to_owned(),
        origin: origin.clone(),
        problem: match why {
            Reject::Type => Problem::WrongType,
            Reject::Range => Problem::NotAccepted,
        },
        accepted: setting.kind.accepted().into_owned(),
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    let mut segments = path.split('.');
    let same = pattern.split('.').all(|wanted| {
        segments
            .next()
            .is_some_and(|given| wanted == given || (wanted == "*" && is_name(given)))
    });
    same && segments.next().is_none()
}

fn is_name(segment: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    (1..=63).contains(&segment.len()) && segment.bytes().all(fits)
}

/// The known paths that look most like the given one.
fn nearest(settings: &[Setting], path: &str) -> String {
    let mut known: Vec<_> = settings
        .iter()
        .map(|setting| (distance(setting.path, path), setting.path))
        .collect();
    known.sort_unstable();
    let names: Vec<_> = known.into_iter().take(3).map(|(_, name)| name).collect();
    format!("a known setting; nearest: {}", names.join(", "))
}

/// Edits that lead from one text to the other (Levenshtein), over at most 128 characters each.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(128).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, left) in one.chars().take(128).enumerate() {
        let mut diagonal = above;
        let mut before = above.saturating_add(1);
        for (cell, right) in row.iter_mut().skip(1).zip(&other) {
            let replaced = diagonal.saturating_add(usize::from(left != *right));
            diagonal = *cell;
            *cell = replaced
                .min(diagonal.saturating_add(1))
                .min(before.saturating_add(1));
            before = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = above.saturating_add(1);
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

/// A type that a setting's value can be read as.
pub trait FromValue: Sized {
    /// The value, if it is of this type.
    fn from_value(value: Option<&Value>) -> Option<Self>;
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Option<&Value>) -> Option<Self> {
        match value {
            None => Some(None),
            Some(_) => T::from_value(value).map(Some),
        }
    }
}

macro_rules! from_value {
    ($($type:ty: $variant:ident($value:ident) => $read:expr;)+) => {$(
        impl FromValue for $type {
            fn from_value(value: Option<&Value>) -> Option<Self> {
                match value {
                    Some(Value::$variant($value)) => $read,
                    _ => None,
                }
            }
        }
    )+};
}

from_value! {
    Duration: Duration(value) => Some(*value);
    u64: Integer(value) => Some(*value);
    u32: Integer(value) => Self::try_from(*value).ok();
    u16: Integer(value) => Self::try_from(*value).ok();
    usize: Integer(value) => Self::try_from(*value).ok();
    bool: Bool(value) => Some(*value);
    String: Text(value) => Some(value.clone());
    SecretText: Secret(value) => Some(value.clone());
    PathBuf: Path(value) => Some(value.clone());
    SocketAddr: Address(value) => Some(*value);
    Vec<String>: List(value) => Some(value.clone());
}
