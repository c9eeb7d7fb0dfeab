//! The processes that one binary can be. The launcher re-executes itself with `--as PART`, so that
//! one file on disk is the whole product.

use std::ffi::OsString;
use std::process::ExitCode;

/// One of the processes of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Keeps the keys.
    Vault,
    /// Runs the calls.
    Router,
    /// Stands in for the providers.
    ProviderSim,
    /// Brings both databases to the schema of this build, and ends.
    Migrate,
}

impl Part {
    const ALL: [Self; 4] = [Self::Vault, Self::Router, Self::ProviderSim, Self::Migrate];

    /// The word after `--as`; also names the log file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::Router => "router",
            Self::ProviderSim => "provider-sim",
            Self::Migrate => "migrate",
        }
    }

    /// The part that a command line asks for with `--as PART` as its first argument, and the
    /// arguments of that part. `None`: it asks for the launcher.
    pub(crate) fn requested(args: &[OsString]) -> Option<(Self, Vec<OsString>)> {
        let [program, flag, word, rest @ ..] = args else {
            return None;
        };
        let part = Self::ALL.into_iter().find(|part| word == part.as_str())?;
        let own = std::iter::once(program).chain(rest).cloned().collect();
        (flag == "--as").then_some((part, own))
    }

    /// Becomes the part. `args` begin with the program's name, as in `main`.
    pub(crate) fn run(self, args: Vec<OsString>) -> ExitCode {
        let args = args.into_iter();
        match self {
            Self::Vault => keyway_vault::run(args),
            Self::Router => keyway_router::run(args),
            Self::ProviderSim => provider_sim::run(args),
            Self::Migrate => keyway_migrations::run(args),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<(Part, Vec<OsString>)> {
        Part::requested(&line.split(' ').map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn a_part_gets_the_arguments_behind_its_word() {
        let (part, args) = parse("keyway --as router --config r.toml").unwrap();
        assert_eq!(part, Part::Router);
        assert_eq!(args, ["keyway", "--config", "r.toml"]);
    }

    #[test]
    fn other_command_lines_are_for_the_launcher() {
        for line in [
            "keyway",
            "keyway --state x",
            "keyway --as",
            "keyway --as nothing",
            "keyway x router",
        ] {
            assert!(parse(line).is_none(), "{line}");
        }
    }
}
