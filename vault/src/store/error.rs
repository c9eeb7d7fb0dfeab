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

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        // The caller gets the cause; the database's own words are for the log.
        tracing::error!(%error, "database failed");
        let retry = Duration::from_secs(1);
        match error {
            StoreError::NoTurn => overloaded(),
            StoreError::Database(error) if is_held(&error) => overloaded(),
            StoreError::Database(_) | StoreError::LogInUse => Self::new(
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
    let (DbErr::Conn(cause) | DbErr::Exec(cause) | DbErr::Query(cause)) = error else {
        return false;
    };
    let RuntimeErr::SqlxError(cause) = cause else {
        return false;
    };
    let code = match &**cause {
        sqlx::Error::Database(said) => said.code(),
        _ => None,
    };
    code.is_some_and(|code| HELD.contains(&&*code))
}

/// PostgreSQL's lock timeout and deadlock; SQLite's busy and locked.
const HELD: [&str; 4] = ["55P03", "40P01", "5", "6"];
