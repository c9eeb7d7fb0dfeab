//! The command line that every service has.

use std::path::PathBuf;

use clap::builder::{PathBufValueParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::About;
use crate::config::{ConfigError, Origin, Problem, Settings, load};

/// What stands on the command line.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// `--config FILE`.
    pub config: Option<PathBuf>,
    /// `--set path=value`, in order.
    pub set: Vec<(String, String)>,
    /// `--check-config`.
    pub check_config: bool,
    /// `--settings`.
    pub settings: bool,
    /// `--parent-stdin`.
    pub parent_stdin: bool,
}

/// The command line of a service; add subcommands to it.
pub fn command(about: &About) -> Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .action(ArgAction::SetTrue)
            .help(help)
    };
    let config = Arg::new("config")
        .long("config")
        .value_name("FILE")
        .value_parser(PathBufValueParser::new())
        .global(true)
        .help("Reads settings from this TOML file");
    let set = Arg::new("set")
        .long("set")
        .value_name("PATH=VALUE")
        .action(ArgAction::Append)
        .value_parser(ValueParser::new(pair))
        .global(true)
        .help("Sets one setting; wins over environment and file");
    let parent = "Stops in order when standard input ends, as a child of a launcher";
    Command::new(about.binary)
        .about(about.help)
        .version(env!("CARGO_PKG_VERSION"))
        .args([config, set])
        .arg(flag("check-config", "Checks the configuration and ends"))
        .arg(flag(
            "settings",
            "Prints all settings as a Markdown table and ends",
        ))
        .arg(flag("parent-stdin", parent))
        .after_help(format!(
            "Settings: file < environment (KEYWAY_{}__SECTION__NAME) < --set section.name=value.",
            about.service.to_ascii_uppercase(),
        ))
}

fn pair(text: &str) -> Result<(String, String), &'static str> {
    let (path, value) = text.split_once('=').ok_or("accepted: PATH=VALUE")?;
    Ok((path.trim().to_owned(), value.to_owned()))
}

impl Options {
    /// Reads the matches of [`command`] or of one of its subcommands.
    pub fn from_matches(matches: &ArgMatches) -> Self {
        let flag = |name| matches.try_get_one::<bool>(name).ok().flatten() == Some(&true);
        let set = matches
            .get_many("set")
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        Self {
            config: matches.get_one("config").cloned(),
            set,
            check_config: flag("check-config"),
            settings: flag("settings"),
            parent_stdin: flag("parent-stdin"),
        }
    }

    /// Loads the configuration from file, this process's environment and flags. Subcommands that
    /// need settings load `(Common, T)`, so that the same file is accepted.
    pub fn load<T: Settings>(&self, about: &About) -> Result<T, ConfigError> {
        let prefix = format!("KEYWAY_{}__", about.service.to_ascii_uppercase());
        let mut env = Vec::new();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else {
                continue;
            };
            if !name.starts_with(&prefix) {
                continue;
            }
            let value = value.into_string().map_err(|_bytes| ConfigError {
                path: name.clone(),
                origin: Origin::Variable(name.clone()),
                problem: Problem::Malformed,
                accepted: "UTF-8".to_owned(),
            })?;
            env.push((name, value));
        }
        load(
            about.service,
            self.config.clone(),
            env.into_iter(),
            &self.set,
        )
    }
}
