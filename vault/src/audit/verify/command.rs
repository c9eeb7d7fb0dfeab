//! `keyway-vault audit verify`: reads no configuration and no key.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::PathBufValueParser;
use clap::{Arg, ArgGroup, ArgMatches, Command};
use keyway_chassis::run;
use keyway_migrations::{DatabaseAddress, ServerAddress, read_line};
use sea_orm::DbErr;

use super::{Expected, Verdict, database, export};
use crate::audit::json;
use crate::store::StoreError;
use crate::store::checkpoints::CheckpointRow;

/// Exit code of wrong arguments, `EX_USAGE` of sysexits.h.
pub(crate) const EXIT_USAGE: u8 = 64;
/// Exit code of input that can't be read, `EX_NOINPUT`.
const EXIT_UNREADABLE: u8 = 66;
const BROKEN: u8 = 1;
const SHORT: u8 = 2;

/// The command.
pub(crate) fn command() -> Command {
    let file = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name("FILE")
            .value_parser(PathBufValueParser::new())
            .help(help)
    };
    let verify = Command::new("verify")
        .about("Checks the audit trail; needs no configuration, no key and no running vault")
        .arg(file("database", "The vault's SQLite file; a running vault is not disturbed"))
        .arg(file("url-file", "A file with the URL of the vault's PostgreSQL database, one line"))
        .arg(file(
            "export",
            "What AuditService.Export gave, as grpcurl prints it or one row per line; - is standard input",
        ))
        .group(ArgGroup::new("what").required(true).args(["database", "url-file", "export"]))
        .arg(file(
            "checkpoint",
            "Checkpoints kept elsewhere: answers of AuditService.Checkpoint, or the vault's JSON log",
        ))
        .arg(Arg::new("chain").long("chain").value_name("NAME").help(
            "Only this chain, `workspaces/ID` or `system`",
        ))
        .arg(
            Arg::new("public-key")
                .long("public-key")
                .value_name("HEX")
                .value_parser(public_key)
                .help("The pinned key that checkpoints must be signed by; the vault logs it at its start"),
        )
        .after_help(EXIT_CODES);
    Command::new("audit")
        .about("Works on the audit trail")
        .subcommand_required(true)
        .subcommand(verify)
}

const EXIT_CODES: &str = "\
Exit code 0: every chain is whole.
          1: a chain is broken; its first bad row and what is wrong are printed.
          2: no chain is broken, but one ends before a checkpoint or is gone.
          64: the arguments are wrong. 66: the input can't be read.

Without a checkpoint from elsewhere nobody can see that the last rows were cut off, or that
everything was written anew.";

fn public_key(text: &str) -> Result<Vec<u8>, &'static str> {
    let bytes = hex::decode(text).ok().filter(|bytes| bytes.len() == 32);
    bytes.ok_or("accepted: the 64 hex digits of an Ed25519 public key")
}

