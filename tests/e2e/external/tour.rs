//! The tour of the README, exactly as it stands there, run by a shell with the real grpcurl.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::docs::{read, root};
use crate::harness::{Logs, Product};

const TRANSCRIPT: &str = "tests/tour/transcript.txt";

/// The shell blocks of the README's tour, in order, each told before it runs.
fn script() -> String {
    let readme = read("README.md");
    let tour = readme
        .split("\n## ")
        .find(|part| part.starts_with("A five-minute tour"));
    let tour = tour.expect("the README has a tour");
    let blocks = tour.split("```sh\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("\n```").next().expect("a block"));
    let blocks = blocks
        .enumerate()
        .map(|(n, block)| format!("echo '== block {}'\n{block}\n", n + 1));
    blocks.collect::<Vec<_>>().concat()
}

/// A grpcurl that notes its arguments and then does its work.
fn watched_grpcurl(folder: &Path) -> PathBuf {
    let found = std::process::Command::new("sh")
        .args(["-c", "command -v grpcurl"])
        .output();
    let found = String::from_utf8(found.expect("a shell").stdout).expect("a path");
    let found = found.trim();
    assert!(!found.is_empty(), "grpcurl is missing: .ci/run installs it");
    let bin = folder.join("bin");
    fs::create_dir(&bin).expect("a folder");
    let notes = folder.join("argv");
    let notes = notes.display();
    let text = format!("#!/bin/sh\nprintf '%s\\n' \"$@\" >>'{notes}'\nexec '{found}' \"$@\"\n");
    fs::write(bin.join("grpcurl"), text).expect("a script");
    fs::set_permissions(bin.join("grpcurl"), fs::Permissions::from_mode(0o755)).expect("a mode");
    bin
}

/// Replaces what differs from run to run: ids, times, hashes.
fn masked(text: &str) -> String {
    const FIELDS: [&str; 14] = [
        "accessor",
        "callerAccessor",
        "callId",
        "createTime",
        "cursor",
        "etag",
        "eventId",
        "fingerprint",
        "period",
        "priceTable",
        "settledAt",
        "startedAt",
        "updateTime",
        "expireTime",
    ];
    let mask = |line: &str| {
        let found = FIELDS.iter().find_map(|name| {
            let (before, _) = line.split_once(&format!("\"{name}\": \""))?;
            let comma = if line.ends_with(',') { "," } else { "" };
            Some(format!("{before}\"{name}\": \"…\"{comma}\n"))
        });
        found.unwrap_or_else(|| format!("{line}\n"))
    };
    // Go's JSON writer puts one or two spaces behind a colon, as its build wills.
    text.replace("\":  ", "\": ").lines().map(mask).collect()
}

#[tokio::test]
async fn the_tour_of_the_readme_says_what_the_transcript_says() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let folder = product.state().parent().expect("a folder").to_owned();
    let bin = watched_grpcurl(&folder);
    let run = Command::new("bash")
        .args(["-c", &format!("exec 2>&1\n{}", script())])
        .current_dir(&folder)
        .env_clear()
        .env(
            "PATH",
            format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()),
        )
        .output()
        .await
        .expect("bash");
    let said = masked(&String::from_utf8(run.stdout).expect("text"));

    let argv = fs::read_to_string(folder.join("argv")).expect("grpcurl ran");
    for secret in ["kwa_", "kwc_", "kwo_", "sk-ant-keyway-tour"] {
        assert!(
            !argv.contains(secret),
            "a secret stands in a command line: {secret}…"
        );
        assert!(!said.contains(secret), "a secret was shown: {secret}…");
    }
    if std::env::var_os("KEYWAY_WRITE_DOCS").is_some() {
        fs::write(root().join(TRANSCRIPT), &said).expect("the transcript can be written");
    }
    let expected = read(TRANSCRIPT);
    let differs = said
        .lines()
        .zip(expected.lines())
        .find(|(said, expected)| said != expected);
    assert!(said == expected, "first difference: {differs:?}\n{said}");
}
