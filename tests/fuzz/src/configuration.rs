//! The vault's configuration, from a file's text and from variables: nothing panics it, an error is
//! one line that does not repeat a value, and what a variable sets a flag sets as well.

use keyway_vault::fuzzing::{ConfigError, settings};

type Pairs = Vec<(String, String)>;

pub(crate) fn holds(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    // The file, then lines of `path=value`, behind a line that no file needs.
    let (file, rest) = text.split_once("\n---\n").unwrap_or((&text, ""));
    let pairs: Pairs = rest
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(path, value)| (path.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let by_variables = settings(file, variables(&pairs), &[]);
    let by_flags = settings(file, Vec::new(), &sorted(&pairs));
    match (&by_variables, &by_flags) {
        (Ok(one), Ok(other)) => assert_eq!(one, other, "flags and variables differ"),
        (Err(one), Err(other)) => assert_eq!(one.problem, other.problem, "{one}; {other}"),
        (one, other) => panic!("{one:?}, but {other:?}"),
    }
    if let Err(error) = by_variables {
        one_line_without_values(&error, &pairs);
    }
}

/// The variables that stand for these paths. A path that no variable can spell is left out of both.
fn variables(pairs: &Pairs) -> Pairs {
    let name = |path: &str| format!("KEYWAY_VAULT__{}", path.to_ascii_uppercase().replace('.', "__"));
    sorted(pairs).into_iter().map(|(path, value)| (name(&path), value)).collect()
}

/// The last of several values of a path, in the order in which variables are read.
fn sorted(pairs: &Pairs) -> Pairs {
    let spelled = |path: &str| {
        let spells = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.';
        !path.contains("..") && !path.starts_with('.') && path.bytes().all(|byte| spells(byte) || byte == b'_')
            && !path.contains("__") && !path.contains("_.") && !path.contains("._")
    };
    let kept = pairs.iter().filter(|(path, _)| spelled(path)).cloned();
    let last: std::collections::BTreeMap<_, _> = kept.collect();
    let mut sorted: Pairs = last.into_iter().collect();
    sorted.sort_by_key(|(path, _)| path.replace('.', "__").to_ascii_uppercase());
    sorted
}

fn told(error: &ConfigError, pairs: &Pairs) -> String {
    if cfg!(feature = "seeded-bug") && error.path == "routers" {
        return format!("{error}, not {pairs:?}"); // helps, and shows what may be a secret
    }
    error.to_string()
}

fn one_line_without_values(error: &ConfigError, pairs: &Pairs) {
    let line = told(error, pairs);
    assert_eq!(line.lines().count(), 1, "{line}");
    for (_, value) in pairs {
        // Shorter texts stand in many a sentence; the path is repeated so that it can be found.
        let long = value.len() >= 24 && value.bytes().all(|byte| byte.is_ascii_graphic());
        let said = error.path.contains(value) || error.accepted.contains(value);
        assert!(!long || said || !line.contains(value), "{line} shows {value}");
    }
}
