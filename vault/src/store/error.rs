//! What can go wrong with the database, and what a caller learns of it.

use std::time::Duration;

use keyway_proto::{Fault, Reason};
use sea_orm::{DbErr, RuntimeErr, sqlx};

/// The database could not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// What the database said.
    #[error("the vault's database: {0}")]
    Database(#[from] DbErr),
    /// Its server did not answer the one before, and no turn was free to try again.
    #[error("the vault's database: its server does not answer")]
    Away,
    /// Its turn did not come.
    #[error("the vault's database: waited too long for a turn")]
    NoTurn,
    /// A row holds what no vault writes.
    #[error("the vault's database holds a damaged {what}")]
    Damaged {
        /// Which row, without its content.
        what: String,
    },
    /// Somebody reads an old state, so the write-ahead log can't be emptied now.
    #[error("the write-ahead log is in use and can't be emptied yet")]
    LogInUse,
    /// Another process has retired the master key that this one wraps with.
    #[error("the master key {0} is retired or unknown and must not wrap")]
    MasterKeyRetired(String),
    /// The audit row could not be written.
    #[error("the audit trail can't be written: {0}")]
    Audit(DbErr),
}

impl StoreError {
    /// Whether nobody answered; a server that refuses is there.
    pub(super) fn is_silence(&self) -> bool {
        match self {
            Self::Away => true,
            Self::Database(error) => said(error).is_none(),
            _ => false,
        }
    }

    /// Where the database itself says that it could not commit, the audit row is not there and
    /// nothing else is. Where it fell silent, nobody knows.
    pub(super) fn not_committed(error: DbErr) -> Self {
        if said(&error).is_some() {
            Self::Audit(error)
        } else {
            Self::Database(error)
        }
    }

    /// On SQLite one process writes at a time: whoever keeps the one writer from beginning is a
    /// stranger, and keeps the record from being written.
    pub(super) fn not_begun(self, is_away: bool) -> Self {
        match self {
            Self::NoTurn if is_away => {
                Self::Audit(DbErr::Custom("those before it are refused".to_owned()))
            }
            Self::Database(error) if said(&error).is_some() => Self::Audit(error),
            other => other,
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        // The caller gets the cause; the database's own words are for the log.
        tracing::error!(%error, "database failed");
        let retry = Duration::from_secs(1);
        match error {
            StoreError::NoTurn => overloaded(),
            StoreError::Database(error) if is_held(&error) => overloaded(),
            StoreError::Database(_) | StoreError::Away | StoreError::LogInUse => Self::new(
                Reason::VaultUnavailable,
                "the vault's database does not answer",
            )
            .retry_after(retry),
            StoreError::Damaged { what } => Self::new(
                Reason::Internal,
                format!("the vault's database holds a damaged {what}; restore it from a backup"),
            ),
            StoreError::MasterKeyRetired(_) => Self::new(
                Reason::VaultUnavailable,
                "the vault's master key was retired; it takes the newer one",
            )
            .retry_after(retry),
            StoreError::Audit(_) => Self::new(
                Reason::AuditUnavailable,
                "the audit trail can't be written, so nothing was done",
            )
            .retry_after(retry),
        }
    }
}

fn overloaded() -> Fault {
    Fault::new(
        Reason::Overloaded,
        "the vault has more to write than it can",
    )
    .retry_after(Duration::from_secs(1))
}

/// Whether somebody else held what was waited for until the bound was over.
fn is_held(error: &DbErr) -> bool {
    let code = said(error).and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| HELD.contains(&&*code))
}

/// What the database itself answered; `None` where it did not answer.
fn said(error: &DbErr) -> Option<&dyn sqlx::error::DatabaseError> {
    let (DbErr::Conn(RuntimeErr::SqlxError(cause))
    | DbErr::Exec(RuntimeErr::SqlxError(cause))
    | DbErr::Query(RuntimeErr::SqlxError(cause))) = error
    else {
        return None;
    };
    match &**cause {
        sqlx::Error::Database(said) => Some(&**said),
        _ => None,
    }
}

/// PostgreSQL's lock timeout and deadlock; SQLite's busy and locked.
const HELD: [&str; 4] = ["55P03", "40P01", "5", "6"];
