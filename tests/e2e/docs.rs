//! The documents say what is so: items that they name exist, and tables made from code are current.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use keyway_proto::Reason;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("inside the workspace")
        .to_owned()
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every text between backticks outside of fenced blocks.
fn code_spans(document: &str) -> Vec<&str> {
    let outside = document.split("```").step_by(2);
    outside
        .flat_map(|text| text.split('`').skip(1).step_by(2))
        .collect()
}

/// The source folder of a crate by the name that documents use for it.
fn crate_sources(name: &str) -> Option<&'static str> {
    Some(match name {
        "proto" => "proto/src",
        "words" => "proto/words/src",
        "chassis" => "chassis/src",
        "vault" => "vault/src",
        "vault_crypto" => "vault/crypto/src",
        "vault_access" => "vault/access/src",
        "router" => "router/src",
        "router_providers" => "router/providers/src",
        "router_pricing" => "router/pricing/src",
        "router_billing" => "router/billing/src",
        "migrations" => "migrations/src",
        "keyway" => "deploy/local/src",
        "provider_sim" => "tests/provider-sim/src",
        "e2e" => "tests/e2e",
        _ => return None,
    })
}

/// Whether a `crate::module::Item` or `crate::module::Type::function` exists in the sources.
fn exists(item: &str) -> Result<(), String> {
    let mut segments = item.split("::").peekable();
    let name = segments.next().unwrap_or_default();
    let folder = crate_sources(name).ok_or_else(|| format!("{item}: no crate is called {name}"))?;
    let mut module = root().join(folder);
    let mut file = [module.join("lib.rs"), module.join("main.rs")]
        .into_iter()
        .find(|path| path.exists())
        .ok_or_else(|| format!("{item}: {folder} has no root"))?;
    while let Some(segment) = segments.peek() {
        let below = module.join(format!("{segment}.rs"));
        if !below.exists() {
            break;
        }
        module = module.join(segment);
        file = below;
        segments.next();
    }
    let source = fs::read_to_string(&file).map_err(|error| format!("{item}: {error}"))?;
    match segments.find(|segment| !defines(&source, segment)) {
        None => Ok(()),
        Some(missing) => Err(format!(
            "{item}: {} does not define {missing}",
            file.display()
        )),
    }
}

/// Whether a source file defines or re-exports a name.
fn defines(source: &str, name: &str) -> bool {
    const KINDS: [&str; 10] = [
        "impl ",
        "fn ",
        "struct ",
        "enum ",
        "trait ",
        "const ",
        "static ",
        "type ",
        "mod ",
        "macro_rules! ",
    ];
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let has = |text: &str| {
        source
            .match_indices(text)
            .any(|(at, _)| source.get(at + text.len()..).is_some_and(ends))
    };
    let variant = source
        .lines()
        .any(|line| line.trim_start().strip_prefix(name).is_some_and(ends));
    variant
        || KINDS.iter().any(|kind| has(&format!("{kind}{name}")))
        || source
            .lines()
            .any(|line| line.contains("pub use") && line.contains(name))
}

#[test]
fn every_item_and_file_that_the_walk_names_exists() {
    let document = read("docs/architecture.md");
    let spans = code_spans(&document);
    let items: Vec<_> = spans
        .iter()
        .filter(|s| s.contains("::") && !s.contains(' '))
        .collect();
    assert!(
        items.len() >= 20,
        "the walk names only {} items",
        items.len()
    );
    let mut wrong: Vec<_> = items
        .iter()
        .filter_map(|item| exists(item.trim_end_matches("()")).err())
        .collect();
    let files = spans.iter().filter(|s| {
        s.contains('/') && Path::new(s).extension().is_some_and(|e| e == "rs") && !s.contains(' ')
    });
    wrong.extend(
        files
            .filter(|f| !root().join(f).exists())
            .map(|f| format!("{f} is not there")),
    );
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn an_item_that_is_not_there_is_found_missing() {
    assert!(exists("e2e::docs::exists").is_ok());
    assert!(exists("words::secret::Secret::expose").is_ok());
    assert!(exists("words::secret::Secret::reveal").is_err());
    assert!(exists("words::nowhere::Secret").is_err());
    assert!(exists("nocrate::Secret").is_err());
}

/// The table of reasons, from the code.
fn reasons() -> String {
    let mut text = String::from(
        "# Reasons\n\n\
         Every failure carries one of these in `google.rpc.ErrorInfo` (domain `keyway`). Reasons are stable; \
         messages are for people and may change.\n\
         Made from `proto/src/fault.rs`: `KEYWAY_WRITE_DOCS=1 cargo test -p keyway-tests docs` writes it again.\n\n\
         | reason | gRPC code | meaning |\n|---|---|---|\n",
    );
    for reason in Reason::ALL {
        let (name, code, meaning) = (reason.as_str(), reason.code(), reason.meaning().trim());
        writeln!(text, "| `{name}` | {code:?} | {meaning} |").expect("a string takes text");
    }
    text
}

/// The reference of all settings, from both programs.
fn configuration() -> String {
    let mut text = String::from(
        "# Configuration\n\n\
         A file (`--config FILE`, TOML) < the environment < `--set path=value`. Everything else is refused in one line. \
         `--check-config` checks and ends.\n\
         Made by `--settings` of both programs: `KEYWAY_WRITE_DOCS=1 cargo test -p keyway-tests docs` writes it again.\n",
    );
    for service in ["vault", "router"] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_keyway-tests"));
        let output = program
            .args(["--as", service, "--settings"])
            .output()
            .expect("it runs");
        let table = String::from_utf8(output.stdout).expect("text");
        write!(text, "\n## keyway-{service}\n\n{table}").expect("a string takes text");
    }
    text
}

