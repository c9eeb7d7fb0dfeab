//! `keyway-migrate`: brings a database to the schema of this build, or says how far it is.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr};

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
    /// The SQLite file; made if it is not there.
    #[arg(long)]
    database: PathBuf,
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
    #[error("{} can't be opened: {cause}", path.display())]
    Open { path: PathBuf, cause: DbErr },
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
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match command.what {
            Some(What::Status) => status(command).await,
            None => migrate(command).await,
        }
    })
}

async fn migrate(command: &Command) -> Result<(), CommandError> {
    make(&command.database)?;
    let _lock = DatabaseLock::take(&command.database)?;
    let database = open(&command.database, "rw").await?;
    match command.which {
        Which::Vault => vault::migrate(&database).await?,
        Which::Router => router::migrate(&database).await?,
    }
    let closed = database.close().await;
    closed.map_err(|cause| CommandError::Open {
        path: command.database.clone(),
        cause,
    })
}

async fn status(command: &Command) -> Result<(), CommandError> {
    let database = open(&command.database, "ro").await?;
    let (known, applied) = match command.which {
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

async fn open(path: &Path, mode: &str) -> Result<DatabaseConnection, CommandError> {
    let mut options = ConnectOptions::new(format!("sqlite://{}?mode={mode}", path.display()));
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options)
        .await
        .map_err(|cause| CommandError::Open {
            path: path.to_owned(),
            cause,
        })
}
