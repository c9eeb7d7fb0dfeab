//! The check that other crates' tests run over every setting of a service.

use std::path::PathBuf;
use std::{fs, process};

use super::reference::variable;
use super::{ConfigError, Default, Kind, Problem, Setting, Settings, load};

/// Gives every setting an unknown neighbour, a wrong type and a value out of range, from file,
/// environment and flag, and panics with the first line that does not name path, source and
/// accepted values. Also that the defaults alone are a configuration, if nothing is required.
pub fn check_every_setting<T: Settings>(service: &str) {
    let settings = T::settings();
    let required = settings
        .iter()
        .any(|setting| setting.default == Default::Required);
    let defaults = load::<T>(service, None, std::iter::empty(), &[]).err();
    assert!(
        required || defaults.as_ref().is_none_or(is_missing),
        "the defaults are refused: {defaults:?}"
    );
    for setting in &settings {
        assert!(!setting.help.is_empty(), "{} has no help", setting.path);
        let path = setting.path.replace('*', "some-name");
        let neighbour = format!("{path}x");
        refused::<T>(
            service,
            &neighbour,
            "\"1\"",
            "1",
            Problem::Unknown,
            "nearest: ",
        );
        let accepted = setting.kind.accepted();
        let (toml, text) = wrong_type(setting);
        refused_in_file::<T>(service, &path, toml, Problem::WrongType, &accepted);
        if let Some(text) = text {
            refused_elsewhere::<T>(service, &path, text, Problem::WrongType, &accepted);
        }
        for (toml, text) in out_of_range(setting) {
            refused::<T>(
                service,
                &path,
                &toml,
                &text,
                Problem::NotAccepted,
                &accepted,
            );
        }
    }
}

/// Whether something must be set after all, such as one of two settings.
fn is_missing(error: &ConfigError) -> bool {
    error.problem == Problem::Missing
}

/// A value of another type: in TOML, and as text where a text can be of another type at all.
fn wrong_type(setting: &Setting) -> (&'static str, Option<&'static str>) {
    match setting.kind {
        Kind::Duration { .. } | Kind::Bytes { .. } => ("5", Some("soon")),
        Kind::Integer { .. } | Kind::Bool => ("\"many\"", Some("many")),
        Kind::Address => ("5", Some("localhost")),
        Kind::Text { .. }
        | Kind::Checked { .. }
        | Kind::Secret { .. }
        | Kind::Path
        | Kind::Choice(_)
        | Kind::List { .. } => ("5", None),
    }
}

fn out_of_range(setting: &Setting) -> Vec<(String, String)> {
    let quoted = |text: String| (format!("\"{text}\""), text);
    match setting.kind {
        Kind::Duration { min, max } => {
            let above = max.as_millis().saturating_add(1);
            let below = min.as_millis().checked_sub(1);
            let texts = below.into_iter().chain([above]).map(|ms| format!("{ms}ms"));
            texts.map(quoted).collect()
        }
        Kind::Bytes { min, max } => {
            let around = min.checked_sub(1).into_iter().chain(max.checked_add(1));
            around.map(|bytes| quoted(format!("{bytes}B"))).collect()
        }
        Kind::Integer { min, max } => {
            let around = min.checked_sub(1).into_iter().chain(max.checked_add(1));
            around
                .map(|number| (number.to_string(), number.to_string()))
                .collect()
        }
        Kind::Text { max } => vec![quoted("x".repeat(max.saturating_add(1)))],
        Kind::Choice(_) => vec![quoted("neither-of-them".to_owned())],
        Kind::Checked { check, .. } => {
            let bad = ["\u{7f}", "?!"].into_iter().find(|text| !check(text));
            bad.map(|text| quoted(text.to_owned()))
                .into_iter()
                .collect()
        }
        Kind::List { check, .. } => {
            let bad = ["\u{7f}", "?!"].into_iter().find(|text| !check(text));
            bad.map(|text| (format!("[\"{text}\"]"), text.to_owned()))
                .into_iter()
                .collect()
        }
        Kind::Bool | Kind::Path | Kind::Address | Kind::Secret { .. } => Vec::new(),
    }
}

fn refused<T: Settings>(
    service: &str,
    path: &str,
    toml: &str,
    text: &str,
    problem: Problem,
    accepted: &str,
) {
    refused_in_file::<T>(service, path, toml, problem, accepted);
    refused_elsewhere::<T>(service, path, text, problem, accepted);
}

fn refused_in_file<T: Settings>(
    service: &str,
    path: &str,
    toml: &str,
    problem: Problem,
    accepted: &str,
) {
    let file = scratch(service);
    fs::write(
        &file,
        format!("{path} = {}\n", toml.replace('\u{7f}', "\\u007f")),
    )
    .unwrap();
    let error = load::<T>(service, Some(file.clone()), std::iter::empty(), &[]).err();
    names_all(error, path, problem, accepted, &file.display().to_string());
    fs::remove_file(file).unwrap();
}

fn refused_elsewhere<T: Settings>(
    service: &str,
    path: &str,
    text: &str,
    problem: Problem,
    accepted: &str,
) {
    let name = variable(service, path);
    let env = std::iter::once((name.clone(), text.to_owned()));
    names_all(
        load::<T>(service, None, env, &[]).err(),
        path,
        problem,
        accepted,
        &name,
    );
    let flags = [(path.to_owned(), text.to_owned())];
    let error = load::<T>(service, None, std::iter::empty(), &flags).err();
    names_all(error, path, problem, accepted, "--set");
}

fn names_all(
    error: Option<ConfigError>,
    path: &str,
    problem: Problem,
    accepted: &str,
    source: &str,
) {
    let error = error.unwrap_or_else(|| panic!("{path} from {source} is taken: {problem}"));
    let line = error.to_string();
    assert_eq!(error.problem, problem, "{line}");
    assert!(!line.contains('\n'), "more than one line: {line}");
    for part in [path, source, accepted] {
        assert!(line.contains(part), "does not name {part}: {line}");
    }
}

fn scratch(service: &str) -> PathBuf {
    let thread = format!("{:?}", std::thread::current().id()).replace(['(', ')'], "-");
    std::env::temp_dir().join(format!("keyway-{service}-{}-{thread}.toml", process::id()))
}
