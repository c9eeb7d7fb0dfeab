//! The tour of the README, exactly as it stands there, run by a shell with the real grpcurl.

use std::fs;

use super::grpcurl::Watched;
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
    let grpcurl = Watched::in_folder(&folder);
    let run = grpcurl.shell(&script()).current_dir(&folder).output().await;
    let run = run.expect("bash");
    let said = masked(&String::from_utf8(run.stdout).expect("text"));

    let argv = grpcurl.argv();
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
