//! Why the ledger refuses, by cause.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use keyway_migrations::{LockError, NotReady, SchemaError};
use keyway_proto::{Fault, Reason};
use sea_orm::DbErr;

/// Why the ledger refuses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// Another process has the database.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// There is no database file.
    #[error("{path} is not there; run `keyway-migrate router --database {path}`", path = .0.display())]
    NoDatabase(PathBuf),
    /// The file with the database's password can't be read.
    #[error("ledger.password_file {path} can't be read: {cause}", path = path.display())]
    Password {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The schema is not this build's.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The database can't be read or written.
    #[error("the ledger database can't be used: {0}")]
    Database(#[from] DbErr),
    /// The database syncs less than it must.
    #[error("the ledger database has {setting} = {found}, but must have {required}")]
    NotDurable {
        /// The setting of the live connection.
        setting: &'static str,
        /// What the connection says.
        found: String,
        /// What it must say.
        required: &'static str,
    },
    /// The ledger is known not to take writes.
    #[error("the ledger can't be written; no call is made until it can")]
    Unavailable,
    /// Every settlement slot is taken.
    #[error("too many attempts are open")]
    Overloaded,
    /// The ledger is stopping.
    #[error("the router is stopping")]
    Stopping,
    /// A call with this request id is open or completed.
    #[error("a call with this request id is open or completed: {first_call_id}")]
    RequestRepeated {
        /// The first call with it.
        first_call_id: String,
    },
    /// A cursor or page token is not one of this stream.
    #[error("the text is no cursor of this stream")]
    CursorInvalid,
    /// What follows a cursor is no longer kept.
    #[error(
        "what follows this cursor is no longer kept; without a cursor a consumer of another name, or none, starts at the first event that is"
    )]
    CursorExpired,
    /// An answer would be made of too much.
    #[error("there is too much to sum up in one answer")]
    TooMuch,
    /// A stored event can't be read.
    #[error("a stored event can't be decoded")]
    EventUnreadable,
}

impl From<NotReady> for LedgerError {
    fn from(error: NotReady) -> Self {
        match error {
            NotReady::NoFile(path) => Self::NoDatabase(path),
            NotReady::Password { path, cause } => Self::Password { path, cause },
        }
    }
}

impl LedgerError {
    /// Whether the database does not answer: it may be there later.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Schema(error) if error.is_away())
    }
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Self {
        let unavailable = || {
            Self::new(
                Reason::LedgerUnavailable,
                "the ledger can't be written or read",
            )
            .retry_after(Duration::from_secs(1))
        };
        match error {
            LedgerError::Schema(ref schema) if schema.is_away() => unavailable(),
            LedgerError::Schema(_) => Self::new(Reason::MigrationPending, error.to_string())
                .retry_after(Duration::from_secs(1)),
            // What the database says stays in the log: it may name paths.
            LedgerError::Locked(_)
            | LedgerError::NoDatabase(_)
            | LedgerError::Password { .. }
            | LedgerError::Database(_)
            | LedgerError::NotDurable { .. } => unavailable(),
            LedgerError::Unavailable => Self::new(Reason::LedgerUnavailable, error.to_string())
                .retry_after(Duration::from_secs(1)),
            LedgerError::Overloaded => {
                Self::new(Reason::Overloaded, error.to_string()).retry_after(Duration::from_secs(1))
            }
            LedgerError::Stopping => {
                Self::new(Reason::Draining, error.to_string()).retry_after(Duration::from_secs(1))
            }
            LedgerError::RequestRepeated { ref first_call_id } => {
                Self::new(Reason::RequestRepeated, error.to_string())
                    .at_field("request_id")
                    .with("call_id", first_call_id)
            }
            LedgerError::CursorInvalid => Self::field(
                "cursor",
                "must be a cursor that this stream gave, unchanged",
            ),
            LedgerError::CursorExpired => Self::new(Reason::CursorExpired, error.to_string()),
            LedgerError::TooMuch => Self::field(
                "from_time",
                "must leave less to sum up: a shorter time, a filter, or fewer parts",
            ),
            LedgerError::EventUnreadable => {
                Self::new(Reason::Internal, "a stored usage event can't be decoded")
            }
        }
    }
}
