//! Every setting of both services that is wrong is refused in one line, which names the path, where
//! it came from, and what is accepted; and the exit code says so.
//!
//! The settings are read from the programs' own `--settings`, so that a new one is tested too.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Exit code of a configuration error, `EX_CONFIG`.
const EXIT_CONFIG: i32 = 78;

/// One row of `--settings`.
#[derive(Debug)]
struct Setting {
    path: String,
    variable: String,
    accepted: String,
}

/// One way to be wrong: the value in TOML and as text, where that way exists there.
struct Wrong {
    toml: Option<String>,
    text: Option<String>,
}

fn program(service: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyway-tests"));
    command.args(["--as", service]).env_clear();
    command
}

fn settings(service: &str) -> Vec<Setting> {
    let output = program(service)
        .arg("--settings")
        .output()
        .expect("it runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let mut cells = row
            .split(" | ")
            .map(|cell| cell.trim_matches(['|', ' ', '`']).to_owned());
        let mut next = || cells.next().expect("a cell");
        Setting {
            path: next(),
            variable: next(),
            accepted: next(),
        }
    })
    .map(|setting| Setting {
        path: setting.path.replace('*', "some-name"),
        variable: setting.variable.replace('*', "SOME-NAME"),
        ..setting
    })
    .collect()
}

pub(crate) fn check(service: &str, file: Option<&Path>, variable: Option<(&str, &str)>) -> Output {
    let mut command = program(service);
    command.arg("--check-config");
    if let Some(file) = file {
        command.arg("--config").arg(file);
    }
    if let Some((name, value)) = variable {
        command.env(name, value);
    }
    command.output().expect("it runs")
}

/// Tries one wrong value from file and environment; what was not as it must be.
fn refusals(
    service: &str,
    folder: &Path,
    path: &str,
    variable: &str,
    wrong: &Wrong,
    names: &str,
) -> Vec<String> {
    let mut failures = Vec::new();
    let mut expect = |output: &Output, source: &str| {
        let line = String::from_utf8_lossy(&output.stderr).into_owned();
        let parts = [path, source, names, "accepted: "];
        let missing: Vec<_> = parts
            .into_iter()
            .filter(|part| !line.contains(part))
            .collect();
        if output.status.code() != Some(EXIT_CONFIG)
            || line.lines().count() != 1
            || !missing.is_empty()
        {
            failures.push(format!(
                "{path} from {source}: {:?} without {missing:?}: {line}",
                output.status.code()
            ));
        }
    };
    if let Some(toml) = &wrong.toml {
        let file = folder.join("wrong.toml");
        std::fs::write(&file, format!("{path} = {toml}\n")).expect("a file");
        expect(
            &check(service, Some(&file), None),
            &file.display().to_string(),
        );
    }
    if let Some(text) = &wrong.text {
        expect(&check(service, None, Some((variable, text))), variable);
    }
    failures
}

/// A value of another type. Outside of TOML every text is a text, so some kinds have none there.
fn wrong_type(accepted: &str) -> Wrong {
    let (toml, text) = match accepted
        .split(' ')
        .take(2)
        .collect::<Vec<_>>()
        .join(" ")
        .as_str()
    {
        "a duration" | "a size" => ("5", Some("soon")),
        "a whole" | "true or" => ("\"many\"", Some("many")),
        "an IP" => ("5", Some("localhost")),
        _ => ("5", None),
    };
    Wrong {
        toml: Some(toml.to_owned()),
        text: text.map(str::to_owned),
    }
}

/// Values of the right type that are not accepted, where the kind has such.
fn out_of_range(accepted: &str) -> Vec<Wrong> {
    let both = |text: String| Wrong {
        toml: Some(format!("\"{text}\"")),
        text: Some(text),
    };
    let bounds = || {
        let (_, range) = accepted.split_once(" from ").expect("bounds");
        let range = range.split(" (").next().unwrap_or(range);
        range.split_once(" to ").expect("two bounds")
    };
    let around = |unit: &str, scale: fn(&str) -> u64| {
        let (least, most) = bounds();
        let values = scale(least)
            .checked_sub(1)
            .into_iter()
            .chain(scale(most).checked_add(1));
        values
            .map(|value| format!("{value}{unit}"))
            .collect::<Vec<_>>()
    };
    if accepted.starts_with("a duration") {
        return around("ms", milliseconds).into_iter().map(both).collect();
    }
    if accepted.starts_with("a size") {
        return around("B", bytes).into_iter().map(both).collect();
    }
    if accepted.starts_with("a whole number") {
        let values = around("", |text| text.parse().expect("a number"));
        return values
            .into_iter()
            .map(|text| Wrong {
                toml: Some(text.clone()),
                text: Some(text),
            })
            .collect();
    }
    if accepted.starts_with("one of ") {
        return vec![both("neither-of-them".to_owned())];
    }
    if let Some(rest) = accepted.strip_prefix("a text of 1 to ") {
        let most: usize = rest
            .split(' ')
            .next()
            .and_then(|n| n.parse().ok())
            .expect("a length");
        return vec![both("x".repeat(most + 1))];
    }
    Vec::new()
}

fn number(text: &str) -> (u64, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    (digits.parse().expect("a number"), unit)
}

fn milliseconds(text: &str) -> u64 {
    let (value, unit) = number(text);
    let scale = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => panic!("no unit of time: {text}"),
    };
    value * scale
}

fn bytes(text: &str) -> u64 {
    let (value, unit) = number(text);
    let shift = match unit {
        "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => panic!("no unit of size: {text}"),
    };
    value << shift
}

fn every_wrong_setting_is_refused(service: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = settings(service);
    assert!(settings.len() >= 10, "only {} settings", settings.len());
    let mut failures = Vec::new();
    for Setting {
        path,
        variable,
        accepted,
    } in &settings
    {
        let mut try_one = |path: &str, variable: &str, wrong: &Wrong, names: &str| {
            failures.extend(refusals(
                service,
                folder.path(),
                path,
                variable,
                wrong,
                names,
            ));
        };
        let any = Wrong {
            toml: Some("\"1\"".to_owned()),
            text: Some("1".to_owned()),
        };
        try_one(
            &format!("{path}x"),
            &format!("{variable}X"),
            &any,
            "no such setting",
        );
        try_one(path, variable, &wrong_type(accepted), accepted);
        for wrong in out_of_range(accepted) {
            try_one(path, variable, &wrong, accepted);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_wrong_setting_of_the_vault_is_refused_in_one_line() {
    every_wrong_setting_is_refused("vault");
}

#[test]
fn every_wrong_setting_of_the_router_is_refused_in_one_line() {
    every_wrong_setting_is_refused("router");
}

#[test]
fn a_value_that_might_be_a_secret_is_not_repeated() {
    let planted = "sk-keyway-test-planted-in-a-setting";
    for service in ["vault", "router"] {
        for Setting {
            path: _,
            variable,
            accepted,
        } in settings(service)
        {
            if accepted.starts_with("a text") || accepted.starts_with("a path") {
                continue;
            }
            let output = check(service, None, Some((&variable, planted)));
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!said.contains(planted), "{said}");
        }
    }
}

#[test]
fn a_file_that_is_not_there_is_one_line_too() {
    let file = PathBuf::from("/nowhere/router.toml");
    let output = check("router", Some(&file), None);
    let line = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(EXIT_CONFIG));
    assert!(
        line.lines().count() == 1 && line.contains("/nowhere/router.toml"),
        "{line}"
    );
}
