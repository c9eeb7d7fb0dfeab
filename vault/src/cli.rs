//! The command line: the server, and the commands that come before it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::builder::PathBufValueParser;
use clap::{Arg, ArgMatches, Command};
use keyway_chassis::clock::SystemClock;
use keyway_chassis::run::{self, About, Common, Options};
use keyway_migrations::{DatabaseAddress, DatabaseLock};

use crate::audit::verify::command as verify;
use crate::conditions::CONDITIONS;
use crate::master_key;
use crate::restore::Restored;
use crate::router_token;
use crate::settings::Settings;
use crate::{app, bootstrap, restore, start};

const ABOUT: About = About {
    service: "vault",
    binary: "keyway-vault",
    help: "Owns encrypted provider keys, who may manage them, and the record of who did what",
    conditions: CONDITIONS,
};

/// Runs `keyway-vault`; the first argument is the name of the program.
///
/// Exit code 0: stopped in order, or the command did its work; 1: it failed; 2: wrong arguments;
/// 78: the configuration or the master key is wrong. The reason is one line on standard error.
/// `audit verify` has its own codes, which its `--help` shows.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let of_audit = arguments.get(1).is_some_and(|word| word == "audit");
    let matches = match command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) if of_audit && error.use_stderr() => {
            let _usual = run::usage(&error); // its 2 means something else here
            return ExitCode::from(verify::EXIT_USAGE);
        }
        Err(error) => return run::usage(&error),
    };
    match matches.subcommand() {
        Some(("audit", matches)) => matches
            .subcommand_matches("verify")
            .map_or(ExitCode::FAILURE, verify::run),
        Some(("new-master-key", matches)) => new_master_key(matches),
        Some(("master-key-id", matches)) => master_key_id(matches),
        Some(("new-router-token", matches)) => new_router_token(matches),
        #[cfg(feature = "pkcs11")]
        Some(("new-token-key", matches)) => new_token_key(matches),
        Some(("restore", matches)) => restored(matches),
        Some((_bootstrap, matches)) => first_operator(matches),
        None => serve(&Options::from_matches(&matches)),
    }
}

fn command() -> Command {
    let file = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("FILE")
            .required(true)
            .value_parser(PathBufValueParser::new())
            .help(help)
    };
    let out = |help| file("out", help);
    let key = Command::new("new-master-key")
        .about("Makes a master key: a vault's first one, or the next generation")
        .arg(out(
            "The new file, readable by its owner alone; never written over",
        ));
    let id = Command::new("master-key-id")
        .about("Prints the public id of the master key in a file, as SealService.Status shows it")
        .arg(file("file", "A master key file"));
    let router = Command::new("new-router-token")
        .about("Makes a router's token and prints its entry for the setting `routers`, which holds its hash alone")
        .arg(
            Arg::new("name")
                .long("name")
                .value_name("NAME")
                .required(true)
                .help("What the router is called in logs and the audit trail"),
        )
        .arg(out("The new file for the token, readable by its owner alone; the router's vault.token_file"));
    let bootstrap = Command::new("bootstrap")
        .about("Makes the first operator's token, only while there is no operator")
        .arg(out(
            "The new file for the token, readable by its owner alone; - is standard output, if that is no terminal",
        ));
    let restore = Command::new("restore")
        .about("Tells routers and the audit trail that a backup took the place of the database")
        .arg(file("checkpoint", CHECKPOINT).required(false));
    let program = run::command(&ABOUT);
    #[cfg(feature = "pkcs11")]
    let program = program.subcommand(
        Command::new("new-token-key")
            .about(
                "Makes a master key in the token that the settings name, and prints its public id",
            )
            .arg(
                Arg::new("label")
                    .long("label")
                    .value_name("LABEL")
                    .required(true)
                    .help("Its label; a key with this label is never written over"),
            ),
    );
    program
        .subcommand(key)
        .subcommand(id)
        .subcommand(router)
        .subcommand(bootstrap)
        .subcommand(verify::command())
        .subcommand(restore)
}

fn serve(options: &Options) -> ExitCode {
    run::start(&ABOUT, options, app::build)
}

fn new_master_key(matches: &ArgMatches) -> ExitCode {
    match master_key::create_file(&path(matches, "out")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => run::fail(&ABOUT, &error.to_string()),
    }
}