/// Compares a document with what it is made from, or writes it.
pub(crate) fn is_current(path: &str, made: &str) {
    if std::env::var_os("KEYWAY_WRITE_DOCS").is_some() {
        fs::write(root().join(path), made).expect("the document can be written");
    }
    let current = read(path) == made;
    assert!(
        current,
        "{path} is not current: KEYWAY_WRITE_DOCS=1 cargo test -p keyway-tests"
    );
}

#[test]
fn the_table_of_reasons_is_current() {
    is_current("docs/errors.md", &reasons());
}

#[test]
fn the_reference_of_settings_is_current() {
    is_current("docs/configuration.md", &configuration());
}

#[test]
fn every_fault_of_others_has_its_answer_and_every_test_that_answers_exists() {
    let document = read("docs/faults.md");
    let rows: Vec<_> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| "))
        .skip(1)
        .collect();
    let ids = rows
        .iter()
        .map(|row| row.split(' ').next().unwrap_or_default().to_owned());
    let expected = (1..=68)
        .map(|n| format!("g{n}"))
        .chain((1..=35).map(|n| format!("F{n}")));
    assert_eq!(ids.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    let answered = |row: &&&str| {
        let answer = row.split(" | ").nth(2).unwrap_or_default();
        answer.contains("::")
            || answer.contains("not there yet: ")
            || answer.contains("can't happen: ")
    };
    let silent: Vec<_> = rows.iter().filter(|row| !answered(row)).collect();
    assert!(silent.is_empty(), "{silent:?}");
    let items = code_spans(&document)
        .into_iter()
        .filter(|span| span.contains("::"));
    let wrong: Vec<_> = items.filter_map(|item| exists(item).err()).collect();
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_decision_has_its_parts() {
    let folder = root().join("docs/adr");
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder).expect("docs/adr is there") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("a name")
            .to_owned();
        let text = fs::read_to_string(&path).expect("text");
        for part in ["## Context", "## Decision", "## Consequences"] {
            assert!(text.contains(part), "{name} has no {part}");
        }
        numbers.push(name.split('-').next().unwrap_or_default().to_owned());
    }
    numbers.sort();
    let all = numbers.clone();
    numbers.dedup();
    assert_eq!(all, numbers, "two decisions have one number");
}

/// The reports of `.ci/long`, each with what it must say.
const REPORTS: [(&str, &[&str]); 7] = [
    ("start", &["cargo run --release", "exit code 0"]),
    ("repeat", &["the black-box tests", "0 failed"]),
    (
        "figures",
        &["DeleteKey answered", "PutKey answered", "Revoke answered"],
    ),
    (
        "abandon",
        &["10000 streams, Cancel", "10000 streams, Drain"],
    ),
    (
        "crash",
        &[
            "PostgreSQL round 200",
            "SQLite round 200",
            "100000 events that wait",
        ],
    ),
    ("mutants", &["nothing skipped", "mutants tested", "None."]),
    (
        "fuzz",
        &["edges covered", "A bug planted behind each target"],
    ),
];

#[test]
fn the_reports_of_the_long_run_are_there_and_name_their_commit() {
    for (section, parts) in REPORTS {
        let report = read(&format!("docs/evidence/{section}.md"));
        let commit = report
            .split_once("Commit ")
            .and_then(|(_, rest)| rest.split(',').next())
            .unwrap_or_default();
        let is_commit = commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        assert!(is_commit, "{section} names no commit");
        for part in parts {
            assert!(report.contains(part), "{section} has no {part}");
        }
    }
    let fuzzed = ["fuzz", "fuzz-providers", "fuzz-shapes"]
        .map(|name| read(&format!("docs/evidence/{name}.md")));
    let fuzzed = fuzzed.join("\n");
    for target in fs::read_dir(root().join("tests/fuzz/corpus")).expect("the corpora") {
        let name = target.expect("a target").file_name();
        let name = name.to_str().expect("a name");
        let rows = fuzzed
            .lines()
            .filter(|line| line.starts_with(&format!("| {name} |")));
        assert_eq!(
            rows.count(),
            2,
            "{name} was not fuzzed with and without a planted bug"
        );
    }
    assert!(
        !fuzzed.contains("**"),
        "a target failed, or a planted bug was not found"
    );
}

#[test]
fn every_test_that_the_threat_model_names_exists() {
    let document = read("SECURITY.md");
    let spans = code_spans(&document);
    let tests: Vec<_> = spans.iter().filter(|span| span.contains("::")).collect();
    assert!(tests.len() >= 30, "only {} are named", tests.len());
    let wrong: Vec<_> = tests.iter().filter_map(|item| exists(item).err()).collect();
    assert_eq!(wrong, Vec::<String>::new());
    for (number, row) in (1..=33).map(|number| (number, format!("| T{number} |"))) {
        let row = document.lines().find(|line| line.starts_with(&row));
        let row = row.unwrap_or_else(|| panic!("T{number} has no row"));
        let answered =
            row.contains("::") || row.contains("not there yet") || row.contains("docs/evidence/");
        assert!(answered, "T{number} names no test and does not say why");
    }
}
