//! Configuration: file < environment < flags, every setting known, every error one line.
//!
//! A service declares its settings as a table of [`Setting`]s; that table is what the loader
//! accepts, what the reference documentation prints and what the tests walk over. Nothing else is
//! accepted: an unknown name, a wrong type or a value out of range is an error that names the
//! path, where it came from and what is accepted. No error shows the value itself, since it may be
//! a secret at the wrong place.

mod error;
mod layers;
mod reference;
mod setting;
mod value;

#[cfg(any(test, feature = "test-util"))]
#[expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "part of other crates' tests"
)]
mod every_setting;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use error::{ConfigError, Origin, Problem};
#[cfg(any(test, feature = "test-util"))]
pub use every_setting::check_every_setting;
pub use reference::reference;
pub use setting::{Default, Kind, Setting};
pub use value::{FromValue, SecretText, Value, Values};

/// A typed part of the configuration and the settings it is made of.
pub trait Settings: Sized {
    /// What it is made of.
    fn settings() -> Vec<Setting>;

    /// Takes its values; checks what no single setting can show ([`Values::refuse`]).
    fn from_values(values: &Values) -> Result<Self, ConfigError>;
}

impl<A: Settings, B: Settings> Settings for (A, B) {
    fn settings() -> Vec<Setting> {
        let mut all = A::settings();
        all.extend(B::settings());
        all
    }

    fn from_values(values: &Values) -> Result<Self, ConfigError> {
        Ok((A::from_values(values)?, B::from_values(values)?))
    }
}

/// Reads the configuration of `service` (`vault`, `router`).
///
/// `env` is the whole environment; only `KEYWAY_{SERVICE}__…` is read. `flags` are the pairs of
/// `--set path=value`.
pub fn load<T: Settings>(
    service: &str,
    file: Option<PathBuf>,
    env: impl Iterator<Item = (String, String)>,
    flags: &[(String, String)],
) -> Result<T, ConfigError> {
    let file = file.map(layers::read).transpose()?;
    load_texts(service, file, env, flags)
}

/// The same from the text of a file that was read, with the path that errors name. Pure.
pub fn load_texts<T: Settings>(
    service: &str,
    file: Option<(PathBuf, String)>,
    env: impl Iterator<Item = (String, String)>,
    flags: &[(String, String)],
) -> Result<T, ConfigError> {
    let mut values = Values::defaults(T::settings())?;
    if let Some((path, text)) = file {
        layers::file(&mut values, path, &text)?;
    }
    layers::environment(&mut values, service, env)?;
    layers::flags(&mut values, flags)?;
    values.require_all()?;
    T::from_values(&values)
}
