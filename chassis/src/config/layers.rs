//! The three sources, weakest first: file, environment, flags.

use std::fs;
use std::path::PathBuf;

use toml::Value as Toml;

use super::setting::Reject;
use super::value::rejected;
use super::{ConfigError, Kind, Origin, Problem, Values};

/// A file's text, and the path that errors name.
pub(super) fn read(path: PathBuf) -> Result<(PathBuf, String), ConfigError> {
    match fs::read_to_string(&path) {
        Ok(text) => Ok((path, text)),
        Err(error) => Err(whole(
            path,
            Problem::Unreadable,
            format!("a readable TOML file in UTF-8 ({})", error.kind()),
        )),
    }
}

/// An error of the whole file.
fn whole(path: PathBuf, problem: Problem, accepted: String) -> ConfigError {
    ConfigError {
        path: "--config".to_owned(),
        origin: Origin::File(path),
        problem,
        accepted,
    }
}

pub(super) fn file(values: &mut Values, path: PathBuf, text: &str) -> Result<(), ConfigError> {
    let table = match toml::from_str::<toml::Table>(text) {
        Ok(table) => table,
        Err(error) => {
            // The parser's own message quotes the line, and a secret may stand there.
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            let accepted = format!("TOML; line {line} is not");
            return Err(whole(path, Problem::Malformed, accepted));
        }
    };
    let origin = Origin::File(path);
    table
        .into_iter()
        .try_for_each(|(key, value)| tree(values, &segment(&key), value, &origin))
}

fn line_of(text: &str, at: usize) -> usize {
    let before = text.bytes().take(at);
    before
        .filter(|byte| *byte == b'\n')
        .count()
        .saturating_add(1)
}

/// A key with a dot in it would look like a path; the quotes keep it unknown.
fn segment(key: &str) -> String {
    if key.contains('.') {
        format!("\"{key}\"")
    } else {
        key.to_owned()
    }
}

fn tree(values: &mut Values, path: &str, value: Toml, origin: &Origin) -> Result<(), ConfigError> {
    if let Toml::Table(table) = value {
        if let Ok(setting) = values.declared(path, origin) {
            return Err(rejected(path, origin, &setting, Reject::Type));
        }
        return table.into_iter().try_for_each(|(key, value)| {
            tree(values, &format!("{path}.{}", segment(&key)), value, origin)
        });
    }
    leaf(values, path, value, origin)
}

fn leaf(values: &mut Values, path: &str, value: Toml, origin: &Origin) -> Result<(), ConfigError> {
    let setting = values.declared(path, origin)?;
    let wrong_type = || rejected(path, origin, &setting, Reject::Type);
    match (value, setting.kind) {
        (Toml::Array(items), Kind::List { .. }) => {
            let items = items.into_iter().map(|item| match item {
                Toml::String(text) => Ok(text),
                _ => Err(wrong_type()),
            });
            let items = items.collect::<Result<_, _>>()?;
            values.put_list(path, items, origin.clone())
        }
        // A negative number is of the right type and out of range.
        (Toml::Integer(number), Kind::Integer { .. }) if number < 0 => {
            Err(rejected(path, origin, &setting, Reject::Range))
        }
        (Toml::Integer(number), Kind::Integer { .. }) => {
            values.put(path, &number.to_string(), origin.clone())
        }
        (Toml::Boolean(switch), Kind::Bool) => {
            values.put(path, &switch.to_string(), origin.clone())
        }
        (Toml::String(text), kind)
            if !matches!(
                kind,
                Kind::Integer { .. } | Kind::Bool | Kind::List { .. } | Kind::Secret { .. }
            ) =>
        {
            values.put(path, &text, origin.clone())
        }
        _ => Err(wrong_type()),
    }
}

pub(super) fn environment(
    values: &mut Values,
    service: &str,
    env: impl Iterator<Item = (String, String)>,
) -> Result<(), ConfigError> {
    let prefix = format!("KEYWAY_{}__", service.to_ascii_uppercase());
    // Sorted, so that the same environment always gives the same error first.
    let mut ours: Vec<_> = env.filter(|(name, _)| name.starts_with(&prefix)).collect();
    ours.sort_unstable();
    for (name, text) in ours {
        let path = name.strip_prefix(&prefix).unwrap_or_default();
        let path = path.to_ascii_lowercase().replace("__", ".");
        values.put(&path, &text, Origin::Variable(name))?;
    }
    Ok(())
}

pub(super) fn flags(values: &mut Values, flags: &[(String, String)]) -> Result<(), ConfigError> {
    flags
        .iter()
        .try_for_each(|(path, text)| values.put(path, text, Origin::Flag))
}
