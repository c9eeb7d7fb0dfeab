use std::ffi::OsString;

use super::*;
use crate::config::check_every_setting;

const ABOUT: About = About {
    service: "router",
    binary: "keyway-router",
    help: "Runs the calls of a platform.",
    conditions: &[],
};

#[test]
fn every_common_setting_refuses_what_it_must_from_every_source() {
    check_every_setting::<Common>("router");
}

fn options(arguments: &[&str]) -> Result<Options, clap::Error> {
    let arguments = std::iter::once("keyway-router").chain(arguments.iter().copied());
    let matches = command(&ABOUT).try_get_matches_from(arguments.map(OsString::from))?;
    Ok(Options::from_matches(&matches))
}

#[test]
fn the_command_line_is_read() {
    let options = options(&[
        "--set",
        "log.level=debug",
        "--set",
        "a.b=c=d",
        "--parent-stdin",
    ]);
    let options = options.unwrap();
    let pair = |path: &str, value: &str| (path.to_owned(), value.to_owned());
    assert_eq!(
        options.set,
        [pair("log.level", "debug"), pair("a.b", "c=d")]
    );
    assert!(options.parent_stdin && !options.check_config);
}

#[test]
fn a_flag_that_is_not_a_pair_or_not_known_is_refused() {
    assert!(options(&["--set", "log.level"]).is_err());
    assert!(options(&["--verbose"]).is_err());
    command(&ABOUT).debug_assert();
}

#[test]
fn a_subcommand_sees_the_configuration_of_its_service() {
    let command = command(&ABOUT).subcommand(clap::Command::new("bootstrap"));
    let line = ["keyway-router", "bootstrap", "--set", "log.level=debug"];
    let matches = command.try_get_matches_from(line).unwrap();
    let (name, matches) = matches.subcommand().unwrap();
    assert_eq!(name, "bootstrap");
    assert_eq!(Options::from_matches(matches).set.len(), 1);
}

#[test]
fn an_error_and_its_causes_are_one_line() {
    let source = std::io::Error::other("disk full");
    let error = serve::ServeError::Bind {
        address: ([127, 0, 0, 1], 1).into(),
        source,
    };
    assert_eq!(one_line(&error), "can't listen on 127.0.0.1:1: disk full");
}

#[test]
fn a_process_leaves_no_core_and_lets_no_debugger_of_its_user_in() {
    forbid_core_dumps().unwrap();
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let words: Vec<&str> = core.unwrap().split_whitespace().collect();
    assert_eq!(words.get(4..6), Some(&["0", "0"][..]));
    let dumpable = rustix::process::dumpable_behavior().unwrap();
    assert_eq!(dumpable, DumpableBehavior::NotDumpable);
}