/// Why nothing could be verified.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifyError {
    #[error("{}: {cause}", path.display())]
    File { path: PathBuf, cause: io::Error },
    #[error("the URL in {} is not accepted: {cause}", path.display())]
    Url { path: PathBuf, cause: String },
    #[error("{} holds no checkpoint", .0.display())]
    NoCheckpoint(PathBuf),
    #[error("not in the form of AuditService's messages: {0}")]
    Form(serde_json::Error),
    #[error("the database can't be read: {0}")]
    Database(#[from] DbErr),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Runs `audit verify`.
pub(crate) fn run(matches: &ArgMatches) -> ExitCode {
    let mut findings = Findings::new(matches.get_one::<String>("chain").is_some());
    match verify(matches, &mut findings) {
        Ok(expected) => findings.conclude(&expected),
        Err(error) => {
            say(
                &mut io::stderr(),
                &format!("keyway-vault: {}", one_line(&error)),
            );
            ExitCode::from(EXIT_UNREADABLE)
        }
    }
}

fn one_line(error: &VerifyError) -> String {
    run::one_line(error).replace(['\n', '\r'], " ")
}

fn verify(matches: &ArgMatches, findings: &mut Findings) -> Result<Expected, VerifyError> {
    let path = |name| matches.get_one::<PathBuf>(name).map(PathBuf::as_path);
    let only = matches.get_one::<String>("chain").map(String::as_str);
    let expected = expected(path("checkpoint"), matches.get_one("public-key"))?;
    if let Some(export) = path("export") {
        if export == Path::new("-") {
            export::check(io::stdin().lock(), &expected, only, findings)?;
        } else {
            export::check(open(export)?, &expected, only, findings)?;
        }
        return Ok(expected);
    }
    let address = address(path("database"), path("url-file"))?;
    run::block_on(database::check(&address, &expected, only, findings))??;
    Ok(expected)
}

fn open(path: &Path) -> Result<File, VerifyError> {
    File::open(path).map_err(|cause| VerifyError::File {
        path: path.to_owned(),
        cause,
    })
}

fn address(file: Option<&Path>, url_file: Option<&Path>) -> Result<DatabaseAddress, VerifyError> {
    if let Some(path) = file {
        open(path)?; // the database's own words for this are obscure
        return Ok(DatabaseAddress::File(path.to_owned()));
    }
    // clap has refused a command line without either.
    let path = url_file.unwrap_or(Path::new(""));
    let url = read_line(path).map_err(|cause| VerifyError::File {
        path: path.to_owned(),
        cause,
    })?;
    let server = ServerAddress::parse(url.expose()).map_err(|cause| VerifyError::Url {
        path: path.to_owned(),
        cause: cause.to_string(),
    })?;
    Ok(DatabaseAddress::Server(server))
}

fn expected(file: Option<&Path>, public_key: Option<&Vec<u8>>) -> Result<Expected, VerifyError> {
    Ok(Expected {
        checkpoints: file.map_or_else(|| Ok(BTreeMap::new()), kept)?,
        public_key: public_key.cloned(),
    })
}

/// The checkpoints of a file, by chain; at least one.
pub(crate) fn kept(path: &Path) -> Result<BTreeMap<String, Vec<CheckpointRow>>, VerifyError> {
    let mut checkpoints: BTreeMap<String, Vec<CheckpointRow>> = BTreeMap::new();
    for value in export::values(open(path)?) {
        if let Some(row) = json::noted(value?).map_err(VerifyError::Form)? {
            checkpoints.entry(row.chain.clone()).or_default().push(row);
        }
    }
    if checkpoints.is_empty() {
        return Err(VerifyError::NoCheckpoint(path.to_owned()));
    }
    Ok(checkpoints)
}

/// What was found so far.
pub(super) struct Findings {
    tell_all: bool,
    shows_progress: bool,
    rows: u64,
    whole: u64,
    broken: u64,
    short: u64,
}

impl Findings {
    fn new(tell_all: bool) -> Self {
        Self {
            tell_all,
            shows_progress: io::stderr().is_terminal(),
            rows: 0,
            whole: 0,
            broken: 0,
            short: 0,
        }
    }

    /// One row more was read.
    pub(super) fn progress(&mut self) {
        self.rows = self.rows.saturating_add(1);
        if self.shows_progress && self.rows.is_multiple_of(100_000) {
            say(&mut io::stderr(), &format!("{} rows read", self.rows));
        }
    }

    /// A chain's verdict.
    pub(super) fn add(&mut self, chain: &str, verdict: Verdict) {
        let count = match verdict {
            Verdict::Whole { .. } => &mut self.whole,
            Verdict::Broken(_) => &mut self.broken,
            Verdict::Short { .. } => &mut self.short,
        };
        *count = count.saturating_add(1);
        if self.tell_all || !matches!(verdict, Verdict::Whole { .. }) {
            let line = format!("{}: {}", chain.escape_debug(), words(verdict));
            say(&mut io::stdout(), &line);
        }
    }

    fn conclude(&self, expected: &Expected) -> ExitCode {
        let Self {
            rows,
            whole,
            broken,
            short,
            ..
        } = self;
        let sum = format!("{rows} rows; chains: {whole} whole, {broken} broken, {short} short");
        say(&mut io::stdout(), &sum);
        if expected.checkpoints.is_empty() {
            let hint =
                "no checkpoint was given: a tail cut off or a chain written anew can't be seen";
            say(&mut io::stderr(), hint);
        }
        ExitCode::from(match (broken, short) {
            (0, 0) => return ExitCode::SUCCESS,
            (0, _) => SHORT,
            _ => BROKEN,
        })
    }
}

fn words(verdict: Verdict) -> String {
    match verdict {
        Verdict::Whole { sequence, covered } => {
            let covered = covered.map_or_else(
                || "covered by no checkpoint".to_owned(),
                |covered| format!("covered by checkpoints up to row {covered}"),
            );
            format!("whole, ends at row {sequence}, {covered}")
        }
        Verdict::Broken(stop) => format!("broken at row {}: {}", stop.sequence, stop.cause),
        Verdict::Short {
            sequence,
            expected,
            restored,
        } => {
            let why = restored.map_or_else(String::new, |at| {
                format!("; row {at} says that a backup was restored")
            });
            format!("short, ends at row {sequence} and a checkpoint names row {expected}{why}")
        }
    }
}

/// Nothing is left to be done where nobody reads.
fn say(out: &mut dyn io::Write, line: &str) {
    drop(writeln!(out, "{line}"));
}
