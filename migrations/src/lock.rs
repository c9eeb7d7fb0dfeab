//! One process per SQLite file: the service holds this lock while it runs, a migration while it
//! changes the schema.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// An exclusive lock on `{database}.lock`, held until dropped; the operating system releases it
/// when the process dies.
#[derive(Debug)]
pub struct DatabaseLock {
    _file: File,
}

/// The lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("{} is in use by another process; stop that one first", .0.display())]
    Held(PathBuf),
    /// The lock file can't be opened.
    #[error("{} can't be locked: {cause}", path.display())]
    Unusable {
        /// The lock file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

impl DatabaseLock {
    /// Takes the lock of a database file, or fails at once.
    pub fn take(database: &Path) -> Result<Self, LockError> {
        let mut name = database.as_os_str().to_owned();
        name.push(".lock");
        let path = PathBuf::from(name);
        let unusable = |cause| LockError::Unusable {
            path: path.clone(),
            cause,
        };
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held(database.to_owned())),
            Err(TryLockError::Error(cause)) => Err(unusable(cause)),
        }
    }
}
