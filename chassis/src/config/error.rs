//! What can be wrong with a configuration: one line that names path, source and accepted values.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A configuration file.
    File(PathBuf),
    /// An environment variable, by its name.
    Variable(String),
    /// `--set` on the command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "file {}", path.display().to_string().escape_debug()),
            Self::Variable(name) => write!(f, "environment variable {}", name.escape_debug()),
            Self::Flag => f.write_str("flag --set"),
        }
    }
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// No setting has this path.
    Unknown,
    /// The value is of another type.
    WrongType,
    /// The type is right, the value is not accepted.
    NotAccepted,
    /// The setting has no default and nobody set it.
    Missing,
    /// The file can't be read.
    Unreadable,
    /// The file is not TOML, or the flag is not `path=value`.
    Malformed,
    /// The value does not go together with another one.
    Conflict,
    /// The program asks for a setting that it did not declare: a bug that the tests find.
    Undeclared,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "no such setting",
            Self::WrongType => "wrong type",
            Self::NotAccepted => "value not accepted",
            Self::Missing => "not set",
            Self::Unreadable => "can't be read",
            Self::Malformed => "malformed",
            Self::Conflict => "does not go together with the rest",
            Self::Undeclared => "setting not declared by this program",
        })
    }
}

/// One line: path, source, problem, accepted values. Never the value that was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} ({origin}): {problem}; accepted: {accepted}", path.escape_debug())]
pub struct ConfigError {
    /// Path of the setting, or the name of the thing that can't be read.
    pub path: String,
    /// Where it came from.
    pub origin: Origin,
    /// What is wrong.
    pub problem: Problem,
    /// What would be accepted in its place.
    pub accepted: String,
}
