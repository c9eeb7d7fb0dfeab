//! The command line: the server, and the two commands that come before it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::builder::PathBufValueParser;
use clap::{Arg, ArgMatches, Command};
use keyway_chassis::clock::SystemClock;
use keyway_chassis::run::{self, About, Common, EXIT_CONFIG, Options};

use crate::master_key::{self, MasterKeyError};
use crate::settings::Settings;
use crate::{app, bootstrap, start};

const ABOUT: About = About {
    service: "vault",
    binary: "keyway-vault",
    help: "Owns encrypted provider keys, who may manage them, and the record of who did what",
};

/// Runs `keyway-vault`; the first argument is the name of the program.
///
/// Exit code 0: stopped in order, or the command did its work; 1: it failed; 2: wrong arguments;
/// 78: the configuration or the master key is wrong. The reason is one line on standard error.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let matches = match command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return run::usage(&error),
    };
    match matches.subcommand() {
        Some(("new-master-key", matches)) => new_master_key(matches),
        Some((_bootstrap, matches)) => first_operator(matches),
        None => serve(&Options::from_matches(&matches)),
    }
}

fn command() -> Command {
    let out = |help: &'static str| {
        Arg::new("out")
            .long("out")
            .value_name("FILE")
            .required(true)
            .value_parser(PathBufValueParser::new())
            .help(help)
    };
    let key = Command::new("new-master-key")
        .about("Makes a master key, for a vault that has never stored anything")
        .arg(out(
            "The new file, readable by its owner alone; never written over",
        ));
    let bootstrap = Command::new("bootstrap")
        .about("Makes the first operator's token, only while there is no operator")
        .arg(out(
            "The new file for the token, readable by its owner alone",
        ));
    run::command(&ABOUT).subcommand(key).subcommand(bootstrap)
}

fn serve(options: &Options) -> ExitCode {
    if options.check_config || options.settings {
        return run::start(&ABOUT, options, |_settings: Settings, _parts| async {
            Ok(())
        });
    }
    let (_common, settings) = match options.load::<(Common, Settings)>(&ABOUT) {
        Ok(loaded) => loaded,
        Err(error) => return run::config_error(&ABOUT, &error),
    };
    let master = match master_key::read_file(&settings.master_key) {
        Ok(master) => master,
        Err(error) => return key_error(&error),
    };
    run::start(&ABOUT, options, |settings, parts| {
        app::build(settings, master, parts)
    })
}

fn new_master_key(matches: &ArgMatches) -> ExitCode {
    match master_key::create_file(&out(matches)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => run::fail(&ABOUT, &error.to_string()),
    }
}

fn first_operator(matches: &ArgMatches) -> ExitCode {
    let options = Options::from_matches(matches);
    let (_common, settings) = match options.load::<(Common, Settings)>(&ABOUT) {
        Ok(loaded) => loaded,
        Err(error) => return run::config_error(&ABOUT, &error),
    };
    let master = match master_key::read_file(&settings.master_key) {
        Ok(master) => master,
        Err(error) => return key_error(&error),
    };
    let out = out(matches);
    let made = run::block_on(async {
        let clock = Arc::new(SystemClock);
        let (store, keyring) = start::open(&settings.database, master, clock).await?;
        bootstrap::bootstrap(&store, &keyring, &out).await?;
        store.close().await?;
        Ok::<(), run::StartError>(())
    });
    match made {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => run::fail(&ABOUT, &run::one_line(error.as_ref())),
        Err(error) => run::fail(&ABOUT, &error.to_string()),
    }
}

fn key_error(error: &MasterKeyError) -> ExitCode {
    // The same line and place as every failure; only the code says that it is configuration.
    let _failure = run::fail(&ABOUT, &error.to_string());
    ExitCode::from(EXIT_CONFIG)
}

fn out(matches: &ArgMatches) -> PathBuf {
    // clap has refused a command line without it.
    matches
        .get_one::<PathBuf>("out")
        .cloned()
        .unwrap_or_default()
}