fn master_key_id(matches: &ArgMatches) -> ExitCode {
    match master_key::id_of_file(&path(matches, "file")) {
        Ok(id) => run::say(&format!("{id}\n")),
        Err(error) => run::fail(&ABOUT, &error.to_string()),
    }
}

fn new_router_token(matches: &ArgMatches) -> ExitCode {
    let name = matches.get_one::<String>("name").cloned();
    match router_token::create_file(&name.unwrap_or_default(), &path(matches, "out")) {
        Ok(entry) => run::say(&format!("{entry}\n")),
        Err(error) => run::fail(&ABOUT, &error.to_string()),
    }
}

#[cfg(feature = "pkcs11")]
fn new_token_key(matches: &ArgMatches) -> ExitCode {
    let options = Options::from_matches(matches);
    let (_common, settings) = match options.load::<(Common, Settings)>(&ABOUT) {
        Ok(loaded) => loaded,
        Err(error) => return run::config_error(&ABOUT, &error),
    };
    let Some(token) = settings.master_key.token else {
        return run::fail(&ABOUT, "master_key.pkcs11.module is not set");
    };
    let label = matches.get_one::<String>("label").cloned();
    match crate::keyring::make_key(token, &label.unwrap_or_default()) {
        Ok(id) => run::say(&format!("{id}\n")),
        Err(error @ crate::keyring::WrapError::Misconfigured(_)) => {
            run::refuse(&ABOUT, &run::Misconfigured(error.to_string()))
        }
        Err(error) => run::fail(&ABOUT, &error.to_string()),
    }
}

fn first_operator(matches: &ArgMatches) -> ExitCode {
    let options = Options::from_matches(matches);
    let (_common, settings) = match options.load::<(Common, Settings)>(&ABOUT) {
        Ok(loaded) => loaded,
        Err(error) => return run::config_error(&ABOUT, &error),
    };
    let out = path(matches, "out");
    let made = run::block_on(async {
        let clock = Arc::new(SystemClock);
        let (store, keyring) = app::open(&settings, clock).await?;
        bootstrap::bootstrap(&store, &keyring, &out).await?;
        store.close().await?;
        Ok::<(), run::StartError>(())
    });
    match made {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => run::refuse(&ABOUT, error.as_ref()),
        Err(error) => run::fail(&ABOUT, &error.to_string()),
    }
}

fn restored(matches: &ArgMatches) -> ExitCode {
    let options = Options::from_matches(matches);
    let (_common, settings) = match options.load::<(Common, Settings)>(&ABOUT) {
        Ok(loaded) => loaded,
        Err(error) => return run::config_error(&ABOUT, &error),
    };
    let checkpoint = matches.get_one::<PathBuf>("checkpoint");
    let done = run::block_on(async {
        let kept = checkpoint.map_or_else(|| Ok(BTreeMap::new()), |path| verify::kept(path))?;
        let _lock = match &settings.database.address {
            DatabaseAddress::File(path) => Some(DatabaseLock::take(path)?),
            DatabaseAddress::Server(_) => None, // its connections are counted
        };
        restore::check(&start::address(&settings.database)?).await?;
        let (store, keyring) = app::open(&settings, Arc::new(SystemClock)).await?;
        let restored = restore::restore(&store, &keyring, &kept).await?;
        store.close().await?;
        Ok::<_, run::StartError>(restored)
    });
    match done {
        Ok(Ok(Restored {
            epoch,
            chains,
            missing,
        })) => run::say(&format!(
            "the epoch is {epoch} now; {chains} chains say so; {missing} rows are known to be missing\n\
             repeat what was revoked, deleted or disabled since the backup\n"
        )),
        Ok(Err(error)) => run::refuse(&ABOUT, error.as_ref()),
        Err(error) => run::fail(&ABOUT, &error.to_string()),
    }
}

const CHECKPOINT: &str = "Checkpoints kept since the backup: they tell how many rows are missing";

fn path(matches: &ArgMatches, name: &str) -> PathBuf {
    // clap has refused a command line without it.
    matches
        .get_one::<PathBuf>(name)
        .cloned()
        .unwrap_or_default()
}
