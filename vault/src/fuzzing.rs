//! What the fuzz targets reach of the vault's insides. Not part of any build that is shipped.

use std::path::PathBuf;

use keyway_chassis::config;
pub use keyway_chassis::config::{ConfigError, Problem};

use crate::settings::Settings;

/// Reads the vault's settings from the text of a file, variables and flags, and prints them.
pub fn settings(
    file: &str,
    variables: Vec<(String, String)>,
    flags: &[(String, String)],
) -> Result<String, ConfigError> {
    let file = Some((PathBuf::from("vault.toml"), file.to_owned()));
    let settings: Settings = config::load_texts("vault", file, variables.into_iter(), flags)?;
    Ok(format!("{settings:?}"))
}
