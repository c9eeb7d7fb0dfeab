//! `keyway-migrate`: brings a database to the schema of this build, or says how far it is.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, ValueEnum};
use keyway_words::Secret;
use sea_orm::{DatabaseConnection, DbErr};

use crate::address::{AddressError, DatabaseAddress, ServerAddress};
use crate::schema;
use crate::{DatabaseLock, LockError, SchemaError, router, vault};

/// Brings a database to the schema of this build.
#[derive(Debug, Parser)]
#[command(name = "keyway-migrate", version)]
struct Command {
    /// Which database it is.
    which: Which,
    /// `status` changes nothing and lists the steps.
    #[arg(value_enum)]
    what: Option<What>,
    #[command(flatten)]
    place: Place,
    /// A file with the password of the PostgreSQL user, one line.
    #[arg(long, value_name = "FILE", conflicts_with = "database")]
    password_file: Option<PathBuf>,
}

/// Exactly one of them.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Place {
    /// The SQLite file; made if it is not there.
    #[arg(long, value_name = "FILE")]
    database: Option<PathBuf>,
    /// A PostgreSQL database. Leave the password out here: other users of this machine see it.
    #[arg(long)]
    url: Option<String>,
    /// A file with the URL of a PostgreSQL database, one line.
    #[arg(long, value_name = "FILE")]
    url_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Which {
    Vault,
    Router,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum What {
    Status,
}

#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Schema(#[from] SchemaError),
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("{address} can't be opened: {cause}")]
    Open {
        address: DatabaseAddress,
        cause: DbErr,
    },
    #[error("{} can't be read: {cause}", path.display())]
    Read { path: PathBuf, cause: io::Error },
    #[error("{} can't be made: {cause}", path.display())]
    Make { path: PathBuf, cause: io::Error },
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Runs the command. Exit code 0: done; 1: it failed, and the reason stands on standard error;
/// 2: the arguments are wrong.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command = match Command::try_parse_from(arguments) {
        Ok(command) => command,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            return if error.print().is_ok() {
                ExitCode::from(code)
            } else {
                ExitCode::FAILURE
            };
        }
    };
    match execute(&command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let told = writeln!(io::stderr(), "keyway-migrate: {error}");
            drop(told); // nowhere left to say it
            ExitCode::FAILURE
        }
    }
}

fn execute(command: &Command) -> Result<(), CommandError> {
    let address = address(command)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match command.what {
            Some(What::Status) => status(command.which, address).await,
            None => migrate(command.which, address).await,
        }
    })
}

fn address(command: &Command) -> Result<DatabaseAddress, CommandError> {
    if let Some(path) = &command.place.database {
        return Ok(DatabaseAddress::File(path.clone()));
    }
    let url = match (&command.place.url, &command.place.url_file) {
        (_, Some(file)) => line(file)?,
        (url, None) => Secret::new(url.clone().unwrap_or_default()),
    };
    let server = ServerAddress::parse(url.expose())?;
    Ok(DatabaseAddress::Server(match &command.password_file {
        Some(file) => server.with_password(&line(file)?),
        None => server,
    }))
}

/// The one line of a file.
fn line(path: &Path) -> Result<Secret, CommandError> {
    crate::address::read_line(path).map_err(|cause| CommandError::Read {
        path: path.to_owned(),
        cause,
    })
}

async fn migrate(which: Which, address: DatabaseAddress) -> Result<(), CommandError> {
    let _lock = match &address {
        DatabaseAddress::File(path) => {
            make(path)?;
            Some(DatabaseLock::take(path)?)
        }
        DatabaseAddress::Server(_) => None, // it locks by itself
    };
    let database = open(&address, "rw").await?;
    match which {
        Which::Vault => vault::migrate(&database).await?,
        Which::Router => router::migrate(&database).await?,
    }
    let closed = database.close().await;
    closed.map_err(|cause| CommandError::Open { address, cause })
}

async fn status(which: Which, address: DatabaseAddress) -> Result<(), CommandError> {
    let database = open(&address, "ro").await?;
    let (known, applied) = match which {
        Which::Vault => (
            schema::known::<vault::Vault>(),
            schema::applied::<vault::Vault>(&database).await?,
        ),
        Which::Router => (
            schema::known::<router::Router>(),
            schema::applied::<router::Router>(&database).await?,
        ),
    };
    let mut out = io::stdout().lock();
    for step in &known {
        let state = if applied.contains(step) {
            "applied"
        } else {
            "pending"
        };
        writeln!(out, "{state} {step}")?;
    }
    for step in applied.iter().filter(|step| !known.contains(step)) {
        writeln!(out, "unknown {step}")?;
    }
    Ok(())
}

/// Makes an empty file for its owner alone: SQLite would make it readable to others.
fn make(path: &Path) -> Result<(), CommandError> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(|cause| CommandError::Make {
            path: path.to_owned(),
            cause,
        })
}

async fn open(address: &DatabaseAddress, mode: &str) -> Result<DatabaseConnection, CommandError> {
    let opened = address.open(mode, CONNECT_BOUND).await;
    opened.map_err(|cause| CommandError::Open {
        address: address.clone(),
        cause,
    })
}

const CONNECT_BOUND: Duration = Duration::from_secs(10);
